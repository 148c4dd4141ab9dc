"""Rows as a table with a download button."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from compressor_core.figures.words.forms import csv_text
from compressor_core.files import to_json

if TYPE_CHECKING:
    import pyarrow as pa


def arrow(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows of numbers, texts and None as an Arrow table, the form that Streamlit sends to the browser.

    Plain rows, or arrays from `pyarrow.array`, would load pandas, which takes a third of the server's memory and is not
    needed elsewhere.
    """
    import pyarrow as pa
    from pyarrow.json import ParseOptions, ReadOptions, read_json

    if not rows:
        return pa.table({})
    names = dict.fromkeys(name for row in rows for name in row)
    # An explicit schema keeps texts that look like times as texts.
    texts = [name for name in names if any(isinstance(row.get(name), str) for row in rows)]
    lines = "\n".join(to_json({name: row.get(name) for name in names}) for row in rows).encode("utf-8", "replace")
    return read_json(
        io.BytesIO(lines),
        ReadOptions(use_threads=False, block_size=len(lines) + 1),
        ParseOptions(explicit_schema=pa.schema([(name, pa.string()) for name in texts])),
    ).select(list(names))


def dataframe(rows: Sequence[Mapping[str, Any]], **more: Any) -> Any:
    """`st.dataframe` of rows without pandas, which a lazy table would load too."""
    return st.dataframe(arrow(rows), hide_index=True, lazy=False, **more)


def table(
    rows: Sequence[Mapping[str, Any]],
    key: str,
    numbers: Mapping[str, str] | None = None,
    file: str | None = None,
    **more: Any,
) -> None:
    """Table with formatted numbers and a download button; `more` goes to `st.dataframe`.

    Columns without any value appear only in the download.
    """
    if not rows:
        return
    names = dict.fromkeys(name for row in rows for name in row)
    shown = [name for name in names if any(row.get(name) is not None for row in rows)]
    formats = {name: st.column_config.NumberColumn(format=form) for name, form in (numbers or {}).items()}
    dataframe(
        [{name: row.get(name) for name in shown} for row in rows], key=f"table/{key}", column_config=formats, **more
    )
    st.download_button(
        "Download as CSV",
        csv_text(rows),
        file or f"{key.split('/')[0]}.csv",
        "text/csv",
        key=f"csv/{key}",
        icon=":material/download:",
        on_click="ignore",
    )
