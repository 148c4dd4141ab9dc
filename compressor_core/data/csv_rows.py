"""Rows of CSV files as written by spreadsheets, pandas, Spark and databases."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice, product, tee
from pathlib import Path
from typing import Any, Final, TextIO

from compressor_core.data.columns import Columns
from compressor_core.data.lines import BadRow, Entry, Table, broken, opened
from compressor_core.errors import DataError
from compressor_core.literal import uncelled

DELIMITERS: Final = (",", ";", "\t", "|")
_LONGEST_FIELD: Final = 2**31 - 1
_LONGEST_HEADER: Final = 100
"""Largest number of lines; a name may contain line breaks."""
_STATED: Final = re.compile(r'\s*"?sep *= *(\\t|[^"\x27\r\n])"?\s*', re.IGNORECASE)
"""First line that states the delimiter for Excel."""
_LOOKED_AT: Final = 100
"""Number of rows that show which quotes are around cells."""
_ESCAPED: Final = re.compile(r'\\(["\\])')
_ESCAPED_QUOTE: Final = re.compile(r'(\\+)"')
_BACKSLASH: Final = re.compile(r'(?<!\\)(?:\\\\)*\\(?![\\"])')
"""Backslash that stands for itself; a writer that doubles all backslashes never leaves one."""


@dataclass(frozen=True)
class _Layout:
    """Layout of a file: columns, delimiter, lines before the header, and a function that unescapes \\" in cells.

    In a `padded` file, blanks around a quoted cell are not part of it.
    """

    names: tuple[str, ...] = ()
    delimiter: str = ","
    before: int = 0
    unescape: Callable[[str], str] | None = None
    quote: str = '"'
    padded: bool = False


def csv_table(path: Path) -> Table:
    """Rows of a CSV file and the columns of its header, which may span several lines.

    The delimiter is stated by a line `sep=`, or else the one of `DELIMITERS` that gives the header the most known
    names, or the most columns. Quotes within a cell are doubled; backslash escapes are tried if that leaves bad rows.

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
        yield from _read(file, _fitting(file, layout))


def _fitting(file: TextIO, layout: _Layout) -> _Layout:
    """The first variant of a layout that has the fewest bad rows, where a file has signs of several."""
    variants, single = [layout], replace(layout, quote="'")
    if layout != single and _in_quotes(file, layout, "'") and not _in_quotes(file, single, '"'):
        variants.insert(0, single)
    if not layout.padded:
        variants = [*(replace(one, padded=True) for one in variants if _is_padded(file, one)), *variants]
    if any('\\"' in line for line in _again(file)):
        unescape = _before_quotes if any(map(_BACKSLASH.search, _again(file))) else _everywhere
        variants += [replace(one, unescape=unescape) for one in variants]
    if single not in variants and any(f"{layout.delimiter}'" in line or line[:1] == "'" for line in _again(file)):
        variants.append(single)
    if len(variants) == 1:
        return layout
    best, fewest = layout, -1
    for variant in variants:
        bad = _bad(file, variant)
        if fewest < 0 or bad < fewest:
            best, fewest = variant, bad
        if not bad:
            break
    return best


def _again(file: TextIO) -> TextIO:
    file.seek(0)
    return file


def _in_quotes(file: TextIO, layout: _Layout, quote: str) -> bool:
    """Whether a column has a quote at the beginning and the end of all its first cells."""
    rows = [entry[1].values() for entry in islice(_read(file, layout), _LOOKED_AT) if not isinstance(entry, BadRow)]
    return any(
        all(len(cell) > 1 and cell[0] == cell[-1] == quote for cell in cells) for cells in zip(*rows, strict=True)
    )


def _is_padded(file: TextIO, layout: _Layout) -> bool:
    """Whether blanks stand around a quoted cell."""
    lines, same = tee(islice(_again(file), layout.before, None))
    return any(line != bare for line, bare in zip(lines, _bare(same, layout), strict=True))


def _bad(file: TextIO, layout: _Layout) -> int:
    return sum(isinstance(entry, BadRow) for entry in _read(file, layout))


def _read(file: TextIO, layout: _Layout) -> Iterator[Entry]:
    """All rows after the header; rewinds the file first."""
    reader = _reader(_again(file), layout)
    with suppress(csv.Error):
        next(filter(None, reader), None)
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


