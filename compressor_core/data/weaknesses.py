"""Catalogue of weaknesses: small program templates, each before and after its fix.

The files are in `assets/weaknesses/`, one per weakness; its README describes the format. `surface.py` fills the
templates. Ordinary code without a weakness has the same format (`harmless`).
"""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field

from compressor_core.assets import ASSETS
from compressor_core.data.dataset import share_of
from compressor_core.data.surface import imported, needed
from compressor_core.errors import DataError, SettingsError
from compressor_core.settings import Flag, Settings

FOLDER = ASSETS / "weaknesses"
UNSEEN_PROGRAMS = 0.3
"""Share of the APIs with several programs of which one is withheld from training, to test unseen phrasings."""

T = TypeVar("T", bound=Settings)
_Texts = Annotated[tuple[str, ...], BeforeValidator(lambda text: (text,) if isinstance(text, str) else text)]


class Program(Settings):
    """One intent as a small program: `unsafe`, `safe` after the fix, and `benign` uses of the same words."""

    title = "a program of the catalogue"
    unsafe: str
    safe: str
    benign: _Texts = ()
    flow: Flag = False

    @property
    def statements(self) -> int:
        """Number of statements of the unsafe form."""
        return sum(isinstance(node, ast.stmt) for node in ast.walk(ast.parse(self.unsafe)))


class Api(Settings):
    """A package, class or function that can cause a weakness; an `unseen` one is withheld from training."""

    title = "an API of the catalogue"
    name: str
    imports: tuple[str, ...] = ()
    unseen: Flag = False
    programs: tuple[Program, ...] = Field(alias="program", min_length=1)


class Weakness(Settings):
    """An entry of the Common Weakness Enumeration.

    `taint`: unsafe only because a value comes from outside. `number_is_safe`: safe if that value is a number.
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
    """Ordinary code; `imports` are those of all programs."""

    title = "the harmless programs"
    imports: tuple[str, ...]
    programs: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """A program with its API and weakness, the unit of every draw."""

    weakness: Weakness
    api: Api
    program: Program
    unseen: bool
    """Whether the program is withheld from training although its API is not."""

    @property
    def imports(self) -> tuple[str, ...]:
        """What any form of the program needs, so that the imports do not tell which form it is."""
        return needed(self.api.imports, (self.program.unsafe, self.program.safe, *self.program.benign))


@functools.cache
def catalogue() -> tuple[Weakness, ...]:
    """All weaknesses, in the order of their files.

    Raises:
        DataError: a file of the catalogue is damaged.
    """
    return tuple(_read(path, Weakness) for path in sorted(FOLDER.glob("cwe-*.toml")))


def catalogue_texts() -> list[str]:
    """Raw texts of the catalogue's files."""
    return [path.read_text("utf-8") for path in sorted(FOLDER.glob("*.toml"))]


@functools.cache
def harmless() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Programs of ordinary code, each with its imports. Raises as `catalogue`."""
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
    """The program that is withheld from training, if any; the choice depends only on the texts."""
    if len(api.programs) < 2 or share_of(f"{weakness.cwe}/{api.name}") >= UNSEEN_PROGRAMS:
        return None
    return min(api.programs, key=lambda program: share_of(program.unsafe))
