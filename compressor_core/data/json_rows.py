"""Rows of JSON files in any layout: one object per line, one array, splits by name, tables by columns."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, TextIO

from compressor_core.data.columns import SPLIT_WORDS, Columns
from compressor_core.data.lines import BadRow, Entry, Table, broken, opened
from compressor_core.data.wrapped import wrapper
from compressor_core.errors import DataError

_LOOKED_AT: Final = 200
"""Number of rows that are read to find the columns."""
_MOST: Final = 1_000_000_000
"""Largest number of characters of a file that is read whole."""
_DEEPEST: Final = 4
"""Largest number of objects around the rows, such as "data" and "train"."""
_DECODER: Final = json.JSONDecoder()
_VALUE: Final = re.compile(r"[^\s,\ufeff]")
_ITEM: Final = re.compile(r"[^\s,\ufeff\[\]]")
"""First character of a value, outside (`_VALUE`) and inside (`_ITEM`) a list; joined files have a BOM in the middle."""
_PYTHON: Final = re.compile(r"[\[(]?\s*[{(\[]\s*'")
_NAMELESS: Final = re.compile(r'\[\s*[\["]')


def json_table(path: Path) -> Table:
    """Objects of a JSON file, and the keys of the first ones. Raises DataError if it cannot be read at all.

    A file with one object per line is read line by line; any other is read whole.
    """
    with opened(path) as file:
        if _by_line(file):
            return Table(_names(islice(_line_by_line(file), _LOOKED_AT)), json_objects(path))
        text = file.read(_MOST + 1)
    if len(text) > _MOST:
        raise DataError(f"{path} is JSON in one piece of more than {_MOST:,} characters: write one object per line")
    entries = list(_objects(text, 1, _ITEM))
    if text.strip() and all(isinstance(entry, BadRow) for entry in entries) and (form := _other_form(text.lstrip())):
        raise DataError(f"{path} {form}")
    if text.lstrip().startswith("[") and not text.rstrip().endswith("]"):
        entries.append(BadRow(text.count("\n") + 1, "ends before its list does, the file seems half-written"))
    if (
        len(entries) == 1
        and not isinstance(entries[0], BadRow)
        and (rows := _unfolded(path, entries[0][1])) is not None
    ):
        return Table(_names(iter(rows)), iter(rows), "row")
    return Table(_names(islice(entries, _LOOKED_AT)), iter(entries))


def _other_form(text: str) -> str | None:
    """What a text without any object is, if it is a table in another form, and the remedy."""
    if _PYTHON.match(text):
        return "has single quotes, as Python prints its lists: write it with json.dump, or pandas' to_json"
    if _NAMELESS.match(text):
        return "has rows without names of columns: write an object for each, as pandas does with orient='records'"
    if not text.startswith(("{", "[")):
        remedy = "remove what stands before and after the rows" if "{" in text else "save the rows as JSON or CSV"
        return f"begins with {text[:20]!r}, and a table in JSON with {{ or [: {remedy}"
    return None


def json_objects(path: Path) -> Iterator[Entry]:
    """Objects of a file with one per line, with line numbers. Raises DataError as `json_table`."""
    with opened(path) as file:
        yield from _line_by_line(file)


def _by_line(file: TextIO) -> bool:
    """Whether the first non-empty line consists of objects and another line follows; rewinds the file."""
    lines = (line for line in file if line.strip())
    first, second = next(lines, ""), next(lines, None)
    file.seek(0)
    found = list(_objects(first, 1))
    whole = bool(found) and not any(isinstance(entry, BadRow) for entry in found)
    return not first or (second is not None and whole)


def _line_by_line(file: TextIO) -> Iterator[Entry]:
    for number, line in enumerate(file, 1):
        yield from _objects(line, number)


def _objects(text: str, line: int, value_begins: re.Pattern[str] = _VALUE) -> Iterator[Entry]:
    """Objects in a text that begins at `line`; after an unreadable one, continues on the next line."""
    at = 0
    while match := value_begins.search(text, at):
        line += text.count("\n", at, start := match.start())
        try:
            value, at = _DECODER.raw_decode(text, start)
            reason = None if isinstance(value, dict) else "is no JSON object"
        except (ValueError, RecursionError):
            end = text.find("\n", start)
            at = len(text) if end < 0 else end
            reason = f"cannot be read, {'the file seems half-written' if end < 0 else 'it is no JSON object'}"
        if reason := broken(text[start:at]) or reason:
            yield BadRow(line, reason)
        else:
            yield line, value
        line += text.count("\n", start, at)


def _names(entries: Iterator[Entry]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for entry in entries if not isinstance(entry, BadRow) for key in entry[1]))


def _unfolded(path: Path, whole: Mapping[str, Any]) -> list[Entry] | None:
    """Rows of a table that is stored as one object; None if the object is itself a row."""
    rows = _part(path, whole)
    return None if rows is None else [(n, {"origin": f"row {n}", **row}) for n, row in enumerate(rows, 1)]


def _part(path: Path, value: Any, depth: int = _DEEPEST) -> list[dict[str, Any]] | None:
    """Rows of a list, of a table by columns, or of an object of such parts, of which those with code count."""
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        return value
    if not isinstance(value, dict) or not depth:
        return None
    if (rows := _by_columns(path, value)) is not None:
        return rows
    parts = {name: found for name, one in value.items() if (found := _part(path, one, depth - 1)) is not None}
    if not parts or any(isinstance(value[name], str) for name in Columns().completed(list(value)).code):
        return None
    coded = {name: part for name, part in parts.items() if part and _has_code(part[0])}
    return [{**_named(name), **row} for name, part in (coded or parts).items() for row in part]


def _has_code(row: Mapping[str, Any]) -> bool:
    return bool(Columns().completed(list(row)).code) or wrapper([row]) is not None


def _named(part: str) -> dict[str, Any]:
    word = part.lower()
    return {"split": word} if word in SPLIT_WORDS else {}


def _by_columns(path: Path, whole: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Rows of a table as written by pandas' to_json or to_dict with any `orient`; None if it is not such a table.

    Raises:
        DataError: its columns differ in length.
    """
    values, columns, data = list(whole.values()), whole.get("columns"), whole.get("data")
    if isinstance(columns, list) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        return [dict(zip(map(str, columns), row, strict=False)) for row in data]
    known = Columns().completed(list(whole))
    if known.code:
        lists = {name: value for name, value in whole.items() if isinstance(value, list)}
        needed = [*known.code, known.label] if known.label else list(whole)
        if all(name in lists for name in needed):
            return _from_lists(path, lists, needed)
        if all(isinstance(value, dict) and value.keys() == values[0].keys() for value in values):
            return [{name: column[key] for name, column in whole.items()} for key in values[0]]
    elif len(values) > 1 and all(isinstance(value, dict) and Columns().completed(list(value)).code for value in values):
        rows = [value for value in values if not any(isinstance(cell, dict | list) for cell in value.values())]
        return rows if len(rows) == len(values) else None
    return None


def _from_lists(path: Path, lists: Mapping[str, list[Any]], needed: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of columns stored as lists; those that are not `needed` and differ in length are no columns."""
    count = len(lists[needed[0]])
    for name in needed:
        if len(lists[name]) != count:
            raise DataError(
                f"{path} has {count:,} values in the list {needed[0]!r} and {len(lists[name]):,} in {name!r}: give "
                "one of each for every row"
            )
    columns = {name: value for name, value in lists.items() if len(value) == count}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
