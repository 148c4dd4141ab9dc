"""The folders that this program writes to unasked: its caches, and its runs."""

from __future__ import annotations

import os
from pathlib import Path

from compressor_core.errors import StorageError
from compressor_core.files import storage_error, write_bytes

CACHE_VARIABLE = "COMPRESSOR_CACHE"
"""The environment variable that names the folder of caches."""
_TRIES = 5


def cache_folder() -> Path:
    """The folder of caches; it may be deleted at any time, and need not exist."""
    return own_folder("cache", CACHE_VARIABLE)


def write_cached(path: Path, data: bytes) -> None:
    """Write a file of a cache, in a folder that may be deleted at any moment, this one too.

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


def own_folder(name: str, variable: str) -> Path:
    """The folder that an environment variable names; without it, the folder `name` of the working directory.

    Where that is absent and cannot be made, as in a read-only checkout, it is the user's own folder for such files.
    """
    if named := os.environ.get(variable):
        return Path(named).absolute()
    folder = Path(name).absolute()
    if folder.exists() or os.access(folder.parent, os.W_OK | os.X_OK):
        return folder
    from platformdirs import user_cache_path, user_data_path

    return (user_cache_path if name == "cache" else user_data_path)("compressor-studio") / name
