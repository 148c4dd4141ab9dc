"""The part of a report about teacher and student side by side, from the result of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from compressor_core.figures.comparison import (
    SCORES,
    ComparisonInfo,
    SideInfo,
    comparison_info,
    confusion_figure,
    cost_figure,
    groups_figure,
    headline,
    latency_figure,
    noise_sentence,
    scores_figure,
)
from compressor_core.report.page import Block, Pair, Picture, Table, Text

Result = Mapping[str, Any]


def comparison_lead(result: Result) -> str:
    """The comparison in one sentence."""
    return headline(comparison_info(result))


def compared(result: Result) -> list[Block]:
    """Scores, cost, latency, confusion and kinds, each in figures and in words or a table."""
    info = comparison_info(result)
    labels = tuple(str(label) for label in result["labels"])
    blocks: list[Block] = [
        Text(headline(info), finding=True),
        Text(f"{noise_sentence(info)} They give the same answer on {info.agreement:.1%} of the examples."),
        Text(info.data),
        _numbers(info),
        Picture("Scores", scores_figure(info), "Higher is better. Of what a model calls " + _positive(labels)),
        Picture(
            "Cost of the student",
            cost_figure(info),
            "What the student needs as a share of what the teacher needs, which is the dashed line at 100%: shorter "
            "bars are better.",
        ),
        Picture(
            "Latency",
            latency_figure(info),
            f"The share of the measurements that took at most so long: the further left, the faster. Half of them are "
            f"over within {info.teacher.median:.2f} ms with the teacher and {info.student.median:.2f} ms with the "
            "student (diamonds), 95% at the triangles.",
        ),
        Pair([_confusion(side, labels) for side in (info.teacher, info.student)]),
    ]
    if info.groups:
        blocks += _groups(info)
    return blocks


def measured(result: Result) -> list[Block]:
    """How, and on which machine."""
    return [
        Text(comparison_info(result).measured),
        Text(
            "Milliseconds are those of this machine at that time; another gives others. Sizes do not depend on the "
            "machine, and scores on the same data hardly do."
        ),
        Table("The machine", [(_words(name), _plain(value)) for name, value in result["machine"].items()]),
    ]


def _numbers(info: ComparisonInfo) -> Table:
    sides = (info.teacher, info.student)
    rows = [(title, *(f"{side.scores[name]:.2%}" for side in sides)) for name, title in SCORES.items()]
    rows += [
        ("Size of the file", *(f"{side.size_mb:.3f} MB" for side in sides)),
        ("Parameters", *(f"{side.parameters:,}" for side in sides)),
        ("One forward pass", *(_gflops(side.forward_gflops) for side in sides)),
        ("Latency, median", *(f"{side.median:.2f} ms" for side in sides)),
        ("Latency, p95", *(f"{side.p95:.2f} ms" for side in sides)),
    ]
    return Table("Side by side; 1 MB is 10⁶ bytes", rows, ("", *(side.title for side in sides)))


def _positive(labels: Sequence[str]) -> str:
    return (
        f"{labels[1]}, precision is the share that truly is, recall the share of all that truly are and were found, "
        "and F1 their harmonic mean."
    )


def _confusion(side: SideInfo, labels: Sequence[str]) -> Picture:
    cells = [
        f"{side.confusion[gold][said]:,} of truth {labels[gold]} predicted {labels[said]}"
        for gold in (0, 1)
        for said in (0, 1)
    ]
    title = f"Confusion of the {side.title.lower()}"
    return Picture(title, confusion_figure(side, labels), "; ".join(cells) + ".")


def _groups(info: ComparisonInfo) -> list[Block]:
    rows = [(one.name, f"{one.examples:,}", f"{one.teacher:.1%}", f"{one.student:.1%}") for one in info.groups]
    worst = info.groups[0]
    return [
        Picture(
            "Accuracy by kind",
            groups_figure(info),
            f"From what the student loses most to what it loses least. First is {worst.name}: the teacher is right on "
            f"{worst.teacher:.1%} of {worst.examples:,} examples, the student on {worst.student:.1%}.",
        ),
        Table("Accuracy by kind", rows, ("Kind", "Examples", info.teacher.title, info.student.title)),
    ]


def _gflops(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f} GFLOPs"


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _plain(value: Any) -> str:
    return "not known" if value in (None, "") else str(value)
