"""Portable paths in a run's files, valid after the program or the runs are moved; bundled models go by name."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from compressor_core.assets import ASSETS

RUN_ID = re.compile(r"\d{8}-\d{6}-[a-z][a-z0-9-]{0,30}-[0-9a-f]{4}")
_BUNDLED = re.compile(r"(teachers|students)/\w[\w.-]*")
_PREFIX = "bundled:"


def packed(value: Any) -> Any:
    """Plain value with folders of bundled models replaced by names such as `bundled:teachers/NAME`."""
    return _mapped(value, _pack)


def unpacked(value: Any, root: Path) -> Any:
    """Inverse of `packed`, for runs in `root`.

    An absolute path that no longer exists and leads to a bundled model, or into a run, is replaced by its current path.
    """
    return _mapped(value, lambda text: _unpack(text, root))


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(item, change) for item in value]
    return value


def _pack(text: str) -> str:
    name = text.removeprefix(f"{ASSETS}{os.sep}")
    return f"{_PREFIX}{name}" if name != text and _BUNDLED.fullmatch(name) else text


def _unpack(text: str, root: Path) -> str:
    name = text.removeprefix(_PREFIX)
    if name != text and _BUNDLED.fullmatch(name):
        return str(ASSETS / name)
    if not os.path.isabs(text):
        return text
    *_, name = text.rpartition(f"{os.sep}{ASSETS.name}{os.sep}")
    run = next((part for part in RUN_ID.finditer(text)), None)
    if _BUNDLED.fullmatch(name):
        moved = ASSETS / name
    elif run is not None:
        moved = root / text[run.start() :]
    else:
        return text
    return str(moved) if not os.path.exists(text) and moved.exists() else text
