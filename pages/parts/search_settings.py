"""What a search is asked for: budget, goal, limits, operators, space, or the JSON of an earlier one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from compressor_core.architecture import ENUMERABLE, SearchSpace
from compressor_core.errors import CompressorError
from compressor_core.figures.search.info import GENE_TITLES
from compressor_core.figures.words.forms import gene_text, gene_values
from compressor_core.latency_model import LatencyModel
from compressor_core.runs.calibrations import calibrations
from compressor_core.search.exact import uncertifiable
from compressor_core.search.genetic import SearchSettings
from compressor_core.search.replica import config_of
from compressor_core.task import Task
from pages.parts.explain import terms
from pages.parts.frame import link, say, sentences
from pages.parts.live import start, store
from pages.parts.state import SPACES, fill_space, gene_key
from pages.parts.task import choose_task

SLIDER = (0.5, 50.0)
CONSTRAINTS = {
    "cap": "Cap: the file must not weigh more",
    "paper": "Paper: a soft penalty, GFLOPs − |MB − budget|, with the paper's own formulas",
}
GOALS = {"gflops": "The most GFLOPs", "latency": "The fastest", "size": "The smallest"}
OPERATORS = {"studio": "This program's", "paper": "The paper's"}
MOST_BYTES = 1_000_000
"""Of the JSON of a search; one that is longer is cut, and then is none. (The browser's limit is only a courtesy.)"""
FILE = "replica"
"""Where the session keeps the JSON that was opened."""


def settings() -> None:
    """All settings, and the button that starts the search."""
    with st.container(border=True):
        choose_task(help="A model of pairs has a head that compares two functions, which weighs a little more.")
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
            latency = goal_and_limits()
            st.divider()
            algorithm()
            st.divider()
            space = search_space(latency)
        with st.expander("Repeat a search from its JSON"):
            from_file()
    if go_on:
        with sentences():
            config = chosen(space or edited_space(), latency)
        start("search", config.to_dict(), name=f"{config.budget_mb:g} MB, seed {config.seed}")


def chosen(space: SearchSpace, latency: LatencyModel | None, budget_mb: float | None = None) -> SearchSettings:
    """The search that the fields ask for, or with another budget. Raises CompressorError if there is none."""
    state = st.session_state
    soft = state.constraint == "paper"
    return SearchSettings(
        budget_mb=state.budget if budget_mb is None else budget_mb,
        constraint=state.constraint,
        seed=state.seed,
        population=state.population,
        generations=state.generations,
        crossover_rate=state.crossover,
        mutation_rate=state.mutation,
        space=space,
        task=state.task,
        operators=state.operators,
        goal="gflops" if soft else state.goal,  # type: ignore[arg-type]  # by its text
        max_latency_ms=None if soft else state.max_latency,
        min_gflops=None if soft else state.min_gflops,
        latency=latency,
    )


def goal_and_limits() -> LatencyModel | None:
    """What wins, within which limits; returns the latency model, if one is chosen."""
    st.radio(
        "How the budget binds",
        list(CONSTRAINTS),
        key="constraint",
        persist_state="session",
        format_func=CONSTRAINTS.__getitem__,
    )
    soft = st.session_state.constraint == "paper"
    st.radio(
        "What wins among those within the limits",
        list(GOALS),
        key="goal",
        persist_state="session",
        horizontal=True,
        format_func=GOALS.__getitem__,
        disabled=soft,
        help="The smallest is of interest with a least computation, or the tiniest model of the space wins.",
    )
    latency, longest, least = st.columns([2, 1, 1], vertical_alignment="bottom")
    with latency:
        model = latency_model()
    longest.number_input(
        "Longest latency (ms)",
        min_value=0.0,
        step=1.0,
        key="max_latency",
        persist_state="session",
        placeholder="no limit",
        disabled=soft or model is None,
    )
    least.number_input(
        "Least computation (GFLOPs)",
        min_value=0.0,
        step=0.5,
        key="min_gflops",
        persist_state="session",
        placeholder="no limit",
        disabled=soft,
    )
    if soft:
        st.caption("The paper's penalty weighs GFLOPs against size and nothing else: goal and limits stand aside.")
    terms("size-budget", "paper-penalty", "fitness", "latency-model")
    return model


def latency_model() -> LatencyModel | None:
    """A choice among the calibrations at hand, for the task."""
    with sentences():
        found = {
            f"{each.run.id}/{runtime}": (f"{each.title}, {runtime}", model)
            for each in calibrations(store(), Task(st.session_state.task))
            for runtime, model in each.models.items()
        }
    if not found:
        link("latency", "To predict latency, measure it first")
        return None
    if st.session_state.latency_model not in (None, *found):
        st.session_state.latency_model = next(iter(found))
    st.selectbox(
        "Predict latency by",
        list(found),
        index=None,
        key="latency_model",
        persist_state="session",
        format_func=lambda key: found[key][0],
        placeholder="not predicted",
        help="With it, milliseconds become a coordinate of every plot, a goal and a limit.",
    )
    picked = st.session_state.latency_model
    return found[picked][1] if picked else None


def algorithm() -> None:
    """Seed, sizes, rates and operators."""
    first, second, third, fourth, fifth = st.columns(5)
    first.number_input(
        "Seed", 0, 2**32 - 1, key="seed", persist_state="session", help="The same seed gives the same search."
    )
    second.number_input("Population", 2, 1000, key="population", persist_state="session")
    third.number_input("Generations", 1, 2000, key="generations", persist_state="session")
    fourth.number_input("Crossover rate", 0.0, 1.0, step=0.05, key="crossover", persist_state="session")
    fifth.number_input(
        "Mutation rate",
        0.0,
        1.0,
        step=0.05,
        key="mutation",
        persist_state="session",
        disabled=st.session_state.operators == "paper",
        help="How likely a child of two parents mutates as well. The paper's operators know no such rate.",
    )
    st.radio(
        "Operators",
        list(OPERATORS),
        key="operators",
        persist_state="session",
        horizontal=True,
        format_func=OPERATORS.__getitem__,
        help="How children are bred. With the paper's, the same number of candidates hardly ever meets the optimum.",
    )
    terms("seed", "population", "generation", "selection", "crossover", "mutation")


def search_space(latency: LatencyModel | None) -> SearchSpace | None:
    """The values of each gene; returns the space if they make one."""
    st.radio(
        "Search space",
        list(SPACES),
        key="space",
        persist_state="session",
        horizontal=True,
        on_change=lambda: fill_space(st.session_state.space),
        format_func={
            "paper": "The paper's",
            "classroom": "Classroom (three layers at most, 2,000 tokens at least)",
        }.__getitem__,
    )
    for column, (gene, title) in zip(st.columns(5), GENE_TITLES.items(), strict=True):
        column.text_input(title, key=gene_key(gene), persist_state="session", help="`16 to 768 by 16` or `1, 2, 4, 8`")
    terms("search-space", "vocabulary", "hidden-size", "layers", "attention-heads", "intermediate-size")
    try:
        space = edited_space()
    except CompressorError as error:
        say(error)
        return None
    st.caption(f"{space.size:,} architectures: {certainty(space, latency)}")
    return space


def certainty(space: SearchSpace, latency: LatencyModel | None) -> str:
    """How the optimum of the search that the fields ask for will be known."""
    if space.enumerable:
        return "few enough to look at every one, so that the true optimum is known at once."
    try:
        reason = uncertifiable(space, chosen(space, latency).objective)
    except CompressorError:  # said when the search is started
        reason = None
    if reason:
        return f"too many to look at every one (the most are {ENUMERABLE:,}). {reason}"
    return (
        f"too many to look at every one (the most are {ENUMERABLE:,}), so branch and bound finds the true optimum and "
        "proves it. There will be no landscape."
    )


def edited_space() -> SearchSpace:
    return SearchSpace.from_dict(
        {gene: gene_values(title, st.session_state[gene_key(gene)]) for gene, title in GENE_TITLES.items()}
    )


def from_file() -> None:
    """Open the JSON of a search: start it again as it was, or go on from its settings."""
    file = st.file_uploader(
        "JSON of a search", type="json", max_upload_size=1, help="This page writes it, below each search."
    )
    if file is None:
        st.session_state.pop(FILE, None)
        return
    with sentences():
        try:
            values = json.loads(file.getvalue()[:MOST_BYTES])
        except (ValueError, RecursionError) as error:
            raise CompressorError(f"{file.name} is not JSON: choose a file that this page has written.") from error
        config = config_of(values)
    st.session_state[FILE] = values
    best = values.get("best")
    found = f"found {best['paper_gflops']:.3f} GFLOPs at {best['size_mb']:.3f} MB" if best else "found nothing"
    st.caption(f"{goal_text(config)} · seed {config.seed} · {values['generations']:,} generations recorded · {found}")
    first, second = st.columns(2)
    if first.button("Start this search again", icon=":material/replay:", width="stretch"):
        start("search", config.to_dict(), name=f"{config.budget_mb:g} MB, seed {config.seed}, again")
    second.button(
        "Fill in its settings", icon=":material/edit:", width="stretch", on_click=fill, args=(config.to_dict(),)
    )


def fill(config: Mapping[str, Any]) -> None:
    """Write the settings of a search into the fields; a latency model has to be one of this machine's."""
    state = st.session_state
    state.task, state.budget, state.constraint = config["task"], config["budget_mb"], config["constraint"]
    budget_from_field()
    state.seed, state.population, state.generations = config["seed"], config["population"], config["generations"]
    state.crossover, state.mutation = config["crossover_rate"], config["mutation_rate"]
    state.operators, state.goal = config["operators"], config["goal"]
    state.max_latency, state.min_gflops = config["max_latency_ms"], config["min_gflops"]
    for gene, values in config["space"].items():
        state[gene_key(gene)] = gene_text(values)


def goal_text(config: SearchSettings, *, each: str | None = None) -> str:
    """What a search asks for, in a few words; `each` stands for the budget where there are many."""
    budget = each or f"{config.budget_mb:g} MB"
    if config.constraint == "paper":
        return f"the paper's penalty around {budget}"
    limits = [f"at most {budget}"]
    if config.max_latency_ms is not None:
        limits.append(f"at most {config.max_latency_ms:g} ms")
    if config.min_gflops is not None:
        limits.append(f"at least {config.min_gflops:g} GFLOPs")
    goal = {"gflops": "the most GFLOPs", "latency": "the fastest", "size": "the smallest"}[config.goal]
    return f"{goal} with {' and '.join(limits)}"


def budget_from_slider() -> None:
    st.session_state.budget = st.session_state.budget_slider


def budget_from_field() -> None:
    low, high = SLIDER
    st.session_state.budget_slider = min(max(st.session_state.budget or low, low), high)
