"""Atomic file writes: a reader sees the old or the new content, never a part."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from compressor_core.errors import StorageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_MISPLACED = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
_TRIES = 5
"""Attempts to write to a cache that may be deleted at the same time."""
DISK_REFUSALS = frozenset(_FULL | _FORBIDDEN)
"""Error numbers of a full or write-protected disk."""


def write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace the content of `path` atomically; its folder must exist.

    With `durable`, the data survives a power cut; without it, only the death of this process, which is enough for
    frequent writes. Raises StorageError if the disk refuses; `path` then keeps its content.
    """
    draft = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    try:
        with draft.open("xb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        raise storage_error(error, path) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    if durable:
        sync_folder(path.parent)


def write_cached(path: Path, data: bytes) -> None:
    """Write with `write_bytes`, not durably, into a folder that may be deleted at any time; it is recreated if needed.

    Raises StorageError if the disk refuses.
    """
    for left in reversed(range(_TRIES)):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return write_bytes(path, data, durable=False)
        except OSError as error:
            if left == 0 or not isinstance(error, FileNotFoundError):
                raise storage_error(error, path) from error
        except StorageError:
            if left == 0 or path.parent.is_dir():
                raise


def copy_file(source: Path, path: Path) -> None:
    """Copy a file atomically. Raises OSError if either disk refuses."""
    draft = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    try:
        shutil.copyfile(source, draft)
        os.replace(draft, path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Write UTF-8 with `write_bytes`; a lone surrogate is written as its escape, which JSON reads back."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"), durable=durable)


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """Write indented standard JSON with `write_text`, see `to_json`."""
    write_text(path, to_json(value, indent=2) + "\n", durable=durable)


def overwrite(path: Path, text: str) -> None:
    """Overwrite an existing file in place and pad it with spaces: for JSON on a full disk.

    This needs no free space, but is not atomic: if the process dies, a reader may see a partial write.
    Raises StorageError if the disk refuses.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.pwrite(descriptor, data.ljust(os.fstat(descriptor).st_size), 0)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise storage_error(error, path) from error


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Standard JSON; a non-finite number becomes null. Raises TypeError for a value that JSON cannot represent."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, indent=indent)


def checked_path(path: Path | str) -> Path:
    """`path` as a Path; it need not exist.

    Raises StorageError if the system cannot look it up: it is too long, contains a NUL, or its folder is inaccessible.
    """
    path = Path(path)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise storage_error(error, path, action="read") from error
    except ValueError as error:
        raise StorageError(f"{str(path)!r} is not a valid path ({error}): check it") from error
    return path


def require_room(path: Path, size: int) -> None:
    """Raise StorageError unless `size` bytes could now be written to `path`, which need not exist."""
    place = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
    if not os.access(place, os.W_OK):
        raise storage_error(OSError(errno.EACCES, os.strerror(errno.EACCES)), path)
    if (free := shutil.disk_usage(place).free) < size:
        raise StorageError(
            f"{path} may need {size / 1e6:,.0f} MB, and its disk has {free / 1e6:,.0f} MB left: free some space there"
        )


_MARKS: Final = b"\0\xef\xbb\xbf\xfe\xff"
"""Bytes that a byte order mark or UTF-16 adds to a text in ASCII."""
_LFS: Final = re.compile(rb"version https?://(?:git-lfs\.github\.com|hawser\.github\.com|git-media\.io)/\S")
"""Beginning of a Git LFS pointer, under each name that Git LFS has had."""


def stand_in(start: bytes) -> str | None:
    """Description and remedy if the `start` of a file shows a placeholder (an LFS pointer, for example); else None."""
    start = start[:400].translate(None, _MARKS)
    if _LFS.match(start):
        return "a Git LFS pointer, not the file itself: run `git lfs pull` in the folder that was cloned"
    if b"/annex/objects/" in start[:200]:
        return "a git-annex pointer, not the file itself: run `git annex get` in the folder that was cloned"
    if start.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page, not the file itself: download it again from its direct address"
    return None


def storage_error(error: OSError, path: Path, *, action: str = "write") -> StorageError:
    """An error of the operating system as one sentence with its remedy."""
    if error.errno in _FULL:
        remedy = "free some space there and try again"
    elif error.errno in _FORBIDDEN:
        remedy = "choose a folder you have the right to write to, or change its permissions"
    elif error.errno == errno.ENAMETOOLONG:
        remedy = "give it a shorter name"
    elif error.errno in _MISPLACED:
        remedy = "check that its folder exists and that nothing else has that name"
    else:
        remedy = "check the disk and try again"
    return StorageError(f"Cannot {action} {path} ({error.strerror or error}): {remedy}")


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable, if the platform supports it."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
