"""Data that the browser needs to replay a search: the plane with the exact front, the strips below it, and every
generation.

The figures are Plotly's; between generations the browser moves the marks of the trace named `POPULATION`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.search.info import SearchInfo, goal_title
from compressor_core.figures.search.moments import Moment, moments
from compressor_core.figures.search.plane import BEST, OPTIMUM, add_pick
from compressor_core.records import Generation, Individual, Measured
from compressor_core.search.fitness import Goal

MOST_MARKS: Final = 150
"""Largest number of individuals drawn per generation; of a larger population every k-th, from the fittest on."""
MOST_POINTS: Final = 40_000
"""Largest number of marks in all generations together; of a longer search every k-th generation is played."""
LIVE_POINTS: Final = 6_000
"""The same while the search runs, since all of them are sent anew several times a second."""
POPULATION, FITTEST, OPTIMAL, BUDGET = "population", "fittest", "optimal", "budget"
INSET, WHOLE = "inset", "whole"
"""`meta` of the traces that move."""
INSET_PLACE: Final = {"x": (0.02, 0.27), "y": (0.62, 0.97)}
"""Place of the inset: above the front, where there are no architectures."""
_MARGIN: Final = 0.08
_LEAST_SPAN: Final = 0.02
"""Smallest span of a view in powers of ten; limits the zoom on a population of one architecture."""

Size = dict[str, float]
"""Sizes of marks, type and lines, in pixels."""
View = tuple[float, float, float, float]
"""Ends of both logarithmic axes, as powers of ten: x, x, y, y."""


def stage(
    info: SearchInfo | None,
    front: Sequence[Measured],
    *,
    budget_mb: float,
    picked: Measured | None = None,
    large: bool = False,
    live: bool = False,
) -> dict[str, Any]:
    """Replay data of a search, or of the front alone without one, in plain values.

    `front` is the exact front of the whole space, by increasing size. With `large`, type and marks suit a projector;
    with `live`, the search is still running.
    """
    told = {moment.generation: moment for moment in (moments(info) if info else ())}
    played = _played(info, told, LIVE_POINTS if live else MOST_POINTS)
    whole = view([*front, *_members(played)])
    size: Size = {"mark": 16, "font": 20, "line": 4} if large else {"mark": 9, "font": 13, "line": 2.5}
    members = [_drawn(one) for one in played]
    everyone = {each.id: each for group in members for each in group}
    best = [one.best for one in played]
    everyone |= {each.id: each for each in best if each}
    place = {identity: at for at, identity in enumerate(everyone)}
    return {
        "figure": _plain(plane(info, front, budget_mb, whole, size, picked)),
        "strips": _plain(strips(info, size)) if info and played else None,
        "individuals": {
            "x": [round(each.size_mb, 6) for each in everyone.values()],
            "y": [round(each.paper_gflops, 6) for each in everyone.values()],
            "fits": [each.feasible for each in everyone.values()],
            "genes": [each.short_form for each in everyone.values()],
            "parent": [next((place[one] for one in each.parents if one in place), -1) for each in everyone.values()],
        },
        "generations": [
            {
                **asdict(told[one.generation]),
                "members": [place[each.id] for each in group],
                "best": place[one.best.id] if one.best else -1,
                "view": seen,
            }
            for one, group, seen in zip(played, members, views(members, info, whole), strict=True)
        ],
        "front": {
            "x": [round(one.size_mb, 6) for one in front],
            "y": [round(one.paper_gflops, 6) for one in front],
            "genes": [one.short_form for one in front],
        },
        "optimum": _place(info.optimum) if info and info.optimum else None,
        # The front tells the optimum of any budget, if nothing but GFLOPs within the budget counts.
        "by_front": info is None or (info.goal == Goal.GFLOPS.quantity and not info.soft and len(info.limits) == 1),
        "whole": whole,
        "colors": {"fits": theme.FEASIBLE, "over": theme.INFEASIBLE, "region": theme.faint(theme.FEASIBLE, 0.1)},
    }


def plane(
    info: SearchInfo | None,
    front: Sequence[Measured],
    budget_mb: float,
    whole: View,
    size: Size,
    picked: Measured | None = None,
) -> go.Figure:
    """GFLOPs against size with the exact front and the budget, and the whole space again in a corner."""
    axis = {"type": "log", "showgrid": True}
    small = {"type": "log", "visible": False, "showticklabels": False, "showgrid": False, "ticks": "", "showline": True}
    small |= {"mirror": True, "linecolor": theme.GRID, "title": None}
    account = "paper's account" if info is not None and info.soft else "10⁶ bytes"
    figure = go.Figure(
        layout=theme.layout(
            f"Size in MB ({account})",
            "GFLOPs (paper's account)",
            font={"size": size["font"]},
            xaxis={**axis, "range": whole[:2], "tickangle": 0},
            yaxis={**axis, "range": whole[2:]},
            xaxis2={**small, "range": whole[:2], "domain": INSET_PLACE["x"], "anchor": "y2"},
            yaxis2={**small, "range": whole[2:], "domain": INSET_PLACE["y"], "anchor": "x2"},
            hovermode="closest",
            dragmode="pan",
            transition={"duration": 0},
        )
    )
    xs, ys = [one.size_mb for one in front], [one.paper_gflops for one in front]
    line = {"color": theme.OPTIMUM, "width": size["line"], "shape": "hv"}
    genes = [one.short_form for one in front]
    told = "size %{x:.3f} MB · %{y:.3f} GFLOPs<br>%{customdata}<extra></extra>"
    figure.add_scatter(
        x=xs, y=ys, mode="lines", name="best of the whole space", line=line, customdata=genes,
        hovertemplate=told,
    )  # fmt: skip
    figure.add_scatter(
        x=[budget_mb] * 2, y=[10.0 ** (whole[2] - 1), 10.0 ** (whole[3] + 1)], mode="lines", name="budget", meta=BUDGET,
        hoverinfo="skip", line={"color": theme.BEST, "width": size["line"] * 0.6, "dash": "dash"},
    )  # fmt: skip
    mark = {"size": size["mark"], "color": theme.FEASIBLE, "line": {"width": 1, "color": "white"}}
    for name, uid, marker in (
        ("population", POPULATION, mark),
        ("best so far", FITTEST, {**BEST, "size": size["mark"] * 1.5}),
        ("true optimum", OPTIMAL, {**OPTIMUM, "size": size["mark"] * 2.2}),
    ):
        here = info.optimum if info and uid == OPTIMAL else None
        figure.add_scatter(
            x=[here.size_mb if here else None], y=[here.paper_gflops if here else None], mode="markers", name=name,
            meta=uid, marker=marker, showlegend=uid == OPTIMAL or info is not None,
            customdata=[here.short_form if here else None], hovertemplate=told,
        )  # fmt: skip
    if picked:
        add_pick(figure, [picked.size_mb], [picked.paper_gflops], size["mark"] * 2)
    quiet = {"xaxis": "x2", "yaxis": "y2", "showlegend": False, "hoverinfo": "skip", "visible": False}
    figure.add_scatter(x=xs, y=ys, mode="lines", meta=WHOLE, line={**line, "width": 1.5}, **quiet)
    figure.add_scatter(
        x=[None], y=[None], mode="markers", meta=INSET, marker={"size": 4, "color": theme.FEASIBLE}, **quiet
    )
    return figure


def strips(info: SearchInfo, size: Size) -> go.Figure:
    """Fitness and diversity by generation, one below the other; the replay's cursor runs over both."""
    numbers = [one.generation for one in info.generations]
    sign = 1 if info.maximised else -1
    best = [sign * one.best.fitness if one.best else None for one in info.generations]
    figure = go.Figure(
        layout=theme.layout(
            "Generation",
            "",
            font={"size": size["font"]},
            showlegend=False,
            xaxis={"range": [numbers[0], max(numbers[-1], 1)], "fixedrange": True, "anchor": "y2"},
            yaxis={"domain": [0.56, 1], "fixedrange": True, "nticks": 4},
            yaxis2={
                **{"domain": [0, 0.44], "fixedrange": True, "range": [0, 1]},
                **{"tickformat": ".0%", "nticks": 3, "gridcolor": theme.GRID, "automargin": True},
            },
            annotations=[
                # There is no room for them beside the axis.
                {"text": name, "x": 1, "y": foot, "xref": "paper", "yref": "paper", "showarrow": False}
                | {"xanchor": "right", "yanchor": "bottom"}
                for name, foot in (("Fitness", 0.56), ("Diversity", 0.0))
            ],
            margin={"l": 10, "r": 10, "t": 6, "b": 10},
            hovermode="x",
        )
    )
    line = {"width": size["line"]}
    told = f"{goal_title(info)}: %{{y:.3f}}<extra></extra>"
    figure.add_scatter(
        x=numbers, y=best, mode="lines", line={**line, "color": theme.BEST, "shape": "hv"}, hovertemplate=told
    )
    if info.optimum:
        level = {"color": theme.OPTIMUM, "width": 2, "dash": "dash"}
        figure.add_scatter(
            x=[numbers[0], numbers[-1]], y=[sign * info.optimum.fitness] * 2, mode="lines", line=level, hoverinfo="skip"
        )
    diversity = [one.diversity for one in info.generations]
    told = "diversity %{y:.0%}<extra></extra>"
    figure.add_scatter(
        x=numbers, y=diversity, mode="lines", yaxis="y2", line={**line, "color": theme.TEACHER}, hovertemplate=told
    )
    return figure


