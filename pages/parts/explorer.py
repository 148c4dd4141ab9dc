"""Slider and drawings of the explorer, which shows at once, without a run, what a budget buys."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable
from functools import cache
from math import inf
from pathlib import Path
from typing import Any, Final

import streamlit as st

from compressor_core.architecture import GENES, SPACES, Architecture, SearchSpace
from compressor_core.bundled import bundled_teacher
from compressor_core.cost import PARTS
from compressor_core.errors import CompressorError
from compressor_core.figures import theme
from compressor_core.figures.search.anatomy import Anatomy, anatomies, anatomy
from compressor_core.figures.search.axes import GENE_TITLES
from compressor_core.latency_model import LatencyModel
from compressor_core.records import CardScores
from compressor_core.runs.calibrations import Predictor, predictor
from compressor_core.runs.library import bundled_scores
from compressor_core.search.known import known_front
from compressor_core.search.quantities import Yardstick
from compressor_core.task import PairFeatures, Task
from pages.parts.live import store
from pages.parts.stage import component
from pages.parts.state import from_address

LOW, HIGH = 0.25, 50.0
"""Ends of the budget slider, in MB."""
TICKS: Final = (1, 3, 10, 25)
STEPS: Final = 400
COLORS: Final = dict(zip(PARTS, (theme.TEACHER, theme.GREY, theme.FEASIBLE, theme.STUDENT, theme.OPTIMUM), strict=True))
_BUDGET, _ANATOMY = component("budget"), component("anatomy")


def budget(task: Task | None = None) -> float:
    """Logarithmic slider of the size budget in MB, shared by all pages and stored in the URL.

    With a `task`, it also shows the accuracy of the nearest bundled student.
    """

    def moved() -> None:
        st.session_state.budget_mb = float(st.session_state.budget.mb)
        st.session_state.pop("edited", None)

    from_address("budget", "budget_mb", _megabytes)
    mb = min(max(float(st.session_state.budget_mb or LOW), LOW), HIGH)
    names = ("mb", "accuracy", "by_hand")
    measured = [dict(zip(names, one, strict=True)) for one in (_measured(task) if task else ())]
    data = {"mb": mb, "values": _budgets(), "ticks": TICKS, "measured": measured}
    _BUDGET(key="budget", data=data, on_mb_change=moved)
    now = float(st.session_state.budget_mb or LOW)
    st.query_params["budget"] = f"{now:g}"
    return now


def student_drawing(space: str, task: Task) -> None:
    """Draw the best student of the budget to scale beside the bundled teacher; its genes can be edited."""

    def edited() -> None:
        st.session_state.edited = st.session_state.anatomy.architecture

    from_address("genes", "edited", str)
    made, predicted = SPACES[space](), predictor(store(), task)
    one: dict[str, Any] | None = None
    if text := st.session_state.get("edited"):
        try:
            one = anatomy(Architecture.parse(text), Yardstick(task, latency=predicted.model), made).plain()
            st.query_params["genes"] = text
        except CompressorError as error:
            st.session_state.pop("edited")
            st.toast(str(error))
    elif "genes" in st.query_params:
        del st.query_params["genes"]
    students = _students(space, task, json.dumps(predicted.model.to_dict()), float(st.session_state.budget_mb))
    _draw("anatomy", made, task, predicted, one, edited, students)


def pick_drawing(architecture: Architecture, space: SearchSpace, task: Task, features: PairFeatures) -> None:
    """Draw one architecture to scale beside the bundled teacher; editing a gene picks another architecture."""

    def edited() -> None:
        st.session_state.architecture = st.session_state.pick.architecture

    predicted = predictor(store(), task)
    one = anatomy(architecture, Yardstick(task, features, predicted.model), space).plain()
    _draw("pick", space, task, predicted, one, edited)


def _draw(
    key: str,
    space: SearchSpace,
    task: Task,
    predicted: Predictor,
    one: dict[str, Any] | None,
    edited: Callable[[], None],
    students: list[dict[str, Any]] | None = None,
) -> None:
    _ANATOMY(
        key=key,
        data={
            "students": students or [],
            "teacher": _teacher(task),
            "edited": one,
            "follows": students is not None,
            "budget": float(st.session_state.budget_mb),
            "where": predicted.where,
            "parts": list(PARTS),
            "colors": COLORS,
            "genes": [
                {"gene": gene, "title": GENE_TITLES[gene], "values": list(getattr(space, gene))} for gene in GENES
            ],
        },
        on_architecture_change=edited,
    )


def _megabytes(text: str) -> float:
    if not 0 < (value := float(text)) < inf:
        raise ValueError(text)
    return value


@cache
def _budgets() -> list[float]:
    """Values of the slider in MB, rounded to what one reads off it."""
    values = (LOW * (HIGH / LOW) ** (step / STEPS) for step in range(STEPS + 1))
    rounded = (round(mb * 20) / 20 if mb < 1 else round(mb, 1) if mb < 10 else round(mb * 2) / 2 for mb in values)
    return [min(max(mb, LOW), HIGH) for mb in rounded]


@st.cache_data(show_spinner=False, max_entries=64)
def _students(space: str, task: str, latency: str, budget_mb: float) -> list[dict[str, Any]]:
    """Best student of every value of the slider and of this budget, by rising size."""
    front = known_front(space, Task(task))
    sizes = [one.size_mb for one in front]
    last = sorted({bisect_right(sizes, mb) - 1 for mb in (*_budgets(), budget_mb)} - {-1})
    yardstick = Yardstick(Task(task), latency=LatencyModel.from_dict(json.loads(latency)))
    return [one.plain() for one in anatomies([front[at].architecture for at in last], yardstick, SPACES[space]())]


@st.cache_data(show_spinner=False)
def _teacher(task: str) -> dict[str, Any]:
    folder: Path = bundled_teacher(f"classroom-{task}")
    shape = Architecture.from_dict(json.loads((folder / "config.json").read_text("utf-8")))
    made: Anatomy = anatomy(shape, Yardstick(Task(task)))
    return made.plain()


@st.cache_data(show_spinner=False)
def _measured(task: str) -> list[CardScores]:
    return bundled_scores(f"classroom-{task}")
