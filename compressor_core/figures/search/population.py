"""The population of a search in the plane of two quantities, still or replayed."""

from __future__ import annotations

from typing import Any, Final

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.search.info import GenerationInfo, Individual, SearchInfo
from compressor_core.figures.search.plane import (
    RIM,
    WEBGL,
    X,
    Y,
    add_limits,
    add_optimum,
    details,
    hover,
    places,
    plane,
    points,
)
from compressor_core.figures.search.replay import Replay, add_replay, frame_places

CROWDED: Final = 2_000
"""With more candidates than this, they are small and faint in all frames, and only the generation moves. Of more, every
second or third one is drawn: each takes the browser a tenth of a millisecond."""
MOST_BY_CARD: Final = 60_000
"""The same for a graphics card."""

_NOT_DIMMED = {"marker": {"opacity": 1}}
_SELECTED = {"marker": {"opacity": 1, "size": 16}}


def population_figure(
    info: SearchInfo, x: str = X, y: str = Y, *, replay: bool = False, shown: int | None = None
) -> go.Figure:
    """One quantity against another, both logarithmic: one generation strong, what was seen until then faint.

    `shown` is the number of that generation, by default the latest. With `replay`, every generation is a frame,
    with buttons to play and pause and a slider. Of a search with many candidates, all (or every second or third one)
    are faint in all frames.
    """
    figure = plane(info, x, y)
    if info.last is None:
        return theme.note(figure, "Waiting for the first generation")
    one = next((each for each in info.generations if each.number == shown), info.last)
    large = len(info.candidates) > CROWDED
    scatter = go.Scattergl if len(info.candidates) > WEBGL else go.Scatter
    stride = -(-len(info.candidates) // (MOST_BY_CARD if scatter is go.Scattergl else CROWDED))
    faint = info.candidates[::stride]
    drawn = _drawn(one, x, y, thinned=stride > 1)
    cloud: dict[str, Any] = {"size": 6, "opacity": 0.4, "symbol": "circle-open"}
    if large:
        cloud = {"size": 3, "opacity": 0.2, "symbol": "circle"}
    rim = {"width": 0} if large else RIM
    figure.add_traces(
        [
            # Plotly zips a trace's customdata with its points by place, so a frame need only shorten x and y.
            scatter(
                **places(faint if large else info.candidates[: one.seen], x, y),
                customdata=details(faint),
                hovertemplate=hover(x, y),
                mode="markers",
                name="seen so far" if not large else "all candidates" if stride == 1 else f"one in {stride} candidates",
                marker={"color": theme.MUTED, **cloud},
                unselected={"marker": {"opacity": cloud["opacity"]}},
                selected=_SELECTED,
            ),
            scatter(
                **drawn[0],
                hovertemplate=hover(x, y),
                mode="markers",
                name="within budget" if len(info.limits) < 2 else "within the limits",
                showlegend=True,
                marker={"color": theme.FEASIBLE, "symbol": "circle", "size": 5 if large else 9, "line": rim},
                unselected=_NOT_DIMMED,
                selected=_SELECTED,
            ),
            scatter(
                **drawn[1],
                hovertemplate=hover(x, y),
                mode="markers",
                name="over budget" if len(info.limits) < 2 else "beyond a limit",
                showlegend=True,
                marker={"symbol": "x-thin", "size": 8, "line": {"width": 2, "color": theme.INFEASIBLE}},
                unselected=_NOT_DIMMED,
                selected=_SELECTED,
            ),
            scatter(
                **drawn[2],
                hovertemplate="<b>Best so far</b><br>" + hover(x, y),
                mode="markers",
                name="best so far",
                showlegend=True,
                marker={"color": theme.BEST, "size": 14, "symbol": "diamond", "line": RIM},
                unselected=_NOT_DIMMED,
            ),
        ]
    )
    add_optimum(figure, info, x, y, scatter)
    add_limits(figure, info, x, y, scatter)
    if replay and len(info.generations) > 1:
        _replay(figure, info, one, x, y, scatter, stride)
    return figure


def _replay(
    figure: Replay, info: SearchInfo, shown: GenerationInfo, x: str, y: str, scatter: type, stride: int
) -> None:
    generations = info.generations
    population = max(len(each.individuals) for each in generations)
    kind = {"type": scatter().type}
    frames = []
    for at in frame_places(len(generations), population, generations.index(shown)):
        one = generations[at]
        data = [{**kind, **trace} for trace in _drawn(one, x, y, thinned=stride > 1)]
        traces = [1, 2, 3]
        if len(info.candidates) <= CROWDED:
            data.insert(0, {**kind, **places(info.candidates[: one.seen], x, y)})
            traces.insert(0, 0)
        frames.append({"name": str(one.number), "traces": traces, "data": data})
    add_replay(figure, frames, str(shown.number), height=640)


def _drawn(one: GenerationInfo, x: str, y: str, *, thinned: bool) -> list[dict[str, Any]]:
    """What is within the limits, what is not, and the best of one generation."""
    groups: list[list[Individual]] = [
        [each for each in one.individuals if each["feasible"]],
        [each for each in one.individuals if not each["feasible"]],
    ]
    best = points([one.best] if one.best else [], x, y)
    if thinned:
        return [*(points(group, x, y) for group in groups), best]
    # Each of them lies on a point of the first trace, which tells its details.
    bare = [places(group, x, y) if group else {"x": [None], "y": [None]} for group in groups]
    return [*({**each, "hoverinfo": "skip"} for each in bare), best]
