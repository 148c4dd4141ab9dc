"""The students that the visitor has chosen: the same on all pages; where a page takes one, the first of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from compressor_core.evaluate.settings import MOST_STUDENTS
from compressor_core.runs.library import Family, Model

STAY: dict[str, Any] = {"persist_state": "session"}


def choose_family(place: Any, found: Mapping[str, Family]) -> Family:
    """Choice of a teacher, at first that of the chosen student."""
    state = st.session_state
    family_of = {model.key: family for family in found.values() for model in family.students}
    if state.student in family_of and state.student not in state.compared_students:  # chosen on another page
        state.compared_family = family_of[state.student].key
        _take(state.student)
    elif state.compared_family not in found:
        state.compared_family = next(iter(found))
        _take(found[state.compared_family].students[0].key)
    return found[
        place.selectbox(
            "Teacher",
            list(found),
            key="compared_family",
            on_change=lambda: _take(found[state.compared_family].students[0].key),
            **STAY,
        )
    ]


def choose_students(place: Any, family: Family) -> list[Model]:
    """Choice of up to four students of one teacher."""
    state, models = st.session_state, {model.key: model for model in family.students}
    if state.compared_students and not models.keys() & set(state.compared_students):
        _take(family.students[0].key)  # those chosen are deleted
    state.compared_students = [key for key in state.compared_students if key in models]

    def chosen() -> None:
        state.student = next(iter(state.compared_students), None)

    keys = place.multiselect(
        "Students",
        list(models),
        key="compared_students",
        max_selections=MOST_STUDENTS,
        format_func=lambda key: models[key].title,
        help=f"Up to {MOST_STUDENTS} students of this teacher, the newest first.",
        on_change=chosen,
        **STAY,
    )
    return [models[key] for key in keys]


def choose_student(place: Any, models: Mapping[str, Model]) -> Model:
    """Choice of one student."""
    if st.session_state.student not in models:
        st.session_state.student = next(iter(models))
    key = place.selectbox("Student", list(models), key="student", format_func=lambda key: models[key].title, **STAY)
    return models[key]


def _take(key: str) -> None:
    """Choose one student, in place of all chosen before."""
    st.session_state.student, st.session_state.compared_students = key, [key]
