"""Uploads of visitors: their total size, and those that no run refers to."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from compressor_core.data.choices import read_choices
from compressor_core.data.intake import ARRAY
from compressor_core.errors import CompressorError
from compressor_core.runs.store import RunStore

FOLDER: Final = "uploads"
DAY: Final = 86_400.0
"""Seconds after which an upload that no run refers to may be removed automatically."""


@dataclass(frozen=True)
class Upload:
    """One file in the uploads folder."""

    path: Path
    size: int
    """In bytes."""
    age: float
    """Seconds since the last upload."""
    used: bool
    """Whether the settings of a run name it, directly or through the column choices made for it."""


def uploads(store: RunStore) -> list[Upload]:
    """All uploads of a store, including the column choices made for them."""
    found = []
    now = time.time()
    used = _used(store)
    arrays = {Path(name).stem for name in used if name.endswith(ARRAY)}  # their rows have the same file name
    for path in _files(store):
        with suppress(OSError):  # removed in the meantime
            state = path.stat()
            found.append(
                Upload(
                    path, state.st_size, now - state.st_mtime, path.name in used or path.name.split(".")[0] in arrays
                )
            )
    return found


def uploaded_bytes(store: RunStore) -> int:
    """Total size of all uploads in bytes."""
    total = 0
    for path in _files(store):
        with suppress(OSError):
            total += path.stat().st_size
    return total


def clear(store: RunStore, older: float = DAY) -> int:
    """Remove the uploads that no run refers to and that are at least `older` seconds old; returns the bytes freed."""
    freed = 0
    for upload in uploads(store):
        if not upload.used and upload.age >= older:
            with suppress(OSError):
                upload.path.unlink()
                freed += upload.size
    return freed


def _files(store: RunStore) -> list[Path]:
    try:
        return [path for path in (store.root / FOLDER).iterdir() if path.is_file() and not path.is_symlink()]
    except OSError:
        return []


def _used(store: RunStore) -> set[str]:
    """Names of the uploads that runs refer to."""
    folder = store.root / FOLDER
    named = {Path(text).name for run in store.list() for text in _texts(run.config) if Path(text).parent.name == FOLDER}
    for name in [*named]:
        with suppress(CompressorError):
            if (said := read_choices(folder / name)) is not None:
                named.add(said.rows)
    return named


def _texts(value: Any) -> Iterable[str]:
    """All texts in plain values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
