"""Part of a report that compares teacher and student, from the result of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from compressor_core.figures.compare.breakdown import groups_figure, lengths_figure
from compressor_core.figures.compare.costs import cost_figure, latency_figure
from compressor_core.figures.compare.curves import precision_recall_figure, reliability_figure, roc_figure
from compressor_core.figures.compare.info import SCORES, ComparisonInfo, SideInfo, comparison_info
from compressor_core.figures.compare.scores import confusion_figure, scores_figure
from compressor_core.figures.compare.verdicts import (
    by_hand_sentence,
    caution,
    flips_sentence,
    headline,
    noise_sentence,
)
from compressor_core.report.page import Block, Pair, Picture, Table, Text

Result = Mapping[str, Any]


def comparison_lead(result: Result) -> str:
    """Outcome of the comparison in one sentence."""
    return headline(comparison_info(result))


def compared(result: Result) -> list[Block]:
    """Blocks on scores, cost, latency, confusion, probabilities and kinds: figures with words or tables."""
    info = comparison_info(result)
    student = "student" if info.alone else "students"
    said = [
        f"{noise_sentence(info, place)} They give the same answer on {side.found.agreement:.1%} of the examples."
        for place, side in enumerate(info.students)
    ]
    latency = "; ".join(
        f"{side.title} {side.found.latency.median:.2f} ms" for side in info.sides if side.found.latency is not None
    )
    sentences = by_hand_sentence(info), *said, flips_sentence(info), caution(info), info.data
    blocks: list[Block] = [
        Text(headline(info), finding=True),
        *(Text(sentence) for sentence in sentences if sentence),
        _numbers(info),
        Picture(
            "Scores", scores_figure(info), "Higher is better. Of what a model calls " + _positive(info.summary.labels)
        ),
        *([] if info.recorded else [_cost(info, student)]),
        Picture(
            "Latency",
            latency_figure(info),
            "The share of the measurements within each time: the further left, the faster. Half of them take at most: "
            f"{latency} (diamonds); 95% at the triangles.",
        ),
    ]
    pictures = [_confusion(side, info.summary.labels) for side in info.sides]
    blocks += [Pair(pictures[first : first + 2]) for first in range(0, len(pictures), 2)]
    blocks += _probabilities(info)
    if info.kinds:
        blocks += _groups(info)
    if info.teacher.found.lengths:
        caption = "From the shortest fifth of the examples to the longest, in characters; bars are 95% intervals."
        blocks.append(Picture("Accuracy by length", lengths_figure(info), caption))
    return blocks


def measured(result: Result) -> list[Block]:
    """Blocks on how, and on which machine, the latency was measured."""
    info = comparison_info(result)
    return [
        Text(info.measured),
        Text(
            "Milliseconds hold for this machine at that time and differ on others. Sizes do not depend on the "
            "machine, and scores on the same data hardly do."
        ),
        Table("The machine", [(_words(name), _plain(value)) for name, value in info.summary.machine.plain().items()]),
    ]


def _cost(info: ComparisonInfo, student: str) -> Picture:
    return Picture(
        f"Cost of the {student}",
        cost_figure(info),
        f"What the {student} need{'s' if info.alone else ''} as a share of what the teacher needs, which is the "
        "dashed line at 100%: shorter bars are better.",
    )


def _numbers(info: ComparisonInfo) -> Table:
    sides = info.sides
    latencies = [side.found.latency for side in sides]
    scores = zip(*(side.scores for side in sides), strict=True)
    rows = [(title, *(f"{one:.2%}" for one in values)) for title, values in zip(SCORES.values(), scores, strict=True)]
    rows += [
        ("Answers that flip under change", *(_share(side.found.flips) for side in sides)),
        ("Size of the file", *(_known(side.found.size_mb, ".3f", " MB") for side in sides)),
        ("Parameters", *(_known(side.found.parameters, ",") for side in sides)),
        ("One forward pass", *(_gflops(side.found.forward_gflops) for side in sides)),
        ("Latency, median", *(_known(None if one is None else one.median, ".2f", " ms") for one in latencies)),
        ("Latency, p95", *(_known(None if one is None else one.p95, ".2f", " ms") for one in latencies)),
    ]
    return Table("Side by side; 1 MB is 10⁶ bytes", rows, ("", *(side.title for side in sides)))


def _known(value: float | None, form: str, unit: str = "") -> str:
    """Formatted number; "not known" for a value of a teacher that was not available."""
    return "not known" if value is None else f"{value:{form}}{unit}"


def _positive(labels: Sequence[str]) -> str:
    return (
        f"{labels[1]}, precision is the share that truly is, recall the share of all that truly are and were found, "
        "and F1 their harmonic mean."
    )


def _confusion(side: SideInfo, labels: Sequence[str]) -> Picture:
    cells = [
        f"{side.found.confusion[gold][said]:,} of truth {labels[gold]} predicted {labels[said]}"
        for gold in (0, 1)
        for said in (0, 1)
    ]
    title = f"Confusion matrix: {side.title}"
    return Picture(title, confusion_figure(side, labels), "; ".join(cells) + ".")


def _probabilities(info: ComparisonInfo) -> list[Block]:
    reliability = Picture(
        "Reliability diagram",
        reliability_figure(info),
        "How often each model is right, by its confidence: below the diagonal it is overconfident. ECE is the "
        "expected calibration error, the distance to the diagonal weighted by examples (Guo et al. 2017).",
    )
    ranked = [
        Picture(
            "ROC curve",
            roc_figure(info),
            "True positives against false alarms, at every threshold: further up and to the left is better, the "
            "diagonal is guessing.",
        ),
        Picture(
            "Precision and recall",
            precision_recall_figure(info),
            "How many of the alarms are real for a given share found, at every threshold; the line is guessing.",
        ),
    ]
    return [reliability, Pair(ranked)]


def _groups(info: ComparisonInfo) -> list[Block]:
    rows = [
        (kind, f"{info.teacher.groups[kind].examples:,}", *(f"{side.groups[kind].accuracy:.1%}" for side in info.sides))
        for kind in info.kinds
    ]
    worst = info.kinds[0]
    first = ", ".join(f"{side.title} {side.groups[worst].accuracy:.1%}" for side in info.sides)
    return [
        Picture(
            "Accuracy by kind",
            groups_figure(info),
            f"From the largest loss of a student to the smallest. First is {worst}, with "
            f"{info.teacher.groups[worst].examples:,} examples: {first}.",
        ),
        Table("Accuracy by kind", rows, ("Kind", "Examples", *(side.title for side in info.sides))),
    ]


def _share(value: float | None) -> str:
    return "not known" if value is None else f"{value:.1%}"


def _gflops(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f} GFLOPs"


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _plain(value: Any) -> str:
    return "not known" if value in (None, "") else str(value)
