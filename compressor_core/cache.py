"""The folders that this program writes to unasked: its caches, and its runs."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "COMPRESSOR_CACHE"
"""The environment variable that names the folder of caches."""


def cache_folder() -> Path:
    """The folder of caches; it may be deleted at any time, and need not exist."""
    return own_folder("cache", CACHE_VARIABLE)


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
