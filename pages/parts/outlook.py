"""Expectations before a student is trained: training time and warnings from experience."""

from __future__ import annotations

import streamlit as st

from compressor_core.architecture import Architecture
from compressor_core.cost import Genes
from compressor_core.distill.settings import Preset
from compressor_core.figures.words.forms import duration
from compressor_core.literal import literal
from compressor_core.runs.calibrations import predictor
from compressor_core.runs.expectation import expected
from compressor_core.search.experience import warnings
from compressor_core.task import Task
from pages.parts.live import store


def outlook(architecture: Architecture, task: Task, dataset: str, epochs: int | None = None) -> None:
    """Show expected training time with the session's preset, predicted latency, and warnings for the architecture."""
    preset = st.session_state.preset
    found = expected(store(), architecture, dataset, preset, epochs)
    predicted = predictor(store(), task)
    milliseconds = float(predicted.model.predict(Genes.of([architecture]))[0])
    st.caption(
        (
            f"Training takes about **{duration(found.seconds)}** "
            f"({Preset(preset).words if epochs is None else preset}; {literal(found.basis)})."
            if found
            else "The training time will be known once one training on these data has finished here."
        )
        + f" Predicted latency of one query: **{milliseconds:.2f} ms** {literal(predicted.where)}."
    )
    for sentence in warnings(architecture, task, predicted.model):
        st.warning(literal(sentence), icon=":material/warning:")
