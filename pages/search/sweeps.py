"""Sweeps: several searches compared, over seeds, and over budgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from compressor_core.figures.search.axes import AXES, axes_of
from compressor_core.figures.search.budgets import budget_figure, genes_figure
from compressor_core.figures.search.differences import difference_rows
from compressor_core.figures.search.info import search_info
from compressor_core.figures.search.overlay import (
    HEIGHTS,
    MOST_RUNS,
    WITH,
    OverlayRun,
    convergence_figure,
    free_slots,
    overlay_axes,
    overlay_notes,
    overlay_rows,
    points_figure,
)
from compressor_core.figures.search.sweeps import (
    HOW_COUNTED,
    SEED_HEIGHTS,
    SweepInfo,
    band_figure,
    missing_notes,
    operators_rows,
    optimum_rows,
    search_rows,
    sweep_info,
)
from compressor_core.literal import literal
from compressor_core.records import SweepSummary
from compressor_core.runs import Run, Status
from compressor_core.runs.store import ready_run
from compressor_core.search.sweep import Over, SweepSettings
from pages.parts.chart import chart
from pages.parts.explain import terms
from pages.parts.frame import link, open_page, sentences
from pages.parts.live import chosen_run, open_earlier, records, show_ready, state_of, store, undamaged, watch
from pages.parts.pace import redrawn
from pages.parts.rows import table
from pages.parts.search_settings import goal_text
from pages.parts.sweeps import budget_settings, seed_settings
from pages.parts.task import space_badge

VIEWS = {"overlay": "Overlay runs", "seed": "Seed sweep", "budget": "Budget sweep"}
VIEW, RUNS = "sweeps_view", "sweeps_runs"
LOOK_FOR = {
    "overlay": "A line that falls early found good architectures soon; one that reaches the row "
    "*optimum* found the best. Where budgets differ, compare the gaps and not the fitness.",
    "seed": "The same search with different seeds. In a narrow band, one run is as good as another; "
    "in a wide one, a single run says little. Where two bands do not overlap, the operators "
    "made the difference, not luck.",
    "budget": "How much computation a megabyte buys: a straight line is a power law. The panels below "
    "show what a larger budget is spent on: in the paper's space, on width.",
}
START_WITH = 3


def chosen_view() -> str:
    """View of the URL, else of the run in the URL, else the last one shown."""
    view = st.query_params.get("view")
    if view not in VIEWS:
        if "run" in st.query_params and (run := chosen_run("sweep")) is not None:
            over = str(run.config.get("over"))
            view = over if over in VIEWS else "seed"
        else:
            first = "overlay" if store().list("search") else "budget"
            view = "overlay" if "runs" in st.query_params else st.session_state.get(VIEW, first)
    st.session_state[VIEW] = view
    st.segmented_control(
        "View",
        list(VIEWS),
        key=VIEW,
        required=True,
        persist_state="session",
        format_func=VIEWS.__getitem__,
        on_change=lambda: st.query_params.update(view=st.session_state[VIEW]),
        label_visibility="collapsed",
    )
    st.query_params["view"] = view
    # The session remembers what the other views show.
    st.query_params.pop("run" if view == "overlay" else "runs", None)
    st.markdown(LOOK_FOR[view])
    return view


def overlay() -> None:
    with sentences():
        at_hand = {run.id: run for run in store().list("search")}
    if not at_hand:
        st.info("There is no search to overlay yet.")
        link("search", "Start a search first")
        return
    runs = [at_hand[run_id] for run_id in chosen_searches(at_hand)]
    with sentences():
        live = any(run.status().live for run in runs)

    def part() -> bool:
        with sentences():
            draw_overlay(runs)
            now_live = any(run.status().live for run in runs)
        return now_live

    redrawn(live, part)


def chosen_searches(at_hand: Mapping[str, Run]) -> list[str]:
    """Runs of the URL, else the last ones shown, else the newest."""
    told = st.query_params.get("runs")
    wanted = told.split(",") if told is not None else st.session_state.get(RUNS, list(at_hand)[:START_WITH])
    if gone := [run_id for run_id in wanted if run_id and run_id not in at_hand]:
        st.warning(f"Not found, and left out: {literal(', '.join(gone))}", icon=":material/warning:")
    st.session_state[RUNS] = [run_id for run_id in wanted if run_id in at_hand][:MOST_RUNS]
    chosen: list[str] = st.multiselect(
        f"Searches, up to {MOST_RUNS}",
        list(at_hand),
        key=RUNS,
        persist_state="session",
        max_selections=MOST_RUNS,
        format_func=lambda run_id: title(at_hand[run_id]),
        on_change=lambda: st.query_params.update(runs=",".join(st.session_state[RUNS])),
        placeholder="Choose searches",
    )
    st.query_params["runs"] = ",".join(chosen)
    return chosen


def title(run: Run) -> str:
    return f"{run.name or 'search'} (…{run.id[-4:]})"


def drawn(run: Run, slot: int) -> OverlayRun:
    """One search as the overlay draws it, cached once the search is over."""
    with undamaged(run):
        if (status := run.status()).live:
            return OverlayRun(title(run), slot, search_info(records(run), run.settings))
        return _drawn_before(run.id, status.updated, title(run), slot, run)


@st.cache_resource(max_entries=60, show_spinner=False)
def _drawn_before(run_id: str, updated: float | None, name: str, slot: int, _run: Run) -> OverlayRun:
    return OverlayRun(name, slot, search_info(records(_run), _run.settings))


def draw_overlay(chosen: Sequence[Run]) -> None:
    slots = st.session_state["sweeps_slots"] = free_slots(
        [run.id for run in chosen], st.session_state.get("sweeps_slots", {})
    )
    runs = [drawn(run, slots[run.id]) for run in chosen]
    for run in chosen:
        if (status := run.status()).live:
            st.caption(literal(title(run)))
            state_of(run, status)
    with st.container(horizontal=True):
        by = choice("Horizontal axis", WITH, "overlay_by")
        height = choice("Vertical axis", HEIGHTS, "overlay_height")
    chart(convergence_figure(runs, by, height), key="overlay/convergence", alt="Best so far of each run")
    star = " A star is the run's optimum." if height == "fitness" else ""
    st.caption(f"A line begins where the run first met something within its limits.{star}")
    for note in overlay_notes(runs):
        st.caption(literal(note))
    terms("fitness", "gap", "generation")
    if runs:
        differences(runs)
    st.markdown("**Final populations**: faint points, with the trail of the best, the best large, and optima as stars")
    with st.container(horizontal=True):
        x = axis("Horizontal axis", overlay_axes(runs), "size_mb", "overlay_x")
        y = axis("Vertical axis", overlay_axes(runs), "paper_gflops", "overlay_y")
    chart(points_figure(runs, x, y), key="overlay/points", alt="Where each run ended")
    table(overlay_rows(runs), "overlay", {"Size (MB)": "%.3f", "GFLOPs": "%.3f"})


def differences(runs: Sequence[OverlayRun]) -> None:
    every = st.toggle("Show all settings, not only differences", key="overlay_every", persist_state="session")
    if rows := difference_rows([run.info.settings for run in runs], [run.title for run in runs], every=every):
        table(rows, "differences")
    else:
        st.caption("These runs do not differ in any setting." if len(runs) > 1 else "One run alone has no differences.")


def sweep(view: str) -> None:
    (seed_settings if view == "seed" else budget_settings)()
    run, draw = chosen_run("sweep"), show_seeds if view == "seed" else show_budgets
    open_earlier("sweep", "view")
    if run is None:
        show_ready(ready_run("sweep", over=view), draw)
    elif run.config.get("over", "seed") == view:
        watch(run, draw)


def show_seeds(run: Run, status: Status) -> None:
    info = sweep_info(records(run))
    height = choice("Vertical axis", SEED_HEIGHTS, "sweep_height")
    chart(band_figure(info, height), key=f"band/{run.id}", alt="Median and quartiles of the seeds by generation")
    st.caption(HOW_COUNTED)
    explain(run)
    terms("median-and-quartiles", "gap", "wilson-interval", "seed", "selection", "crossover", "mutation")
    explain_missing(info)
    if not status.live:
        searches(info, run)


def show_budgets(run: Run, status: Status) -> None:
    info = sweep_info(records(run))
    goal = run.settings.search.goal
    y = axis("Vertical axis", axes_of(best for _, best in info.optima), goal.quantity, f"sweep_y/{goal}")
    chart(budget_figure(info, y), key=f"budgets/{run.id}", alt="The optimum against the budget")
    explain(run)
    explain_missing(info)
    terms("optimum", "gap", "wilson-interval", "size-budget", "search-space")
    st.markdown("**What the optimum is made of**; stars are the paper's budgets")
    chart(genes_figure(info), key=f"genes/{run.id}", alt="Each gene of the optimum against the budget")
    if not status.live and info.optima:
        st.markdown("**The optimum at each budget**")
        numbers = {"Size (MB)": "%.3f", "GFLOPs": "%.3f", "Fitness": "%.3f"}
        table(optimum_rows(info), f"optima/{run.id}", numbers, file=f"{run.id}-optima.csv")
    if not status.live and info.searches:
        searches(info, run)


def explain(run: Run) -> None:
    """Show the settings of a sweep in words, and the results of its searches as a table."""
    settings: SweepSettings = run.settings
    search, seeds = settings.search, len(settings.seeds)
    if settings.over is Over.SEED:
        sought = goal_text(search)
    else:
        ends = f"{settings.budgets[0]:g} to {settings.budgets[-1]:g} MB"
        sought = f"{len(settings.budgets)} budgets, {ends} · {goal_text(search, each='each budget')}"
    with st.container(horizontal=True, vertical_alignment="center"):
        space_badge(search.space)
        st.caption(
            f"{search.task.capitalize()} · {sought} · {search.space.size:,} architectures · "
            f"{seeds} seed{'' if seeds == 1 else 's'} · population {search.population} · "
            f"{search.generations:,} generations",
            width="content",
        )
    summary = run.summary()
    if isinstance(summary, SweepSummary):
        if summary.cancelled:
            st.caption(
                f"Cancelled: {summary.searches} of {summary.planned} searches and {summary.budgets} of "
                f"{len(settings.all_budgets)} optima are kept; resume it for the others."
            )
        table(operators_rows(summary), f"operators/{run.id}")


def explain_missing(info: SweepInfo) -> None:
    if notes := missing_notes(info):
        with st.expander(f"{len(notes)} budget{'' if len(notes) == 1 else 's'} without a known optimum"):
            for note in notes:
                st.markdown(f"- {literal(note)}")


def searches(info: SweepInfo, run: Run) -> None:
    st.markdown("**The searches**")
    numbers = {"Size (MB)": "%.3f", "GFLOPs": "%.3f", "Fitness": "%.3f", "Gap (%)": "%.3f", "Seconds": "%.2f"}
    table(search_rows(info), f"searches/{run.id}", numbers, file=f"{run.id}-searches.csv")


def choice(label: str, options: Mapping[str, str], key: str) -> str:
    picked: str = st.selectbox(
        label, list(options), key=key, persist_state="session", format_func=options.__getitem__, width=300
    )
    return picked


def axis(label: str, axes: Sequence[str], first: str, key: str) -> str:
    """Select box of the quantities that all shown architectures have."""
    offered = [first, *(name for name in axes if name != first)]
    return choice(label, {name: AXES[name].label for name in offered}, key)


open_page(
    "sweeps",
    "Searches on the same axes show how much of a result was luck, which operators are reliable, and what another"
    " megabyte buys.",
)
view = chosen_view()
if view == "overlay":
    overlay()
else:
    sweep(view)
