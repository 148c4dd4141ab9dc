"""Lab: whether the answers of a teacher and its students hold under changes that keep the meaning of the code."""

from __future__ import annotations

import streamlit as st

from compressor_core.data.changes import CHANGES
from compressor_core.evaluate.settings import TEACHER, ProbeSettings
from compressor_core.figures.compare.probe import (
    ProbeInfo,
    edit,
    flips_figure,
    pairs_sentence,
    probe_info,
    probe_rows,
    probe_sentence,
    worst_sentence,
)
from compressor_core.literal import literal
from compressor_core.records import ChangedExample
from compressor_core.runs import Run, State, Status
from compressor_core.runs.library import Model, comparison_of, families
from pages.parts.chart import chart
from pages.parts.chosen import choose_family, choose_student
from pages.parts.explain import terms
from pages.parts.fields import number
from pages.parts.frame import link, open_page, sentences
from pages.parts.live import start, store, watch_chosen
from pages.parts.rows import table

NUMBERS = {
    **dict.fromkeys(("Flips (%)", "Accuracy (%)", "Before (%)", "Agreement (%)"), "%.1f"),
    **dict.fromkeys(("Mean |Δp| (points)", "ECE (points)", "ECE before"), "%.1f"),
}


def settings() -> list[Model]:
    """Draw the form; returns the student in it."""
    with sentences():
        found = {family.key: family for family in families(store())}
    if not found:
        st.info("There is no student to probe yet.")
        link("distill", "Distill a student first")
        return []
    with st.container(border=True):
        first, second, third, fourth = st.columns([3, 3, 2, 2], vertical_alignment="bottom")
        family = choose_family(first, found)
        student = choose_student(second, {model.key: model for model in family.students})
        examples = number(third, ProbeSettings, "examples", "Examples", 1, 10_000, key="probe_examples")
        if fourth.button("Probe", type="primary", icon=":material/science:", width="stretch"):
            with sentences():
                compared = comparison_of(store(), [student])
                asked = ProbeSettings(
                    models=(compared["teacher"], compared["student"]),
                    names=(TEACHER, "Student"),
                    examples=examples,
                    **{name: compared.get(name) for name in ("dataset", "data", "split") if compared.get(name)},
                )
            start("probe", asked, name=student.title)
    return [student]


def show(run: Run, status: Status) -> None:
    if status.summary is None and status.state is not State.FINISHED:
        return
    info = probe_info(status.summary)
    st.header(literal(probe_sentence(info)), anchor=False)
    chart(flips_figure(info), key=f"flips/{run.id}", alt=probe_sentence(info))
    st.caption(
        "In brackets: the number of functions that the change applies to. The label stays, so an "
        "answer that flips is wrong before or after. Bars are Wilson's 95% intervals."
    )
    if pairs := pairs_sentence(info):
        st.markdown(literal(pairs))
    worst(info)
    with st.expander("All numbers"):
        table(probe_rows(info), f"probe/{run.id}", NUMBERS, f"{run.id}-probe.csv")
    terms("consistency", "agreement", "calibration", "wilson-interval")


def worst(info: ProbeInfo) -> None:
    examples = {change.change: change.worst for change in info.changes if change.worst is not None}
    if not examples:
        return
    st.markdown("**The example whose probability changes most**")
    kind = st.selectbox("Change", list(examples), key="probe_kind", format_func=_described)
    example: ChangedExample = examples[kind]
    st.markdown(literal(worst_sentence(info, example)))
    st.code(edit(example.before, example.after), language="diff", wrap_lines=True)


def _described(name: str) -> str:
    return f"{name}: {CHANGES[name].description}" if name in CHANGES else name


open_page(
    "lab",
    "Renaming variables or changing quotes, layout or order does not change what a function "
    "does. Where an answer flips, the model relies on the surface.",
)
watch_chosen("probe", show, about=settings())
