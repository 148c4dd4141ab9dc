"""Trade-offs: several objectives at once, the front that a search finds beside the true one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from compressor_core.figures.search.axes import AXES
from compressor_core.figures.search.front import front_figure, hypervolume_figure
from compressor_core.figures.search.front_info import (
    FrontInfo,
    front_info,
    front_sentence,
    individual_rows,
    pick_label,
    true_front_note,
    true_rows,
)
from compressor_core.figures.search.info import GENE_TITLES, Individual, short_form
from compressor_core.figures.words.forms import csv_text
from compressor_core.runs import Run, Status
from compressor_core.search.quantities import Quantity
from compressor_core.search.tradeoff import TradeoffSettings
from pages.parts.chart import chart, picture_format
from pages.parts.explain import terms
from pages.parts.frame import go, link, metrics, open_page
from pages.parts.live import chosen_run, open_earlier, page_of, records, watch
from pages.parts.search_views import pick_point
from pages.parts.tradeoffs import settings, title

LOOK_FOR = (
    "Nothing lies beyond the true front: to gain in one objective from there is to pay in another. Look for its bends, "
    "where a little of one buys a lot of the other, and for the places that the front found has not reached. Both axes "
    "are logarithmic, so equal steps are equal factors. Play the search again, click a point to pick it, hover to see "
    "its genes."
)
HYPERVOLUME = (
    "The hypervolume is how much of the objectives' space a front leaves behind it, up to a reference point 10% beyond "
    "the true front's ends, on the axes as they are drawn (accuracy alone is linear). A steep rise finds the front; "
    "the long flat rest fills its gaps."
)
FRONTS = {"found": "The front found", "true": "The true front"}


def show(run: Run, status: Status) -> None:
    config = TradeoffSettings.from_dict(run.config)
    info = front_info(records(run), config.objectives, run.config.get("limits"))
    limits = [
        f"{title(each).lower()} {'at least' if each.maximised else 'at most'} {AXES[each].text(limit)}"
        for each, limit in config.limits.items()
    ]
    st.caption(
        " · ".join(
            [
                config.task.capitalize(),
                " against ".join(title(each).lower() for each in config.objectives),
                *limits,
                f"{config.searched.size:,} architectures",
                f"seed {config.seed}",
                f"population {config.population:,}",
                f"{config.generations:,} generations",
            ]
        )
    )
    numbers(info)
    x, y = plane(info)
    st.caption(LOOK_FOR + third_text(info, x, y))
    if status.live:
        chart(front_figure(info, x, y), key=f"front/{run.id}/live", alt=front_sentence(info))
    elif info.last is None:
        chart(front_figure(info, x, y), key=f"front/{run.id}/none", alt=front_sentence(info))
    else:
        fronts(run, info, config, x, y)
    st.markdown("**Hypervolume**")
    st.caption(HYPERVOLUME)
    terms("hypervolume")
    chart(
        hypervolume_figure(info), key=f"hypervolume/{run.id}", alt="Share of the true front's hypervolume by generation"
    )
    if not status.live and info.individuals:
        take_away(run, info)


def numbers(info: FrontInfo) -> None:
    st.markdown(f"## {front_sentence(info)}")
    metrics(
        ("Points of the true front", f"{info.true_size:,}" if info.true else "–"),
        ("Points found", f"{len(info.last.front):,}" if info.last else "–"),
        ("Generation", f"{info.last.number}" if info.last else "–"),
        ("Architectures judged", f"{info.last.evaluations:,}" if info.last else "–"),
    )
    if note := true_front_note(info):
        st.caption(note)
    terms("pareto-front", "nsga-ii", "gflops", "parameters")


def plane(info: FrontInfo) -> tuple[str, str]:
    """Which two objectives are drawn against each other; a choice if there are three."""
    planes = {f"{x}-{y}": (x, y) for x, y in info.planes}
    if len(planes) == 1:
        return info.planes[0]
    picked = st.segmented_control(
        "Draw",
        list(planes),
        default=next(iter(planes)),
        required=True,
        key="plane",
        bind="query-params",
        format_func=lambda name: plane_title(*planes[name]),
        label_visibility="collapsed",
    )
    return planes.get(picked or "", info.planes[0])


def plane_title(x: str, y: str) -> str:
    return f"{title(Quantity(y))} against {title(Quantity(x)).lower()}"


def third_text(info: FrontInfo, x: str, y: str) -> str:
    third = info.third(x, y)
    if third is None:
        return ""
    return (
        f" {title(Quantity(third))} is told by colour and size: a large bright point has the most of it. So a "
        "point that looks beaten here may be the best there is in that."
    )


def fronts(run: Run, info: FrontInfo, config: TradeoffSettings, x: str, y: str) -> None:
    """The figure, and a walk along either front to the architecture that is distilled."""
    which = st.segmented_control(
        "Walk along",
        list(FRONTS),
        default="found",
        required=True,
        key="walk",
        bind="query-params",
        format_func=FRONTS.__getitem__,
    )
    along = info.true if which == "true" or info.last is None else info.last.front
    if not along:
        chart(front_figure(info, x, y, replay=True), key=f"front/{run.id}", alt=front_sentence(info))
        return
    if st.session_state.get("picked-in") != run.id:
        st.session_state["picked-in"] = run.id
        st.session_state.architecture = short_form(along[len(along) // 2])
    one = walk(run, along, config)
    key = f"front/{run.id}"
    picked = one or next(
        (each for each in (*info.individuals, *info.true) if short_form(each) == st.session_state.architecture), None
    )
    chart(
        front_figure(info, x, y, replay=True, picked=picked),
        key=key,
        on_select=lambda: pick_point(key),
        selection_mode="points",
        alt=front_sentence(info),
    )
    if picked is not None:
        show_pick(picked, config)


def walk(run: Run, along: Sequence[Individual], config: TradeoffSettings) -> Individual | None:
    """A slider along a front; follows a click on a point. None while what is picked is not on that front."""
    by_name = {short_form(each): each for each in along}
    if len(by_name) < 2:
        return by_name.get(st.session_state.architecture)
    key = f"along/{run.id}"
    names = list(by_name)
    on_front = st.session_state.architecture in by_name
    st.session_state[key] = st.session_state.architecture if on_front else names[len(names) // 2]

    def pick() -> None:
        st.session_state.architecture = st.session_state[key]

    st.select_slider(
        f"Along the front, by rising {title(config.objectives[0]).lower()}",
        names,
        key=key,
        on_change=pick,
        format_func=lambda name: pick_label(by_name[name], config.objectives),
    )
    if not on_front:
        st.caption("What is picked now does not lie on this front; move the slider to pick from it.")
    return by_name.get(st.session_state.architecture)


def show_pick(picked: Individual, config: TradeoffSettings) -> None:
    """Genes and costs of the picked architecture, and the way to its distillation."""
    with st.container(border=True):
        left, right = st.columns([3, 1], vertical_alignment="center")
        genes = " · ".join(f"{name.lower()} {picked[gene]:,}" for gene, name in GENE_TITLES.items())
        left.markdown(f"**Picked for distillation:** `{short_form(picked)}`  \n{genes}")
        if right.button("Distill this one", type="primary", icon=":material/science:", width="stretch"):
            st.session_state.architecture = short_form(picked)
            go("distill")
        metrics(*((title(Quantity(key)), axis.text(picked[key])) for key, axis in AXES.items() if key in picked))
        for student in config.students:
            if student.run and str(student.architecture) == short_form(picked):
                link(page_of(student.run), f"The student that reached {student.accuracy:.1%}", run=student.run)


def take_away(run: Run, info: FrontInfo) -> None:
    """Download buttons and the format of pictures."""
    st.markdown("**Take it away**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for label, rows, name in (
            ("CSV of every individual", individual_rows, run.id),
            ("CSV of the true front", true_rows, f"{run.id}-true-front"),
        ):
            st.download_button(
                label,
                lambda rows=rows: csv_text(rows(info)),  # type: ignore[misc]
                f"{name}.csv",
                "text/csv",
                icon=":material/table:",
                on_click="ignore",
            )
        picture_format()


open_page("tradeoffs")
settings()
run = chosen_run("tradeoff")
open_earlier("tradeoff")
if run is not None:
    watch(run, show)
