"""Rows of CSV files as spreadsheets, pandas, Spark and databases write them."""

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
"""Lines; a name may have line breaks in it."""
_STATED: Final = re.compile(r'"?sep=(.)"?\s*')
"""A first line by which Excel is told the delimiter."""
_ESCAPED: Final = re.compile(r'\\(["\\])')
_ESCAPED_QUOTE: Final = re.compile(r'(\\+)"')
_BACKSLASH: Final = re.compile(r'(?<!\\)(?:\\\\)*\\(?![\\"])')
"""One that stands for itself, which no writer leaves that doubles them all."""


@dataclass(frozen=True)
class _Layout:
    """How a file is to be read: columns, delimiter, lines before the header, and what makes a \\" in a cell a quote."""

    names: tuple[str, ...] = ()
    delimiter: str = ","
    before: int = 0
    unescape: Callable[[str], str] | None = None


def csv_table(path: Path) -> Table:
    """The rows of a CSV file and the columns that its header names, on one or several lines.

    The delimiter is the one of `DELIMITERS` by which the header has the most columns, or the one that a line `sep=`
    states. Quotes within a cell are doubled or, where no other reading fits, have a backslash before them.

    Raises:
        DataError: it cannot be read at all, or no header is found.
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
    """All rows after the header, of a file that is rewound first."""
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
    """With quotes doubled, where each quote and each backslash has a backslash before it, as Python writes."""
    return _ESCAPED.sub(lambda found: '""' if found[1] == '"' else "\\", line)


def _before_quotes(line: str) -> str:
    """The same where only those backslashes have one that stand before a quote, as Spark writes."""
    return _ESCAPED_QUOTE.sub(lambda found: found[1][: len(found[1]) // 2] + '"' * (1 + len(found[1]) % 2), line)


def _layout(path: Path, file: TextIO) -> _Layout:
    """The layout that the beginning of a file tells."""
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
