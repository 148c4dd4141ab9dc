"""The explorer's slider and drawing: what a budget buys, at once and without a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import streamlit as st

from compressor_core.architecture import GENES, SPACES, Architecture
from compressor_core.cost import PARTS
from compressor_core.errors import CompressorError
from compressor_core.figures import theme
from compressor_core.figures.search.anatomy import Anatomy, anatomies, anatomy
from compressor_core.figures.search.axes import GENE_TITLES
from compressor_core.models.bundled import bundled_teacher
from compressor_core.search.known import known_front
from compressor_core.search.quantities import Yardstick
from compressor_core.task import Task
from pages.parts.stage import component

LOW, HIGH = 0.25, 50.0
"""The ends of the budget's slider, in MB."""
TICKS: Final = (1, 3, 10, 25)
COLORS: Final = dict(zip(PARTS, (theme.TEACHER, theme.GREY, theme.FEASIBLE, theme.STUDENT, theme.OPTIMUM), strict=True))
_BUDGET, _ANATOMY = component("budget"), component("anatomy")


def budget() -> float:
    """The slider of the size budget in MB, logarithmic, which all pages share."""

    def moved() -> None:
        st.session_state.budget_mb = float(st.session_state.budget.mb)
        st.session_state.pop("edited", None)

    mb = min(max(float(st.session_state.budget_mb or LOW), LOW), HIGH)
    _BUDGET(key="budget", data={"mb": mb, "low": LOW, "high": HIGH, "ticks": TICKS}, on_mb_change=moved)
    return float(st.session_state.budget_mb)


def student_drawing(space: str, task: Task) -> None:
    """The best student of the budget to scale beside the bundled teacher; its genes can be edited."""

    def edited() -> None:
        st.session_state.edited = st.session_state.anatomy.architecture

    made = SPACES[space]()
    one: dict[str, Any] | None = None
    if text := st.session_state.get("edited"):
        try:
            one = anatomy(Architecture.parse(text), Yardstick(task), made).plain()
        except CompressorError as error:
            st.session_state.pop("edited")
            st.toast(str(error))
    _ANATOMY(
        key="anatomy",
        data={
            "students": _students(space, task),
            "teacher": _teacher(task),
            "edited": one,
            "follows": True,
            "budget": float(st.session_state.budget_mb),
            "parts": list(PARTS),
            "colors": COLORS,
            "genes": [
                {"gene": gene, "title": GENE_TITLES[gene], "values": list(getattr(made, gene))} for gene in GENES
            ],
        },
        on_architecture_change=edited,
    )


@st.cache_data(show_spinner=False)
def _students(space: str, task: str) -> list[dict[str, Any]]:
    front = [one.architecture for one in known_front(space, Task(task)) if one.size_mb <= HIGH]
    return [one.plain() for one in anatomies(front, Yardstick(Task(task)), SPACES[space]())]


@st.cache_data(show_spinner=False)
def _teacher(task: str) -> dict[str, Any]:
    folder: Path = bundled_teacher(f"classroom-{task}")
    shape = Architecture.from_dict(json.loads((folder / "config.json").read_text("utf-8")))
    made: Anatomy = anatomy(shape, Yardstick(Task(task)))
    return made.plain()
