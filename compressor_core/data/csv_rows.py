"""Rows of CSV files as written by spreadsheets, pandas, Spark and databases."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Final, TextIO

from compressor_core.data.lines import BadRow, Entry, Table, broken, opened
from compressor_core.errors import DataError
from compressor_core.literal import uncelled

DELIMITERS: Final = (",", ";", "\t", "|")
_LONGEST_FIELD: Final = 2**31 - 1
_LONGEST_HEADER: Final = 100
"""Largest number of lines; a name may contain line breaks."""
_STATED: Final = re.compile(r'"?sep=(.)"?\s*')
"""First line that states the delimiter for Excel."""
_ESCAPED: Final = re.compile(r'\\(["\\])')
_ESCAPED_QUOTE: Final = re.compile(r'(\\+)"')
_BACKSLASH: Final = re.compile(r'(?<!\\)(?:\\\\)*\\(?![\\"])')
"""Backslash that stands for itself; a writer that doubles all backslashes never leaves one."""


@dataclass(frozen=True)
class _Layout:
    """Layout of a file: columns, delimiter, lines before the header, and a function that unescapes \\" in cells."""

    names: tuple[str, ...] = ()
    delimiter: str = ","
    before: int = 0
    unescape: Callable[[str], str] | None = None


def csv_table(path: Path) -> Table:
    """Rows of a CSV file and the columns of its header, which may span several lines.

    The delimiter is the one of `DELIMITERS` that gives the header the most columns, or the one stated by a line `sep=`.
    Quotes within a cell are doubled; backslash escapes are tried if that leaves bad rows.

    Raises:
        DataError: the file cannot be read at all, or has no header.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    with opened(path) as file:
        layout = _layout(path, file)
    return Table(layout.names, _rows(path, layout))


def _rows(path: Path, layout: _Layout) -> Iterator[Entry]:
    if not layout.names:
        return
    with opened(path) as file:
        if any('\\"' in line for line in file) and (bad := _bad(file, layout)):
            file.seek(0)
            unescape = _before_quotes if any(map(_BACKSLASH.search, file)) else _everywhere
            escaped = replace(layout, unescape=unescape)
            layout = escaped if _bad(file, escaped) < bad else layout
        yield from _read(file, layout)


def _bad(file: TextIO, layout: _Layout) -> int:
    return sum(isinstance(entry, BadRow) for entry in _read(file, layout))


def _read(file: TextIO, layout: _Layout) -> Iterator[Entry]:
    """All rows after the header; rewinds the file first."""
    file.seek(0)
    reader = _reader(file, layout)
    next(filter(None, reader))
    while True:
        number = layout.before + reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            opened_quote = "unexpected end" in str(error)
            yield BadRow(number, f"cannot be read, {'a quote is never closed' if opened_quote else error}")
            continue
        if not values:
            continue
        if len(values) != len(layout.names):
            yield BadRow(number, f"has {len(values)} columns where the first line has {len(layout.names)}")
        elif damage := broken("".join(values)):
            yield BadRow(number, damage)
        else:
            yield number, dict(zip(layout.names, map(uncelled, values), strict=True))


def _reader(file: TextIO, layout: _Layout) -> Any:
    lines: Iterator[str] = islice(file, layout.before, None)
    if layout.unescape is not None:
        lines = map(layout.unescape, lines)
    return csv.reader(lines, delimiter=layout.delimiter, strict=True)


def _everywhere(line: str) -> str:
    """The line with doubled quotes, if every quote and backslash is escaped by a backslash, as Python writes."""
    return _ESCAPED.sub(lambda found: '""' if found[1] == '"' else "\\", line)


def _before_quotes(line: str) -> str:
    """The line with doubled quotes, if only quotes and backslashes before them are escaped, as Spark writes."""
    return _ESCAPED_QUOTE.sub(lambda found: found[1][: len(found[1]) // 2] + '"' * (1 + len(found[1]) % 2), line)


def _layout(path: Path, file: TextIO) -> _Layout:
    """Layout detected from the beginning of a file."""
    lines = list(islice(file, _LONGEST_HEADER))
    stated = _STATED.fullmatch(lines[0]) if lines else None
    before = 1 if stated else 0
    found = []
    for delimiter in stated[1] if stated else DELIMITERS:
        layout = _Layout(delimiter=delimiter, before=before)
        try:
            names = next(filter(None, _reader(iter(lines), layout)), None)  # type: ignore[arg-type]
        except csv.Error:
            continue
        if names is None:
            return _Layout()
        found.append(replace(layout, names=tuple(uncelled(name.strip()) for name in names)))
    if not found:
        raise DataError(f"line 1 of {path} does not name the columns: begin with a line such as func,label")
    best = max(found, key=lambda layout: len(layout.names))
    if damage := broken("".join(best.names)):
        raise DataError(f"line {before + 1} of {path} {damage}")
    twice = [name for name, count in Counter(best.names).items() if count > 1]
    if twice:
        raise DataError(f"line {before + 1} of {path} has two columns {twice[0]!r}: give each a name of its own")
    return best
