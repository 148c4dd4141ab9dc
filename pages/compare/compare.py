"""Compare: a teacher and up to four students side by side."""

from __future__ import annotations

import streamlit as st

from compressor_core.evaluate.settings import MOST_STUDENTS
from compressor_core.figures.compare.info import comparison_info
from compressor_core.figures.compare.verdicts import codebert_sentence, headline
from compressor_core.literal import literal
from compressor_core.runs import Run, State, Status
from compressor_core.runs.library import Family, Model, comparison_of, families
from pages.parts.compare_views import views
from pages.parts.frame import link, open_page, sentences
from pages.parts.live import start, store, watch_chosen
from pages.parts.report import report_button


def settings() -> list[Model]:
    """Draw the form; returns the students in it."""
    with sentences():
        found = {family.key: family for family in families(store())}
    if not found:
        st.info("There is no student to compare yet.")
        link("distill", "Distill a student first")
        return []
    with st.container(border=True):
        if st.session_state.compared_family not in found:
            st.session_state.compared_family = next(iter(found))
        family = found[st.selectbox("Teacher", list(found), key="compared_family", persist_state="session")]
        return choose_students(family)


def choose_students(family: Family) -> list[Model]:
    models = {model.key: model for model in family.students}
    # The newest by default; students of another teacher cannot stay selected.
    kept = [key for key in st.session_state.compared_students if key in models]
    if st.session_state.get("compared_of") != family.key:
        st.session_state.compared_of = family.key
        kept = kept or [next(iter(models))]
    st.session_state.compared_students = kept
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    chosen = left.multiselect(
        "Students",
        list(models),
        key="compared_students",
        persist_state="session",
        max_selections=MOST_STUDENTS,
        format_func=lambda key: models[key].title,
        help=f"Up to {MOST_STUDENTS} students of this teacher, the newest first.",
    )
    students = [models[key] for key in chosen]
    if right.button("Compare", type="primary", icon=":material/play_arrow:", width="stretch", disabled=not chosen):
        first = students[0].run
        name = first.name if first else None
        with sentences():
            asked = {**comparison_of(store(), students), "beside_codebert": True}
        start("compare", asked, name=name if len(students) == 1 else f"{len(students)} students")
    return students


def show(run: Run, status: Status) -> None:
    if status.summary is None and status.state is not State.FINISHED:
        if status.live:
            st.caption("The models predict the same examples, then take turns while their latency is measured.")
        return
    info = comparison_info(status.summary)
    st.header(literal(headline(info)), anchor=False)
    if sentence := codebert_sentence(info):
        st.markdown(f"**{sentence}**")
    views(run, info)
    with st.container(horizontal=True):
        report_button(run)
        link("playground", "Try your own code")
        link("export", "Export a student")


open_page(
    "compare",
    "A teacher and up to four students answer the same held-out functions, and their latency is measured in turns.",
)
watch_chosen("compare", show, about=settings())
