"""Frozen configurations from plain values, as a config.json or a notebook gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from compressor_core.errors import SettingsError

T = TypeVar("T")


def from_plain(kind: type[T], values: Mapping[str, Any]) -> T:
    """A dataclass from a mapping of its fields; what is left out takes its default.

    Raises:
        SettingsError: a field is unknown, or one without a default is missing.
    """
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(known))
    missing = [
        name
        for name, field in known.items()
        if name not in values and field.default is MISSING and field.default_factory is MISSING
    ]
    if unknown or missing:
        raise SettingsError(
            f"the settings have unknown names {unknown} and lack {missing}: the names are {', '.join(known)}"
        )
    return kind(**values)
