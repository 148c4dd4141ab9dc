"""Lineage of the winner of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

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
)
from compressor_core.records import Candidate, Individual

MOST_NUMBERS: Final = 10
"""Approximate largest number of numbered markers on a trail."""
APART: Final = 0.1
"""Smallest distance between numbers as a share of the axes; closer ones are omitted."""


@dataclass(frozen=True)
class LineageInfo:
    """The winner and its ancestors, by birth. The trail leads back from the winner, each time to the fitter parent."""

    members: tuple[Individual, ...]
    born: tuple[int, ...]
    """Generation of birth of each member."""
    edges: tuple[tuple[int, int], ...]
    """Pairs of parent and child, as indices into `members`."""
    trail: tuple[int, ...]
    """Indices into `members`, from the first generation to the winner."""

    @property
    def winner(self) -> Individual:
        return self.members[-1]

    @property
    def founders(self) -> int:
        """Number of members, ancestors or the winner itself, in the first generation."""
        return sum(not member.parents for member in self.members)


def lineage_info(info: SearchInfo) -> LineageInfo | None:
    """Lineage of the best so far; None while there is none."""
    if info.best is None:
        return None
    known = {one.id: (one, int(born)) for one, born in zip(info.candidates, info.born, strict=True)}
    found: set[int] = set()
    waiting = [info.best.id]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting.extend(known[each][0].parents)
    ids = sorted(found)
    place = {each: at for at, each in enumerate(ids)}
    members = tuple(known[each][0] for each in ids)
    trail = [len(members) - 1]
    while parents := members[trail[-1]].parents:
        trail.append(max((place[parent] for parent in parents), key=lambda at: info.rank(members[at])))
    return LineageInfo(
        members=members,
        born=tuple(known[each][1] for each in ids),
        edges=tuple((place[parent], at) for at, one in enumerate(members) for parent in one.parents),
        trail=tuple(reversed(trail)),
    )


def lineage_sentence(lineage: LineageInfo | None) -> str:
    """Sentence on the ancestors of the winner."""
    if lineage is None:
        return "There is no winner yet whose ancestors could be drawn."
    ancestors = len(lineage.members) - 1
    who = f"The best, `{lineage.winner.short_form}`, was born in generation {lineage.born[-1]}"
    if not ancestors:
        return f"{who} and has no ancestors."
    return (
        f"{who} and has {_many(ancestors, 'ancestor')}, {lineage.founders} of them in the first generation. "
        f"The trail from the first generation along the fitter parents has {_many(len(lineage.trail) - 1, 'step')}."
    )


def lineage_figure(info: SearchInfo, x: str = X, y: str = Y, *, picked: Candidate | None = None) -> go.Figure:
    """The winner's ancestors in the plane, coloured by generation of birth and connected with their children.

    The trail along the fitter parents is drawn strongly and numbered with generations.
    """
    lineage = lineage_info(info)
    if lineage is None:
        return theme.note(plane(info, x, y), "No winner yet")
    members = lineage.members
    figure = plane(info, x, y, only=members, height=580)
    scatter = go.Scattergl if len(members) > WEBGL else go.Scatter
    at = places(members, x, y)
    for line, name, look in (
        ({axis: _joined(at[axis], lineage.edges) for axis in "xy"}, "parent to child", {"width": 1}),
        ({axis: at[axis][list(lineage.trail)] for axis in "xy"}, "fitter parent", {"width": 3}),
    ):
        color = theme.BEST if look["width"] > 1 else theme.faint(theme.MUTED, 0.45)
        figure.add_trace(scatter(**line, mode="lines", name=name, hoverinfo="skip", line={"color": color, **look}))
    figure.add_trace(
        scatter(
            **at,
            customdata=np.column_stack([details(members), lineage.born]),
            hovertemplate="<b>Born in generation %{customdata[6]}</b><br>" + hover(x, y),
            mode="markers",
            name="ancestor",
            marker={
                "color": np.array(lineage.born, np.float32),
                "colorscale": theme.SCALE,
                "cmin": 0,
                "cmax": max(1, lineage.born[-1]),
                "size": 11,
                "line": RIM,
                "colorbar": {**theme.BAR, "title": {"text": "Born in generation", "side": "top"}, "y": -0.2},
            },
        )
    )
    add_one(figure, info.optimum, x, y, scatter, "true optimum", OPTIMUM)
    add_one(figure, lineage.winner, x, y, scatter, "best found", BEST)
    numbered = _numbered(lineage, *(np.log10(at[axis]) / np.ptp(figure.layout[f"{axis}axis"].range) for axis in "xy"))
    figure.add_trace(
        scatter(
            **{axis: at[axis][numbered] for axis in "xy"},
            mode="markers+text",
            name="born in generation",
            showlegend=False,
            hoverinfo="skip",
            text=[str(lineage.born[each]) for each in numbered],
            textposition="top center",
            textfont={"size": 14},
            marker={"color": "rgba(0,0,0,0)", "size": 17, "line": {"width": 2, "color": theme.BEST}},
        )
    )
    if scatter is go.Scatter:
        figure.update_traces(cliponaxis=False, selector={"mode": "markers+text"})
    add_limits(figure, info, x, y, scatter)
    if picked:
        add_pick(figure, **places([picked], x, y))
    return figure


def _joined(values: NDArray[np.float32], edges: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """Ends of every edge, with a gap after each."""
    if not edges:
        return np.empty(0, np.float32)
    ends = values[np.array(edges)]
    return np.column_stack([ends, np.full(len(edges), np.nan, np.float32)]).ravel()


def _numbered(lineage: LineageInfo, x: NDArray[np.float32], y: NDArray[np.float32]) -> list[int]:
    """Members of the trail that get a number: both ends, and others far enough apart in time and place.

    `x` and `y` are the members' coordinates as shares of the axes.
    """
    trail, last = lineage.trail, lineage.born[-1]
    chosen = [trail[-1]]
    for at in trail[:-1]:
        near = (float(np.hypot(x[at] - x[other], y[at] - y[other])) < APART for other in chosen)
        soon = (abs(lineage.born[at] - lineage.born[other]) < last / MOST_NUMBERS for other in chosen)
        if at == trail[0] or (not any(near) and not any(soon)):
            chosen.append(at)
    return sorted(set(chosen))


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
