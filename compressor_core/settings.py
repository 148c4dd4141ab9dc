"""Base class of all settings: frozen, validated on creation, and defined in one place.

A setting is a field. Its description is the help on the command line and in the app and its line in the report; its
type and bounds are validated and appear in error messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationError

from compressor_core.errors import CompressorError, SettingsError

MOST_THREADS: Final = 1024
"""Upper limit of `threads`; the libraries overflow beyond it."""

Whole = Annotated[int, Strict(), Field(ge=0)]
Count = Annotated[int, Strict(), Field(ge=1)]
Seed = Annotated[int, Strict(), Field(ge=0, le=2**32 - 1)]
Threads = Annotated[int, Strict(), Field(ge=1, le=MOST_THREADS)]
Share = Annotated[float, Strict(), Field(ge=0, le=1)]
Positive = Annotated[float, Strict(), Field(gt=0)]
NotNegative = Annotated[float, Strict(), Field(ge=0)]
Flag = Annotated[bool, Strict()]
PathText = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, Path) else value)]
"""A path as text, for JSON; a `Path` is accepted too."""


class Settings(BaseModel):
    """Settings of one kind of work; subclass this.

    Written as JSON with `model_dump(mode="json")`, read with `model_validate`.

    Raises SettingsError, or another CompressorError that a validator raises, for an unknown or missing setting or a
    value out of range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    title: ClassVar[str] = "the settings"
    """Name in error messages, such as "a search"."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise settings_error(type(self), error) from None

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Read plain values, such as those of a config.json. Raises the same errors as the constructor."""
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise settings_error(cls, error) from None

    def replace(self, **changes: Any) -> Self:
        """A validated copy with some settings changed."""
        return type(self)(**{**{name: getattr(self, name) for name in type(self).model_fields}, **changes})


def default_of(settings: type[BaseModel], name: str) -> Any:
    """Default value of a setting."""
    return settings.model_fields[name].get_default(call_default_factory=True, validated_data={})


def description_of(settings: type[BaseModel], name: str) -> str:
    """Description of a setting."""
    return settings.model_fields[name].description or ""


def settings_error(settings: type[Settings], error: ValidationError) -> CompressorError:
    """Pydantic's first error as one sentence with value and remedy."""
    first = error.errors(include_url=False)[0]
    place, value = first["loc"], first.get("input")
    known = ", ".join(settings.model_fields)
    if first["type"] == "extra_forbidden":
        return SettingsError(f"there is no setting {place[-1]!r} of {settings.title}: choose from {known}")
    if first["type"] == "missing" and len(place) == 1:
        return SettingsError(f"{settings.title} needs {place[-1]}: give it")
    if not place:
        if first["type"] == "value_error":
            return SettingsError(str(first["ctx"]["error"]))
        return SettingsError(
            f"{settings.title} cannot be read from {value!r}: give a name and a value for each of {known}"
        )
    name = str(place[0])
    if first["type"] == "value_error":
        return SettingsError(f"{name}: {first['ctx']['error']}")
    schema = settings.model_json_schema(mode="validation")
    wanted = in_words(schema["properties"][name], schema.get("$defs", {}))
    return SettingsError(f"{name} must be {wanted}, not {value!r}")


def in_words(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """A JSON schema in words, such as "a whole number from 1 to 10"."""
    if "$ref" in schema:
        return in_words(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if "anyOf" in schema:
        return " or ".join(
            dict.fromkeys(in_words(one, definitions) for one in schema["anyOf"] if one.get("type") != "null")
        )
    if "enum" in schema:
        return " or ".join(str(one) for one in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    kind = schema.get("type")
    if kind in ("integer", "number"):
        return ("a whole number" if kind == "integer" else "a number") + _bounds(schema)
    if kind == "array":
        items = schema.get("items")
        return "a list" + (f" of which each is {in_words(items, definitions)}" if items else "")
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"names and values, each {in_words(schema['additionalProperties'], definitions)}"
    words = {"string": "a text", "boolean": "true or false", "object": "a name and a value for each of its settings"}
    return str(schema.get("description") or words.get(str(kind), "another value"))


def _bounds(schema: Mapping[str, Any]) -> str:
    words = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    said = [(word, f"{schema[name]:,}".removesuffix(".0")) for name, word in words.items() if name in schema]
    if len(said) == 2:
        (first, low), (second, high) = said
        plain = first == "from" and second == "to"
        return f" {first} {low} {'' if plain else 'and '}{'up to' if second == 'to' and not plain else second} {high}"
    return "".join(f" {'up to' if word == 'to' else word} {bound}" for word, bound in said)
