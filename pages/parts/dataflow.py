"""Drawing of a function with its data flow."""

from __future__ import annotations

import streamlit as st

from compressor_core.dataflow import extract
from compressor_core.figures.study.dataflow import COLUMNS, data_flow_figure, data_flow_info, data_flow_sentence
from compressor_core.figures.words.captions import data_flow_words
from compressor_core.language import Language
from compressor_core.literal import literal
from pages.parts.chart import chart

WIDE = 96


def draw_data_flow(code: str, language: Language, key: str) -> None:
    """Draw a function and the data flow of one variable or all; `key` is unique on the page."""
    records = extract(code, language).to_records()
    info = data_flow_info(code, records)
    if not info.variables:
        st.caption(literal(data_flow_sentence(info)))
        st.code(code, language=language.value, height=400, wrap_lines=True)
        return
    drawing, choice = st.columns([3, 1])
    with choice:
        everything = f"All {len(info.variables)}"
        chosen = st.selectbox("Variable", [*info.variables, everything], key=f"{key}/variable")
        wide = st.toggle("Wide rows", key=f"{key}/wide", help="Wraps lines later, for wide screens.")
        info = data_flow_info(
            code,
            records,
            variable=None if chosen == everything else chosen,
            columns=WIDE if wide else COLUMNS,
        )
        st.caption(
            f"{literal(data_flow_sentence(info))} Point at a marked variable to read where its value comes from."
        )
    with drawing:
        chart(data_flow_figure(info), key=f"{key}/{chosen}/{wide}", alt=data_flow_words(info))
