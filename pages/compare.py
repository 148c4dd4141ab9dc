"""Compare: teacher and student side by side."""

from __future__ import annotations

import streamlit as st

from compressor_core.figures.comparison import (
    ComparisonInfo,
    comparison_info,
    confusion_figure,
    cost_figure,
    groups_figure,
    headline,
    latency_figure,
    noise_sentence,
    scores_figure,
)
from compressor_core.runs import Run, Status
from compressor_core.runs.library import students
from pages.parts.chart import chart
from pages.parts.frame import link, metrics, open_page, sentences
from pages.parts.live import chosen_run, open_earlier, start, store, watch


def settings() -> None:
    with sentences():
        found = {model.key: model for model in students(store())}
    if not found:
        st.info("There is no student to compare yet.")
        link("distil", "Distil a student first")
        return
    with st.container(border=True):
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        if st.session_state.student not in found:
            st.session_state.student = next(iter(found))
        left.selectbox(
            "Student",
            list(found),
            key="student",
            persist_state="session",
            format_func=lambda key: found[key].title,
        )
        if right.button("Compare", type="primary", icon=":material/play_arrow:", width="stretch"):
            student = found[st.session_state.student]
            name = student.run.name if student.run else None
            start("compare", student.comparison, name=name)


def show(run: Run, status: Status) -> None:
    if status.result is None:
        if status.live:
            st.caption("Both models predict the same examples, then take turns while their latency is measured.")
        return
    info = comparison_info(status.result)
    st.subheader(headline(info), anchor=False)
    st.markdown(f"{noise_sentence(info)} They give the same answer on {info.agreement:.1%} of the examples.")
    numbers(info)
    st.caption(info.data)
    first, second = st.columns(2)
    with first:
        st.markdown("**Scores**")
        chart(scores_figure(info), key=f"scores/{run.id}")
    with second:
        st.markdown("**Cost of the student**")
        chart(cost_figure(info), key=f"cost/{run.id}")
    st.markdown("**Latency**")
    chart(latency_figure(info), key=f"latency/{run.id}")
    st.caption(info.measured)
    st.markdown("**Confusion matrices**")
    labels = tuple(status.result["labels"])
    for column, side in zip(st.columns(2), (info.teacher, info.student), strict=True):
        with column:
            chart(confusion_figure(side, labels), key=f"confusion/{side.title}/{run.id}")
    if info.groups:
        st.markdown("**Accuracy by kind**, from what the student loses most to what it loses least")
        chart(groups_figure(info), key=f"groups/{run.id}")


def numbers(info: ComparisonInfo) -> None:
    student, teacher = info.student, info.teacher
    metrics(
        ("Accuracy", f"{student.scores['accuracy']:.1%}", f"teacher {teacher.scores['accuracy']:.1%}"),
        ("Size", f"{student.size_mb:.2f} MB", f"teacher {teacher.size_mb:.2f} MB"),
        ("Median latency", f"{student.median:.1f} ms", f"teacher {teacher.median:.1f} ms"),
        ("Parameters", f"{student.parameters / 1e6:.2f} M", f"teacher {teacher.parameters / 1e6:.2f} M"),
    )


open_page("compare")
settings()
run = chosen_run("compare")
open_earlier("compare")
if run is not None:
    watch(run, show)
