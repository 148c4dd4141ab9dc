"""Rows that are stored in a cell of a row, such as {"row": {"func": …}} of the Hugging Face datasets server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any, Final

from compressor_core.data.columns import Columns
from compressor_core.data.lines import BadRow, Entry, Table

_LOOKED_AT: Final = 200
"""Number of rows that show where the code is."""


def unwrapped(table: Table) -> Table:
    """A table whose rows have the columns within a cell beside their own, if the code is known to be in such a cell."""
    if Columns().completed(table.names).code:
        return table
    first = list(islice(table.rows, _LOOKED_AT))
    rows = chain(first, table.rows)
    seen = [entry[1] for entry in first if not isinstance(entry, BadRow)]
    if (column := wrapper(seen)) is None:
        return replace(table, rows=rows)
    inner = [name for row in seen for name in row[column]]
    names = dict.fromkeys([*inner, *(name for name in table.names if name != column)])
    return Table(tuple(names), _lifted(rows, column), table.unit)


def wrapper(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Column whose cells are all rows with code; None if there is none."""
    for name in rows[0] if rows else ():
        cells = [row.get(name) for row in rows]
        if all(isinstance(cell, dict) and Columns().completed(list(map(str, cell))).code for cell in cells):
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
