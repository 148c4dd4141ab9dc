"""Roles of a table's columns, recognised by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

from compressor_core.data.dataset import Split
from compressor_core.errors import DataError

_CODE = (
    "func",
    "function",
    "code",
    "source",
    "source_code",
    "snippet",
    "processed_func",
    "func_before",
    "method",
    "body",
)
_LABEL = ("label", "target", "class", "y", "vul", "vulnerable", "is_vulnerable", "clone", "is_clone", "bug", "buggy")
_GUESSES = {
    "func": _CODE,
    "func1": tuple(f"{name}{joint}1" for name in _CODE for joint in ("", "_")),
    "func2": tuple(f"{name}{joint}2" for name in _CODE for joint in ("", "_")),
    "label": _LABEL,
    "split": ("split", "partition"),
    "group": ("group", "cwe", "cwe_id", "kind"),
}
SPLIT_WORDS: Final = {
    **{split.value: split for split in Split},
    "training": Split.TRAIN,
    "valid": Split.VALIDATION,
    "val": Split.VALIDATION,
    "dev": Split.VALIDATION,
    "eval": Split.VALIDATION,
    "testing": Split.TEST,
    "unlabeled": Split.UNLABELLED,
}
"""Names of splits, in lower case."""
_COMMA: Final = re.compile(r"(?<!\\),")
_SHOWN: Final = 40
"""Largest number of characters of a name in a message."""


@dataclass(frozen=True)
class Columns:
    """Column of a file for each role: `func` or both `func1` and `func2`, and `label`; the rest is optional.

    None means that the column is guessed, see `completed`.
    """

    func: str | None = None
    func1: str | None = None
    func2: str | None = None
    label: str | None = None
    split: str | None = None
    group: str | None = None

    @classmethod
    def parse(cls, text: str) -> Columns:
        """Parse `func=code,label=bug` (role=column, with `\\,` for a comma in it). Raises DataError for other texts."""
        known = [field.name for field in fields(cls)]
        chosen: dict[str, str] = {}
        for part in _COMMA.split(text):
            role, equals, column = (piece.strip() for piece in part.replace("\\,", ",").partition("="))
            if not equals or not column or role not in known:
                raise DataError(
                    f"the columns cannot be {part.strip()!r}: write NAME=COLUMN with {', '.join(known)}, and a comma "
                    "in a name as \\,"
                )
            chosen[role] = column
        return cls(**chosen)

    @property
    def code(self) -> tuple[str, ...]:
        """Columns with code: one for single functions, two for pairs; empty if not known."""
        if self.func1 and self.func2:
            return (self.func1, self.func2)
        return (self.func,) if self.func else ()

    def completed(self, names: Sequence[str]) -> Columns:
        """A copy with missing columns guessed from a file's column names; those that cannot be guessed stay None.

        Raises:
            DataError: a given column is not in the file.
        """
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        for column in filter(None, given.values()):
            if column not in names:
                raise DataError(f"there is no column {column!r}: the file has {listed(names)}")
        plain = {re.sub(r"[\s-]+", "_", name.strip().lower()): name for name in reversed(names)}
        taken = set(filter(None, given.values()))
        guessed = {}
        for role, column in given.items():
            likely = (plain[guess] for guess in _GUESSES[role] if guess in plain)
            guessed[role] = column or next((name for name in likely if name not in taken), None)
        pairs = (guessed["func1"] and guessed["func2"]) and not self.func
        unused = {"func": None} if pairs else {"func1": None, "func2": None}
        return Columns(**{**guessed, **unused})


def listed(names: Sequence[str]) -> str:
    """The first column names, for a message."""
    shown = ", ".join(repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…") for name in names[:12])
    return f"the columns {shown}" + (" …" if len(names) > 12 else "")