def views(members: Sequence[Sequence[Individual]], info: SearchInfo | None, whole: View) -> list[View]:
    """View of the plane in each generation: all of it at first, closer as the population contracts.

    A view is kept until the population leaves it or fills less than half of it, because nobody can read a picture that
    always moves.
    """
    kept, found = whole, []
    optimum = [info.optimum] if info and info.optimum else []
    for group in members:
        wanted = view([*group, *optimum])
        inside = kept[0] <= wanted[0] and wanted[1] <= kept[1] and kept[2] <= wanted[2] and wanted[3] <= kept[3]
        if not inside or min(wanted[1] - wanted[0], wanted[3] - wanted[2]) < 0.5 * min(
            kept[1] - kept[0], kept[3] - kept[2]
        ):
            kept = wanted
        found.append(kept)
    return found


def view(shown: Sequence[Measured]) -> View:
    """Ends of both axes around the given architectures, with a margin."""
    ends: list[float] = []
    for values in ([one.size_mb for one in shown], [one.paper_gflops for one in shown]):
        low, high = (float(each) for each in np.log10([min(values, default=1.0), max(values, default=10.0)]))
        margin = max(_MARGIN * (high - low), (_LEAST_SPAN - (high - low)) / 2, 1e-3)
        ends += [round(low - margin, 5), round(high + margin, 5)]
    return ends[0], ends[1], ends[2], ends[3]


def _played(info: SearchInfo | None, told: Mapping[int, Moment], most: int) -> list[Generation]:
    """Generations that are played: all, or in a long search those at even strides and those with an event."""
    if info is None or info.last is None:
        return []
    marks = min(MOST_MARKS, len(info.last.individuals))
    stride = -(-len(info.generations) * marks // most)
    return [
        one
        for at, one in enumerate(info.generations)
        if at % stride == 0 or one is info.last or told[one.generation].event
    ]


def _drawn(one: Generation) -> tuple[Individual, ...]:
    return one.individuals[:: -(-len(one.individuals) // MOST_MARKS)]


def _place(one: Measured) -> tuple[float, float, str]:
    return round(one.size_mb, 6), round(one.paper_gflops, 6), one.short_form


def _members(played: Sequence[Generation]) -> list[Individual]:
    return [each for one in played[:1] for each in one.individuals]


def _plain(figure: go.Figure) -> Any:
    return json.loads(figure.to_json())
