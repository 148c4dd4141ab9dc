"""Teacher & data: inspect the data that the models learn from, and train a teacher on them."""

from __future__ import annotations

from typing import Any

import streamlit as st

from compressor_core.bundled import BASES, FROM_SCRATCH, GRAPHCODEBERT
from compressor_core.distill.settings import TeacherSettings
from compressor_core.figures.words.captions import outside_words
from compressor_core.literal import literal
from compressor_core.runs import Run, Status
from compressor_core.runs.library import teachers
from compressor_core.task import Task
from pages.parts.data import Chosen, choose_data
from pages.parts.data_contents import contents
from pages.parts.explain import terms
from pages.parts.fields import number
from pages.parts.frame import go, metrics, open_page, sentences
from pages.parts.live import start, store, watch_chosen
from pages.parts.rows import dataframe
from pages.parts.sharing import shared
from pages.parts.task import choose_pair_features
from pages.parts.training import training

OTHER = "other"
CHOICES = {**BASES, OTHER: "Another encoder, by folder or Hugging Face name"}


def choose_base(chosen: Chosen | None) -> str:
    """Encoder to start from; empty while its name is missing."""
    # On a shared server: other encoders would be downloads, or folders of this machine.
    choices = [FROM_SCRATCH] if shared() else list(CHOICES)
    st.selectbox("Start from", choices, key="base", persist_state="session", format_func=CHOICES.__getitem__)
    base = str(st.session_state.base)
    if base == OTHER:
        base = st.text_input(
            "Folder or Hugging Face name",
            key="base_name",
            persist_state="session",
            placeholder="microsoft/unixcoder-base, or /models/my-encoder",
        ).strip()
    elif base != FROM_SCRATCH:
        st.caption("Read from the local cache, or downloaded from the Hugging Face hub (0.5 GB).")
    if base == GRAPHCODEBERT and chosen is not None and chosen.language is None:
        st.warning(
            "Say which language the file is written in: data flow is read by language.", icon=":material/warning:"
        )
    return base


def more_settings(chosen: Chosen | None, base: str) -> dict[str, Any]:
    """Settings that rarely need a change."""
    with st.expander("Settings", icon=":material/tune:"):
        first, second, third = st.columns(3)
        more: dict[str, Any] = {
            "max_length": number(
                first, TeacherSettings, "max_length", "Maximum length (tokens)", 16, 512, step=16, key="teacher_length"
            ),
            "learning_rate": number(
                second,
                TeacherSettings,
                "learning_rate",
                "Learning rate",
                0.0,
                1.0,
                step=1e-5,
                format="%.1e",
                key="teacher_rate",
                placeholder="6e-4 from scratch, 2e-5 otherwise",
            ),
            "patience": number(
                third,
                TeacherSettings,
                "patience",
                "Stop early after (epochs)",
                1,
                100,
                key="teacher_patience",
                placeholder="Never",
            ),
        }
        if chosen and chosen.task is Task.CLONE:
            more["pair_features"] = choose_pair_features("teacher_pairs")
        if chosen and chosen.language and base != GRAPHCODEBERT:
            reads = st.checkbox(
                "Read data flow too, as GraphCodeBERT does",
                key="teacher_data_flow",
                persist_state="session",
                help="Where each variable's value comes from. The student then reads it as well.",
            )
            more["data_flow"] = reads or None  # None: as the base was trained
    return more


def train(chosen: Chosen | None) -> None:
    left, place = st.columns([3, 1], vertical_alignment="center")
    with left:
        base = choose_base(chosen)
    if chosen is not None:
        st.caption(f"It learns from {literal(chosen.info.title)}, chosen below.")
    middle, right = st.columns(2)
    number(middle, TeacherSettings, "epochs", "Epochs", 1, 1000, key="teacher_epochs")
    number(right, TeacherSettings, "seed", "Seed", 0, 2**31 - 1, key="teacher_seed")
    more = more_settings(chosen, base)
    ready = chosen is not None and base
    go_on = place.button(
        "Train a teacher", type="primary", icon=":material/play_arrow:", width="stretch", disabled=not ready
    )
    if go_on and chosen:
        with sentences():
            settings = TeacherSettings(
                base=base,
                dataset=chosen.info.name,
                data=chosen.data,
                epochs=st.session_state.teacher_epochs,
                seed=st.session_state.teacher_seed,
                **more,
            )
        start("train-teacher", settings, name=f"{chosen.info.title}, {base}")


def show(run: Run, status: Status) -> None:
    training(run, status, loss="Cross-entropy loss")
    terms("cross-entropy", "accuracy", "f1", "parameters")
    result = status.summary
    if result is None:
        return
    metrics(
        ("Accuracy, test split", f"{result.accuracy:.1%}"),
        ("F1, test split", f"{result.test.f1:.1%}"),
        ("Size", f"{result.size_mb:.1f} MB"),
        ("Parameters", f"{result.parameters / 1e6:.2f} M"),
    )
    st.markdown(outside_words(result))
    if st.button("Distill from this teacher", type="primary", icon=":material/science:"):
        st.session_state.teacher = result.model
        go("distill")


def at_hand() -> None:
    with sentences():
        found = teachers(store())
    if not found:
        st.info("There is no teacher yet: train one above.")
        return
    dataframe(
        [
            {
                "Teacher": teacher.title,
                "Dataset": teacher.dataset,
                "Test accuracy": teacher.accuracy,
                "Size (MB)": teacher.size_mb,
            }
            for teacher in found
        ],
        column_config={
            "Test accuracy": st.column_config.NumberColumn(format="percent"),
            "Size (MB)": st.column_config.NumberColumn(format="%.2f"),
        },
    )


open_page(
    "teacher",
    "A student is rarely better than its teacher: look at the data, then train a teacher or use a bundled one.",
)
# The form comes first, but needs the choice of data; what they contain may take long to compute, and comes last.
training_form, data = st.container(border=True), st.container(border=True)
with data:
    st.header("Data", anchor=False)
    with sentences():
        chosen = choose_data()
with training_form:
    st.header("Train a teacher", anchor=False)
    train(chosen)
    terms("codebert", "graphcodebert", "fine-tuning", "epoch", "learning-rate", "early-stopping")
with data:
    with sentences():
        if chosen is not None:
            contents(chosen)
    terms("split", "tokens", "data-flow", "cwe", "clone-types", "devign", "bigclonebench")
watch_chosen("train-teacher", show)
st.header("Available teachers", anchor=False)
at_hand()
