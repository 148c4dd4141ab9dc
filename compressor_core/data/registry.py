"""The datasets by name."""

from __future__ import annotations

from compressor_core.data.classroom import ClassroomVulnerability
from compressor_core.data.dataset import Dataset
from compressor_core.errors import DataError

DATASETS = ("classroom-vulnerability",)


def open_dataset(name: str, data: str | None = None, *, seed: int = 0) -> Dataset:
    """The dataset called `name`. Raises DataError if there is none."""
    if name == "classroom-vulnerability":
        return ClassroomVulnerability(seed=seed)
    raise DataError(f"there is no dataset {name!r}: choose from {', '.join(DATASETS)}")
