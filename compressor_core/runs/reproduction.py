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
from compressor_core.records import Machine
from compressor_core.runs.run import Run
from compressor_core.runs.store import RunStore
from compressor_core.task import Task

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
    for run, result in sorted(runs, key=lambda pair: pair[0].kind != "train-teacher"):
        with suppress(CompressorError, *DAMAGED):  # a damaged run fills nothing
            if (cell := _cell(run, result, made)) is not None:
                made[_folder(result["model"])] = cell
    accuracy: dict[Cell, Accuracy] = {}
    latency: dict[Cell, Latency] = {}
    for run, result in runs:
        with suppress(CompressorError, *DAMAGED):
            for model, measured in _latencies(run, result):
                if (cell := made.get(_folder(model))) is not None:
                    latency.setdefault(
                        cell, Latency(run, float(measured["median"]), Machine.model_validate(result["machine"]))
                    )
            if run.kind != "compare" and (cell := made.get(_folder(result["model"]))) is not None:
                found = _accuracy(run, result, cell[1].task)
                known = accuracy.get(cell)
                if known is None or (found.whole and not known.whole):
                    accuracy[cell] = found
    return Reproduction(accuracy, latency)


def teacher_of(store: RunStore, column: Column) -> str | None:
    """The folder of the newest teacher at hand that fills a column of the table; None if there is none."""
    for run, result in _finished(store, "train-teacher"):
        if _teacher_column(run.config) == column:
            return str(result["model"])
    return None


def _finished(store: RunStore, *kinds: str) -> Iterator[tuple[Run, dict[str, Any]]]:
    """Runs of these kinds that came to their end with a result, newest first."""
    for run in store.list(*kinds):
        with suppress(CompressorError):  # deleted meanwhile
            result = run.status().result
            if result is not None and not result.get("cancelled"):
                yield run, result


def _cell(run: Run, result: Mapping[str, Any], made: Mapping[str, Cell]) -> Cell | None:
    """The cell that the model of a run belongs to; `made` tells that of each teacher."""
    if run.kind == "train-teacher":
        column = _teacher_column(run.config)
        return None if column is None else (Row.TEACHER, column)
    if run.kind == "reproduce":
        column = Column(Encoder(result["teacher"]), Task(result["task"]))
        return _by_architecture(Architecture.parse(result["architecture"]), column)
    if run.kind == "distill":
        row, column = made.get(_folder(run.config["teacher"]), (None, None))
        if row is Row.TEACHER and column is not None and run.config["dataset"] == DATASET[column.task]:
            if (student := _BUDGET_MB.get(run.config.get("budget_mb"))) is not None:
                return student, column
            return _by_architecture(Architecture.from_dict(result["architecture"]), column)
    return None


def _by_architecture(architecture: Architecture, column: Column) -> Cell | None:
    row = next((row for row, published in ARCHITECTURES.items() if published == architecture), None)
    return None if row is None else (row, column)


def _latencies(run: Run, result: Mapping[str, Any]) -> list[tuple[object, Mapping[str, Any]]]:
    """Models that a run has timed, with their latency."""
    if run.kind == "compare":
        sides = [result["teacher"], *result.get("students", [result["student"]])]
        return [(side["model"], side["latency"]) for side in sides]
    return [(result["model"], result["latency"])] if run.kind == "reproduce" else []


def _teacher_column(config: Mapping[str, Any]) -> Column | None:
    """A teacher's column, if it is one of the paper's: known by the hub's name, or by a folder of that name."""
    base = Path(str(config.get("base", ""))).name
    for column in COLUMNS:
        if base == Path(column.encoder.hub_name).name and config.get("dataset") == DATASET[column.task]:
            return column
    return None


def _accuracy(run: Run, result: Mapping[str, Any], task: Task) -> Accuracy:
    scores = result.get("test", result)
    return Accuracy(
        run=run,
        correct=int(scores["correct"]),
        examples=int(scores["examples"]),
        f1=float(scores["f1"]),
        imported=run.kind == "reproduce",
        data=run.config.get("data"),
        whole=scores["examples"] == TEST_EXAMPLES[task],
    )


def _folder(path: object) -> str:
    return str(Path(str(path)))
