"""Controls for fields of settings: default and help come from the field."""

from __future__ import annotations

from typing import Any

from compressor_core.settings import Settings, default_of, description_of


def number(
    where: Any,
    settings: type[Settings],
    name: str,
    title: str,
    low: int,
    high: int,
    *,
    key: str,
    default: int | None = None,
) -> int:
    """A whole number from `low` to `high`, in a column such as `st`."""
    value: int = where.number_input(
        title,
        low,
        high,
        default_of(settings, name) if default is None else default,
        key=key,
        persist_state="session",
        help=description_of(settings, name),
    )
    return value
