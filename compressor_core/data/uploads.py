"""Keeping files under names made from their content."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath

from compressor_core.errors import DataError
from compressor_core.files import storage_error, write_bytes

MAX_BYTES = 50_000_000
SUFFIXES = (".jsonl", ".csv", ".tsv")
_KEPT = re.compile(r"-[0-9a-f]{16}$")


def save_upload(root: Path, name: str, data: bytes, suffixes: tuple[str, ...] = SUFFIXES) -> Path:
    """Keep what a visitor uploads in the folder `uploads` of `root`, see `keep`.

    Raises:
        DataError: the file is empty, larger than `MAX_BYTES`, or of another kind than `suffixes`.
        StorageError: the disk refuses.
    """
    given = PurePosixPath(name.replace("\\", "/"))
    if given.suffix.lower() not in suffixes:
        kinds = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
        raise DataError(f"{given.name!r} is not a {kinds} file: upload one of those.")
    if not data:
        raise DataError(f"{given.name} is empty: upload the whole file.")
    if len(data) > MAX_BYTES:
        raise DataError(
            f"{given.name} has {len(data) / 1e6:.0f} MB, more than {MAX_BYTES / 1e6:.0f} MB: "
            "put it on this machine's disk and give its path instead."
        )
    return keep(root / "uploads", name, data)


def keep(folder: Path, name: str, data: bytes) -> Path:
    """Write `data` to a file in `folder` and return its path; the same content is kept once.

    The file's name is what is plain in `name`, with sixteen digits of the content's hash; no part of `name` can lead
    out of the folder. Raises StorageError if the disk refuses.
    """
    given = PurePosixPath(name.replace("\\", "/"))
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", _KEPT.sub("", given.stem)).strip("-")[:60] or "file"
    path = folder / f"{stem}-{hashlib.sha256(data).hexdigest()[:16]}{given.suffix.lower()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    if not path.is_file():
        write_bytes(path, data)
    return path
