"""Choice of the teacher that students learn from."""

from __future__ import annotations

import streamlit as st

from compressor_core.literal import literal
from compressor_core.runs.library import Model, teachers
from pages.parts.frame import link, sentences
from pages.parts.live import store


def choose_teacher() -> Model | None:
    """Choice among the available teachers, shared by all pages; None, with a link to train one, if there are none."""
    with sentences():
        found = {str(teacher.folder): teacher for teacher in teachers(store())}
    if not found:
        st.info("There is no teacher to learn from yet.")
        link("teacher", "Train a teacher first")
        return None
    if st.session_state.teacher not in found:
        st.session_state.teacher = next(iter(found))
    st.selectbox(
        "Teacher", list(found), key="teacher", persist_state="session", format_func=lambda folder: found[folder].title
    )
    teacher = found[st.session_state.teacher]
    st.caption(
        literal(f"It learns on the teacher's dataset: {teacher.dataset}{f', {teacher.data}' if teacher.data else ''}")
    )
    return teacher
