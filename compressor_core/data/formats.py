"""Tables in files of all supported formats: JSON, CSV and Parquet, distinguished mostly by content."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from compressor_core.data.choices import read_choices
from compressor_core.data.csv_rows import csv_table
from compressor_core.data.hub import parquet_rows
from compressor_core.data.json_rows import json_table
from compressor_core.data.lines import Table, beginning, opened
from compressor_core.errors import DataError

_CSV: Final = (".csv", ".tsv")
_JSON: Final = (".json", ".jsonl", ".ndjson")
_PACKED: Final = (".gz", ".bz2", ".xz")


def open_table(path: Path, needed: Sequence[str] | None = None) -> Table:
    """Open the table in a file, or in the one that a file of choices refers to.

    From Parquet, only the `needed` columns are read, if given.

    Raises:
        DataError: the file cannot be read at all; errors in single rows come with the rows.
    """
    if (said := read_choices(path)) is not None:
        path = path.with_name(said.rows)
    if beginning(path).startswith(b"PAR1"):
        names = tuple(needed or _parquet_columns(path))
        return Table(names, enumerate(parquet_rows(path, names), 1), "row")
    return csv_table(path) if _is_csv(path) else json_table(path)


def column_names(path: Path) -> tuple[str, ...]:
    """Columns of a file; for JSON, the keys of the first rows. Raises DataError as `open_table`."""
    return open_table(path).names


def _is_csv(path: Path) -> bool:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in _PACKED]
    if suffixes and suffixes[-1] in (*_CSV, *_JSON):
        return suffixes[-1] in _CSV
    with opened(path) as file:
        return not file.read(4096).lstrip().startswith(("{", "["))


def _parquet_columns(path: Path) -> tuple[str, ...]:
    import pyarrow
    import pyarrow.parquet

    try:
        return tuple(pyarrow.parquet.read_schema(path).names)
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(f"{path} is no Parquet file that can be read ({error}): copy it again") from error
