"""Settings of a search for a front: objectives, limits, seed and sizes."""

from __future__ import annotations

from typing import Any

import streamlit as st

from compressor_core.figures.search.axes import AXES
from compressor_core.literal import literal
from compressor_core.runs.library import measured_students
from compressor_core.search.quantities import Quantity
from compressor_core.search.tradeoff import MeasuredStudent, TradeoffSettings
from compressor_core.task import PairFeatures, Task
from pages.parts.frame import link, sentences
from pages.parts.live import start, store
from pages.parts.search_settings import breeding, edited_space, latency_model
from pages.parts.task import choose_pair_features, choose_task

STAY: dict[str, Any] = {"persist_state": "session"}
LATER_ACCURACY = "Distill two different students to use accuracy and flips."
LIMITS = {
    Quantity.SIZE: ("Largest size (MB)", 0.5),
    Quantity.GFLOPS: ("Least computation (GFLOPs)", 0.5),
    Quantity.PARAMETERS: ("Most parameters (million)", 0.5),
    Quantity.LATENCY: ("Longest latency (ms)", 1.0),
}


def settings() -> None:
    """All settings, and the button that starts the search."""
    with st.container(border=True):
        task = choose_task()
        features = choose_pair_features("tradeoff_pairs") if task is Task.CLONE else PairFeatures.COMPARE
        left, right, button = st.columns([5, 3, 3], vertical_alignment="bottom")
        with right:
            latency = latency_model()
        with sentences():
            at_hand = {name: some for name, some in measured_students(store(), task, features).items() if several(some)}
        offered = [Quantity.SIZE, Quantity.GFLOPS, Quantity.PARAMETERS]
        offered += [Quantity.LATENCY] if latency else []
        offered += [Quantity.ACCURACY] if at_hand else []
        probed = {name: known for name, some in at_hand.items() if several(known := with_flips(some))}
        offered += [Quantity.FLIPS] if probed else []
        objectives = choose_objectives(left, offered)
        go_on = button.button("Find the front", type="primary", icon=":material/play_arrow:", width="stretch")
        students: tuple[MeasuredStudent, ...] = ()
        if any(each.measured for each in objectives):
            students = choose_students(probed if Quantity.FLIPS in objectives else at_hand)
        if not at_hand:
            st.caption(LATER_ACCURACY)
        with st.expander("Limits and settings of the search"):
            limits = choose_limits([each for each in LIMITS if each in offered])
            breeding(prefix="tradeoff_", operators=False)
            with sentences():
                st.caption(f"Search space: {edited_space().size:,} architectures, as set on *Single search*.")
            link("search", "Change the space")
    if go_on:
        with sentences():
            asked = TradeoffSettings(
                objectives=tuple(objectives),
                limits=limits,
                **{name: st.session_state[f"tradeoff_{name}"] for name in ("seed", "population", "generations")},
                **{name: st.session_state[name] for name in ("crossover_rate", "mutation_rate")},
                space=edited_space(),
                task=task,
                pair_features=features,
                latency=latency,
                students=students,
            )
        names = " × ".join(title(each).lower() for each in asked.objectives)
        start("tradeoff", asked.model_dump(mode="json"), name=f"{names}, seed {asked.seed}")


def with_flips(students: tuple[MeasuredStudent, ...]) -> tuple[MeasuredStudent, ...]:
    """Students whose share of flipped answers is known."""
    return tuple(student for student in students if student.flips is not None)


def several(students: tuple[MeasuredStudent, ...]) -> bool:
    return len({student.architecture for student in students}) > 1


def title(quantity: Quantity) -> str:
    return AXES[quantity].title.split(",")[0]


def choose_objectives(column: Any, offered: list[Quantity]) -> list[Quantity]:
    """Choice of two or three objectives; one that is no longer offered is dropped."""
    key = "objectives"
    if key in st.session_state:
        st.session_state[key] = [each for each in st.session_state[key] if each in offered]
    picked = column.pills(
        "Objectives, two or three",
        [each.value for each in offered],
        selection_mode="multi",
        wrap=True,
        default=None if key in st.session_state else [Quantity.SIZE.value, Quantity.GFLOPS.value],
        key=key,
        format_func=lambda value: ("↑ " if Quantity(value).maximised else "↓ ") + title(Quantity(value)),
        help="↓ less is better, ↑ more is better",
        **STAY,
    )
    # In the order of `offered`, not of the clicks.
    return [each for each in offered if each in picked]


def choose_students(at_hand: dict[str, tuple[MeasuredStudent, ...]]) -> tuple[MeasuredStudent, ...]:
    """Students whose accuracies and flips are used, all measured on one dataset to be comparable."""
    datasets = list(at_hand)
    if st.session_state.get("tradeoff_dataset") not in datasets:
        st.session_state.tradeoff_dataset = datasets[0]
    dataset = datasets[0]
    if len(datasets) > 1:
        dataset = st.selectbox("Students measured on", datasets, key="tradeoff_dataset", **STAY)
    students = at_hand[dataset]
    st.caption(
        f"Accuracy and flips come from {len(students)} students distilled here, measured on "
        f"{literal(dataset)}. Only what was measured is on the front: nothing is predicted."
    )
    return students


def choose_limits(offered: list[Quantity]) -> dict[Quantity, float]:
    """Fields for limits; returns those that are given, in the units of records."""
    limits = {}
    for column, quantity in zip(st.columns(len(offered)), offered, strict=True):
        label, step = LIMITS[quantity]
        limit = column.number_input(
            label, min_value=0.0, value=None, step=step, key=f"limit/{quantity}", placeholder="no limit", **STAY
        )
        if limit is not None:
            limits[quantity] = limit / AXES[quantity].scale
    return limits
