"""Rows of labelled code, with the meaning of their columns and values."""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final

from compressor_core.data import labels as meanings
from compressor_core.data.choices import Choices, read_choices
from compressor_core.data.columns import SPLIT_WORDS, Columns, listed
from compressor_core.data.dataset import UNKNOWN, Example, Split
from compressor_core.data.formats import open_table
from compressor_core.data.lines import BadRow, Entry, bad_rows, broken
from compressor_core.errors import DataError
from compressor_core.language import Language

LONGEST_CODE: Final = 1_000_000
"""Largest number of characters of a function; no model reads a hundredth of it."""
_LONGEST_LIST: Final = 2_000
"""Largest number of characters of a list of groups in a cell."""
_MISSING: Final = ("", "None", "nan", "NaN", "null")
"""Texts of a cell without a value."""
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Row:
    """A usable row. `label_name` is the label as in the file; `split` is None if the row has none."""

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
    """Good and bad rows of a file, in file order; line numbers are those of editors.

    For a file of choices, the rows that it refers to are read with its choices; arguments override these.

    `positive` is the label that means 1, any other meaning 0; without it, labels must be 0 and 1 or obvious words.
    `split` applies to rows without a split. `labels`, if given, counts the file's labels.

    Raises:
        DataError: the file cannot be used at all, or has no known column for the code or the label.
    """
    if (said := read_choices(path)) is not None:
        columns, positive, split = columns or said.columns, positive or said.positive, split or said.split
        yield from _as_said(read_rows(path.with_name(said.rows), columns, positive, split=split, labels=labels), said)
        return
    table = open_table(path)
    names = table.names
    if not names:  # nothing but broken rows, or none
        names, columns = ("func", "label"), None
    yield from understand(table.rows, names, path, columns, positive, split=split, labels=labels, unit=table.unit)


def _as_said(rows: Iterator[Row | BadRow], said: Choices) -> Iterator[Row | BadRow]:
    for row in rows:
        if isinstance(row, BadRow):
            if not said.skip_bad_rows:
                yield row
            continue
        origin = row.example.origin
        example = row.example if " of " in origin else replace(row.example, origin=f"{origin} of {said.name}")
        yield replace(row, example=example, language=said.language or row.language)


def understand(
    entries: Iterable[Entry],
    names: Sequence[str],
    source: Path | str,
    columns: Columns | None = None,
    positive: str | None = None,
    *,
    split: Split | None = None,
    labels: Counter[str] | None = None,
    unit: str = "line",
) -> Iterator[Row | BadRow]:
    """Rows of a table that is already read as numbered mappings from its column `names`. See `read_rows`.

    Error messages call the table `source` and its numbered units `unit`.
    """
    chosen = (columns or Columns()).completed(names)
    if not chosen.code:
        raise DataError(
            f"{source} has no column known to hold code among {listed(names)}: name it with func=COLUMN, and begin a "
            "CSV with a line of names that are parted by , ; | or tabs"
        )
    if chosen.label is None:
        raise DataError(f"{source} has no column known to hold labels among {listed(names)}: name it with label=COLUMN")
    for entry in entries:
        row = entry if isinstance(entry, BadRow) else _row(*entry, chosen, chosen.label, positive, split, labels, unit)
        yield replace(row, unit=unit) if isinstance(row, BadRow) else row


def strictly(path: Path, rows: Iterator[Row | BadRow]) -> list[Row]:
    """All rows of a file. Raises DataError if there are bad rows, with the first one and their number."""
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
    """Raise DataError unless both classes are among a file's labels; `labels` maps classes to their names in it."""
    if not labels:
        raise DataError(f"{path} is empty: it needs one row for each function")
    known = [name for label, name in labels.items() if label != UNKNOWN]
    if not known:
        raise DataError(f"no row of {path} has a label: both classes are needed to learn")
    if len(known) == 1:
        raise DataError(f"every row of {path} has the label {known[0]}: both classes are needed to learn")


