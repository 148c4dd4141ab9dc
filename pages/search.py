"""Search: the genetic algorithm at work, live and replayed."""

from __future__ import annotations

import streamlit as st

from compressor_core.architecture import SearchSpace
from compressor_core.errors import CompressorError
from compressor_core.figures.forms import csv_text, gene_values
from compressor_core.figures.search import (
    GENE_TITLES,
    SearchInfo,
    candidate_rows,
    diversity_figure,
    fitness_figure,
    gap_sentence,
    population_figure,
    search_info,
    short_form,
)
from compressor_core.runs import Run, Status
from compressor_core.search.genetic import SearchConfig
from pages.parts.chart import chart
from pages.parts.frame import go, metrics, open_page, sentences
from pages.parts.live import chosen_run, open_earlier, records, start, watch
from pages.parts.state import SPACES, TASKS, fill_space, gene_key

SLIDER = (0.5, 50.0)


def settings() -> None:
    with st.container(border=True):
        st.radio(
            "The student's task",
            list(TASKS),
            key="task",
            persist_state="session",
            horizontal=True,
            format_func=TASKS.__getitem__,
            help="A model of pairs has a head that compares two functions, which weighs a little more.",
        )
        slider, field, button = st.columns([4, 2, 2], vertical_alignment="bottom")
        slider.slider(
            "Size budget (MB)",
            *SLIDER,
            step=0.5,
            key="budget_slider",
            persist_state="session",
            on_change=budget_from_slider,
            format="%g MB",
        )
        field.number_input(
            "Exact budget (MB)",
            step=0.5,
            key="budget",
            persist_state="session",
            on_change=budget_from_field,
            help="1 MB is 10⁶ bytes.",
        )
        go_on = button.button("Start the search", type="primary", icon=":material/play_arrow:", width="stretch")
        with st.expander("Settings of the search"):
            space = search_settings()
    if go_on:
        with sentences():
            config = SearchConfig(
                budget_mb=st.session_state.budget,
                constraint=st.session_state.constraint,
                seed=st.session_state.seed,
                population=st.session_state.population,
                generations=st.session_state.generations,
                crossover_rate=st.session_state.crossover,
                mutation_rate=st.session_state.mutation,
                space=space or edited_space(),
                task=st.session_state.task,
            )
        start("search", config.to_dict(), name=f"{config.budget_mb:g} MB, seed {config.seed}")


def search_settings() -> SearchSpace | None:
    """The fields; returns the space if the values of its genes make one."""
    st.radio(
        "How the budget binds",
        ["cap", "paper"],
        key="constraint",
        persist_state="session",
        format_func={
            "cap": "Cap: the file must not weigh more",
            "paper": "Paper: a soft penalty, GFLOPs − |MB − budget|, with the paper's own formulas",
        }.__getitem__,
    )
    first, second, third, fourth, fifth = st.columns(5)
    first.number_input(
        "Seed", 0, 2**32 - 1, key="seed", persist_state="session", help="The same seed gives the same search."
    )
    second.number_input("Population", 2, 1000, key="population", persist_state="session")
    third.number_input("Generations", 1, 2000, key="generations", persist_state="session")
    fourth.number_input("Crossover rate", 0.0, 1.0, step=0.05, key="crossover", persist_state="session")
    fifth.number_input("Mutation rate", 0.0, 1.0, step=0.05, key="mutation", persist_state="session")
    st.radio(
        "Search space",
        list(SPACES),
        key="space",
        persist_state="session",
        horizontal=True,
        on_change=lambda: fill_space(st.session_state.space),
        format_func={"paper": "The paper's", "classroom": "Classroom (at most three layers)"}.__getitem__,
    )
    for column, (gene, title) in zip(st.columns(5), GENE_TITLES.items(), strict=True):
        column.text_input(title, key=gene_key(gene), persist_state="session", help="`16 to 768 by 16` or `1, 2, 4, 8`")
    try:
        space = edited_space()
    except CompressorError as error:
        st.error(str(error), icon=":material/error:")
        return None
    st.caption(f"{space.size:,} architectures")
    return space


