"""Runs: list of all runs, with controls to open, rename, cancel, resume and delete them."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import streamlit as st

from compressor_core.errors import CompressorError
from compressor_core.figures.words.forms import duration, state_text
from compressor_core.literal import literal
from compressor_core.runs import Run, Status
from compressor_core.runs.kinds import KINDS, kind_of
from compressor_core.runs.uploads import clear, uploads
from pages.parts.explain import terms
from pages.parts.frame import link, open_page, sentences
from pages.parts.gate import mine
from pages.parts.live import cancel_or_resume, store
from pages.parts.report import report_button
from pages.parts.rows import dataframe
from pages.parts.sharing import shared

Row = tuple[Run, Status]


def all_runs() -> list[Row]:
    rows = []
    for run in store().list():
        with suppress(CompressorError):  # deleted since the listing
            rows.append((run, run.status()))
    return rows


def table(rows: list[Row]) -> None:
    ids = [run.id for run, _ in rows]
    # A selection is a row number: with the same key it would move to another run when the rows change.
    key = f"runs-table/{hash(tuple(ids))}"

    def choose() -> None:
        chosen = st.session_state[key].selection.rows
        st.session_state[CHOSEN] = ids[chosen[0]] if chosen else None

    dataframe(
        [
            {
                "State": state_text(status.state),
                "Kind": kind_of(run.kind).title,
                "Name": run.name or "",
                "Result": kind_of(run.kind).headline(status.summary) or status.error or "",
                "Created": time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created)),
                "Elapsed": duration(status.elapsed),
                "Run": run.id,
            }
            for run, status in rows
        ],
        key=key,
        on_select=choose,
        selection_mode="single-row",
        column_config={"Result": st.column_config.TextColumn(width=330)},
    )


def actions(run: Run, status: Status) -> None:
    with st.container(border=True):
        st.markdown(
            f"**{literal(kind_of(run.kind).title)}: {literal(run.name or run.id)}**  \n"
            f"{state_text(status.state)} · `{run.id}`"
        )
        if status.error:
            st.error(literal(status.error), icon=":material/error:")
        elif status.message and not status.live:
            st.caption(literal(status.message))
        if run.kind in KINDS:
            link(KINDS[run.kind].page, "Open this run", run=run.id)
        report_button(run)
        if not mine(run):
            return
        name, rename, first, second = st.columns([3, 1, 1, 1], vertical_alignment="bottom")
        text = name.text_input("Name", run.name or "", key=f"name/{run.id}")
        if rename.button("Rename", key=f"rename/{run.id}", width="stretch"):
            store().rename(run.id, text)
            st.rerun()
        with first:
            cancel_or_resume(run, status)
        if not status.live and not shared():
            delete(run, second)


def delete(run: Run, column: Any) -> None:
    with column.popover("Delete", icon=":material/delete:", width="stretch"):
        st.markdown("Deletes the run and everything it made.")
        if st.button("Yes, delete it", key=f"delete/{run.id}", type="primary"):
            store().delete(run.id)
            st.session_state[CHOSEN] = None
            st.query_params.clear()
            st.rerun()


def show() -> None:
    with sentences():
        rows = all_runs()
        if rows:
            kinds = st.pills(
                "Show",
                list(KINDS),
                key="runs-filter",
                format_func=lambda kind: KINDS[kind].title,
                selection_mode="multi",
            )
            table([row for row in rows if not kinds or row[0].kind in kinds])
        else:
            st.info("There are no runs yet: begin on Start or Search.")
        if (chosen := st.session_state.get(CHOSEN)) is not None:
            run = store().get(chosen)
            actions(run, run.status())
        elif rows:
            st.caption(
                (
                    "Choose a row to open that run, or to rename, cancel or resume your own"
                    if shared()
                    else "Choose a row to open, rename, cancel, resume or delete that run"
                )
                + " (keys: arrows, then Shift and Space)."
            )
    terms("run", "checkpoint", "seed")
    if live and not any(status.live for _, status in rows):
        st.rerun()


def unused_uploads() -> None:
    """Show the uploads that no run refers to, with a button that deletes them."""
    found = uploads(store())
    unused = [upload for upload in found if not upload.used]
    if not unused or shared():
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"Uploads: {sum(upload.size for upload in found) / 1e6:,.1f} MB, "
            f"{sum(upload.size for upload in unused) / 1e6:,.1f} MB of it unused."
        )
        if st.button("Clear unused uploads", icon=":material/delete_sweep:"):
            clear(store(), 0)
            st.rerun()


CHOSEN = "runs-chosen"

open_page("runs", "Each run has its own process and folder: closing the tab, reloading or restarting loses nothing.")
if (linked := st.query_params.get("run")) is not None:
    st.session_state[CHOSEN] = linked
with sentences():
    live = any(status.live for _, status in all_runs())
st.fragment(run_every=2.0 if live else None)(show)()
unused_uploads()
