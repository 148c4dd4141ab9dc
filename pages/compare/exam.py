"""Exam: models and baselines on hand-written and real code, beside their own test split."""

from __future__ import annotations

import streamlit as st

from compressor_core.evaluate.settings import TEACHER, ExamSettings
from compressor_core.figures.compare.exam import ExamInfo, exam_figure, exam_info, exam_rows, group_rows
from compressor_core.literal import literal
from compressor_core.runs import Run, State, Status
from compressor_core.runs.library import Model, comparison_of, families
from pages.parts.chart import chart
from pages.parts.chosen import choose_family, choose_students
from pages.parts.explain import terms
from pages.parts.frame import link, open_page, sentences
from pages.parts.live import start, store, watch_chosen
from pages.parts.rows import table


def form() -> list[Model]:
    """Draw the form; returns the students in it."""
    with sentences():
        found = {family.key: family for family in families(store())}
    if not found:
        st.info("There is no student to examine yet.")
        link("distill", "Distill a student first")
        return []
    with st.container(border=True):
        first, second, third = st.columns([3, 4, 2], vertical_alignment="bottom")
        students = choose_students(second, choose_family(first, found))
        if third.button(
            "Start the exam", type="primary", icon=":material/play_arrow:", width="stretch", disabled=not students
        ):
            begin(students)
    return students


def begin(students: list[Model]) -> None:
    """Start the exam of students and their teacher."""
    with sentences():
        asked = comparison_of(store(), students)
        settings = ExamSettings(
            models=(asked["teacher"], asked["student"], *asked["others"]),
            names=(TEACHER, *asked["names"]),
            dataset=asked["dataset"],
            data=asked["data"],
            split=asked["split"],
            seed=asked["seed"],
        )
    start("exam", settings, name=students[0].name if len(students) == 1 else f"{len(students)} students")


def show(run: Run, status: Status) -> None:
    if status.summary is None and status.state is not State.FINISHED:
        if status.live:
            st.caption("The token-counting baseline trains first; the exam takes a few minutes.")
        return
    info = exam_info(status.summary)
    verdicts(info)
    rows = exam_rows(info)
    alt = "; ".join(f"{row['Score']}: " + ", ".join(f"{one.name} {row[one.name]}" for one in info.all) for row in rows)
    chart(exam_figure(info), key=f"exam/{run.id}", alt=alt)
    for one in info.summary.baselines:
        st.caption(f"**{literal(one.name)}**: {literal(one.note)}.")
    terms("accuracy", "wilson-interval", "mcnemar", "cwe")
    table(rows, f"scores/{run.id}", file=f"{run.id}-exam.csv")
    with st.expander("Hand-written functions by kind"):
        groups = group_rows(info)
        table(
            groups,
            f"kinds/{run.id}",
            {name: "%.0f" for name in groups[0] if name.endswith("(%)")},
            f"{run.id}-kinds.csv",
        )


def verdicts(info: ExamInfo) -> None:
    """Show the verdict on each model, the first one first."""
    for one in info.summary.models:
        st.markdown(literal(one.verdict or ""))


open_page(
    "exam",
    "A model's own test split resembles its training data. The exam asks about what it has "
    "never seen: hand-written functions and real ones.",
)
watch_chosen("exam", show, about=form())
