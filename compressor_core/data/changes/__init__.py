"""Label-preserving changes of a function: another text with the same behaviour.

A model that understands code answers the same before and after; `probe` counts how often a model does not (MORPH, ICSE
2025: prediction flips). `data/rewriting.py` goes further: its clones may have other literals and statements.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from compressor_core.data.changes import braces, python_hints, python_layout, python_strings, python_structure
from compressor_core.data.changes.braces import Braces
from compressor_core.data.changes.edits import Edit, splice
from compressor_core.data.changes.python import Python, parsed
from compressor_core.data.renaming import rename
from compressor_core.errors import SettingsError
from compressor_core.language import Language

_LONE_RETURN = re.compile(r"\r(?!\n)")
_OfPython = Callable[[Python, random.Random], list[Edit]]
_OfBraces = Callable[[Braces, random.Random], list[Edit]]


@dataclass(frozen=True)
class Change:
    """One kind of change, with its `name` in settings and records and a `description`."""

    name: str
    description: str
    python: _OfPython | None = None
    braces: _OfBraces | None = None

    @property
    def languages(self) -> tuple[Language, ...]:
        """Languages that the change supports."""
        if self.name == RENAME:
            return tuple(Language)
        python = (Language.PYTHON,) if self.python else ()
        return (Language.C, Language.JAVA, *python) if self.braces else python

    def apply(self, code: str, language: Language, rng: random.Random) -> str | None:
        """The code after the change; None if there is nothing to change, or it cannot be parsed.

        Line ends become those of Unix.
        """
        if self.name == RENAME:
            return rename(code, language, rng)
        if language not in self.languages or _LONE_RETURN.search(code):
            return None
        code = code.replace("\r\n", "\n")
        try:
            if language is Language.PYTHON:
                assert self.python is not None
                edits = self.python(parsed(code), rng)
            else:
                assert self.braces is not None
                edits = self.braces(Braces(code, language), rng)
            changed = splice(code.encode(), edits)
            # If the parser has to guess, such as at a function without a type, the layout may affect its guess.
            if language is not Language.PYTHON and not Braces(changed, language).readable:
                return None
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        return None if changed == code else changed


RENAME: Final = "rename"
_ALL: Final = (
    Change(RENAME, "Other names for variables, parameters and inner functions"),
    Change("quotes", "Strings in the other quotes", python_layout.swap_quotes),
    Change("strings", "f-string, %, format or concatenation in place of each other", python_strings.string_forms),
    Change(
        "reformat", "Other line breaks, blank lines, braces and indentation", python_layout.reformat, braces.reformat
    ),
    Change("comments", "Comments inserted", python_layout.insert_comments, braces.insert_comments),
    Change(
        "reorder",
        "Independent neighbouring statements exchanged",
        python_structure.reorder_statements,
        braces.reorder_statements,
    ),
    Change("keywords", "Keyword arguments in another order", python_structure.reorder_keywords),
    Change(
        "dead-code",
        "Statements inserted that do nothing",
        python_structure.insert_dead_code,
        braces.insert_dead_code,
    ),
    Change("wrap", "A body or a value moved into a nested function", python_structure.wrap),
    Change("hoist", "An argument moved into a variable", python_structure.hoist),
    Change("hints", "Type hints and docstring added or dropped", python_hints.change_hints),
    Change("alias", "An import inside the function under another name", python_structure.alias_imports),
)
CHANGES: Final[Mapping[str, Change]] = {change.name: change for change in _ALL}
"""All kinds of change by name, in display order."""


def changes_for(language: Language, names: Iterable[str] = ()) -> tuple[Change, ...]:
    """Changes for a language, all or those named.

    Raises:
        SettingsError: a name is unknown, or none of the changes is for the language.
    """
    wanted = list(names)
    for name in wanted:
        if name not in CHANGES:
            raise SettingsError(f"there is no change {name!r}: choose from {', '.join(CHANGES)}")
    found = tuple(change for change in _ALL if language in change.languages and (not wanted or change.name in wanted))
    if not found:
        raise SettingsError(f"none of the changes {', '.join(wanted)} is for {language}: choose another one")
    return found


def change(
    code: str, language: Language, rng: random.Random, changes: Sequence[Change], most: int = 1
) -> tuple[str, tuple[str, ...]]:
    """The code after up to `most` different changes in random order, and their names."""
    applied: list[str] = []
    for one in rng.sample(changes, len(changes)):
        if len(applied) == most:
            break
        changed = one.apply(code, language, rng)
        if changed is not None:
            code = changed
            applied.append(one.name)
    return code, tuple(applied)


def change_example(
    codes: tuple[str, ...], language: Language, rng: random.Random, changes: Sequence[Change], most: int = 1
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """An example with each of its functions changed separately, and the names of all applied changes."""
    changed = [change(code, language, rng, changes, most) for code in codes]
    names = dict.fromkeys(name for _, applied in changed for name in applied)
    return tuple(code for code, _ in changed), tuple(names)
