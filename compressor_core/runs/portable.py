"""Paths in a run's files that stay true when the program's folder is moved: bundled models are written by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from compressor_core.models.bundled import ASSETS

_BUNDLED = "bundled:"
_KINDS = ("teachers", "students")


def packed(value: Any) -> Any:
    """The same plain value with `bundled:teachers/NAME` in the place of the folder of a bundled model."""
    return _mapped(value, _pack)


def unpacked(value: Any) -> Any:
    """The inverse of `packed`; a path into the assets of a program that is no longer there is of this one's, too."""
    return _mapped(value, _unpack)


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(item, change) for item in value]
    return value


def _pack(text: str) -> str:
    for kind in _KINDS:
        if text.startswith(start := f"{ASSETS / kind}/"):
            return f"{_BUNDLED}{kind}/{text.removeprefix(start)}"
    return text


def _unpack(text: str) -> str:
    if text.startswith(_BUNDLED):
        kind, _, name = text.removeprefix(_BUNDLED).partition("/")
        return str(ASSETS / kind / name) if kind in _KINDS and _plain(name) else text
    *_, assets, kind, name = ("", "", "", *text.split("/"))
    here = ASSETS / kind / name
    if assets == ASSETS.name and kind in _KINDS and _plain(name) and not Path(text).exists() and here.is_dir():
        return str(here)
    return text


def _plain(name: str) -> bool:
    return bool(name) and "/" not in name and name not in (".", "..")
