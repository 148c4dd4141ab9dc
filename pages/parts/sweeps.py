"""Settings of a sweep over seeds or over budgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from compressor_core.figures.search.sweeps import OPERATORS
from compressor_core.search.genetic import SearchSettings
from compressor_core.search.sweep import PAPER_BUDGETS_MB, Over, SweepSettings, budgets_between
from pages.parts.frame import sentences
from pages.parts.live import start
from pages.parts.search_settings import NARROW, breeding, chosen, edited_space, goal_and_limits, search_space
from pages.parts.task import choose_task

STAY: dict[str, Any] = {"persist_state": "session"}
NARROW_FIELD: dict[str, Any] = {"width": NARROW, **STAY}


def seed_settings() -> None:
    """Form that starts a sweep over seeds."""
    with st.container(border=True):
        row = fields()
        budget = row.number_input("Budget (MB)", value=3.0, step=0.5, key="sweep_budget", **NARROW_FIELD)
        seeds = row.number_input(
            "Seeds", 1, 1_000, 20, key="sweep_seeds", help="Counted from 0, one search each", **NARROW_FIELD
        )
        operators = choose_operators(row)
        go_on = row.button("Sweep over seeds", type="primary", icon=":material/play_arrow:")
        search = search_settings()
    if go_on:
        with sentences():
            config = SweepSettings(
                search=search(budget), over=Over.SEED, seeds=tuple(range(seeds)), operators=tuple(operators)
            )
        start("sweep", config.model_dump(mode="json"), name=f"{seeds} seeds, {budget:g} MB")


def budget_settings() -> None:
    """Form that starts a sweep over budgets."""
    with st.container(border=True):
        row = fields()
        low = row.number_input("From (MB)", value=1.0, step=0.5, key="sweep_low", **NARROW_FIELD)
        high = row.number_input("To (MB)", value=100.0, step=10.0, key="sweep_high", **NARROW_FIELD)
        count = row.number_input(
            "Budgets", 2, 100, 40, key="sweep_count", help="Beside the paper's 3, 25 and 50 MB", **NARROW_FIELD
        )
        seeds = row.number_input(
            "Searches", 0, 20, 1, key="sweep_searches", help="At each budget, with seeds from 0 on", **NARROW_FIELD
        )
        operators = choose_operators(row)
        go_on = row.button("Sweep over budgets", type="primary", icon=":material/play_arrow:")
        search = search_settings()
    if go_on:
        with sentences():
            config = SweepSettings(
                # A placeholder: each search of the sweep replaces it by its own budget.
                search=search(max(high, *PAPER_BUDGETS_MB)),
                over=Over.BUDGET,
                seeds=tuple(range(seeds)),
                budgets=budgets_between(low, high, count),
                operators=tuple(operators),
            )
        start("sweep", config.model_dump(mode="json"), name=f"{low:g} to {high:g} MB")


def fields() -> Any:
    """A row for the fields of a form, two side by side on a phone."""
    return st.container(horizontal=True, vertical_alignment="bottom")


def choose_operators(row: Any) -> list[Any]:
    """Chosen sets of operators; if none, the sweep uses those of the page Search."""
    picked: list[Any] = row.pills(
        "Operators, side by side",
        list(OPERATORS),
        selection_mode="multi",
        wrap=True,
        default=list(OPERATORS),
        key="sweep_operators",
        format_func=lambda name: OPERATORS[name].capitalize(),
        width="content",
        **STAY,
    )
    return picked


def search_settings() -> Callable[[float], SearchSettings]:
    """Controls of the settings shared with the page Search; returns a function from a budget to its search."""
    with st.expander("Settings of the searches"):
        choose_task()
        latency = goal_and_limits()
        breeding("seed", operators=False)
        space = search_space(latency)
    return lambda budget: chosen(space or edited_space(), latency, budget)
