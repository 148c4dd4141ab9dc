"""The models at hand: the bundled teachers, and what finished runs have made."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compressor_core.data.registry import DATASETS
from compressor_core.errors import CompressorError, ModelError
from compressor_core.models.bundled import bundled_teacher
from compressor_core.models.card import read_card, size_on_disk
from compressor_core.runs.store import Run, RunStore
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


def teachers(store: RunStore) -> list[Model]:
    """The bundled teachers, then the trained ones, newest first."""
    found = []
    for info in DATASETS:
        if info.built_in:
            with suppress(ModelError):
                folder = bundled_teacher(info.name)
                if (card := read_card(folder)) is not None:
                    result = {**card.metrics, "size_mb": size_on_disk(folder) / 1e6}
                    title = f"{info.title} (bundled)"
                    found.append(Model(title, folder, card.task, info.name, None, None, result))
    return found + _made_by(store, "train-teacher")


def students(store: RunStore) -> list[Model]:
    """The students that distillations and imports have made, newest first; a cancelled distillation keeps its best."""
    return _made_by(store, "distill", "reproduce")


def teacher_title(store: RunStore, folder: str | Path) -> str:
    """What the teacher in `folder` is called; the folder's own name if it is none of those at hand."""
    return next((model.title for model in teachers(store) if model.folder == Path(folder)), Path(folder).name)


def _made_by(store: RunStore, *kinds: str) -> list[Model]:
    found = []
    for run in store.list():
        if run.kind not in kinds:
            continue
        with suppress(CompressorError):
            result = run.status().result
            if result is None or (card := read_card(Path(result["model"]))) is None:
                continue
            title = f"{run.name or run.id} ({result['size_mb']:.2f} MB, {result['accuracy']:.1%})"
            config = run.config
            dataset = str(config.get("dataset", "classroom-vulnerability"))
            found.append(Model(title, Path(result["model"]), card.task, dataset, config.get("data"), run, result))
    return found
