"""Controls for fields of settings, with default and help from the field."""

from __future__ import annotations

from typing import Any

from compressor_core.settings import Settings, default_of, description_of


def number(where: Any, settings: type[Settings], name: str, title: str, low: float, high: float, **options: Any) -> Any:
    """Number input from `low` to `high` for one setting, in a container such as `st`; `options` go to the widget.

    The initial value is the setting's default, unless `value` is given. It can be cleared only if it starts as None.
    """
    value = options.pop("value", default_of(settings, name))
    options = {"key": name, "help": description_of(settings, name), "persist_state": "session", **options}
    return where.number_input(title, low, high, None if value is None else type(low)(value), **options)
