"""A comparison in words and tables: what the numbers support, and what they do not."""

from __future__ import annotations

from typing import Any, Final

from compressor_core.assets import ASSETS
from compressor_core.bundled import model_folder
from compressor_core.figures.compare.info import RECORDED, ComparisonInfo, StudentInfo
from compressor_core.records import Side
from compressor_core.task import Task

FEW: Final = 100
"""Number of examples below which an interval itself is only a rough guide."""


def headline(info: ComparisonInfo) -> str:
    """The comparison in one sentence."""
    teacher = info.teacher.found
    kept = [side.kept for side in info.students]
    if info.recorded:
        who = "The student keeps" if info.alone else f"The {len(kept)} students keep {min(kept):.1%} to"
        return f"{who} {max(kept):.1%} of the teacher's accuracy ({teacher.accuracy:.1%}). {RECORDED}"
    smaller = [(teacher.size_mb or 0.0) / side.found.size_mb for side in info.students]
    faster = [side.found.speedup or 0.0 for side in info.students]
    if info.alone:
        return (
            f"The student keeps {kept[0]:.1%} of the teacher's accuracy "
            f"({info.students[0].found.accuracy:.1%} against {teacher.accuracy:.1%}) "
            f"and is {_times(smaller[0], 'smaller', 'larger')} and {_times(faster[0], 'faster', 'slower')} than "
            f"{teacher_words(teacher)}."
        )
    return (
        f"The {len(kept)} students keep {min(kept):.1%} to {max(kept):.1%} of the teacher's accuracy and are "
        f"{_range(smaller, 'smaller', 'larger')} and {_range(faster, 'faster', 'slower')} than "
        f"{teacher_words(teacher)}."
    )


def teacher_words(teacher: Side) -> str:
    """The teacher by what it is, bundled or trained by a run, or else by the name of its folder, and its size."""
    mb = teacher.size_mb or 0.0
    folder = model_folder(teacher.model)
    if folder.parent == ASSETS / "teachers":
        who = "the bundled teacher"
    else:
        who = "the teacher trained here" if folder.name == "model" else f"the teacher {folder.name}"
    return f"{who} ({mb:.0f} MB)" if mb >= 10 else f"{who} ({mb:.2g} MB)"


def by_hand_sentence(info: ComparisonInfo) -> str:
    """Accuracy on what is written by hand, which no model learned from; empty if not known."""
    known = [(side.title, side.found.written_by_hand) for side in info.sides]
    said = [f"{title} {accuracy:.1%}" for title, accuracy in known if accuracy is not None]
    what = "pairs of functions" if info.summary.task is Task.CLONE else "functions"
    return f"Right on {what} written by hand: {', '.join(said)}." if said else ""


def codebert_sentence(info: ComparisonInfo) -> str:
    """The headline relative to the paper's own teacher; empty if that was not measured."""
    beside, student = info.summary.codebert, info.students[0].found
    if beside is None:
        return ""
    when = f"on the same machine on {beside.date}" if beside.date else "on the same machine and tokens"
    return (
        f"Against a model of CodeBERT's shape ({beside.size_mb:.0f} MB, measured {when}, "
        f"random weights, latency only): {beside.size_mb / student.size_mb:.0f}× smaller, "
        f"{_times(beside.speedup, 'faster', 'slower')}."
    )


def noise_sentence(info: ComparisonInfo, place: int = 0) -> str:
    """McNemar's test and the interval of one student's difference in accuracy, in words."""
    side = info.students[place]
    said = _said(info, side)
    return said if info.alone else f"{side.title}: {said[0].lower()}{said[1:]}"


