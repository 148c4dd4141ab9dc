"""Downloads of a search: every individual, the search itself and its pictures; and a check against an opened file."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from compressor_core.figures.search.info import individual_rows, search_info
from compressor_core.figures.words.forms import csv_text
from compressor_core.literal import literal
from compressor_core.records import Generation, Record
from compressor_core.runs import Run
from compressor_core.search.genetic import SearchSettings
from compressor_core.search.replica import Replica, replica
from pages.parts.chart import picture_format
from pages.parts.search_settings import FILE


def take_away(run: Run, settings: SearchSettings, known: Sequence[Record]) -> None:
    """Download buttons, the format of pictures, and a note on the link to this view."""
    st.markdown("**Downloads**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.download_button(
            "CSV of every individual",
            lambda: csv_text(individual_rows(search_info(known, settings, everyone=True))),
            f"{run.id}.csv",
            "text/csv",
            icon=":material/table:",
            on_click="ignore",
        )
        st.download_button(
            "JSON that repeats it",
            lambda: replica(settings, known).model_dump_json(indent=1),
            f"{run.id}.json",
            "application/json",
            icon=":material/replay:",
            on_click="ignore",
            help="Settings, result and a fingerprint of the trajectory. This page reads it, and so does `python "
            "-m compressor_core search --config FILE`: the same seed gives the same trajectory everywhere.",
        )
        picture_format()
    st.caption(
        "The camera at the top right of a figure saves it. The address of this page links to this view: run, "
        "view, axes, genes and generation."
    )


def compare_with_file(settings: SearchSettings, known: Sequence[Record]) -> None:
    """Show whether this run has the trajectory of the opened JSON, if that is of the same search."""
    file: Replica | None = st.session_state.get(FILE)
    if file is None or file.config != settings:
        return
    if sum(isinstance(record, Generation) for record in known) < file.generations:
        st.info(f"The search in the file ran longer: {file.generations:,} generations.")
    elif file.is_of(known):
        st.success(
            "This run has the same trajectory as the one in the file: the same architectures in every generation."
        )
    else:
        st.warning(
            f"The trajectory of this run differs from that in the file, written by version {literal(file.program)}."
        )
