"""The students that the visitor has chosen: the same on all pages; where a page takes one, the first of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from compressor_core.evaluate.settings import MOST_STUDENTS
from compressor_core.runs.library import Family, Model

STAY: dict[str, Any] = {"persist_state": "session"}


def choose_family(place: Any, found: Mapping[str, Family]) -> Family:
    """Choice of the teacher; that of a student who was chosen on another page comes first."""
    state = st.session_state
    if state.student != state.get("family_for"):
        state.family_for = state.student
        for family in found.values():
            if state.student in {model.key for model in family.students}:
                state.compared_family = family.key
    if state.compared_family not in found:
        state.compared_family = next(iter(found))
    return found[place.selectbox("Teacher", list(found), key="compared_family", **STAY)]


def choose_students(place: Any, family: Family) -> list[Model]:
    """Choice of up to four students of one teacher, the newest by default."""
    state, models = st.session_state, {model.key: model for model in family.students}
    kept = [key for key in state.compared_students if key in models]
    if state.student != state.get("compared_for") and state.student in models and state.student not in kept:
        kept = [state.student]  # chosen on another page
    if state.get("compared_of") != family.key:
        state.compared_of = family.key
        kept = kept or [next(iter(models))]
        _take(kept[0])
    state.compared_for, state.compared_students = state.student, kept

    def chosen() -> None:
        if state.compared_students:
            _take(state.compared_students[0])
            state.compared_for = state.student

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
        _take(next(iter(models)))
    key = place.selectbox("Student", list(models), key="student", format_func=lambda key: models[key].title, **STAY)
    return models[key]


def _take(key: str) -> None:
    """Make a student the chosen one, on a page whose teacher it has."""
    st.session_state.student = st.session_state.family_for = key
