"""The report of a story, to download."""

from __future__ import annotations

from functools import partial
from html import escape

import streamlit as st

from compressor_core.errors import DAMAGED, CompressorError
from compressor_core.report import report
from compressor_core.runs import Run
from compressor_core.runs.kinds import kind_of
from pages.parts.live import store


def report_button(run: Run) -> None:
    """Download the story that ends with a run as one HTML file, which is made when the button is pressed."""
    if kind_of(run.kind).told:
        st.download_button(
            "Report",
            partial(report_of, run.id),
            file_name=f"report-{run.id}.html",
            mime="text/html",
            key=f"report/{run.id}",
            on_click="ignore",
            icon=":material/description:",
            help="Figures, settings, versions and commands of the whole story in one file that opens offline.",
        )


def report_of(run_id: str) -> str:
    """The report, or a page with the sentence why there is none: a download has no other place to say so."""
    try:
        return report(store(), run_id)
    except CompressorError as error:  # deleted meanwhile, for example
        reason = str(error)
    except DAMAGED as error:
        reason = (
            f"The files of run {run_id}, or of one before it, are damaged ({type(error).__name__}): launch it again."
        )
    return f"<!doctype html><meta charset='utf-8'><title>No report</title><p>{escape(reason)}</p>"
