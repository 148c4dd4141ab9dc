"""The catalogue of weaknesses: small programs with holes, each before and after its fix.

The files lie in `assets/weaknesses/`, one a weakness; its README gives the format. `surface.py` fills the holes.
Beside them stands ordinary code without a weakness, in the same format (`harmless`).
"""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field

from compressor_core.assets import ASSETS
from compressor_core.data.dataset import share_of
from compressor_core.data.surface import imported
from compressor_core.errors import DataError, SettingsError
from compressor_core.settings import Flag, Settings

FOLDER = ASSETS / "weaknesses"
UNSEEN_PROGRAMS = 0.3
"""Share of the APIs with several programs that keep one of them from training, for the test of unseen phrasings."""

T = TypeVar("T", bound=Settings)
_Texts = Annotated[tuple[str, ...], BeforeValidator(lambda text: (text,) if isinstance(text, str) else text)]


class Program(Settings):
    """One intent as a small program: `unsafe`, `safe` after the fix, and `benign` uses of the same words."""

    title = "a program of the catalogue"
    unsafe: str
    safe: str
    benign: _Texts = ()
    flow: Flag = False


class Api(Settings):
    """A package, class or function with which a weakness comes about; an `unseen` one is kept from training."""

    title = "an API of the catalogue"
    name: str
    imports: tuple[str, ...] = ()
    unseen: Flag = False
    programs: tuple[Program, ...] = Field(alias="program", min_length=1)


class Weakness(Settings):
    """An entry of the Common Weakness Enumeration.

    `taint` says that it is unsafe only because a value comes from outside, `number_is_safe` that it is not if that
    value is a number.
    """

    title = "a weakness of the catalogue"
    cwe: str = Field(pattern=r"^CWE-\d+$")
    name: str = Field(alias="title")
    remedy: str
    taint: Flag = False
    number_is_safe: Flag = False
    names: tuple[str, ...] = ()
    unseen: Flag = False
    apis: tuple[Api, ...] = Field(alias="api", min_length=1)


class Harmless(Settings):
    """Ordinary code; `imports` are those of all programs together."""

    title = "the harmless programs"
    imports: tuple[str, ...]
    programs: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """A program with what it belongs to, the unit of every draw."""

    weakness: Weakness
    api: Api
    program: Program
    unseen: bool
    """Whether the program is kept from training although its API is not."""


@functools.cache
def catalogue() -> tuple[Weakness, ...]:
    """All weaknesses, in the order of their files.

    Raises:
        DataError: a file of the catalogue is damaged.
    """
    return tuple(_read(path, Weakness) for path in sorted(FOLDER.glob("cwe-*.toml")))


def catalogue_texts() -> list[str]:
    """The files of the catalogue as they are."""
    return [path.read_text("utf-8") for path in sorted(FOLDER.glob("*.toml"))]


@functools.cache
def harmless() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Programs of ordinary code, each with the imports that it uses. Raises as `catalogue`."""
    listed = _read(FOLDER / "harmless.toml", Harmless)
    lines = {name: line for line in listed.imports for name in imported(line)}
    return tuple(
        (program, tuple(dict.fromkeys(lines[word] for word in re.findall(r"\w+", program) if word in lines)))
        for program in listed.programs
    )


def _read(path: Path, kind: type[T]) -> T:
    try:
        return kind.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, ValueError, SettingsError) as error:
        raise DataError(f"the catalogue's {path.name} cannot be read ({error}): install the program again") from error


@functools.cache
def entries() -> tuple[Entry, ...]:
    """All programs of the catalogue."""
    found = []
    for weakness in catalogue():
        for api in weakness.apis:
            kept = _kept(weakness, api)
            found += [Entry(weakness, api, program, program is kept) for program in api.programs]
    return tuple(found)


def _kept(weakness: Weakness, api: Api) -> Program | None:
    """The program that is kept from training: which, and whether any, depends on the texts alone."""
    if len(api.programs) < 2 or share_of(f"{weakness.cwe}/{api.name}") >= UNSEEN_PROGRAMS:
        return None
    return min(api.programs, key=lambda program: share_of(program.unsafe))
