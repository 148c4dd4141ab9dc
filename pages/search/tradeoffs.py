"""Trade-offs: search with several objectives; the front found beside the true one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from compressor_core.figures.search.axes import AXES, GENE_TITLES
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
from compressor_core.figures.words.forms import csv_text
from compressor_core.records import Measured
from compressor_core.runs import Run, Status
from compressor_core.search.quantities import Quantity
from compressor_core.search.tradeoff import TradeoffSettings
from pages.parts.chart import chart, picture_format
from pages.parts.explain import terms
from pages.parts.frame import link, metrics, open_page
from pages.parts.live import page_of, records, watch_chosen
from pages.parts.outlook import outlook
from pages.parts.search_views import distill_button, first_pick, picks
from pages.parts.task import space_badge
from pages.parts.tradeoffs import settings, title

LOOK_FOR = (
    "On the true front, a gain in one objective costs something in another. Look for its "
    "bends, where a little of one buys a lot of the other. Both axes are logarithmic; click "
    "a point to pick it, hover to see its genes."
)
HYPERVOLUME = (
    "The hypervolume is the part of the objectives' space that a front dominates, up to a reference point 10% "
    "beyond the true front's ends, on the axes as drawn (measured shares are linear). A steep rise finds the front;"
    " the long flat rest fills its gaps."
)
FRONTS = {"found": "The front found", "true": "The true front"}


def show(run: Run, status: Status) -> None:
    config = run.settings
    info = front_info(records(run), config)
    with st.container(horizontal=True, vertical_alignment="center"):
        space_badge(config.searched)
        st.caption(settings_text(config), width="content")
    st.markdown(f"## {front_sentence(info)}")
    x, y = plane(info)
    if status.live or info.last is None:
        chart(front_figure(info, x, y), key=f"front/{run.id}/live", alt=front_sentence(info))
    else:
        fronts(run, info, x, y)
    st.caption(LOOK_FOR + third_text(info, x, y))
    numbers(info)
    st.markdown("**Hypervolume**")
    st.caption(HYPERVOLUME)
    terms("hypervolume")
    chart(
        hypervolume_figure(info), key=f"hypervolume/{run.id}", alt="Share of the true front's hypervolume by generation"
    )
    if not status.live and info.individuals:
        take_away(run, info)


def settings_text(config: TradeoffSettings) -> str:
    limits = [
        f"{title(each).lower()} {'at least' if each.maximised else 'at most'} {AXES[each].text(limit)}"
        for each, limit in config.limits.items()
    ]
    return " · ".join(
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


def numbers(info: FrontInfo) -> None:
    metrics(
        ("Points of the true front", f"{info.truth.size:,}" if info.truth else "–"),
        ("Points found", f"{len(info.last.front):,}" if info.last else "–"),
        ("Generation", f"{info.last.generation}" if info.last else "–"),
        ("Architectures judged", f"{info.last.evaluations:,}" if info.last else "–"),
    )
    if note := true_front_note(info):
        st.caption(note)
    terms("pareto-front", "nsga-ii", "gflops", "parameters")


def plane(info: FrontInfo) -> tuple[str, str]:
    """Pair of objectives that is drawn; a control selects it if there are three."""
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
        f" {title(Quantity(third))} is shown by colour and size: large and bright is the most. A "
        "point that looks beaten here may be the best in that."
    )


def fronts(run: Run, info: FrontInfo, x: str, y: str) -> None:
    """Draw the fronts, with a slider along either to pick the architecture to distill."""
    drawing = st.container()
    which = st.segmented_control(
        "Walk along",
        list(FRONTS),
        default="found",
        required=True,
        key="walk",
        bind="query-params",
        format_func=FRONTS.__getitem__,
    )
    along = info.true if which == "true" else info.front(info.last)
    key = f"front/{run.id}"
    if not along:
        with drawing:
            chart(front_figure(info, x, y, replay=True), key=key, alt=front_sentence(info))
        return
    within = [one for one in along if one.size_mb <= st.session_state.budget_mb]
    first_pick(run, max(within, key=lambda one: one.size_mb, default=along[len(along) // 2]))
    walk(run, along, info)
    known = {one.short_form: one for one in (*info.individuals, *info.true, *along)}
    picked = known.get(st.session_state.architecture)
    figure = front_figure(info, x, y, replay=True, picked=picked)
    with drawing:
        chart(figure, key=key, alt=front_sentence(info), **picks(key))
    if picked is not None:
        show_pick(picked, run, info)


def walk(run: Run, along: Sequence[Measured], info: FrontInfo) -> None:
    """Slider along a front; follows clicks on points."""
    by_name = {one.short_form: one for one in along}
    if len(by_name) < 2:
        return
    key, names, objectives = f"along/{run.id}", list(by_name), info.objectives
    on_front = st.session_state.architecture in by_name
    st.session_state[key] = st.session_state.architecture if on_front else names[len(names) // 2]

    def pick() -> None:
        st.session_state.architecture = st.session_state[key]

    st.select_slider(
        f"Along the front, by rising {title(info.settings.objectives[0]).lower()}",
        names,
        key=key,
        on_change=pick,
        format_func=lambda name: pick_label(by_name[name], objectives),
    )
    if not on_front:
        st.caption("The current pick is not on this front; move the slider to pick from it.")


def show_pick(picked: Measured, run: Run, info: FrontInfo) -> None:
    """Show genes and costs of the picked architecture, and the button to distill it."""
    settings = info.settings
    with st.container(border=True):
        left, right = st.columns([3, 1], vertical_alignment="center")
        genes = " · ".join(
            f"{name.lower()} {value:,}" for name, value in zip(GENE_TITLES.values(), picked.genes, strict=True)
        )
        left.markdown(f"**Picked for distillation:** `{picked.short_form}`  \n{genes}")
        distill_button(right, run, settings.space.name, settings.limits.get(Quantity.SIZE))
        outlook(picked.architecture, settings.task, f"classroom-{settings.task}")
        known = ((key, axis, getattr(picked, key)) for key, axis in AXES.items())
        metrics(*((title(Quantity(key)), axis.text(value)) for key, axis, value in known if value is not None))
        for student in settings.students:
            if student.run and student.architecture == picked.architecture:
                link(page_of(student.run), f"The student that reached {student.accuracy:.1%}", run=student.run)


def take_away(run: Run, info: FrontInfo) -> None:
    """Download buttons and the format of pictures."""
    st.markdown("**Downloads**")
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


open_page(
    "tradeoffs",
    "Where several objectives count, there is a front of best architectures. NSGA-II searches for it; the true "
    "front of the whole space stands beside it.",
)
settings()
watch_chosen("tradeoff", show)