def _reader(file: Iterable[str], layout: _Layout) -> Any:
    lines: Iterator[str] = islice(file, layout.before, None)
    if layout.unescape is not None:
        lines = map(layout.unescape, lines)
    if layout.padded:
        lines = _bare(lines, layout)
    return csv.reader(lines, delimiter=layout.delimiter, quotechar=layout.quote, strict=True)


def _bare(lines: Iterable[str], layout: _Layout) -> Iterator[str]:
    """The lines without blanks around quoted cells; all others are kept, within the quotes and without any."""
    quote, delimiter = re.escape(layout.quote), re.escape(layout.delimiter)
    opening = re.compile(f" *{quote}")
    inner = re.compile(f"(?:[^{quote}]++|{quote}{quote})*+")
    closing = re.compile(rf"{quote}(?: +(?={delimiter}|[\r\n]|$))?")
    rest = re.compile(f"[^{delimiter}]*{delimiter}?")
    inside = False
    for line in lines:
        parts, at = [], 0
        while at < len(line):
            if not inside and (begin := opening.match(line, at)):
                parts.append(layout.quote)
                at, inside = begin.end(), True
            if inside and (cell := inner.match(line, at)):
                parts.append(cell[0])
                at = cell.end()
                if end := closing.match(line, at):
                    parts.append(layout.quote)
                    at, inside = end.end(), False
            if not inside and (after := rest.match(line, at)):
                parts.append(after[0])
                at = after.end()
        yield "".join(parts)


def _everywhere(line: str) -> str:
    """The line with doubled quotes, if every quote and backslash is escaped by a backslash, as Python writes."""
    return _ESCAPED.sub(lambda found: '""' if found[1] == '"' else "\\", line)


def _before_quotes(line: str) -> str:
    """The line with doubled quotes, if only quotes and backslashes before them are escaped, as Spark writes."""
    return _ESCAPED_QUOTE.sub(lambda found: found[1][: len(found[1]) // 2] + '"' * (1 + len(found[1]) % 2), line)


def _layout(path: Path, file: TextIO) -> _Layout:
    """Layout detected from the beginning of a file."""
    lines = list(islice(file, _LONGEST_HEADER))
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    stated = _STATED.fullmatch(lines[first]) if lines else None
    before = first + 1 if stated else 0
    delimiters = (stated[1].replace("\\t", "\t"),) if stated else DELIMITERS
    best = _likeliest(lines, before, delimiters)
    if best is None:
        raise DataError(f"line 1 of {path} does not name the columns: begin with a line such as func,label")
    if stated and len(best.names) == 1 and (other := _likeliest(lines, before, DELIMITERS)) and len(other.names) > 1:
        raise DataError(
            f"line {before} of {path} says {lines[first].strip()!r}, and the names below it are parted by "
            f"{other.delimiter!r}: remove or correct that line"
        )
    if damage := broken("".join(best.names)):
        raise DataError(f"line {before + 1} of {path} {damage}")
    twice = [name for name, count in Counter(best.names).items() if count > 1]
    if twice:
        raise DataError(f"line {before + 1} of {path} has two columns {twice[0]!r}: give each a name of its own")
    return best


def _likeliest(lines: Sequence[str], before: int, delimiters: Sequence[str]) -> _Layout | None:
    """Likeliest layout of a file that begins with `lines`; None if none gives it a header, without names if it has no
    more lines."""
    found = []
    quotes = ('"', "'") if any("'" in line for line in lines[before : before + 1]) else ('"',)
    for delimiter, quote, padded in product(delimiters, quotes, (False, True)):
        layout = _Layout(delimiter=delimiter, before=before, quote=quote, padded=padded)
        try:
            names = next(filter(None, _reader(lines, layout)), None)
        except csv.Error:
            continue
        if names is None:
            return _Layout()
        found.append(replace(layout, names=tuple(uncelled(name.replace("\ufeff", "").strip()) for name in names)))
    return max(found, key=_likelihood, default=None)


def _likelihood(layout: _Layout) -> tuple[int, bool, int]:
    """Order of layouts by the names that they give a header: known ones, none with a quote, the number of them."""
    known = Columns().completed(layout.names)
    quoted = any('"' in name or name.startswith("'") for name in layout.names)
    return bool(known.code) + (known.label is not None), not quoted, len(layout.names)
