"""Tables in files of all supported formats: JSON, CSV and Parquet, distinguished by content."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from compressor_core.data.choices import read_choices
from compressor_core.data.columns import Columns
from compressor_core.data.csv_rows import csv_table
from compressor_core.data.hub import parquet_rows
from compressor_core.data.json_rows import json_table
from compressor_core.data.lines import Table, beginning, opened
from compressor_core.data.wrapped import unwrapped
from compressor_core.errors import DataError

_CSV: Final = (".csv", ".tsv")
_JSON: Final = (".json", ".jsonl", ".ndjson")
_PACKED: Final = (".gz", ".bz2", ".xz")
_OBJECTS: Final = re.compile(r'\s*(?:\{\s*"|\[\s*[\[{])')
"""Beginning of a table in JSON, which no line of column names has."""
_NO_NAME: Final = re.compile(r"[\[\]{}]")


def open_table(path: Path, needed: Sequence[str] | None = None) -> Table:
    """Open the table in a file, or in the one that a file of choices refers to.

    From Parquet, only the `needed` columns are read, if given.

    Raises:
        DataError: the file cannot be read at all; errors in single rows come with the rows.
    """
    if (said := read_choices(path)) is not None:
        path = path.with_name(said.rows)
    if beginning(path).startswith(b"PAR1"):
        names = _parquet_columns(path)
        if needed and set(needed) <= set(names):
            names = tuple(needed)
        return unwrapped(path, Table(names, enumerate(map(_decoded, parquet_rows(path, names)), 1), "row"))
    return csv_table(path) if _is_csv(path) else unwrapped(path, json_table(path))


def column_names(path: Path) -> tuple[str, ...]:
    """Columns of a file; for JSON, the keys of the first rows. Raises DataError as `open_table`."""
    return open_table(path).names


def _is_csv(path: Path) -> bool:
    """Whether a text file is CSV; its suffix decides only where its content may be either."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in _PACKED]
    with opened(path) as file:
        start = file.read(4096).lstrip()
    if suffixes and suffixes[-1] in _CSV:
        return not _OBJECTS.match(start)
    if start.startswith(("{", "[")):
        return False
    return not (suffixes and suffixes[-1] in _JSON) or _has_header(path)


def _has_header(path: Path) -> bool:
    """Whether a file begins with the names of several columns, or of one that is known to hold code."""
    try:
        names = csv_table(path).names
    except DataError:
        return False
    if any(map(_NO_NAME.search, names)):
        return False
    return len(names) > 1 or bool(Columns().completed(names).code)


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose binary cells are text; undecodable bytes become lone surrogates, as in text files."""
    if not any(isinstance(cell, bytes) for cell in row.values()):
        return row
    return {
        name: cell.decode("utf-8", "surrogateescape") if isinstance(cell, bytes) else cell for name, cell in row.items()
    }


def _parquet_columns(path: Path) -> tuple[str, ...]:
    import pyarrow
    import pyarrow.parquet

    try:
        names = tuple(pyarrow.parquet.read_schema(path).names)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is no Parquet file that can be read ({error}): copy it again") from error
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError(f"{path} has two columns {twice[0]!r}: give each a name of its own")
    return names
