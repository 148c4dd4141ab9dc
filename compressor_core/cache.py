"""Where what can be computed again is kept."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "COMPRESSOR_CACHE"
"""The environment variable that names the folder of caches; without it, ./cache."""


def cache_folder() -> Path:
    """The folder of caches; it may be deleted at any time, and need not exist."""
    return Path(os.environ.get(CACHE_VARIABLE) or "cache").absolute()