def edited_space() -> SearchSpace:
    return SearchSpace.from_dict(
        {gene: gene_values(title, st.session_state[gene_key(gene)]) for gene, title in GENE_TITLES.items()}
    )


def budget_from_slider() -> None:
    st.session_state.budget = st.session_state.budget_slider


def budget_from_field() -> None:
    low, high = SLIDER
    st.session_state.budget_slider = min(max(st.session_state.budget or low, low), high)


def show(run: Run, status: Status) -> None:
    info = search_info(records(run), float(run.config["budget_mb"]), soft=run.config.get("constraint") == "paper")
    config = SearchConfig.from_dict(run.config)
    st.caption(
        f"{config.task.capitalize()} · budget {config.budget_mb:g} MB ({config.constraint}) · "
        f"{config.space.size:,} architectures · seed {config.seed} · population {config.population} · "
        f"{config.generations:,} generations"
    )
    numbers(info)
    key = f"population/{run.id}"
    if status.live:
        chart(population_figure(info), key=key + "/live")
    else:
        chart(
            population_figure(info, replay=True),
            key=key,
            on_select=lambda: pick_point(key),
            selection_mode="points",
            alt="GFLOPs against size of every candidate, generation by generation",
        )
        st.caption("Play the search again, or click a point to pick that architecture; hover to see its genes.")
        picked(info, run)
    left, right = st.columns(2)
    with left:
        st.markdown("**Fitness**")
        chart(fitness_figure(info), key=f"fitness/{run.id}")
    with right:
        st.markdown("**Diversity**")
        chart(diversity_figure(info), key=f"diversity/{run.id}")
    if not status.live and info.candidates:
        table(info, run)


def numbers(info: SearchInfo) -> None:
    best = info.best
    st.markdown(f"##### {gap_sentence(info)}")
    metrics(
        ("Best so far: size", f"{best['size_mb']:.3f} MB" if best else "–"),
        ("Best so far: computation", f"{best['paper_gflops']:.3f} GFLOPs" if best else "–"),
        ("Generation", f"{info.last.number}" if info.last else "–"),
        ("Architectures judged", f"{info.last.evaluations:,}" if info.last else "–"),
    )


def picked(info: SearchInfo, run: Run) -> None:
    best = info.best
    if best is None:
        return
    if st.session_state.get("picked-in") != run.id:
        st.session_state["picked-in"] = run.id
        st.session_state.architecture = short_form(best)
    with st.container(border=True):
        left, right = st.columns([3, 1], vertical_alignment="center")
        architecture = st.session_state.architecture
        note = " (the best found)" if architecture == short_form(best) else ""
        genes = [
            f"{title.lower()} {value}"
            for title, value in zip(GENE_TITLES.values(), architecture.split(","), strict=False)
        ]
        left.markdown(f"**Picked for distillation{note}:** `{architecture}`  \n{' · '.join(genes)}")
        if right.button("Distil this one", type="primary", icon=":material/science:", width="stretch"):
            go("distil")


def pick_point(key: str) -> None:
    points = st.session_state[key].selection.points
    if points and points[0].get("customdata"):
        st.session_state.architecture = ",".join(str(int(gene)) for gene in points[0]["customdata"][:5])


def table(info: SearchInfo, run: Run) -> None:
    rows = candidate_rows(info)
    key = f"candidates/{run.id}"

    def pick_row() -> None:
        if chosen := st.session_state[key].selection.rows:
            st.session_state.architecture = rows[chosen[0]]["Architecture"]

    st.markdown("**Candidates**, the fittest first; choose a row to pick it")
    st.dataframe(
        rows,
        key=key,
        on_select=pick_row,
        selection_mode="single-row",
        hide_index=True,
        height=300,
        column_config={
            "Size (MB)": st.column_config.NumberColumn(format="%.3f"),
            "GFLOPs": st.column_config.NumberColumn(format="%.3f", help="The paper's account"),
            "Fitness": st.column_config.NumberColumn(format="%.3f"),
        },
    )
    st.download_button(
        "Download as CSV", csv_text(rows), f"{run.id}.csv", "text/csv", icon=":material/download:", on_click="ignore"
    )


open_page("search")
settings()
run = chosen_run("search")
open_earlier("search")
if run is not None:
    watch(run, show)
