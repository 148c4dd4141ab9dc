"""Default folders of caches and runs."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "COMPRESSOR_CACHE"
"""Environment variable with the cache folder."""


def cache_folder() -> Path:
    """Cache folder; it may be deleted at any time and need not exist."""
    return own_folder("cache", CACHE_VARIABLE)


def own_folder(name: str, variable: str) -> Path:
    """Folder given by an environment variable, else the folder `name` in the working directory.

    If that folder is absent and cannot be created, as in a read-only checkout, the user's cache or data folder is used.
    """
    if named := os.environ.get(variable):
        return Path(named).absolute()
    folder = Path(name).absolute()
    if folder.exists() or os.access(folder.parent, os.W_OK | os.X_OK):
        return folder
    from platformdirs import user_cache_path, user_data_path

    return (user_cache_path if name == "cache" else user_data_path)("compressor-studio") / name
