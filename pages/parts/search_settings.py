"""Settings of a search: budget, goal, limits, operators and space, or the JSON of an earlier search."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from compressor_core.architecture import ENUMERABLE, SearchSpace
from compressor_core.errors import CompressorError
from compressor_core.figures.search.axes import GENE_TITLES
from compressor_core.figures.words.forms import gene_text, gene_values
from compressor_core.latency_model import LatencyModel
from compressor_core.runs.calibrations import calibrations
from compressor_core.search.exact import uncertifiable
from compressor_core.search.fitness import Constraint, Goal
from compressor_core.search.genetic import Operators, SearchSettings
from compressor_core.search.replica import Replica
from compressor_core.settings import description_of
from compressor_core.task import Task
from pages.parts.explain import terms
from pages.parts.explorer import budget
from pages.parts.frame import link, say, sentences
from pages.parts.live import start, store
from pages.parts.state import DEFAULTS, fill_space, gene_key
from pages.parts.task import choose_space, choose_task

CONSTRAINTS = {
    Constraint.CAP: "Cap: the file may not exceed the budget",
    Constraint.PAPER: "Paper: a soft penalty, GFLOPs − |MB − budget|, with the paper's own formulas",
}
GOALS = {Goal.GFLOPS: "The most GFLOPs", Goal.LATENCY: "The fastest", Goal.SIZE: "The smallest"}
OPERATORS = {Operators.STUDIO: "This program's", Operators.PAPER: "The paper's"}
NARROW, WIDE = 135, 215
"""Widths in pixels of fields in a row, which wraps where there is no room."""
FIELDS = (
    *("budget_mb", "constraint", "task", "goal", "max_latency_ms", "min_gflops", "operators"),
    *("seed", "population", "generations", "crossover_rate", "mutation_rate"),
)
"""Settings that the session stores under their own names."""
BREEDING: dict[str, tuple[Any, ...]] = {
    "seed": (0, 2**32 - 1),
    "population": (2, 1_000),
    "generations": (1, 2_000),
    "crossover_rate": (0.0, 1.0),
    "mutation_rate": (0.0, 1.0),
}
"""Least and greatest value of the settings of a genetic algorithm."""
MOST_BYTES = 1_000_000
"""Largest search file that is read, in bytes; the browser's limit can be bypassed."""
FILE = "replica"
"""Session key of the opened JSON."""


def help_of(name: str) -> str:
    """The description of a setting."""
    return description_of(SearchSettings, name)


def settings() -> None:
    """All settings, and the button that starts the search."""
    with st.container(border=True, key="settings"):
        with st.container(key="begin"):
            budget()
            go_on = st.button("Start the search", type="primary", icon=":material/play_arrow:", width="stretch")
        st.number_input(
            "Exact budget (MB)", step=0.5, key="budget_mb", persist_state="session", help=help_of("budget_mb")
        )
        choose_task(help="For pairs, a head that compares both functions makes the model a little larger.")
        choose_space()
        as_in_the_paper()
        with st.expander("Settings of the search"):
            latency = goal_and_limits()
            st.divider()
            breeding()
            options("Operators", "operators", OPERATORS)
            terms("seed", "population", "generation", "selection", "crossover", "mutation")
            st.divider()
            space = search_space(latency)
        with st.expander("Repeat a search from its JSON"):
            from_file()
    if go_on:
        with sentences():
            begin(chosen(space or edited_space(), latency))


def as_in_the_paper() -> None:
    """Switch that sets the paper's space, budget rule and operators at once, and the usual ones again."""
    paper = {"space": "paper", "constraint": Constraint.PAPER.value, "operators": Operators.PAPER.value}
    st.session_state.as_paper = all(st.session_state[name] == value for name, value in paper.items())

    def switch() -> None:
        st.session_state.update(paper if st.session_state.as_paper else {name: DEFAULTS[name] for name in paper})
        fill_space(st.session_state.space)

    st.toggle(
        "Exactly as in the paper",
        key="as_paper",
        on_change=switch,
        help="Its search space, its soft penalty on the size in place of a cap, and its genetic operators.",
    )


def begin(search: SearchSettings, note: str = "") -> None:
    """Launch a search and show it."""
    start("search", search.model_dump(mode="json"), name=f"{search.budget_mb:g} MB, seed {search.seed}{note}")


def chosen(space: SearchSpace, latency: LatencyModel | None, budget_mb: float | None = None) -> SearchSettings:
    """Search settings of the fields, or with another budget. Raises CompressorError if they are invalid."""
    asked = {name: st.session_state[name] for name in FIELDS}
    if asked["constraint"] == Constraint.PAPER:
        asked |= {"goal": Goal.GFLOPS, "max_latency_ms": None, "min_gflops": None}
    if budget_mb is not None:
        asked["budget_mb"] = budget_mb
    return SearchSettings(**asked, space=space, latency=latency)


def options(label: str, name: str, titles: dict[Any, str], **more: Any) -> None:
    """Radio buttons for the values of a setting."""
    st.radio(
        label,
        [each.value for each in titles],
        key=name,
        persist_state="session",
        format_func=titles.__getitem__,
        help=help_of(name),
        horizontal=name != "constraint",
        **more,
    )


