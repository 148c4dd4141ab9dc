"""Which models a comparison is about: the runs that its configuration names, and what can be compared at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from compressor_core.data.registry import DATASETS
from compressor_core.errors import RunError
from compressor_core.paper import DATASET, Column, Encoder
from compressor_core.runs.context import RunContext
from compressor_core.runs.library import Model, students, teacher_of_student, teacher_title
from compressor_core.runs.reproduction import teacher_of
from compressor_core.runs.store import RunStore
from compressor_core.task import Task

_SAME: Final = ("teacher", "dataset", "data")
"""What students of one comparison have in common."""


@dataclass(frozen=True)
class Asked:
    """One student of a comparison. `origin` says how to compare it, and is empty where no run has made it."""

    folder: str
    name: str
    origin: Mapping[str, Any]


@dataclass(frozen=True)
class Family:
    """Students that can be compared: of one teacher and one dataset, the newest first."""

    title: str
    students: tuple[Model, ...]

    @property
    def key(self) -> str:
        """What tells it from the others."""
        return self.title


def families(store: RunStore) -> list[Family]:
    """The students at hand, by teacher and dataset; the family with the newest student first."""
    found: dict[tuple[object, ...], list[Model]] = {}
    for model in students(store):
        found.setdefault((_teacher(store, model), model.dataset, model.data), []).append(model)
    titles: dict[str, int] = {}
    known = {f"{info.title} (bundled)": info.name for info in DATASETS}
    made = []
    for (teacher, dataset, data), members in found.items():
        learned_on = Path(str(data)).name if data else dataset
        title = teacher_title(store, str(teacher))
        title = title if learned_on in (title, known.get(title)) else f"{title}, on {learned_on}"
        titles[title] = titles.get(title, 0) + 1
        made.append(Family(title if titles[title] == 1 else f"{title} ({titles[title]})", tuple(members)))
    return made


def comparison_of(chosen: Sequence[Model]) -> dict[str, Any]:
    """The settings of a run that compares students with their teacher."""
    first, *others = chosen
    more = {"others": [other.comparison for other in others]} if others else {}
    return {**first.comparison, **more}


def students_of(context: RunContext) -> tuple[dict[str, Any], Asked, list[Asked]]:
    """What is left of a comparison's configuration once its students are known; the first student; the others.

    Raises:
        RunError: a run has no such student, or they are not of one teacher and one dataset.
    """
    config = dict(context.config)
    own: dict[str, Any] = {key: config.pop(key) for key in ("student_run", "student") if key in config}
    asked: list[Mapping[str, Any]] = [
        own,
        *({"student": one} if isinstance(one, str) else one for one in config.pop("others", ())),
    ]
    found = [_asked(context, one, config) for one in asked]
    first = found[0].origin
    for other in found[1:]:
        apart = any(first.get(key) != other.origin.get(key) for key in _SAME if key not in config)
        if first and other.origin and apart:
            raise RunError(
                f"{other.name} learned from another teacher or for other data than {found[0].name}: "
                "compare students of one teacher and one dataset."
            )
    return config, found[0], found[1:]


def _asked(context: RunContext, asked: Mapping[str, Any], config: Mapping[str, Any]) -> Asked:
    if (student_run := asked.get("student_run")) is None:
        folder = str(asked.get("student", ""))
        return Asked(folder, Path(folder).name, {})
    run, found = context.dependency(student_run)
    name = run.name or run.id
    origin: dict[str, Any] = {
        key: run.config[key] for key in ("teacher", "dataset", "data", "seed") if key in run.config
    }
    if run.kind == "reproduce":
        column = Column(Encoder(run.config["teacher"]), Task(run.config["task"]))
        if (teacher := config.get("teacher") or teacher_of(context.store, column)) is None:
            raise RunError(
                f"A published student comes without its teacher: fine-tune {column.encoder.hub_name} on "
                f"{DATASET[column.task]} first, then compare the two."
            )
        origin["teacher"] = teacher
    if run.kind == "study":
        made = next((one for one in found["students"] if one["model"] == asked.get("student")), None)
        if made is None:
            raise RunError(f"{run.id} has made no student {asked.get('student')}: choose one of its students.")
        name = f"{made['budget_mb']:g} MB, seed {made['seed']}"
    return Asked(str(asked.get("student", found.get("model"))), name, origin)


def _teacher(store: RunStore, student: Model) -> str:
    """The folder of the teacher that a student learned from; the name of a published one that is not at hand."""
    try:
        return str(teacher_of_student(store, student))
    except RunError:
        return str(student.run.config["teacher"]) if student.run else ""
