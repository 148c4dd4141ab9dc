"""Rows as a table, with a download of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from compressor_core.figures.forms import csv_text


def table(
    rows: Sequence[Mapping[str, Any]], key: str, numbers: Mapping[str, str] | None = None, file: str | None = None
) -> None:
    """A table, its numbers written by their formats, with a download of it."""
    if not rows:
        return
    formats = {name: st.column_config.NumberColumn(format=form) for name, form in (numbers or {}).items()}
    st.dataframe(rows, key=f"table/{key}", hide_index=True, column_config=formats)
    st.download_button(
        "Download as CSV",
        csv_text(rows),
        file or f"{key.split('/')[0]}.csv",
        "text/csv",
        key=f"csv/{key}",
        icon=":material/download:",
        on_click="ignore",
    )
