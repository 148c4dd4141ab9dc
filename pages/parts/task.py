"""Choice of the task, the search space and the head of a model of pairs."""

from __future__ import annotations

import streamlit as st

from compressor_core.architecture import SearchSpace
from compressor_core.task import PairFeatures, Task
from pages.parts.state import fill_space, to_address

TASKS = {
    "vulnerability": "Vulnerability prediction: is this function vulnerable?",
    "clone": "Clone detection: do these two functions do the same?",
}
PAIR_FEATURES = {
    PairFeatures.COMPARE: "Difference and product of their encodings",
    PairFeatures.CONCAT: "Their encodings side by side, as in the paper",
}


def choose_task(key: str = "task", *, label: str = "The student's task", help: str | None = None) -> Task:
    """Choice of the student's task, shared by all pages."""
    name = st.radio(
        label,
        list(TASKS),
        key=key,
        persist_state="session",
        horizontal=True,
        format_func=TASKS.__getitem__,
        help=help,
    )
    if key == "task":
        to_address("task", name)
    return Task(name)


SPACE_TITLES = {
    "classroom": "Classroom: three layers at most, trains in minutes",
    "paper": "Paper: all 10,944,000 architectures, up to twelve layers, as published",
    "fastest": "Fastest: one layer, the shortest answer times of a size",
}


def choose_space() -> str:
    """Choice of the search space, shared by all pages."""
    name: str = st.radio(
        "Search space",
        list(SPACE_TITLES),
        key="space",
        persist_state="session",
        on_change=lambda: fill_space(st.session_state.space),
        format_func=SPACE_TITLES.__getitem__,
    )
    to_address("space", name)
    return name


def space_badge(space: SearchSpace) -> None:
    """Badge that names the space whose optimum is meant."""
    titles = {"classroom": "Classroom space", "paper": "The paper's space", "fastest": "One-layer space"}
    title = titles.get(space.name or "", "Custom space")
    st.badge(title, icon=":material/grid_on:", color="gray")


def choose_pair_features(key: str) -> PairFeatures:
    """Choice of the head of a model of pairs."""
    name = st.radio(
        "How the head compares two functions",
        [features.value for features in PAIR_FEATURES],
        key=key,
        persist_state="session",
        format_func=lambda value: PAIR_FEATURES[PairFeatures(value)],
        horizontal=True,
    )
    return PairFeatures(name)
