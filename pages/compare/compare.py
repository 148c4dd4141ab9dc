"""Compare: a teacher and up to four students side by side."""

from __future__ import annotations

import streamlit as st

from compressor_core.figures.compare.info import comparison_info
from compressor_core.figures.compare.verdicts import by_hand_sentence, codebert_sentence, headline
from compressor_core.literal import literal
from compressor_core.runs import Run, State, Status
from compressor_core.runs.library import Model, comparison_of, families
from pages.parts.chosen import choose_family, choose_students
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
        family = choose_family(st, found)
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        students = choose_students(left, family)
        if right.button(
            "Compare", type="primary", icon=":material/play_arrow:", width="stretch", disabled=not students
        ):
            begin(students)
    return students


def begin(students: list[Model]) -> None:
    """Start the comparison of students with their teacher."""
    first = students[0].run
    name = first.name if first else None
    with sentences():
        asked = {**comparison_of(store(), students), "beside_codebert": True}
    start("compare", asked, name=name if len(students) == 1 else f"{len(students)} students")


def show(run: Run, status: Status) -> None:
    if status.summary is None and status.state is not State.FINISHED:
        if status.live:
            st.caption("The models predict the same examples, then take turns while their latency is measured.")
        return
    info = comparison_info(status.summary)
    st.header(literal(headline(info)), anchor=False)
    for sentence in filter(None, (by_hand_sentence(info), codebert_sentence(info))):
        st.markdown(f"**{literal(sentence)}**")
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