def breeding(*without: str, prefix: str = "", operators: bool = True) -> None:
    """Settings of a genetic algorithm in one row; session keys of sizes and seed start with `prefix`."""
    names = [name for name in BREEDING if name not in without]
    row: Any = st.container(horizontal=True)
    for name in names:
        rate = name.endswith("rate")
        row.number_input(
            name.replace("_", " ").capitalize(),
            *BREEDING[name],
            step=0.05 if rate else 1,
            key=name if rate else prefix + name,
            persist_state="session",
            help=help_of(name),
            disabled=operators and name == "mutation_rate" and st.session_state.operators == Operators.PAPER,
            width=NARROW,
        )


def goal_and_limits() -> LatencyModel | None:
    """Controls of the goal and its limits; returns the latency model if one is chosen."""
    options("Budget rule", "constraint", CONSTRAINTS)
    soft = st.session_state.constraint == Constraint.PAPER
    options("Goal within the limits", "goal", GOALS, disabled=soft)
    model = latency_model()
    row: Any = st.container(horizontal=True, vertical_alignment="bottom")
    for label, name, step, disabled in (
        ("Longest latency (ms)", "max_latency_ms", 1.0, soft or model is None),
        ("Least computation (GFLOPs)", "min_gflops", 0.5, soft),
    ):
        row.number_input(
            label,
            min_value=0.0,
            step=step,
            key=name,
            persist_state="session",
            placeholder="no limit",
            disabled=disabled,
            help=help_of(name),
            width=WIDE,
        )
    if soft:
        st.caption("The paper's penalty weighs GFLOPs against size only; goal and limits are ignored.")
    terms("size-budget", "paper-penalty", "fitness", "latency-model")
    return model


def latency_model() -> LatencyModel | None:
    """Select box of the available calibrations for the task."""
    with sentences():
        found = {
            f"{each.run.id}/{runtime}": (f"{each.title}, {runtime}", model)
            for each in calibrations(store(), Task(st.session_state.task))
            for runtime, model in each.models.items()
        }
    if not found:
        link("latency", "Calibrate this machine to use latency")
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
        help=help_of("latency"),
    )
    picked = st.session_state.latency_model
    return found[picked][1] if picked else None


def search_space(latency: LatencyModel | None) -> SearchSpace | None:
    """Fields for the values of each gene; returns the space if they are valid."""
    row: Any = st.container(horizontal=True)
    for gene, title in GENE_TITLES.items():
        help = "`16 to 768 by 16` or `1, 2, 4, 8`"
        row.text_input(title, key=gene_key(gene), persist_state="session", help=help, width=WIDE)
    terms("search-space", "vocabulary", "hidden-size", "layers", "attention-heads", "intermediate-size")
    try:
        space = edited_space()
    except CompressorError as error:
        say(error)
        return None
    st.caption(f"{space.size:,} architectures: {certainty(space, latency)}")
    return space


def certainty(space: SearchSpace, latency: LatencyModel | None) -> str:
    """Statement on how the optimum of the search will be found."""
    if space.enumerable:
        return "few enough to enumerate, so the true optimum is known at once."
    try:
        reason = uncertifiable(space, chosen(space, latency))
    except CompressorError:  # shown when the search is started
        reason = None
    if reason:
        return f"too many to enumerate (more than {ENUMERABLE:,}). {reason}"
    return (
        f"too many to enumerate (more than {ENUMERABLE:,}), so branch and bound finds the true optimum and "
        "proves it. There will be no landscape."
    )


def edited_space() -> SearchSpace:
    return SearchSpace.from_dict(
        {gene: gene_values(title, st.session_state[gene_key(gene)]) for gene, title in GENE_TITLES.items()}
    )


def from_file() -> None:
    """Open the JSON of a search, to repeat the search or to start from its settings."""
    file = st.file_uploader(
        "JSON of a search", type="json", max_upload_size=1, help="This page offers it below each search."
    )
    if file is None:
        st.session_state.pop(FILE, None)
        return
    with sentences():
        try:
            values = json.loads(file.getvalue()[:MOST_BYTES])
        except (ValueError, RecursionError) as error:
            raise CompressorError(f"{file.name} is not JSON: choose a file downloaded from this page.") from error
        known = Replica.model_validate(values)
    st.session_state[FILE] = known
    best, search = known.best, known.config
    found = f"found {best.paper_gflops:.3f} GFLOPs at {best.size_mb:.3f} MB" if best else "found nothing"
    st.caption(f"{goal_text(search)} · seed {search.seed} · {known.generations:,} generations recorded · {found}")
    first, second = st.columns(2)
    if first.button("Start this search again", icon=":material/replay:", width="stretch"):
        begin(search, ", again")
    second.button("Fill in its settings", icon=":material/edit:", width="stretch", on_click=fill, args=(search,))


def fill(search: SearchSettings) -> None:
    """Write the settings of a search into the fields, except for a latency model, which must be this machine's."""
    values = search.model_dump(mode="json")
    st.session_state.update({name: values[name] for name in FIELDS})
    for gene, some in values["space"].items():
        st.session_state[gene_key(gene)] = gene_text(some)


def goal_text(search: SearchSettings, *, each: str | None = None) -> str:
    """Goal and limits of a search in a few words; `each` replaces the budget if there are several."""
    budget = each or f"{search.budget_mb:g} MB"
    if search.constraint is Constraint.PAPER:
        return f"the paper's penalty around {budget}"
    limits = [f"at most {budget}"]
    if search.max_latency_ms is not None:
        limits.append(f"at most {search.max_latency_ms:g} ms")
    if search.min_gflops is not None:
        limits.append(f"at least {search.min_gflops:g} GFLOPs")
    return f"{GOALS[search.goal].replace('The', 'the')} with {' and '.join(limits)}"
