"""The views of a search. Only the one that is chosen is computed and drawn; the address keeps the choice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st

from compressor_core.architecture import GENES
from compressor_core.figures.search.axes import AXES, GENE_TITLES
from compressor_core.figures.search.genes import genes_figure
from compressor_core.figures.search.info import (
    MOST_ROWS,
    SearchInfo,
    candidate_rows,
    diversity_figure,
    search_info,
)
from compressor_core.figures.search.landscape import landscape_figure, landscape_sentence
from compressor_core.figures.search.lineage import lineage_figure, lineage_info, lineage_sentence
from compressor_core.figures.search.parallel import (
    brushed,
    parallel_figure,
    parallel_info,
    parallel_sentence,
    passing_sentence,
)
from compressor_core.figures.search.plane import X, Y, choices, limits_sentence
from compressor_core.figures.search.population import population_figure
from compressor_core.figures.words.captions import diversity_words, genes_words, population_words
from compressor_core.records import Genes, Record
from compressor_core.runs import Run
from compressor_core.search.genetic import SearchSettings
from compressor_core.search.landscape import Landscape, landscape
from compressor_core.search.pick import Pick
from pages.parts.chart import chart
from pages.parts.explain import terms
from pages.parts.frame import go, sentences
from pages.parts.rows import dataframe

VIEWS = {
    "population": "Population",
    "lineage": "Lineage",
    "genes": "Genes",
    "parallel": "Parallel coordinates",
    "landscape": "Landscape",
}
LOOK_FOR = {
    "population": "Replay the search and watch the population: it jumps while chance still finds much better "
    "candidates, then creeps along the edge of the shaded region, where all of the budget is spent."
    " Fitness rises in steps, and diversity falls as the population settles. Click a point to pick "
    "that architecture; hover to see its genes.",
    "lineage": "Every mark is an ancestor of the best, coloured by its first generation; numbers give the "
    "generation along the trail. Long steps are mutations that moved a gene far, or crossings of "
    "unlike parents; short steps are fine-tuning. Few of all candidates mattered in the end; see "
    "whether their way led over the budget.",
    "genes": "A row appears as a value spreads and fades as it disappears. Genes that settle early "
    "matter most to the goal; one that stays mixed to the end hardly matters or can be traded for "
    "another. Compare where each settles with the dashed line of the true optimum, and with the "
    "diversity below.",
    "parallel": "Each line is one candidate; the brightest is the fittest. Drag along an axis to keep only the "
    "lines that pass there, then along another one. Try the highest GFLOPs within the budget: which "
    "genes do those lines agree on, and where do they cross, so that one gene is traded for another?",
    "landscape": "The colour of a cell is the best fitness that its two genes allow, whatever the other three "
    "are, found by enumeration. Play, and the population (circles, larger for more) climbs towards "
    "the star. A narrow bright ridge is hard to follow in steps of one gene; on a plateau, the other"
    " genes make up for these two.",
}


def views(run: Run, info: SearchInfo, known: Sequence[Record], *, live: bool) -> None:
    """The choice of a view, and that view."""
    view = st.segmented_control(
        "View",
        list(VIEWS),
        default="population",
        required=True,
        key="view",
        bind="query-params",
        format_func=VIEWS.__getitem__,
        label_visibility="collapsed",
    )
    st.caption(LOOK_FOR[view or "population"])
    if view == "lineage":
        lineage(run, info)
    elif view == "genes":
        genes(run, info)
    elif view == "parallel":
        lines(run, wider(info, known))
    elif view == "landscape":
        walk(run, info, live=live)
    else:
        population(run, info if live else wider(info, known), live=live)


def population(run: Run, info: SearchInfo, *, live: bool) -> None:
    x, y, shown = axes(info, replayed=not live)
    figure = population_figure(info, x, y, replay=not live, shown=shown)
    key = f"population/{run.id}" + ("/live" if live else "")
    chart(figure, key=key, alt=population_words(info, x, y, shown), **({} if live else picks(key)))
    terms("fitness", "diversity")


def diversity(run: Run, info: SearchInfo) -> None:
    st.markdown("**Diversity**")
    chart(diversity_figure(info), key=f"diversity/{run.id}", alt=diversity_words(info))


def lineage(run: Run, info: SearchInfo) -> None:
    sentence = lineage_sentence(lineage_info(info))
    st.markdown(sentence)
    terms("lineage", "crossover", "mutation")
    x, y, _ = axes(info, replayed=False)
    key = f"lineage/{run.id}"
    chart(lineage_figure(info, x, y), key=key, alt=f"The ancestors of the best. {sentence}", **picks(key))


def genes(run: Run, info: SearchInfo) -> None:
    terms("optimum", "diversity")
    chart(genes_figure(info), key=f"genes/{run.id}", alt=genes_words(info))
    diversity(run, info)


def lines(run: Run, info: SearchInfo) -> None:
    """Parallel coordinates, and the brushes on them, which the session keeps."""
    shown = parallel_info(info)
    if sentence := parallel_sentence(shown, info):
        st.caption(sentence)
    terms("parallel-coordinates")
    key = f"parallel/{run.id}"
    brushes = st.session_state.get(f"{key}/brushes", {})
    passed = passing_sentence(shown, brushes)
    if passed:
        left, right = st.columns([4, 1], vertical_alignment="center")
        left.markdown(passed)
        right.button("Clear filters", width="stretch", on_click=lambda: st.session_state.pop(f"{key}/brushes", None))

    def brush() -> None:
        dragged = st.session_state[key].selection
        st.session_state[f"{key}/brushes"] = brushed(shown, [*dragged.box, *dragged.lasso], brushes)

    chart(
        parallel_figure(shown, info, brushes),
        key=key,
        on_select=brush,
        selection_mode=("box", "lasso"),
        alt=f"Every candidate as a line across all genes and quantities. {passed}",
    )


def walk(run: Run, info: SearchInfo, *, live: bool) -> None:
    left, middle, right = st.columns(3)
    with left:
        x = gene("Gene across", "gene_x", "hidden_size")
    with middle:
        y = gene("Gene upwards", "gene_y", "num_hidden_layers")
    with right:
        shown = None if live else generation(info)
    if x == y:
        st.info("Choose two different genes.")
        return
    space = info.settings.space
    if not space.enumerable:
        st.info(
            f"{space.size:,} architectures are too many to look at every one, so there is no landscape of this "
            "space: use larger steps or narrower ranges of its genes."
        )
        return
    with sentences():
        land = cached_landscape(info.settings.model_dump_json(), x, y)
    sentence = landscape_sentence(land, info)
    st.markdown(sentence)
    terms("landscape", "optimum")
    chart(
        landscape_figure(land, info, shown=shown),
        key=f"landscape/{run.id}",
        alt=f"The best fitness at every pair of values of two genes. {sentence}",
    )


@st.cache_data(max_entries=50, show_spinner="Evaluating every architecture")
def cached_landscape(settings: str, x: str, y: str) -> Landscape:
    return landscape(SearchSettings.model_validate(json.loads(settings)), x, y)


def gene(label: str, key: str, default: str) -> str:
    return st.selectbox(
        label,
        GENES,
        index=GENES.index(default),
        key=key,
        bind="query-params",
        format_func=GENE_TITLES.__getitem__,
    )


def axes(info: SearchInfo, *, replayed: bool) -> tuple[str, str, int | None]:
    """The two quantities of the plane, among those that every candidate has, and the generation to open at."""
    found = choices(info)
    left, middle, right = st.columns(3)

    def choose(column: Any, label: str, key: str, default: str) -> str:
        return str(
            column.selectbox(
                label,
                found,
                index=found.index(default),
                key=key,
                bind="query-params",
                format_func=lambda each: AXES[each].label,
            )
        )

    x, y = choose(left, "Across", "across", X), choose(middle, "Upwards", "upwards", Y)
    with right:
        shown = generation(info) if replayed else None
    if hidden := limits_sentence(info, x, y):
        st.caption(hidden)
    return x, y, shown


def generation(info: SearchInfo) -> int | None:
    """The generation that a replay opens at; the last one if none is chosen."""
    if info.last is None or not info.last.generation:
        return None
    number = st.number_input(
        "Open at generation",
        min_value=0,
        max_value=info.last.generation,
        value=None,
        step=1,
        key="at",
        bind="query-params",
        placeholder=f"{info.last.generation}, the last",
        help="The address keeps it. The slider below the figure shows all generations.",
    )
    return None if number is None else int(number)


def wider(info: SearchInfo, known: Sequence[Record]) -> SearchInfo:
    """With the individuals that did not survive, if they are wanted."""
    wanted = st.toggle("Show discarded candidates", key="everyone", bind="query-params")
    return search_info(known, info.settings, everyone=True) if wanted else info


def picked(info: SearchInfo, run: Run) -> None:
    """The architecture that was picked, at first the best, and the way to its distillation."""
    best = info.best
    if best is None:
        return
    first_pick(run, best)
    architecture = st.session_state.architecture
    with st.container(border=True):
        left, right = st.columns([3, 1], vertical_alignment="center")
        note = " (the best found)" if architecture == best.short_form else ""
        values = zip(GENE_TITLES.values(), architecture.split(","), strict=False)
        genes = " · ".join(f"{title.lower()} {value}" for title, value in values)
        left.markdown(f"**Picked for distillation{note}:** `{architecture}`  \n{genes}")
        distill_button(right, run, info.settings.space.name, info.settings.budget_mb)


def first_pick(run: Run, one: Genes) -> None:
    """Pick an architecture, unless one was picked from this run already."""
    if st.session_state.get("picked-in") != run.id:
        st.session_state["picked-in"] = run.id
        st.session_state.architecture = one.short_form


def distill_button(column: Any, run: Run, space: str | None, budget_mb: float | None) -> None:
    """The way to the distillation of what is picked; where it comes from goes along."""
    if column.button("Distill this one", type="primary", icon=":material/science:", width="stretch"):
        with sentences():
            st.session_state.picked = Pick(
                architecture=st.session_state.architecture, budget_mb=budget_mb, search_run=run.id, space=space
            )
        go("distill")


def picks(key: str) -> dict[str, Any]:
    """What lets a chart pick the point that is clicked."""
    return {"on_select": lambda: pick_point(key), "selection_mode": "points"}


def pick_point(key: str) -> None:
    points = st.session_state[key].selection.points
    if points and (values := points[0].get("customdata")):
        # Of a typed array, the browser sends a row as an object: {"0": …, "1": …}.
        row = list(values.values() if isinstance(values, dict) else values)
        st.session_state.architecture = ",".join(str(int(each)) for each in row[:5])


def table(info: SearchInfo, run: Run) -> None:
    """The fittest candidates; a row can be picked."""
    rows = candidate_rows(info)
    key = f"candidates/{run.id}"

    def pick_row() -> None:
        if chosen := st.session_state[key].selection.rows:
            st.session_state.architecture = rows[chosen[0]]["Architecture"]

    more = f" (the first {MOST_ROWS:,} of {len(info.candidates):,})" if len(info.candidates) > MOST_ROWS else ""
    st.markdown(
        f"**Candidates**, the fittest first{more}; choose a row to pick it (keys: arrows, then Shift and Space)"
    )
    dataframe(
        rows,
        key=key,
        on_select=pick_row,
        selection_mode="single-row",
        height=300,
        column_config={
            "Size (MB)": st.column_config.NumberColumn(format="%.3f"),
            "GFLOPs": st.column_config.NumberColumn(format="%.3f", help="The paper's account"),
            "Latency (ms)": st.column_config.NumberColumn(format="%.2f", help="Predicted"),
            "Fitness": st.column_config.NumberColumn(format="%.3f"),
        },
    )
