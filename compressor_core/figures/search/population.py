"""Population of a search in the plane of two quantities, as a still figure or a replay."""

from __future__ import annotations

from typing import Any, Final

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.search.axes import places
from compressor_core.figures.search.info import SearchInfo
from compressor_core.figures.search.plane import (
    BEST,
    OPTIMUM,
    RIM,
    WEBGL,
    X,
    Y,
    add_limits,
    add_one,
    add_pick,
    details,
    hover,
    plane,
    points,
)
from compressor_core.figures.search.replay import add_replay
from compressor_core.records import Candidate, Generation

CROWDED: Final = 2_000
"""Number of candidates above which the cloud is small, faint and the same in all frames, and thinned to about this
many: the browser needs a tenth of a millisecond for each."""
MOST_BY_CARD: Final = 60_000
"""Number of candidates to which the cloud is thinned with WebGL."""


def population_figure(
    info: SearchInfo, x: str = X, y: str = Y, *, replay: bool = False, picked: Candidate | None = None
) -> go.Figure:
    """One quantity against another, both logarithmic: the latest generation strong, earlier candidates faint.

    With `replay`, every generation is a frame, with buttons to play and pause and a slider. In a search with many
    candidates, all (or every k-th) are faint in all frames.
    """
    figure = plane(info, x, y)
    if info.last is None:
        return theme.note(figure, "Waiting for the first generation")
    at = len(info.generations) - 1
    large = len(info.candidates) > CROWDED
    scatter = go.Scattergl if len(info.candidates) > WEBGL else go.Scatter
    stride = -(-len(info.candidates) // (MOST_BY_CARD if scatter is go.Scattergl else CROWDED))
    faint = info.candidates[::stride]

    def moving(at: int) -> list[dict[str, Any]]:
        """Traces that change from generation to generation: the cloud, unless it is large, and three groups."""
        groups = _drawn(info.generations[at], x, y, thinned=stride > 1)
        return groups if large else [places(info.candidates[: info.seen[at]], x, y), *groups]

    within, beyond, _ = moving(at)[-3:]
    cloud: dict[str, Any] = {"size": 6, "opacity": 0.4, "symbol": "circle-open"}
    if large:
        cloud = {"size": 3, "opacity": 0.2, "symbol": "circle"}
    cross = {"symbol": "x-thin", "size": 8, "line": {"width": 2, "color": theme.INFEASIBLE}}
    dot = {"color": theme.FEASIBLE, "symbol": "circle", "size": 5 if large else 9}
    several = len(info.limits) > 1
    all_seen = "all candidates" if stride == 1 else f"one in {stride} candidates"
    # Plotly matches customdata to points by index, so a frame only has to shorten x and y.
    cloud_at = {**places(faint if large else info.candidates[: info.seen[at]], x, y), "customdata": details(faint)}
    for data, name, marker, dimmed in (
        (cloud_at, all_seen if large else "seen so far", {"color": theme.MUTED, **cloud}, cloud["opacity"]),
        (within, f"within {info.bounds}", {**dot, "line": {"width": 0} if large else RIM}, 1),
        (beyond, "beyond a limit" if several else "over budget", cross, 1),
    ):
        figure.add_trace(
            scatter(
                **data,
                hovertemplate=hover(x, y),
                mode="markers",
                name=name,
                showlegend=True,
                marker=marker,
                unselected={"marker": {"opacity": dimmed}},
                selected={"marker": {"opacity": 1, "size": 16}},
            )
        )
    add_one(figure, info.generations[at].best, x, y, scatter, "best so far", BEST)
    add_one(figure, info.optimum, x, y, scatter, "true optimum", OPTIMUM)
    add_limits(figure, info, x, y, scatter)
    if replay and len(info.generations) > 1:
        add_replay(figure, info.generations, at, moving, height=640, kind=scatter().type)
    if picked:
        add_pick(figure, **places([picked], x, y))
    return figure


def _drawn(one: Generation, x: str, y: str, *, thinned: bool) -> list[dict[str, Any]]:
    """Traces of one generation: individuals within the limits, those beyond, and the best."""
    groups = [[each for each in one.individuals if each.feasible is feasible] for feasible in (True, False)]
    best = points([one.best] if one.best else [], x, y)
    if thinned:
        return [*(points(group, x, y) for group in groups), best]
    # Each lies on a point of the first trace, which shows its details on hover.
    bare = [places(group, x, y) if group else {"x": [None], "y": [None]} for group in groups]
    return [*({**each, "hoverinfo": "skip"} for each in bare), best]
