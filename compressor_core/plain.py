"""Frozen configurations from plain values, as a config.json or a notebook gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, Final, TypeVar

from compressor_core.errors import SettingsError, understood

T = TypeVar("T")
_KINDS: Final[Mapping[str, type[Any] | tuple[type[Any], ...]]] = {
    "int": int,
    "float": (int, float),
    "str": str,
    "bool": bool,
    "None": type(None),
}
"""What a field may hold, by the words of its annotation; fields of other kinds look after themselves."""


def from_plain(kind: type[T], values: Mapping[str, Any]) -> T:
    """A dataclass from a mapping of its fields; what is left out takes its default.

    Raises:
        SettingsError: a field is unknown or of another kind, or one without a default is missing.
    """
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(values, Mapping):
        raise SettingsError(f"the settings are {values!r}, and not a name and a value for each")
    unknown = sorted(set(values) - set(known), key=str)
    missing = [
        name
        for name, field in known.items()
        if name not in values and field.default is MISSING and field.default_factory is MISSING
    ]
    if unknown or missing:
        raise SettingsError(
            f"the settings have unknown names {unknown} and lack {missing}: the names are {', '.join(known)}"
        )
    check_kinds(kind, values)
    with understood("the settings"):
        return kind(**values)


def check_kinds(kind: type[Any], values: Mapping[str, Any]) -> None:
    """Raise SettingsError if a value is none that the annotation of its field allows."""
    for field in fields(kind):
        words = str(field.type).split(" | ")
        if field.name not in values or not set(words) <= set(_KINDS):
            continue
        value = values[field.name]
        # To Python, True is a whole number.
        if not any(isinstance(value, _KINDS[word]) and isinstance(value, bool) == (word == "bool") for word in words):
            raise SettingsError(f"{field.name} must be {' or '.join(words)}, not {value!r}")
