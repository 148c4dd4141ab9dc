"""Writing files so that a reader sees the old content or the new, never half of it."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from compressor_core.errors import StorageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_MISPLACED = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
_TRIES = 5
"""Of writing to a cache that is deleted meanwhile."""
DISK_REFUSALS = frozenset(_FULL | _FORBIDDEN)
"""The `errno` of a disk that is full or that this user may not write to."""


def write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace the content of `path` atomically; its folder must exist.

    With `durable`, the data survives a power cut; without, only the death of this process, which is enough for what is
    written several times a second. Raises StorageError if the disk refuses; `path` then keeps its content.
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
    """`write_bytes`, not durable, into a folder that may be deleted at any moment, this one too; it is made anew.

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
    """Copy a file so that `path` has all of it or is not there. Raises OSError if either disk refuses."""
    draft = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
    try:
        shutil.copyfile(source, draft)
        os.replace(draft, path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """`write_bytes` of UTF-8; a lone surrogate is written as its escape, which JSON reads back."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"), durable=durable)


def write_json(path: Path, value: Any, *, durable: bool = True) -> None:
    """`write_text` of indented standard JSON, see `to_json`."""
    write_text(path, to_json(value, indent=2) + "\n", durable=durable)


def overwrite(path: Path, text: str) -> None:
    """Write over the beginning of an existing file and pad it with spaces: for JSON on a full disk.

    This takes no space on the disk, but a reader may see half of it if the process dies at this very moment.
    Raises StorageError if the disk refuses even that.
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
    """Standard JSON; a number that is not finite becomes null. Raises TypeError for a value that JSON cannot hold."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, indent=indent)


def checked_path(path: Path | str) -> Path:
    """`path` as a Path; it need not exist.

    Raises StorageError if the system cannot look for it: it is too long, has a NUL, or its folder is closed.
    """
    path = Path(path)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise storage_error(error, path, action="read") from error
    except ValueError as error:
        raise StorageError(f"{str(path)!r} is no path ({error}): check it") from error
    return path


def require_room(path: Path, size: int) -> None:
    """Raise StorageError unless so many bytes could be written to `path`, which need not exist, as things are now."""
    place = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
    if not os.access(place, os.W_OK):
        raise storage_error(OSError(errno.EACCES, os.strerror(errno.EACCES)), path)
    if (free := shutil.disk_usage(place).free) < size:
        raise StorageError(
            f"{path} may need {size / 1e6:,.0f} MB, and its disk has {free / 1e6:,.0f} MB left: free some space there"
        )


def stand_in(start: bytes) -> str | None:
    """What a file is that lies in the place of another, told by its beginning, with the remedy; None if it is not."""
    if start.startswith(b"version https://git-lfs.github.com/spec/"):
        return "a Git LFS pointer, not the file itself: run `git lfs pull` in the folder that was cloned"
    if b"/annex/objects/" in start[:200]:
        return "a git-annex pointer, not the file itself: run `git annex get` in the folder that was cloned"
    if start.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page, not the file itself: download it again from its direct address"
    return None


def storage_error(error: OSError, path: Path, *, action: str = "write") -> StorageError:
    """The operating system's refusal as a sentence with its remedy."""
    if error.errno in _FULL:
        remedy = "free some space there and try again"
    elif error.errno in _FORBIDDEN:
        remedy = "choose a folder you have the right to write to, or change its permissions"
    elif error.errno in _MISPLACED:
        remedy = "check that its folder exists and that nothing else has that name"
    else:
        remedy = "check the disk and try again"
    return StorageError(f"Cannot {action} {path} ({error.strerror or error}): {remedy}")


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable, where the platform can."""
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
