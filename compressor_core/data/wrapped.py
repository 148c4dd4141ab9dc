"""Rows that are stored in a cell of a row, such as {"row": {"func": …}} of the Hugging Face datasets server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from compressor_core.data.columns import Columns
from compressor_core.data.lines import BadRow, Entry, Table
from compressor_core.errors import DataError

_OWN: Final = ("origin", "split")
"""Columns that are added where a file has its rows in parts."""
_LOOKED_AT: Final = 200
"""Number of rows that show where the code is."""


def unwrapped(path: Path, table: Table) -> Table:
    """The table in a file; if its code is known to be within a cell, rows have the columns of that beside their own.

    Raises:
        DataError: rows have nothing but objects, none of them with code that is known.
    """
    if Columns().completed(table.names).code:
        return table
    first = list(islice(table.rows, _LOOKED_AT))
    rows = chain(first, table.rows)
    seen = [entry[1] for entry in first if not isinstance(entry, BadRow)]
    if (column := wrapper(seen)) is None:
        cells = [cell for row in seen for name, cell in row.items() if name not in _OWN]
        if cells and all(isinstance(cell, dict) for cell in cells):
            raise DataError(
                f"{path} has objects within objects, and no code that is known in them: write one object for each "
                "row, with keys such as func and label"
            )
        return replace(table, rows=rows)
    inner = [name for row in seen for name in row.get(column) or ()]
    names = dict.fromkeys([*inner, *(name for name in table.names if name != column)])
    return Table(tuple(names), _lifted(rows, column), table.unit)


def wrapper(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Column whose cells, where not empty, are all rows with code; None if there is none."""
    for name in rows[0] if rows else ():
        cells = [cell for row in rows if (cell := row.get(name)) is not None]
        if cells and all(isinstance(cell, dict) and Columns().completed(list(map(str, cell))).code for cell in cells):
            return name
    return None


def _lifted(rows: Iterator[Entry], column: str) -> Iterator[Entry]:
    for entry in rows:
        if isinstance(entry, BadRow):
            yield entry
        elif isinstance(cell := entry[1].get(column), dict):
            yield entry[0], {**entry[1], **cell}
        else:
            yield BadRow(entry[0], f"has no row in {column!r}")
