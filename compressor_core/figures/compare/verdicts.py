"""A comparison in words and tables: what the numbers allow to be said, and what they do not."""

from __future__ import annotations

from typing import Any, Final

from compressor_core.figures.compare.info import ComparisonInfo, PairInfo

FEW: Final = 100
"""With fewer examples than this, an interval is a rough guide itself."""


def headline(info: ComparisonInfo) -> str:
    """The comparison in one sentence."""
    smaller = [info.teacher.size_mb / side.size_mb for side in info.students]
    faster = [pair.speedup for pair in info.pairs]
    if info.alone:
        return (
            f"The student keeps {info.pairs[0].kept:.1%} of the teacher's accuracy "
            f"({info.student.scores['accuracy']:.1%} against {info.teacher.scores['accuracy']:.1%}) "
            f"and is {_times(smaller[0], 'smaller', 'larger')} and {_times(faster[0], 'faster', 'slower')}."
        )
    kept = [pair.kept for pair in info.pairs]
    return (
        f"The {len(kept)} students keep {min(kept):.1%} to {max(kept):.1%} of the teacher's accuracy and are "
        f"{_range(smaller, 'smaller', 'larger')} and {_range(faster, 'faster', 'slower')}."
    )


def noise_sentence(info: ComparisonInfo, place: int = 0) -> str:
    """What McNemar's test and the interval say of one student's difference in accuracy, in words."""
    pair = info.pairs[place]
    said = _said(info, pair)
    return said if info.alone else f"{pair.title}: {said[0].lower()}{said[1:]}"


def _said(info: ComparisonInfo, pair: PairInfo) -> str:
    counts = (
        f"{pair.only_teacher:,} examples only the teacher gets right, {pair.only_student:,} only the student "
        f"(McNemar's exact test, p {p_text(pair.p)}{'' if info.alone else ' after Holm'})"
    )
    if pair.significant:
        teacher = pair.only_teacher > pair.only_student
        better = f"The {'teacher' if teacher else 'student'} is better by more than noise"
        if pair.loss_interval is None:
            return f"{better}: {counts}."
        low, high = pair.loss_interval if teacher else (-pair.loss_interval[1], -pair.loss_interval[0])
        return f"{better}, by {points(abs(pair.loss))}, 95% interval {low * 100:.1f} to {high * 100:.1f}: {counts}."
    noise = f"The difference in accuracy is within noise: {counts}."
    if pair.loss_interval is None:
        return noise
    low, high = pair.loss_interval
    worst = f"a loss of {points(high)}" if high > 0 else "no loss"
    return (
        f"{noise} That does not show the two to be equal: the student's loss is {points(pair.loss)}, 95% interval "
        f"{low * 100:.1f} to {high * 100:.1f}, so {worst} would fit these {info.examples:,} examples as well."
    )


def caution(info: ComparisonInfo) -> str:
    """Where the intervals say less than they seem to: few examples, or a score that leaves nothing to draw from."""
    said = []
    if info.examples < FEW:
        said.append(
            f"{info.examples:,} examples are few: intervals by bootstrap are too narrow for them, and differences of "
            f"less than {100 / max(info.examples, 1):.0f} points cannot be seen at all."
        )
    certain = [side.title for side in info.sides if side.scores["accuracy"] in (0.0, 1.0)]
    if certain and info.resamples:
        said.append(
            f"An accuracy without a single error, or a single hit ({', '.join(certain)}), has an interval without "
            f"width, since the bootstrap draws what it has seen: up to {points(min(1.0, 3 / info.examples))} more "
            "could be there unseen (the rule of three, 3/n)."
        )
    return " ".join(said)


def student_rows(info: ComparisonInfo) -> list[dict[str, Any]]:
    """One row of a table for each student."""
    rows: list[dict[str, Any]] = []
    for side, pair in zip(info.students, info.pairs, strict=True):
        low, high = pair.loss_interval or (None, None)
        row: dict[str, Any] = {
            "Student": side.title,
            "Accuracy (%)": side.scores["accuracy"] * 100,
            "Loss (points)": pair.loss * 100,
            "95% interval": "–" if low is None or high is None else f"{low * 100:.1f} to {high * 100:.1f}",
            "p (Holm)": p_text(pair.p).removeprefix("= "),
            "Verdict": verdict(pair),
            "Agreement (%)": pair.agreement * 100,
            "Size (MB)": side.size_mb,
            "Median latency (ms)": side.median,
            "Times faster": pair.speedup,
        }
        rows.append(row)
    return rows


def verdict(pair: PairInfo) -> str:
    """The difference to the teacher in three words."""
    if not pair.significant:
        return "within noise"
    return "worse than teacher" if pair.only_teacher > pair.only_student else "better than teacher"


def fidelity_rows(info: ComparisonInfo) -> list[dict[str, Any]]:
    """How close each student is to the teacher, label by label and in probability; empty in older runs."""
    return [
        {
            "Student": pair.title,
            "Same answer (%)": pair.agreement * 100,
            "Mean |Δp| (points)": pair.absolute_difference * 100,
            "KL (nats)": pair.kl,
        }
        for pair in info.pairs
        if pair.kl is not None and pair.absolute_difference is not None
    ]


def points(share: float) -> str:
    """A share in percentage points."""
    return f"{share * 100:.1f} points"


def p_text(value: float) -> str:
    """A p-value with its sign."""
    return f"= {value:.3f}" if value >= 0.001 else "< 0.001"


def _times(value: float, more: str, less: str) -> str:
    return f"{value:.1f}× {more}" if value >= 1 else f"{1 / value:.1f}× {less}"


def _range(values: list[float], more: str, less: str) -> str:
    if min(values) >= 1:
        return f"{min(values):.1f} to {max(values):.1f}× {more}"
    return f"{_times(min(values), more, less)} to {_times(max(values), more, less)}"
