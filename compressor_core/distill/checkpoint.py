"""Checkpoints: where a training stands, on the disk, so that it survives the death of its process at any moment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from compressor_core.errors import ModelError
from compressor_core.files import storage_error, sync_folder

Content = dict[str, Any]
_REMEDY = "delete it and start the training again"


@dataclass
class State:
    """Where a training stands between two steps: all that a checkpoint holds beside weights and random numbers.

    `largest` is how many examples go through the model at once; a batch that has more is learned in parts.
    """

    largest: int
    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    best_accuracy: float = -1.0
    best_epoch: int = -1


@dataclass
class Best:
    """The weights after an epoch that is among the best."""

    accuracy: float
    epoch: int
    weights: dict[str, Tensor]


def write(path: Path, content: Content) -> None:
    """Replace the checkpoint at `path`; whatever happens meanwhile, it is the old one or the new one.

    The draft beside it has one name, so that one left behind by a killed process is written over by the next.

    Raises:
        StorageError: the disk refuses; the old checkpoint stays.
    """
    draft = path.with_name(f".{path.name}.tmp")
    try:
        with draft.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        draft.unlink(missing_ok=True)
        # Which of its own reads as nothing a user could act on; the operating system's reason comes along with it.
        cause = next((each for each in (error, error.__context__) if isinstance(each, OSError)), None)
        raise storage_error(cause or OSError(None, str(error)), path) from error
    sync_folder(path.parent)


def stage_of(path: Path | None) -> str | None:
    """In which stage of a training the checkpoint at `path` was written; None if there is none.

    Raises:
        ModelError: it is damaged.
    """
    return None if path is None or not path.exists() else str(read(path)["stage"])


def read(path: Path) -> Content:
    """What `write` has written. Raises ModelError, with the remedy, if it is damaged or of another program."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(content["settings"], dict) or not isinstance(content["stage"], str):
            raise TypeError("it has no settings")
    except Exception as error:  # whatever torch raises for a damaged file
        raise ModelError(f"The checkpoint {path} cannot be read ({error}): {_REMEDY}.") from error
    found: Content = content
    return found


def refuse_others(path: Path, content: Content, settings: Mapping[str, Any]) -> None:
    """Raise ModelError, naming every difference, unless the checkpoint is of a training with these settings."""
    before = content["settings"]
    changed = [
        f"{name} ({before.get(name)} there, {settings.get(name)} now)"
        for name in {**settings, **before}
        if before.get(name) != settings.get(name)
    ]
    if changed:
        raise ModelError(
            f"The checkpoint {path} is of a training with another {' and '.join(changed)}: "
            f"give it the same as before, or {_REMEDY}."
        )


def of_another_model(path: Path) -> ModelError:
    """The error for weights that do not fit."""
    return ModelError(f"The checkpoint {path} is of another model: {_REMEDY}.")
