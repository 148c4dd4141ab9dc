"""A comparison in numbers: the result of a compare run → `ComparisonInfo`.

`verdicts.py` puts it into words; `scores.py`, `curves.py`, `breakdown.py` and `costs.py` draw it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from compressor_core.errors import DAMAGED, RunError
from compressor_core.figures import theme

SCORES: Final[Mapping[str, str]] = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
}
NOISE: Final = 0.05
"""A difference whose p-value is at least this is called noise."""
_LONGEST_TITLE: Final = 28

Interval = tuple[float, float]
"""Lower and upper end, at the 95% level."""


@dataclass(frozen=True)
class PartInfo:
    """Some of the examples: a kind such as a CWE, a range of lengths, or of confidences."""

    name: str
    examples: int
    accuracy: float
    interval: Interval | None
    confidence: float | None = None
    """Mean of the probabilities of the predicted classes; of ranges of confidence only."""


@dataclass(frozen=True)
class CurvesInfo:
    """Points of the ROC and the precision-recall curve, and the areas below them."""

    auc: float
    average_precision: float
    positives: float
    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]
    recall: tuple[float, ...]
    precision: tuple[float, ...]


@dataclass(frozen=True)
class SideInfo:
    """One of the models. Latencies are in milliseconds; None or empty is "not known"."""

    title: str
    look: theme.Look
    scores: Mapping[str, float]
    intervals: Mapping[str, Interval]
    """Of the scores; empty in a run of an older version."""
    examples: int
    confusion: tuple[tuple[int, int], tuple[int, int]]
    """[gold][predicted]."""
    size_mb: float
    parameters: int
    forward_gflops: float | None
    median: float
    p95: float
    samples: tuple[float, ...]
    ece: float | None
    reliability: tuple[PartInfo, ...]
    curves: CurvesInfo | None
    groups: Mapping[str, PartInfo]
    lengths: tuple[PartInfo, ...]

    @property
    def color(self) -> str:
        return self.look.color


@dataclass(frozen=True)
class PairInfo:
    """What the paired predictions of the teacher and one student tell."""

    title: str
    agreement: float
    speedup: float
    p: float
    """McNemar's exact test; of several students, corrected by Holm's method."""
    only_teacher: int
    only_student: int
    loss: float
    """The teacher's accuracy minus the student's."""
    loss_interval: Interval | None
    kept: float
    """Share of the teacher's accuracy that the student keeps."""
    kl: float | None
    absolute_difference: float | None

    @property
    def significant(self) -> bool:
        return self.p < NOISE


