"""A comparison for figures and sentences: its summary with the title and look of each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from compressor_core.errors import RunError
from compressor_core.figures import theme
from compressor_core.records import (
    ComparisonSummary,
    Group,
    Interval,
    Record,
    Side,
    StudentSide,
    read_record,
)

SCORES: Final = {"accuracy": "Accuracy", "precision": "Precision", "recall": "Recall", "f1": "F1"}
NOISE: Final = 0.05
"""A difference with at least this p-value is called noise."""
TEMPLATES: Final = (
    "They are made from the same templates as the training functions, so these scores say little about code that "
    "people write: let the models sit the exam."
)
"""Warning about scores on a classroom dataset."""
RECORDED: Final = "The teacher's answers are recorded: its size and its latency are not known here."
_LONGEST_TITLE: Final = 28


@dataclass(frozen=True)
class SideInfo:
    """One model of a comparison."""

    title: str
    look: theme.Look
    found: Side

    @property
    def scores(self) -> list[float]:
        """Scores in the order of `SCORES`."""
        return [getattr(self.found, score) for score in SCORES]

    @property
    def intervals(self) -> list[Interval]:
        """Intervals in the order of `SCORES`."""
        return [getattr(self.found.intervals, score) for score in SCORES]

    @property
    def groups(self) -> dict[str, Group]:
        return {group.name: group for group in self.found.groups}


@dataclass(frozen=True)
class StudentInfo(SideInfo):
    """One student, compared with the teacher."""

    found: StudentSide
    teacher: Side

    @property
    def p(self) -> float:
        """p-value of McNemar's exact test, corrected by Holm's method if there are several students."""
        test = self.found.mcnemar
        return test.p if test.p_adjusted is None else test.p_adjusted

    @property
    def significant(self) -> bool:
        return self.p < NOISE

    @property
    def loss(self) -> float:
        """The teacher's accuracy minus the student's."""
        return self.teacher.accuracy - self.found.accuracy

    @property
    def loss_interval(self) -> Interval:
        return self.found.difference_intervals.accuracy

    @property
    def kept(self) -> float:
        """Share of the teacher's accuracy that the student keeps."""
        return self.found.accuracy / self.teacher.accuracy if self.teacher.accuracy else 0.0


@dataclass(frozen=True)
class ComparisonInfo:
    """A teacher and its students on the same examples."""

    summary: ComparisonSummary
    teacher: SideInfo
    students: tuple[StudentInfo, ...]

    @property
    def sides(self) -> tuple[SideInfo, ...]:
        """The teacher, then the students."""
        return (self.teacher, *self.students)

    @property
    def alone(self) -> bool:
        """Whether there is only one student."""
        return len(self.students) == 1

    @property
    def recorded(self) -> bool:
        """Whether only the teacher's recorded answers are known, not its size and latency."""
        return self.teacher.found.latency is None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of examples, from the largest loss of any student to the largest gain; empty if there are none."""
        teacher, students = self.teacher.groups, [side.groups for side in self.students]

        def gain(kind: str) -> tuple[float, str]:
            return min(groups[kind].accuracy - teacher[kind].accuracy for groups in students), kind

        return tuple(sorted((kind for kind in teacher if all(kind in groups for groups in students)), key=gain))

    @property
    def measured(self) -> str:
        """Sentences on how and where the latency was measured."""
        machine, measurements = self.summary.machine, self.students[0].found.latency.measurements
        return (
            f"Latency: one example at a time (batch size {machine.batch_size}), unpadded, tokenisation apart, after "
            f"a warm-up; the models take turns on the same {self.summary.latency_examples:,} examples, "
            f"{measurements:,} measurements each. {machine.in_words}, {machine.precision}."
        )

    @property
    def data(self) -> str:
        """Sentence on the data that the scores were measured on."""
        split = "the whole file" if self.summary.split == "all" else f"the {self.summary.split} split"
        same = self.summary.dataset.startswith("classroom-")
        return (
            f"Scores: {self.summary.examples:,} examples of {self.summary.dataset}, {split}." + f" {TEMPLATES}" * same
        )


def comparison_info(found: Mapping[str, Any] | Record | None) -> ComparisonInfo:
    """Build the info from the summary of a comparison, or from the result of its run.

    Raises:
        RunError: the result is damaged.
    """
    summary = read_record(found) if isinstance(found, Mapping) else found
    if not isinstance(summary, ComparisonSummary):
        raise RunError("The result of this comparison is damaged: compare the models again.")
    titles = ["Student"] if len(summary.students) == 1 else [_short(side.name) for side in summary.students]
    return ComparisonInfo(
        summary,
        SideInfo("Teacher", theme.OF_TEACHER, summary.teacher),
        tuple(
            StudentInfo(title, look, side, summary.teacher)
            for title, look, side in zip(titles, theme.OF_STUDENTS, summary.students, strict=False)
        ),
    )


def bars(values: Sequence[float], ends: Sequence[Interval], **look: Any) -> dict[str, Any]:
    """Error bars from these values to both ends of their intervals."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, high - value) for value, (_, high) in zip(values, ends, strict=True)],
        "arrayminus": [max(0.0, value - low) for value, (low, _) in zip(values, ends, strict=True)],
        **look,
    }


def _short(title: str) -> str:
    return title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1] + "…"
