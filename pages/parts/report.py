"""Download of the report of a story."""

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
    """Button that builds and downloads the report of the story that ends with a run."""
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
    """Report, or a page with the reason why there is none: a download cannot show an error otherwise."""
    try:
        return report(store(), run_id)
    except CompressorError as error:  # for example, deleted meanwhile
        reason = str(error)
    except DAMAGED as error:
        reason = (
            f"The files of run {run_id}, or of one before it, are damaged ({type(error).__name__}): launch it again."
        )
    return f"<!doctype html><meta charset='utf-8'><title>No report</title><p>{escape(reason)}</p>"
