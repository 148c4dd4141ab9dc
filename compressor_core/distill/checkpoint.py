"""Checkpoints: the state of a training on disk, so that it can be resumed if its process dies at any moment."""

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
    """State of a training between two steps: everything in a checkpoint except weights and random states.

    `largest` is the maximum number of examples computed at once; a larger batch is learned in parts.
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
    """Weights after one of the best epochs."""

    accuracy: float
    epoch: int
    weights: dict[str, Tensor]


def write(path: Path, content: Content) -> None:
    """Replace the checkpoint at `path` atomically.

    The temporary file beside it has a fixed name, so that one left behind by a killed process is overwritten by the
    next.

    Raises:
        StorageError: writing failed; the old checkpoint stays.
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
        # Torch's own message is of no use to users; the context holds the operating system's reason.
        cause = next((each for each in (error, error.__context__) if isinstance(each, OSError)), None)
        raise storage_error(cause or OSError(None, str(error)), path) from error
    sync_folder(path.parent)


def stage_of(path: Path | None) -> str | None:
    """Training stage of the checkpoint at `path`; None if there is none.

    Raises:
        ModelError: it is damaged.
    """
    return None if path is None or not path.exists() else str(read(path)["stage"])


def read(path: Path) -> Content:
    """Read a checkpoint. Raises ModelError, with a remedy, if it is damaged or from another program."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(content["settings"], dict) or not isinstance(content["stage"], str):
            raise TypeError("it has no settings")
    except Exception as error:  # whatever torch raises for a damaged file
        raise ModelError(f"The checkpoint {path} cannot be read ({error}): {_REMEDY}.") from error
    found: Content = content
    return found


def refuse_others(path: Path, content: Content, settings: Mapping[str, Any]) -> None:
    """Raise ModelError, naming every difference, unless the checkpoint's training has these settings."""
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
    """Error for weights that do not fit the model."""
    return ModelError(f"The checkpoint {path} belongs to another model: {_REMEDY}.")
