"""Search: the genetic algorithm at work, live and replayed, in several views."""

from __future__ import annotations

import streamlit as st

from compressor_core.architecture import SPACES
from compressor_core.figures.search.info import SearchInfo, gap_sentence, search_info
from compressor_core.runs import Run, Status
from compressor_core.search.genetic import Operators
from compressor_core.task import Task
from pages.parts.explain import terms
from pages.parts.frame import metrics, open_page, sentences
from pages.parts.live import chosen_run, open_earlier, records, watch
from pages.parts.search_settings import goal_text, settings
from pages.parts.search_taking import compare_with_file, take_away
from pages.parts.search_views import card, choose_view, draw, first_pick, picked, table
from pages.parts.stage import stage, stage_of
from pages.parts.task import space_badge


def play(run: Run, status: Status) -> None:
    """Draw the chosen view of the search, with one control bar under it."""
    known, live = records(run), status.live
    info = search_info(known, run.settings)
    if not live and info.best:
        first_pick(run, info.best)
    with st.container(key="played"):
        view, chart = choose_view(), st.container(key="drawn")
        stage_of(
            run,
            live=live,
            asked_mb=st.session_state.budget_mb,
            picked=None if live else picked(info),
            # Views drawn by the server follow the control bar and do not play by themselves.
            plays=view == "population",
            look="tall" if view == "population" else "control",
        )
        if view != "population":
            draw(view, run, info, known, chart, live=live)


def pick(run: Run, status: Status) -> None:
    """Draw the sticky card on the right."""
    if not status.live:
        card(search_info(records(run), run.settings), run)


def show(run: Run, status: Status) -> None:
    known, asked = records(run), run.settings
    info = search_info(known, asked)
    with st.container(horizontal=True, vertical_alignment="center"):
        space_badge(asked.space)
        st.caption(
            f"{asked.task.capitalize()} · {goal_text(asked)} · {asked.space.size:,} architectures · "
            f"seed {asked.seed} · population {asked.population:,} · {asked.generations:,} generations"
            + (" · the paper's operators" if asked.operators is Operators.PAPER else ""),
            width="content",
        )
    numbers(info)
    if (now := float(st.session_state.budget_mb or asked.budget_mb)) != asked.budget_mb:
        st.info(f"This population belongs to the search at {asked.budget_mb:g} MB. Start a new search for {now:g} MB.")
    if not status.live and info.candidates:
        compare_with_file(asked, known)
        take_away(run, asked, known)
        table(info, run)


def numbers(info: SearchInfo) -> None:
    best = info.best
    st.markdown(f"## {gap_sentence(info)}")
    metrics(
        ("Best so far: size", f"{best.size_mb:.3f} MB" if best else "–"),
        ("Best so far: computation", f"{best.paper_gflops:.3f} GFLOPs" if best else "–"),
        ("Generation", f"{info.last.generation}" if info.last else "–"),
        ("Architectures judged", f"{info.last.evaluations:,}" if info.last else "–"),
        *([("Best so far: latency", f"{best.latency_ms:.2f} ms")] if best and best.latency_ms else []),
    )
    terms("optimum", "gap", "gflops", "paper-gflops")


open_page(
    "search",
    "A genetic algorithm looks for the architecture with the most computation (GFLOPs) within a size budget. The true "
    "optimum of the whole space shows how close it came.",
)
run = chosen_run("search")
if run is not None and st.session_state.get("budget-of") != run.id:
    st.session_state["budget-of"] = run.id
    with sentences():
        st.session_state.budget_mb = float(run.settings.budget_mb)
with st.container(key="search"):
    rail, main = st.columns([3, 10])
with rail:
    settings()
    open_earlier("search")
with main:
    if run is not None:
        watch(run, show, first=play, beside=pick)
    else:
        name, task = st.session_state.space, Task(st.session_state.task)
        played, side = st.columns([7, 3])  # as beside a run, so that the stage stays the same when a search starts
        side.caption("The best that a search finds stands here, drawn to scale, with what it costs.")
        with played, st.container(key="played"):
            choose_view(disabled=True)  # so that the stage stays where it is when a search starts
            st.container(key="drawn")
            stage(None, run="none", space=SPACES[name](), task=task, budget_mb=st.session_state.budget_mb, look="tall")
