"""Lines of text, JSONL and CSV files: objects by line number, and which lines are broken.

A file is read line by line. What cannot be used as a whole (another encoding, an archive) is a DataError; what is
wrong with single rows comes out as `BadRow` among the good ones, and the reader decides.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from compressor_core.errors import DataError
from compressor_core.files import checked_path
from compressor_core.literal import uncelled

NUL = "has a NUL character, which no source code has; the file may be damaged or UTF-16"
_ARCHIVES = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"PAR1": "a Parquet file",
}
_CSV_SUFFIXES = (".csv", ".tsv")
_UNDECODED = re.compile("[\udc80-\udcff]")
_LONGEST_FIELD = 2**31 - 1
_LOOKED_AT = 200
"""Rows of a JSONL file that are read to know its columns."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used; `reason` reads on from "line 12 of functions.csv"."""

    line: int
    reason: str


def column_names(path: Path) -> tuple[str, ...]:
    """The columns of a CSV file's header, or the keys of a JSONL file's first rows.

    Raises:
        DataError: there is no such file, or it is not text in UTF-8.
    """
    with _open(path) as file:
        if path.suffix.lower() in _CSV_SUFFIXES:
            return tuple(_header(path, file)[1])
        rows = islice(json_rows(file), _LOOKED_AT)
        return tuple(dict.fromkeys(key for row in rows if not isinstance(row, BadRow) for key in row[1]))


def records(path: Path) -> Iterator[tuple[int, Mapping[str, Any]] | BadRow]:
    """The rows of a JSONL or CSV file as they stand, with their line numbers. Raises DataError as `column_names`."""
    with _open(path) as file:
        yield from _csv_rows(path, file) if path.suffix.lower() in _CSV_SUFFIXES else json_rows(file)


def json_objects(path: Path) -> Iterator[tuple[int, Mapping[str, Any]] | BadRow]:
    """The objects of a JSONL file with their line numbers. Raises DataError if it cannot be read at all."""
    with _open(path) as file:
        yield from json_rows(file)


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file that are not empty, numbered. Raises DataError if it cannot be read at all."""
    with _open(path) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line.strip()


def bad_rows(source: Path | str, bad: Sequence[BadRow]) -> DataError:
    """The error for rows that cannot be used: the first one and the number of others.

    `source` is the path of a file, or the words for another table.
    """
    unit = "line" if isinstance(source, Path) else "row"
    others = f" ({len(bad) - 1:,} more cannot be used either)" if len(bad) > 1 else ""
    return DataError(f"{unit} {bad[0].line} of {source} {bad[0].reason}{others}: repair or skip what cannot be used")


def _open(path: Path) -> TextIO:
    """A text file in UTF-8 whose undecodable bytes come out as lone surrogates. Raises DataError for any other."""
    if not checked_path(path).exists():
        raise DataError(f"there is no file {path}: check the path given as data")
    if not path.is_file():
        raise DataError(f"{path} is not a file: give the path of a JSONL or CSV file")
    try:
        with path.open("rb") as file:
            start = file.read(4096)
        text = path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): check the file and its permissions") from error
    kind = next((kind for magic, kind in _ARCHIVES.items() if start.startswith(magic)), None)
    if kind is None and (start.startswith((b"\xff\xfe", b"\xfe\xff")) or start.count(0) > len(start) // 4):
        kind = "UTF-16 or binary, not UTF-8 text"
    if kind is not None:
        text.close()
        raise DataError(f"{path} is {kind}: save it as CSV or JSONL in UTF-8")
    return text


def json_rows(file: TextIO) -> Iterator[tuple[int, Mapping[str, Any]] | BadRow]:
    """The objects of an open JSONL file with their line numbers; undecodable bytes are lone surrogates in it."""
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        if damage := _broken(line):
            yield BadRow(number, damage)
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            listed = line.lstrip().startswith("[")
            hint = "the file seems half-written" if not line.endswith(("\n", "\r")) else "it is no JSON object"
            yield BadRow(number, f"cannot be read, {'it must hold one JSON object, not a list' if listed else hint}")
            continue
        if isinstance(row, dict):
            yield number, row
        else:
            yield BadRow(number, "is no JSON object")


def _csv_rows(path: Path, file: TextIO) -> Iterator[tuple[int, Mapping[str, Any]] | BadRow]:
    csv.field_size_limit(_LONGEST_FIELD)
    delimiter, names = _header(path, file)
    if not names:
        return
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    next(reader)
    while True:
        number = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            opened = "unexpected end" in str(error)
            yield BadRow(number, f"cannot be read, {'a quote is never closed' if opened else error}")
            continue
        if not values:
            continue
        if len(values) != len(names):
            yield BadRow(number, f"has {len(values)} columns where the first line has {len(names)}")
        elif damage := _broken("".join(values)):
            yield BadRow(number, damage)
        else:
            yield number, dict(zip(names, map(uncelled, values), strict=True))


def _header(path: Path, file: TextIO) -> tuple[str, list[str]]:
    """The delimiter and the columns of a CSV file that is at its beginning, and is left there."""
    first = file.readline()
    file.seek(0)
    if not first.strip():
        return ",", []
    if damage := _broken(first):
        raise DataError(f"line 1 of {path} {damage}")
    readings = []
    for delimiter in (",", ";", "\t"):
        try:
            names = next(csv.reader([first], delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        readings.append((len(names), delimiter, [uncelled(name.strip()) for name in names]))
    if not readings:
        raise DataError(f"line 1 of {path} does not name the columns: begin with a line such as func,label")
    _, delimiter, names = max(readings, key=lambda reading: reading[0])
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"line 1 of {path} has two columns {twice[0]!r}: give each a name of its own")
    return delimiter, names


def _broken(text: str) -> str | None:
    """Why a line's characters cannot be trusted; None if they can."""
    if match := _UNDECODED.search(text):
        return (
            f"is not UTF-8 text (byte 0x{ord(match[0]) - 0xDC00:02x}); save the file as UTF-8, and if it is Latin-1, "
            "open it as such first"
        )
    return NUL if "\0" in text else None
