"""Controls for fields of settings: default and help come from the field."""

from __future__ import annotations

from typing import Any

from compressor_core.settings import Settings, default_of, description_of


def number(where: Any, settings: type[Settings], name: str, title: str, low: float, high: float, **options: Any) -> Any:
    """A number from `low` to `high` for one setting, in a column such as `st`; `options` go to the widget.

    The first value is the setting's default, unless `value` is another. Only a setting that may be left open can be
    cleared.
    """
    value = options.pop("value", default_of(settings, name))
    options = {"key": name, "help": description_of(settings, name), "persist_state": "session", **options}
    return where.number_input(title, low, high, None if value is None else type(low)(value), **options)
