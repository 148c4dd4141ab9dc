"""Which runs reproduce which number of the paper: the cells of its tables, filled from runs' results alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

Cell = tuple[Row, Column]
_BUDGET_MB: Mapping[object, Row] = {3.0: Row.STUDENT_3, 25.0: Row.STUDENT_25, 50.0: Row.STUDENT_50}


@dataclass(frozen=True)
class Accuracy:
    """A measured accuracy in per cent, of `correct` among `examples`; `data` is None for the hub's published split."""

    run: Run
    correct: int
    examples: int
    f1: float
    imported: bool
    data: str | None
    whole: bool
    """Whether it was measured on as many examples as the paper's number."""

    @property
    def percent(self) -> float:
        return 100 * self.correct / self.examples

    @property
    def margin(self) -> float:
        """Half of the 95% interval in percentage points, for examples drawn at random (normal approximation)."""
        share = self.correct / self.examples
        return 196 * math.sqrt(share * (1 - share) / self.examples)


@dataclass(frozen=True)
class Latency:
    """A measured median in milliseconds for one query, batch 1, without padding."""

    run: Run
    median: float
    machine: Machine


@dataclass(frozen=True)
class Reproduction:
    """What runs have measured, newest first wins, by cell."""

    accuracy: Mapping[Cell, Accuracy]
    latency: Mapping[Cell, Latency]


def reproduction(store: RunStore) -> Reproduction:
    """The cells that the runs of a store fill.

    A student is filled by an import of the published one, or by a distillation from a teacher of this table; a
    teacher by a fine-tuning of the paper's pre-trained model on the paper's benchmark; latencies by imports and by
    comparisons. Of several runs, one on as many examples as the paper's counts before others, then the newest.
    """
    runs = list(_finished(store, "train-teacher", "reproduce", "distill", "compare"))
    made: dict[str, Cell] = {}
    # Teachers first: which cell a student belongs to goes by its teacher's.
    for run, summary in sorted(runs, key=lambda pair: pair[0].kind != "train-teacher"):
        with suppress(CompressorError, *DAMAGED):  # a damaged run fills nothing
            if (cell := _cell(run, summary, made)) is not None:
                made[_folder(summary.model)] = cell
    accuracy: dict[Cell, Accuracy] = {}
    latency: dict[Cell, Latency] = {}
    for run, summary in runs:
        for model, median in _latencies(summary):
            if (cell := made.get(_folder(model))) is not None:
                latency.setdefault(cell, Latency(run, median, summary.machine))
        if isinstance(summary, ComparisonSummary) or (cell := made.get(_folder(summary.model))) is None:
            continue
        scores = summary if isinstance(summary, ReproductionSummary) else summary.test
        whole = scores.examples == TEST_EXAMPLES[cell[1].task]
        known = accuracy.get(cell)
        if known is None or (whole and not known.whole):
            imported = isinstance(summary, ReproductionSummary)
            accuracy[cell] = Accuracy(
                run, scores.correct, scores.examples, scores.f1, imported, run.config.get("data"), whole
            )
    return Reproduction(accuracy, latency)


def teacher_of(store: RunStore, column: Column) -> str | None:
    """The folder of the newest teacher at hand that fills a column of the table; None if there is none."""
    for run, summary in _finished(store, "train-teacher"):
        with suppress(CompressorError):
            if _teacher_column(run.settings) == column:
                return str(summary.model)
    return None


def _finished(store: RunStore, *kinds: str) -> Iterator[tuple[Run, Any]]:
    """Runs of these kinds that came to their end with a summary, newest first."""
    for run in store.list(*kinds):
        with suppress(CompressorError):  # deleted meanwhile
            summary = run.summary()
            if summary is not None and not getattr(summary, "cancelled", False):
                yield run, summary


def _cell(run: Run, summary: Any, made: Mapping[str, Cell]) -> Cell | None:
    """The cell that the model of a run belongs to; `made` tells that of each teacher."""
    if isinstance(summary, ReproductionSummary):
        return _by_architecture(
            Architecture.parse(summary.architecture), Column(Encoder(summary.teacher), summary.task)
        )
    if isinstance(summary, DistillSummary):
        settings = run.settings
        row, column = made.get(_folder(settings.teacher), (None, None))
        if row is not Row.TEACHER or column is None or settings.dataset != DATASET[column.task]:
            return None
        if (student := _BUDGET_MB.get(settings.budget_mb)) is not None:
            return student, column
        return _by_architecture(summary.architecture.architecture, column)
    column = _teacher_column(run.settings) if isinstance(summary, TeacherSummary) else None
    return None if column is None else (Row.TEACHER, column)


def _by_architecture(architecture: Architecture, column: Column) -> Cell | None:
    row = next((row for row, published in ARCHITECTURES.items() if published == architecture), None)
    return None if row is None else (row, column)


def _latencies(summary: Any) -> list[tuple[str, float]]:
    """Models that a run has timed, with their median latency."""
    if isinstance(summary, ComparisonSummary):
        sides = (summary.teacher, *summary.students)
        return [(side.model, side.latency.median) for side in sides if side.latency is not None]
    return [(summary.model, summary.latency.median)] if isinstance(summary, ReproductionSummary) else []


def _teacher_column(settings: Any) -> Column | None:
    """A teacher's column, if it is one of the paper's: known by the hub's name, or by a folder of that name."""
    base = Path(settings.base).name
    for column in COLUMNS:
        if base == Path(column.encoder.hub_name).name and settings.dataset == DATASET[column.task]:
            return column
    return None


def _folder(path: str) -> str:
    return str(Path(path))
