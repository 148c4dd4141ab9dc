"""Expectations before a student is trained: training time and warnings from experience."""

from __future__ import annotations

import streamlit as st

from compressor_core.architecture import Architecture
from compressor_core.distill.settings import Preset
from compressor_core.figures.words.forms import duration
from compressor_core.literal import literal
from compressor_core.runs.calibrations import predictor
from compressor_core.runs.expectation import expected
from compressor_core.search.experience import warnings
from compressor_core.task import Task
from pages.parts.live import store


def outlook(architecture: Architecture, task: Task, dataset: str, epochs: int | None = None) -> None:
    """Show the expected training time with the session's preset, and warnings for the architecture."""
    preset = st.session_state.preset
    found = expected(store(), architecture, dataset, preset, epochs)
    st.caption(
        f"Training takes about **{duration(found.seconds)}** ({Preset(preset).words if epochs is None else preset}; "
        f"{literal(found.basis)})."
        if found
        else "The training time will be known once one training on these data has finished here."
    )
    for sentence in warnings(architecture, task, predictor(store(), task).model):
        st.warning(literal(sentence), icon=":material/warning:")
