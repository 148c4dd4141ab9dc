"""Rows of labelled code in JSONL and CSV files: which column holds what, and what its values mean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from compressor_core.data.dataset import UNKNOWN, Example, Split
from compressor_core.data.lines import NUL, BadRow, bad_rows, column_names, records
from compressor_core.errors import DataError
from compressor_core.language import Language

NEGATIVE = frozenset(
    ("0", "false", "no", "n", "none", "safe", "secure", "clean", "good", "benign", "fixed", "patched", "different")
)
POSITIVE = frozenset(
    ("1", "true", "yes", "y", "vulnerable", "unsafe", "insecure", "vul", "buggy", "bug", "bad", "clone", "same")
)
"""The words that are labels by themselves; with any other, a positive value has to be named."""

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
SPLIT_WORDS = {
    "training": "train",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "unlabeled": "unlabelled",
}
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Columns:
    """Which column of a file holds what: `func` or both `func1` and `func2`, and `label`; the rest is optional.

    None means that it is to be guessed, see `completed`.
    """

    func: str | None = None
    func1: str | None = None
    func2: str | None = None
    label: str | None = None
    split: str | None = None
    group: str | None = None

    @classmethod
    def parse(cls, text: str) -> Columns:
        """From `func=code,label=bug`, ours first. Raises DataError for any other text."""
        known = [field.name for field in fields(cls)]
        chosen: dict[str, str] = {}
        for part in text.split(","):
            role, equals, column = (piece.strip() for piece in part.partition("="))
            if not equals or not column or role not in known:
                raise DataError(f"the columns cannot be {part.strip()!r}: write NAME=COLUMN with {', '.join(known)}")
            chosen[role] = column
        return cls(**chosen)

    @property
    def code(self) -> tuple[str, ...]:
        """The columns with code: one for single functions, two for pairs; empty if they are not known."""
        if self.func1 and self.func2:
            return (self.func1, self.func2)
        return (self.func,) if self.func else ()

    def completed(self, names: Sequence[str]) -> Columns:
        """With what is None guessed from the names of a file's columns; what cannot be guessed stays None.

        Raises:
            DataError: a column that is given is not among them.
        """
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        for column in filter(None, given.values()):
            if column not in names:
                raise DataError(f"there is no column {column!r}: the file has {_listed(names)}")
        plain = {re.sub(r"[\s-]+", "_", name.strip().lower()): name for name in reversed(names)}
        taken = set(filter(None, given.values()))
        guessed = {}
        for role, column in given.items():
            likely = (plain[guess] for guess in _GUESSES[role] if guess in plain)
            guessed[role] = column or next((name for name in likely if name not in taken), None)
        pairs = (guessed["func1"] and guessed["func2"]) and not self.func
        unused = {"func": None} if pairs else {"func1": None, "func2": None}
        return Columns(**{**guessed, **unused})


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can be used. `label_name` is the label as the file has it; `split` None: the row has none."""

    line: int
    example: Example
    label_name: str
    split: Split | None
    language: Language | None


def read_rows(
    path: Path,
    columns: Columns | None = None,
    positive: str | None = None,
    *,
    split: Split | None = None,
    labels: Counter[str] | None = None,
) -> Iterator[Row | BadRow]:
    """The rows of a JSONL or CSV file, the good and the bad, in the file's order; line numbers are those of editors.

    `positive` is the label that means 1, any other meaning 0; without it, labels are 0 and 1 or words that speak for
    themselves. `split` is that of rows that name none. `labels`, if given, counts the labels as the file has them.

    Raises:
        DataError: the file cannot be used at all, or no column is known to hold the code or the label.
    """
    names = column_names(path)
    if not names:  # nothing but broken rows, or none
        names, columns = ("func", "label"), None
    yield from understand(records(path), names, path, columns, positive, split=split, labels=labels)