def _said(info: ComparisonInfo, side: StudentInfo) -> str:
    test, (low, high) = side.found.mcnemar, side.loss_interval
    counts = (
        f"{test.only_first:,} examples only the teacher gets right, {test.only_second:,} only the student "
        f"(McNemar's exact test, p {p_text(side.p)}{'' if info.alone else ' after Holm'})"
    )
    if side.significant:
        teacher = test.only_first > test.only_second
        low, high = (low, high) if teacher else (-high, -low)
        return (
            f"The {'teacher' if teacher else 'student'} is better by more than noise, by {points(abs(side.loss))}, "
            f"95% interval {low * 100:.1f} to {high * 100:.1f}: {counts}."
        )
    worst = f"a loss of {points(high)}" if high > 0 else "no loss"
    return (
        f"The difference in accuracy is within noise: {counts}. That does not show the two to be equal: the student's "
        f"loss is {points(side.loss)}, 95% interval {low * 100:.1f} to {high * 100:.1f}, so {worst} would fit these "
        f"{info.summary.examples:,} examples as well."
    )


def caution(info: ComparisonInfo) -> str:
    """Warning that intervals are unreliable with few examples; empty otherwise."""
    examples = info.summary.examples
    if examples >= FEW:
        return ""
    return (
        f"{examples:,} examples are few: intervals of differences, by bootstrap, are too narrow for them, and "
        f"differences of less than {100 / max(examples, 1):.0f} points cannot be seen at all."
    )


def flips_sentence(info: ComparisonInfo) -> str:
    """How often the answers of each model flip after changes that keep the label; empty if not known."""
    known = [(side.title, side.found.flips, side.found.flips_interval) for side in info.sides]
    said = [
        f"{title} on {flips:.1%} (95% interval {ends[0]:.1%} to {ends[1]:.1%})"
        for title, flips, ends in known
        if flips is not None and ends is not None
    ]
    if not said:
        return ""
    return (
        f"After changes that keep what the code does (other names, quotes, layout, order, helpers), another answer: "
        f"{', '.join(said)} of {info.summary.changed_examples:,} examples."
    )


def student_rows(info: ComparisonInfo) -> list[dict[str, Any]]:
    """One table row per student."""
    return [
        {
            "Student": side.title,
            "Accuracy (%)": side.found.accuracy * 100,
            "Loss (points)": side.loss * 100,
            "95% interval": f"{side.loss_interval[0] * 100:.1f} to {side.loss_interval[1] * 100:.1f}",
            "p (Holm)": p_text(side.p).removeprefix("= "),
            "Verdict": verdict(side),
            "Agreement (%)": side.found.agreement * 100,
            "Flips (%)": _percent(side.found.flips),
            "Teacher's flips (%)": _percent(info.teacher.found.flips),
            "Size (MB)": side.found.size_mb,
            "Median latency (ms)": side.found.latency.median,
            **({} if info.recorded else {"Times faster": side.found.speedup}),
        }
        for side in info.students
    ]


def verdict(side: StudentInfo) -> str:
    """Verdict on the difference to the teacher in at most three words."""
    if not side.significant:
        return "within noise"
    test = side.found.mcnemar
    return "worse than teacher" if test.only_first > test.only_second else "better than teacher"


def fidelity_rows(info: ComparisonInfo) -> list[dict[str, Any]]:
    """How close each student is to the teacher, label by label and in probability."""
    return [
        {
            "Student": side.title,
            "Same answer (%)": side.found.agreement * 100,
            "Mean |Δp| (points)": side.found.fidelity.absolute_difference * 100,
            "KL (nats)": side.found.fidelity.kl,
        }
        for side in info.students
    ]


def points(share: float) -> str:
    """A share in percentage points."""
    return f"{share * 100:.1f} points"


def p_text(value: float) -> str:
    """A p-value with its sign."""
    return f"= {value:.3f}" if value >= 0.001 else "< 0.001"


def _percent(share: float | None) -> float | None:
    return None if share is None else share * 100


def _times(value: float, more: str, less: str) -> str:
    return f"{value:.1f}× {more}" if value >= 1 else f"{1 / value:.1f}× {less}"


def _range(values: list[float], more: str, less: str) -> str:
    if min(values) >= 1:
        return f"{min(values):.1f} to {max(values):.1f}× {more}"
    return f"{_times(min(values), more, less)} to {_times(max(values), more, less)}"
