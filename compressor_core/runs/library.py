"""The models at hand: the bundled ones, and what finished runs have made."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compressor_core.data.registry import DATASETS
from compressor_core.errors import DAMAGED, CompressorError, ModelError, RunError, understood
from compressor_core.models.bundled import bundled_student, bundled_teacher
from compressor_core.models.card import read_card, size_on_disk
from compressor_core.paper import DATASET, Column, Encoder
from compressor_core.runs.reproduction import teacher_of
from compressor_core.runs.run import Run
from compressor_core.runs.store import RunStore
from compressor_core.task import Task


@dataclass(frozen=True)
class Model:
    """A model that can be chosen. `result` is that of the run which made it; of a bundled one, its card's metrics."""

    title: str
    folder: Path
    task: Task
    dataset: str
    data: str | None
    run: Run | None
    result: Mapping[str, Any]

    @property
    def key(self) -> str:
        """What tells it from the others; of the model of a run, that run's id."""
        if self.run is None:
            return str(self.folder)
        return f"{self.run.id}/{self.folder.name}" if self.run.kind == "study" else self.run.id

    @property
    def comparison(self) -> dict[str, Any]:
        """The settings of a run that compares this student with its teacher."""
        if self.run is None:
            return {"teacher": str(bundled_teacher(self.dataset)), "dataset": self.dataset, "student": str(self.folder)}
        one = {"student": str(self.folder)} if self.run.kind == "study" else {}
        return {"student_run": self.run.id, **one}


def teachers(store: RunStore) -> list[Model]:
    """The bundled teachers, then the trained ones, newest first."""
    found = []
    for info in DATASETS:
        if info.built_in:
            with suppress(ModelError):
                found += _bundled(f"{info.title} (bundled)", bundled_teacher(info.name), info.name)
    return found + _made_by(store, "train-teacher")


def students(store: RunStore) -> list[Model]:
    """The students that distillations, studies and imports have made, newest first, then the bundled ones.

    One that was cancelled keeps its best.
    """
    found = _made_by(store, "distill", "reproduce", "study")
    for info in DATASETS:
        with suppress(ModelError):
            if (folder := bundled_student(info.name)) is not None:
                found += [
                    replace(model, title=_measured(model.title, model.result))
                    for model in _bundled(f"{info.title}, bundled student", folder, info.name)
                ]
    return found


def teacher_title(store: RunStore, folder: str | Path) -> str:
    """What the teacher in `folder` is called; the folder's own name if it is none of those at hand."""
    return next((model.title for model in teachers(store) if model.folder == Path(folder)), Path(folder).name)


def teacher_of_student(store: RunStore, student: Model) -> Path:
    """The folder of the teacher that a student learned from; of a published one, that it can be held against.

    Raises:
        RunError: a published student has no teacher at hand.
    """
    run = student.run
    if run is None:
        return bundled_teacher(student.dataset)
    if run.kind != "reproduce":
        card = read_card(student.folder)
        return Path(str(run.config.get("teacher") or (card.teacher if card else None)))
    with understood("the settings of the run", RunError):
        column = Column(Encoder(run.config["teacher"]), student.task)
    if (folder := teacher_of(store, column)) is None:
        raise RunError(
            f"A published student comes without its teacher: fine-tune {column.encoder.hub_name} on "
            f"{DATASET[column.task]} first, then both can be asked."
        )
    return Path(folder)


def _made_by(store: RunStore, *kinds: str) -> list[Model]:
    found = []
    for run in store.list(*kinds):
        with suppress(CompressorError, *DAMAGED):
            result = run.status().result
            if result is None:
                continue
            name = run.name or run.id
            made = {name: result}
            if run.kind == "study":
                made = {
                    f"{one['budget_mb']:g} MB, seed {one['seed']} of study {name}": one for one in result["students"]
                }
            for title, one in made.items():
                with suppress(CompressorError, *DAMAGED):
                    found += _model(run, title, one)
    return found


def _bundled(title: str, folder: Path, dataset: str) -> list[Model]:
    """A model that comes with the program, if it has a card."""
    if (card := read_card(folder)) is None:
        return []
    result = {**card.metrics, "size_mb": size_on_disk(folder) / 1e6}
    return [Model(title, folder, card.task, dataset, None, None, result)]


def _measured(title: str, result: Mapping[str, Any]) -> str:
    return f"{title} ({result['size_mb']:.2f} MB, {result['accuracy']:.1%})"


def _model(run: Run, title: str, result: Mapping[str, Any]) -> list[Model]:
    """What a run has made, if it is still there."""
    folder = Path(result["model"])
    if (card := read_card(folder)) is None:
        return []
    dataset = str(run.config.get("dataset", "classroom-vulnerability"))
    data = run.config.get("data")
    return [
        Model(_measured(title, result), folder, card.task, dataset, None if data is None else str(data), run, result)
    ]
