"""Views of a search. Only the chosen view is computed and drawn; the URL stores the choice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from compressor_core.architecture import GENES, Architecture
from compressor_core.errors import ArchitectureError
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
from compressor_core.records import Candidate, Genes, Record
from compressor_core.runs import Run
from compressor_core.search.genetic import SearchSettings
from compressor_core.search.landscape import Landscape, landscape
from compressor_core.search.pick import Pick
from pages.parts.chart import chart
from pages.parts.explain import terms
from pages.parts.explorer import pick_drawing
from pages.parts.frame import go, sentences
from pages.parts.outlook import outlook
from pages.parts.rows import dataframe
from pages.parts.stage import generation_shown

VIEWS = {
    "population": "Population",
    "lineage": "Lineage",
    "genes": "Genes",
    "parallel": "Parallel coordinates",
    "landscape": "Landscape",
    "axes": "Other axes",
}
LOOK_FOR = {
    "axes": "The population of one generation against any two quantities, with all that was seen until then.",
    "lineage": "Ancestors of the best, numbered by generation along the trail. Long steps are mutations that moved a "
    "gene far, or crossings of unlike parents; short steps are fine-tuning.",
    "genes": "A row appears as a value spreads. Genes that settle early matter most to the goal; one that stays mixed "
    "hardly matters, or can be traded for another.",
    "parallel": "Each line is one candidate; the brightest is the fittest. Drag along an axis to keep only the "
    "lines that pass there, then along another one.",
    "landscape": "The colour of a cell is the best fitness that its two genes allow, whatever the other three "
    "are. On a narrow bright ridge, steps of one gene lead down.",
}


def choose_view(*, disabled: bool = False) -> str:
    """Control that selects the view, shown above it; `disabled` while there is no search to view."""
    view = st.segmented_control(
        "View",
        list(VIEWS),
        default="population",
        required=True,
        key="view",
        bind="query-params",
        format_func=VIEWS.__getitem__,
        label_visibility="collapsed",
        wrap=True,
        disabled=disabled,
    )
    return view or "population"


def draw(view: str, run: Run, info: SearchInfo, known: Sequence[Record], place: DeltaGenerator, *, live: bool) -> None:
    """Draw one view at the generation of the control bar, with the picked architecture; the chart goes to `place`."""
    at = None if live else generation_shown()
    one = None if live else picked(info)
    if view == "lineage":
        lineage(run, info.until(at), one, place)
    elif view == "genes":
        genes(run, info.until(at), one, place)
    elif view == "parallel":
        lines(run, wider(info, known).until(at), one, place)
    elif view == "landscape":
        walk(run, info.until(at), one, place)
    else:
        plane(run, wider(info, known).until(at), one, place, live=live)
    st.caption(LOOK_FOR[view])


def plane(run: Run, info: SearchInfo, one: Candidate | None, place: DeltaGenerator, *, live: bool) -> None:
    x, y = axes(info)
    key = f"population/{run.id}" + ("/live" if live else "")
    with place:
        chart(
            population_figure(info, x, y, picked=one),
            key=key,
            height="stretch",
            alt=population_words(info, x, y),
            **({} if live else picks(key)),
        )
    terms("fitness", "diversity")


def lineage(run: Run, info: SearchInfo, one: Candidate | None, place: DeltaGenerator) -> None:
    sentence = lineage_sentence(lineage_info(info))
    st.markdown(sentence)
    x, y = axes(info)
    key = f"lineage/{run.id}"
    with place:
        chart(
            lineage_figure(info, x, y, picked=one),
            key=key,
            height="stretch",
            alt=f"The ancestors of the best. {sentence}",
            **picks(key),
        )
    terms("lineage", "crossover", "mutation")


def genes(run: Run, info: SearchInfo, one: Candidate | None, place: DeltaGenerator) -> None:
    with place:
        chart(genes_figure(info, picked=one), key=f"genes/{run.id}", height="stretch", alt=genes_words(info))
    st.markdown("**Diversity**")
    chart(diversity_figure(info), key=f"diversity/{run.id}", alt=diversity_words(info))
    terms("optimum", "diversity")


def lines(run: Run, info: SearchInfo, one: Candidate | None, place: DeltaGenerator) -> None:
    """Draw parallel coordinates; their brushes are stored in the session."""
    shown = parallel_info(info)
    if sentence := parallel_sentence(shown, info):
        st.caption(sentence)
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

    with place:
        chart(
            parallel_figure(shown, info, brushes, picked=one),
            key=key,
            height="stretch",
            on_select=brush,
            selection_mode=("box", "lasso"),
            alt=f"Every candidate as a line across all genes and quantities. {passed}",
        )
    terms("parallel-coordinates")


def walk(run: Run, info: SearchInfo, one: Candidate | None, place: DeltaGenerator) -> None:
    left, right = st.columns(2)
    with left:
        x = gene("Gene across", "gene_x", "hidden_size")
    with right:
        y = gene("Gene upwards", "gene_y", "num_hidden_layers")
    if x == y:
        st.info("Choose two different genes.")
        return
    space = info.settings.space
    if not space.enumerable:
        st.info(
            f"{space.size:,} architectures are too many to enumerate, so this space has no landscape: "
            "use larger steps or narrower ranges of its genes."
        )
        return
    with sentences():
        land = cached_landscape(info.settings.model_dump_json(), x, y)
    sentence = landscape_sentence(land, info)
    with place:
        chart(
            landscape_figure(land, info, picked=one),
            key=f"landscape/{run.id}",
            height="stretch",
            alt=f"The best fitness at every pair of values of two genes. {sentence}",
        )
    st.markdown(sentence)
    terms("landscape", "optimum")


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


def axes(info: SearchInfo) -> tuple[str, str]:
    """Quantities of the two axes, chosen among those that every candidate has."""
    found = choices(info)
    left, right = st.columns(2)

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

    x, y = choose(left, "Across", "across", X), choose(right, "Upwards", "upwards", Y)
    if hidden := limits_sentence(info, x, y):
        st.caption(hidden)
    return x, y


def wider(info: SearchInfo, known: Sequence[Record]) -> SearchInfo:
    """Search info that includes discarded individuals if the toggle is on."""
    wanted = st.toggle("Show discarded candidates", key="everyone", bind="query-params")
    return search_info(known, info.settings, everyone=True) if wanted else info


def picked(info: SearchInfo) -> Candidate | None:
    """Picked architecture, evaluated as in this search; None if the text is not an architecture."""
    try:
        return info.settings.candidates([Architecture.parse(st.session_state.architecture)])[0]
    except ArchitectureError:  # the field on Distill accepts any text
        return None


def card(info: SearchInfo, run: Run) -> None:
    """Draw the card of the picked architecture: warnings, button to distill it, expectations and drawing."""
    best, one = info.best, picked(info)
    if best is None or one is None:
        return
    asked, budget_mb = info.settings, float(st.session_state.budget_mb or info.settings.budget_mb)
    with st.container(key="card", border=True):
        st.markdown(f"**Picked{' (the best found)' if one.short_form == best.short_form else ''}:** `{one.short_form}`")
        if one.size_mb > budget_mb:
            st.warning(f"It does not fit: {one.size_mb:.2f} MB of {budget_mb:g} MB.", icon=":material/block:")
        elif not one.feasible and not info.soft:
            st.warning(f"It misses {info.bounds} of this search.", icon=":material/block:")
        distill_button(st, run, asked.space.name, asked.budget_mb)
        outlook(one.architecture, asked.task, f"classroom-{asked.task}")
        pick_drawing(one.architecture, asked.space, asked.task, asked.pair_features)
    if one.short_form != best.short_form:
        st.query_params["pick"] = one.short_form
    else:
        st.query_params.pop("pick", None)


def first_pick(run: Run, one: Genes) -> None:
    """Pick `one`, or the architecture in the URL, unless one was already picked from this run."""
    if st.session_state.get("picked-in") != run.id:
        st.session_state["picked-in"] = run.id
        st.session_state.architecture = one.short_form
        with suppress(ArchitectureError):
            st.session_state.architecture = str(Architecture.parse(st.query_params.get("pick", "")))


def distill_button(column: Any, run: Run, space: str | None, budget_mb: float | None) -> None:
    """Button that opens Distill with the picked architecture and the search that it comes from."""
    if column.button("Distill this one", type="primary", icon=":material/science:", width="stretch"):
        with sentences():
            st.session_state.picked = Pick(
                architecture=st.session_state.architecture, budget_mb=budget_mb, search_run=run.id, space=space
            )
        go("distill")


def picks(key: str) -> dict[str, Any]:
    """Chart options that pick the clicked point."""
    return {"on_select": lambda: pick_point(key), "selection_mode": "points"}


def pick_point(key: str) -> None:
    points = st.session_state[key].selection.points
    if points and (values := points[0].get("customdata")):
        # The browser sends a row of a typed array as an object: {"0": …, "1": …}.
        row = list(values.values() if isinstance(values, dict) else values)
        st.session_state.architecture = ",".join(str(int(each)) for each in row[:5])


def table(info: SearchInfo, run: Run) -> None:
    """Table of the fittest candidates; selecting a row picks it."""
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