def understand(
    entries: Iterable[tuple[int, Mapping[str, Any]] | BadRow],
    names: Sequence[str],
    source: Path | str,
    columns: Columns | None = None,
    positive: str | None = None,
    *,
    split: Split | None = None,
    labels: Counter[str] | None = None,
) -> Iterator[Row | BadRow]:
    """The rows of a table that is already read: numbered mappings from its column `names`. See `read_rows`.

    `source` is what an error calls the table.
    """
    chosen = (columns or Columns()).completed(names)
    if not chosen.code:
        raise DataError(f"{source} has no column known to hold code among {_listed(names)}: name it with func=COLUMN")
    if chosen.label is None:
        raise DataError(
            f"{source} has no column known to hold labels among {_listed(names)}: name it with label=COLUMN"
        )
    for entry in entries:
        yield entry if isinstance(entry, BadRow) else _row(*entry, chosen, chosen.label, positive, split, labels)


def strictly(path: Path, rows: Iterator[Row | BadRow]) -> list[Row]:
    """All rows of a file without a bad one. Raises DataError with the first bad one and how many there are."""
    good, bad = [], []
    for row in rows:
        if isinstance(row, BadRow):
            bad.append(row)
        else:
            good.append(row)
    if bad:
        raise bad_rows(path, bad)
    return good


def check(path: Path | str, labels: Mapping[int, str]) -> None:
    """Raise DataError unless both classes are among the labels found in a file; the values are what it calls them."""
    if not labels:
        raise DataError(f"{path} is empty: it needs one row for each function")
    known = [name for label, name in labels.items() if label != UNKNOWN]
    if not known:
        raise DataError(f"no row of {path} has a label: both classes are needed to learn")
    if len(known) == 1:
        raise DataError(f"every row of {path} has the label {known[0]}: both classes are needed to learn")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:12])
    return f"the columns {shown}" + (" …" if len(names) > 12 else "")


def functions_in(line: int, row: Mapping[str, Any], columns: Sequence[str]) -> tuple[str, ...] | BadRow:
    """The code of a row, from its columns with code; or what is wrong with it."""
    codes = []
    for column in columns:
        code = row.get(column)
        if not isinstance(code, str) or not code.strip():
            return BadRow(line, f"has no code in {column!r}")
        if "\0" in code:
            return BadRow(line, NUL)
        if _HALF.search(code):
            return BadRow(line, "has half a character (a lone surrogate), which cannot be written as UTF-8")
        # The same function from Windows and from elsewhere is the same function.
        codes.append(code.replace("\r\n", "\n"))
    return tuple(codes)


def _row(
    line: int,
    row: Mapping[str, Any],
    columns: Columns,
    label_column: str,
    positive: str | None,
    default: Split | None,
    labels: Counter[str] | None,
) -> Row | BadRow:
    codes = functions_in(line, row, columns.code)
    if isinstance(codes, BadRow):
        return codes
    split = _split(row.get(columns.split) if columns.split else None) or default
    if isinstance(split, str) and not isinstance(split, Split):
        return BadRow(line, f"has the split {split!r}, which is none of {', '.join(Split)}")
    name = _plain(row.get(label_column))
    if split is Split.UNLABELLED and name in ("", "-1"):
        label = UNKNOWN
    else:
        if labels is not None and name:
            labels[name] += 1
        number = _label(name, positive)
        if number is None:
            given = f"the label {name!r}" if name else "no label"
            return BadRow(
                line, f"has {given} in {label_column!r}, which must be 0 or 1 unless a positive value is named"
            )
        label = number
    group = str(row.get(columns.group) or "") if columns.group else ""
    example = Example(codes, label, group, str(row.get("origin") or f"line {line}"))
    return Row(line, example, str(row.get("label_name") or name), split, _language(row.get("language")))


def _plain(value: object) -> str:
    """A label as text: `1`, `1.0`, `True` and `true` are all `1`."""
    text = "" if value is None else str(value).strip()
    return {"true": "1", "false": "0", "1.0": "1", "0.0": "0"}.get(text.lower(), text)


def _label(name: str, positive: str | None) -> int | None:
    if not name:
        return None
    if positive is not None:
        return int(name == _plain(positive))
    word = name.lower()
    return 1 if word in POSITIVE else 0 if word in NEGATIVE else None


def _split(given: object) -> Split | str | None:
    """The split that a cell names, None for an empty one, the cell itself if it names no split."""
    word = "" if given is None else str(given).strip().lower()
    if not word:
        return None
    word = SPLIT_WORDS.get(word, word)
    return Split(word) if word in set(Split) else str(given)


def _language(given: object) -> Language | None:
    word = str(given or "").strip().lower()
    return Language(word) if word in set(Language) else None
