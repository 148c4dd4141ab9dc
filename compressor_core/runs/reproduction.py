"""Measurements next to the paper's numbers: cells of its tables, filled from runs, else from bundled figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from compressor_core.architecture import Architecture
from compressor_core.errors import DAMAGED, CompressorError
from compressor_core.paper import ARCHITECTURES, COLUMNS, DATASET, TEST_EXAMPLES, Column, Encoder, Row
from compressor_core.records import (
    ComparisonSummary,
    DistillSummary,
    Machine,
    ReproductionSummary,
    TeacherSummary,
)
from compressor_core.runs.run import Run
from compressor_core.runs.store import RunStore
from compressor_core.shipped import Shipped, shipped


class Place(NamedTuple):
    """A cell next to a published number: `imported` for the authors' student, otherwise for a model trained here."""

    row: Row
    column: Column
    imported: bool = False


_BUDGET_MB: Mapping[object, Row] = {3.0: Row.STUDENT_3, 25.0: Row.STUDENT_25, 50.0: Row.STUDENT_50}


@dataclass(frozen=True)
class Accuracy:
    """A measured accuracy in per cent, of `correct` among `examples`; `data` is None for the hub's published split."""

    run: Run | None
    """None for a bundled figure."""
    correct: int
    examples: int
    f1: float
    data: str | None
    whole: bool
    """Whether it was measured on as many examples as the paper's number."""
    seeds: tuple[float, ...] = ()
    """Accuracies in per cent of students that differ only in their seed; the figures are those of the median one."""

    @property
    def percent(self) -> float:
        return 100 * self.correct / self.examples

    @property
    def margin(self) -> float:
        """Half width of the 95% interval in percentage points, for random examples (normal approximation)."""
        share = self.correct / self.examples
        return 196 * math.sqrt(share * (1 - share) / self.examples)


@dataclass(frozen=True)
class Latency:
    """A measured median in milliseconds for one query, batch 1, without padding."""

    median: float
    machine: Machine
    teacher: float | None = None
    """Latency of the teacher's shape with random weights, if timed in turns."""


@dataclass(frozen=True)
class Reproduction:
    """Measurements by cell."""

    accuracy: Mapping[Place, Accuracy]
    latency: Mapping[Place, Latency]


def reproduction(store: RunStore, figures: Sequence[Shipped] | None = None) -> Reproduction:
    """Cells filled by the runs of a store, and where there is none by `figures`, by default the bundled ones.

    A student's cell is filled by an import of the published one, or by a distillation from a teacher of this table; a
    teacher's by fine-tuning the paper's pre-trained model on the paper's benchmark; latencies by imports and
    comparisons. Of several runs, those on as many examples as the paper come first, then the newest.
    """
    runs = list(_finished(store, "train-teacher", "reproduce", "distill", "compare"))
    made: dict[str, Place] = {}
    # Teachers first: a student's cell depends on its teacher's.
    for run, summary in sorted(runs, key=lambda pair: pair[0].kind != "train-teacher"):
        with suppress(CompressorError, *DAMAGED):  # a damaged run fills nothing
            if (cell := _cell(run, summary, made)) is not None:
                made[_folder(summary.model)] = cell
    accuracy: dict[Place, Accuracy] = {}
    latency: dict[Place, Latency] = {}
    for run, summary in runs:
        for model, median in _latencies(summary):
            if (cell := made.get(_folder(model))) is not None:
                latency.setdefault(cell, Latency(median, summary.machine))
        if isinstance(summary, ComparisonSummary) or (cell := made.get(_folder(summary.model))) is None:
            continue
        scores = summary if isinstance(summary, ReproductionSummary) else summary.test
        whole = scores.examples == TEST_EXAMPLES[cell.column.task]
        known = accuracy.get(cell)
        if known is None or (whole and not known.whole):
            accuracy[cell] = Accuracy(run, scores.correct, scores.examples, scores.f1, run.config.get("data"), whole)
    for cell, same in _by_cell(shipped() if figures is None else figures).items():
        if cell in accuracy:
            continue
        middle = sorted(same, key=lambda one: one.correct)[len(same) // 2]
        seeds = tuple(100 * one.correct / one.examples for one in same) if len(same) > 1 else ()
        whole = middle.examples == TEST_EXAMPLES[cell.column.task]
        accuracy[cell] = Accuracy(None, middle.correct, middle.examples, middle.f1, middle.data, whole, seeds)
        latency[cell] = Latency(middle.milliseconds, middle.machine, middle.codebert_milliseconds)
    return Reproduction(accuracy, latency)


def _by_cell(figures: Sequence[Shipped]) -> Mapping[Place, list[Shipped]]:
    found: dict[Place, list[Shipped]] = {}
    for one in figures:
        found.setdefault(Place(one.row, one.column, one.imported), []).append(one)
    return found


def teacher_of(store: RunStore, column: Column) -> str | None:
    """Folder of the newest available teacher for a column of the table; None if there is none."""
    for run, summary in _finished(store, "train-teacher"):
        with suppress(CompressorError):
            if _teacher_column(run.settings) == column:
                return str(summary.model)
    return None


def _finished(store: RunStore, *kinds: str) -> Iterator[tuple[Run, Any]]:
    """Finished runs of these kinds with their summaries, newest first."""
    for run in store.list(*kinds):
        with suppress(CompressorError):  # deleted in the meantime
            summary = run.summary()
            if summary is not None and not getattr(summary, "cancelled", False):
                yield run, summary


def _cell(run: Run, summary: Any, made: Mapping[str, Place]) -> Place | None:
    """Cell of the model of a run; `made` has the cells of the teachers."""
    if isinstance(summary, ReproductionSummary):
        column = Column(Encoder(summary.teacher), summary.task)
        return _by_architecture(Architecture.parse(summary.architecture), column, imported=True)
    if isinstance(summary, DistillSummary):
        settings = run.settings
        teacher = made.get(_folder(settings.teacher))
        if teacher is None or teacher.row is not Row.TEACHER or settings.dataset != DATASET[teacher.column.task]:
            return None
        if (student := _BUDGET_MB.get(settings.budget_mb)) is not None:
            return Place(student, teacher.column)
        return _by_architecture(summary.architecture.architecture, teacher.column)
    own = _teacher_column(run.settings) if isinstance(summary, TeacherSummary) else None
    return None if own is None else Place(Row.TEACHER, own)


def _by_architecture(architecture: Architecture, column: Column, *, imported: bool = False) -> Place | None:
    row = next((row for row, published in ARCHITECTURES.items() if published == architecture), None)
    return None if row is None else Place(row, column, imported)


def _latencies(summary: Any) -> list[tuple[str, float]]:
    """Models timed by a run, with their median latency."""
    if isinstance(summary, ComparisonSummary):
        sides = (summary.teacher, *summary.students)
        return [(side.model, side.latency.median) for side in sides if side.latency is not None]
    return [(summary.model, summary.latency.median)] if isinstance(summary, ReproductionSummary) else []


def _teacher_column(settings: Any) -> Column | None:
    """Column of a teacher, if it is one of the paper's, recognised by hub name or a folder of that name."""
    base = Path(settings.base).name
    for column in COLUMNS:
        if base == Path(column.encoder.hub_name).name and settings.dataset == DATASET[column.task]:
            return column
    return None


def _folder(path: str) -> str:
    return str(Path(path))
