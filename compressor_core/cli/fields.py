"""Command-line options derived from settings fields: name, type, choices, help and default."""

from __future__ import annotations

import argparse
import re
import types
from collections.abc import Callable, Container
from enum import Enum
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from compressor_core.data.registry import DATASETS
from compressor_core.settings import Settings

S = TypeVar("S", bound=Settings)


def add_fields(verb: argparse.ArgumentParser, settings: type[Settings], *, leave_out: Container[str] = ()) -> None:
    """Add one option for each field, `learning_rate` as `--learning-rate`.

    Options that are not given are absent from the result, so that the default of the field applies.
    """
    for name, field in settings.model_fields.items():
        if name not in leave_out:
            option = _option(field)
            if name == "dataset":
                option["help"] = f"{option['help']} Choices: {', '.join(info.name for info in DATASETS)}."
            verb.add_argument(f"--{name.replace('_', '-')}", **option)


def from_options(settings: type[S], options: argparse.Namespace, **own: Any) -> S:
    """Settings from the given options, overridden by `own`."""
    given = {name: value for name, value in vars(options).items() if name in settings.model_fields}
    return settings(**(given | own))


def _option(field: FieldInfo) -> dict[str, Any]:
    kind, many = _kind(field.annotation)
    option: dict[str, Any] = {"default": argparse.SUPPRESS, "required": field.is_required(), "help": _help(field)}
    if kind is bool:
        return {**option, "action": argparse.BooleanOptionalAction}
    if issubclass(kind, Enum):
        option["choices"] = [str(member.value) for member in kind]
        kind = str
    return {
        **option,
        "type": _reader(kind),
        "metavar": None if "choices" in option else _METAVARS.get(kind, "TEXT"),
        **({"nargs": "+"} if many else {}),
    }


_METAVARS: dict[type[Any], str] = {int: "N", float: "NUMBER"}


_SAID = re.compile(r"default is|ithout (it|them|one)|; the default")
"""Matches descriptions that already state the default."""
_PLAIN: dict[str, str] = {"": "none", "None": "none", "True": "yes", "False": "no"}


def _reader(kind: type[Any]) -> Callable[[str], Any]:
    return kind if kind in (int, float) else str


def _kind(annotation: Any) -> tuple[type[Any], bool]:
    """Type of one value of an option, and whether the option takes several values."""
    origin, inner = get_origin(annotation), [one for one in get_args(annotation) if one is not type(None)]
    if origin is Annotated or origin in (Union, types.UnionType):
        return _kind(inner[0])
    if origin in (tuple, list):
        return _kind(inner[0])[0], True
    return (annotation, False) if isinstance(annotation, type) else (str, False)


def _help(field: FieldInfo) -> str:
    text = (field.description or "").replace("%", "%%")
    default = None if field.is_required() else field.get_default(call_default_factory=True, validated_data={})
    if field.is_required() or (default is None and _SAID.search(text)):
        return text
    shown = " ".join(map(str, default)) if isinstance(default, tuple) else str(default)
    return f"{text} (default: {_PLAIN.get(shown, shown)})".strip()