def functions_in(line: int, row: Mapping[str, Any], columns: Sequence[str]) -> tuple[str, ...] | BadRow:
    """Code of a row, or what is wrong with it."""
    codes = []
    for column in columns:
        code = row.get(column)
        code = code if isinstance(code, str) else _code_in(code)
        if code is None or not code.strip():
            return BadRow(line, f"has no code in {column!r}")
        if len(code) > LONGEST_CODE:
            return BadRow(line, f"has {len(code):,} characters of code in {column!r}, more than {LONGEST_CODE:,}")
        if damage := broken(code):
            return BadRow(line, damage)
        if _HALF.search(code):
            return BadRow(line, "contains a lone surrogate, which cannot be written as UTF-8")
        # A function with Windows line ends counts as the same function.
        codes.append(code.replace("\r\n", "\n"))
    return tuple(codes)


def _code_in(cell: Any) -> str | None:
    """Code in a cell that is no text: bytes of UTF-8, or a list of lines; None for anything else."""
    cell = cell.tolist() if hasattr(cell, "tolist") else cell
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "surrogateescape")
    if isinstance(cell, list) and all(isinstance(line, str) for line in cell):
        return ("" if any(line.endswith("\n") for line in cell) else "\n").join(cell)
    return None


def _row(
    line: int,
    row: Mapping[str, Any],
    columns: Columns,
    label_column: str,
    positive: str | None,
    default: Split | None,
    labels: Counter[str] | None,
    unit: str,
) -> Row | BadRow:
    codes = functions_in(line, row, columns.code)
    if isinstance(codes, BadRow):
        return codes
    split = _split(row.get(columns.split) if columns.split else None) or default
    if isinstance(split, str) and not isinstance(split, Split):
        return BadRow(line, f"has the split {split[:80]!r}, which is none of {', '.join(Split)}")
    name = meanings.plain(row.get(label_column))
    if split is Split.UNLABELLED and name in ("", "-1"):
        label = UNKNOWN
    else:
        if labels is not None and name:
            labels[name] += 1
        number = _class(name, positive)
        if number is None:
            given = f"the label {name[:80]!r}" if name else "no label"
            return BadRow(
                line, f"has {given} in {label_column!r}, which must be 0 or 1 unless a positive value is named"
            )
        label = number
    group = _group(row.get(columns.group)) if columns.group else ""
    example = Example(codes, label, group, _text(row.get("origin") or "") or f"{unit} {line}")
    return Row(line, example, _text(row.get("label_name") or "") or name, split, _language(row.get("language")))


def _class(name: str, positive: str | None) -> int | None:
    if not name:
        return None
    return meanings.meaning(name) if positive is None else int(meanings.same(name, positive))


def _group(given: Any) -> str:
    """Group named by a cell. The names in a list (also in one that became text in a CSV) are joined."""
    if isinstance(given, str) and given.startswith(("[", "{")) and len(given) <= _LONGEST_LIST:
        try:
            given = ast.literal_eval(given)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            given = re.findall(r"[^\[\]'\",\s]+", given) if given.startswith("[") else given
    return ", ".join(_group_names(given))


def _group_names(given: Any) -> Iterator[str]:
    """Names in a cell: those in a list at any depth, the first one of an object, none in an empty value."""
    if hasattr(given, "tolist"):  # an array
        given = given.tolist()
    if isinstance(given, list | tuple):
        for one in given:
            yield from _group_names(one)
    elif isinstance(given, Mapping):
        names = (name for value in given.values() for name in _group_names(value))
        yield from islice(names, 1)
    elif (name := _text(given)) not in _MISSING:
        yield name


def _split(given: object) -> Split | str | None:
    """Split named by a cell; None for an empty cell, its text if it names no split."""
    text = _text(given)
    word = text.strip()
    return None if word in _MISSING else SPLIT_WORDS.get(word.lower(), text)


def _text(cell: object) -> str:
    """Text of a cell; empty for None, and for NaN, which pandas writes instead."""
    return "" if cell is None or (isinstance(cell, float) and math.isnan(cell)) else str(cell)


def _language(given: object) -> Language | None:
    word = str(given or "").strip().lower()
    return Language(word) if word in set(Language) else None