@dataclass(frozen=True)
class ComparisonInfo:
    """A teacher and its students on the same examples."""

    teacher: SideInfo
    students: tuple[SideInfo, ...]
    pairs: tuple[PairInfo, ...]
    """One for each student."""
    examples: int
    measured: str
    """How and where the latency was measured, in one sentence."""
    data: str
    """On what the scores were measured."""
    labels: tuple[str, str]
    resamples: int | None
    """Of the bootstrap; None in a run of an older version, which has no intervals."""

    @property
    def student(self) -> SideInfo:
        """The first."""
        return self.students[0]

    @property
    def sides(self) -> tuple[SideInfo, ...]:
        """The teacher, then the students."""
        return (self.teacher, *self.students)

    @property
    def alone(self) -> bool:
        """Whether there is one student."""
        return len(self.students) == 1

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of examples, from the widest loss of any student to the widest gain; empty if there are none."""

        def gain(kind: str) -> tuple[float, str]:
            accuracy = self.teacher.groups[kind].accuracy
            return min(side.groups[kind].accuracy - accuracy for side in self.students), kind

        known = [kind for kind in self.teacher.groups if all(kind in side.groups for side in self.students)]
        return tuple(sorted(known, key=gain))


def comparison_info(result: Mapping[str, Any]) -> ComparisonInfo:
    """From the result of a compare run; one of an older version has less to show.

    Raises:
        RunError: the result is damaged.
    """
    try:
        return _info(result)
    except DAMAGED as error:
        raise RunError(f"The result of this comparison is damaged ({error!r}): compare the models again.") from error


def _info(result: Mapping[str, Any]) -> ComparisonInfo:
    sides = result.get("students") or [_of_older_version(result)]
    titles = ["Student"] if len(sides) == 1 else [_short(str(side["name"])) for side in sides]
    students = tuple(
        _side(title, look, side) for title, look, side in zip(titles, theme.OF_STUDENTS, sides, strict=False)
    )
    teacher = _side("Teacher", theme.OF_TEACHER, result["teacher"])
    machine = result["machine"]
    threads = f"{machine['threads']} thread{'s' if machine['threads'] != 1 else ''}"
    measured = (
        f"Latency: one example at a time (batch size {machine['batch_size']}), unpadded, tokenisation apart, after a "
        f"warm-up; the models take turns on the same {result['latency_examples']:,} examples, "
        f"{result['teacher']['latency']['measurements']:,} measurements each. "
        f"{machine['processor'] or 'Unknown processor'}, {machine['system']}, {threads}, "
        f"{machine['runtime']}, {machine['precision']}."
    )
    zero, one = result.get("labels") or ("0", "1")
    return ComparisonInfo(
        teacher=teacher,
        students=students,
        pairs=tuple(_pair(teacher, student, side) for student, side in zip(students, sides, strict=False)),
        examples=result["examples"],
        measured=measured,
        data=f"Scores: {result['examples']:,} examples of {result['dataset']}, {_split(result['split'])}.",
        labels=(str(zero), str(one)),
        resamples=(result.get("statistics") or {}).get("resamples"),
    )


def _of_older_version(result: Mapping[str, Any]) -> dict[str, Any]:
    """The one student of a result that has no list of them."""
    shared = {key: result[key] for key in ("agreement", "speedup", "mcnemar")}
    return {"name": "Student", **result["student"], **shared}


def _side(title: str, look: theme.Look, result: Mapping[str, Any]) -> SideInfo:
    latency = result["latency"]
    (a, b), (c, d) = result["confusion"]
    calibration = result.get("calibration") or {"ece": None, "bins": []}
    return SideInfo(
        title=title,
        look=look,
        scores={score: float(result[score]) for score in SCORES},
        intervals={score: _ends(ends) for score, ends in (result.get("intervals") or {}).items()},
        examples=result["examples"],
        confusion=((a, b), (c, d)),
        size_mb=result["size_mb"],
        parameters=result["parameters"],
        forward_gflops=result.get("forward_gflops"),
        median=latency["median"],
        p95=latency["p95"],
        samples=tuple(latency["samples"]),
        ece=calibration["ece"],
        reliability=tuple(_part(f"{one['from']:.0%} to {one['to']:.0%}", one) for one in calibration["bins"]),
        curves=_curves(result.get("curves")),
        groups={one["group"] or "other": _part(one["group"] or "other", one) for one in result.get("groups") or ()},
        lengths=tuple(_part(f"{one['from']:,}–{one['to']:,}", one) for one in result.get("lengths") or ()),
    )


def _part(name: str, one: Mapping[str, Any]) -> PartInfo:
    interval = _ends(one["interval"]) if one.get("interval") else None
    return PartInfo(name, one["examples"], one["accuracy"], interval, one.get("confidence"))


def _curves(values: Mapping[str, Any] | None) -> CurvesInfo | None:
    if values is None:
        return None
    roc, pr = values["roc"], values["pr"]
    return CurvesInfo(
        values["auc"],
        values["average_precision"],
        values["positives"],
        tuple(roc["false_positive_rate"]),
        tuple(roc["true_positive_rate"]),
        tuple(pr["recall"]),
        tuple(pr["precision"]),
    )


def _pair(teacher: SideInfo, student: SideInfo, side: Mapping[str, Any]) -> PairInfo:
    test = side["mcnemar"]
    fidelity = side.get("fidelity") or {}
    best, own = teacher.scores["accuracy"], student.scores["accuracy"]
    ends = (side.get("difference_intervals") or {}).get("accuracy")
    return PairInfo(
        title=student.title,
        agreement=side["agreement"],
        speedup=side["speedup"],
        p=test.get("p_adjusted", test["p"]),
        only_teacher=test["only_first"],
        only_student=test["only_second"],
        loss=best - own,
        loss_interval=_ends(ends) if ends else None,
        kept=own / best if best else 0.0,
        kl=fidelity.get("kl"),
        absolute_difference=fidelity.get("absolute_difference"),
    )


def _ends(values: Sequence[float]) -> Interval:
    low, high = values
    return float(low), float(high)


def _short(title: str) -> str:
    return title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1] + "…"


def _split(split: str) -> str:
    return "the whole file" if split == "all" else f"the {split} split"
