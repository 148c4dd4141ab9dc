"""Bundle of an exported student: a folder, and the same as a zip file."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from compressor_core.errors import DataError
from compressor_core.files import checked_path, write_text

ONNX, INT8 = "model.onnx", "model.int8.onnx"
README, PREDICT, PAGE, SUMS = "README.md", "predict.py", "index.html", "SHA256SUMS"
_FILES: Final = Path(__file__).with_name("files")
_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""Date of every file in a zip, so that equal files make an equal zip."""
_CHUNK: Final = 1 << 20


def complete(folder: Path, readme: str) -> None:
    """Add the other files of a bundle to the model and its ONNX files: model card, `predict.py`, checksums."""
    write_text(folder / README, readme)
    shutil.copyfile(_FILES / PREDICT, folder / PREDICT)
    names = sorted(path.name for path in folder.iterdir() if path.name != SUMS)
    for path in folder.iterdir():
        path.chmod(0o644)
    # Two spaces: the format of `sha256sum -c`.
    write_text(folder / SUMS, "".join(f"{_digest(folder / name)}  {name}\n" for name in names))


def write_zip(folder: Path, path: Path, name: str) -> None:
    """Zip all files of a folder without subfolders, under the folder `name`; equal files make an equal zip."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(f"{name}/{file.name}", _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, on any machine, so that the mode is used
            entry.external_attr = 0o644 << 16
            entry.file_size = file.stat().st_size
            with file.open("rb") as source, archive.open(entry, "w") as target:
                shutil.copyfileobj(source, target, _CHUNK)


def require_free(targets: Sequence[Path], *, overwrite: bool) -> None:
    """Refuse targets that exist; with `overwrite`, only those that were not written by an export.

    Raises:
        DataError, StorageError: a target cannot be used, with a one-sentence message that names it.
    """
    for target in map(checked_path, targets):
        if (not target.exists() and not target.is_symlink()) or (target.is_dir() and not any(target.iterdir())):
            continue
        if not overwrite:
            raise DataError(f"{target} exists already: choose another place, or replace it with --replace")
        if not _ours(target):
            raise DataError(f"{target} is nothing that an export has written, so it is not replaced: choose another")


def put(drafts: Sequence[tuple[Path, Path]]) -> None:
    """Move temporary files to their targets on the same disk, all or none. Raises OSError."""
    undo: list[tuple[Path, Path | None]] = []
    try:
        for draft, target in drafts:
            old = target.with_name(f".{target.name}.{uuid4().hex[:8]}.old") if target.exists() else None
            if old is not None:
                os.replace(target, old)
            undo.append((target, old))
            os.replace(draft, target)
    except OSError:
        for target, old in reversed(undo):
            _remove(target)
            if old is not None:
                os.replace(old, target)
        raise
    for _, old in undo:
        if old is not None:
            _remove(old)


def _ours(path: Path) -> bool:
    wanted = {SUMS, PREDICT, "compressor.json"}
    if path.is_dir():
        return all((path / name).is_file() for name in wanted)
    if path.suffix == ".onnx":
        return path.is_file()
    with suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        return wanted <= {name.rpartition("/")[2] for name in archive.namelist()}
    return False


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
