"""Figures of several objectives: the front found against the true front, and the hypervolume covered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from compressor_core.figures import theme
from compressor_core.figures.search.axes import AXES, GENES_HOVER, axes_of, places, values
from compressor_core.figures.search.front_info import FrontInfo
from compressor_core.figures.search.info import add_level, add_series
from compressor_core.figures.search.plane import RIM, UNDIMMED
from compressor_core.figures.search.replay import Replay, add_replay
from compressor_core.records import FrontGeneration, Measured

MOST_DRAWN: Final = 1_500
"""Largest number of points of a front in one picture; of more, every k-th is drawn."""
MOST_MOVING: Final = 200
"""Largest number of points of a front per frame of a replay; the last frame has as many as the still picture."""
TRUE_MARKER: Final = {"color": theme.OPTIMUM, "size": 8, "symbol": "circle-open", "maxdisplayed": 400}
"""Markers on the line of the true front. The line connects all points, and each shows its details on hover."""
_CROWDED: Final = 200
"""Number of points above which markers have no rims, which would cover everything else."""
_SIZES: Final = (6, 20)
"""Marker sizes in pixels for the least and the greatest value of a third objective."""


def front_figure(info: FrontInfo, x: str, y: str, *, replay: bool = False, picked: Measured | None = None) -> go.Figure:
    """Two objectives against each other, a third as colour and size of the markers of both fronts.

    With `replay`, every generation is a frame, with buttons to play and pause and a slider.
    """
    shown = info.shown()
    figure = Replay(
        layout=theme.layout(
            AXES[x].label,
            AXES[y].label,
            height=540,
            xaxis=_axis(info, x, shown),
            yaxis=_axis(info, y, shown),
            uirevision=f"{x}/{y}",
            clickmode="event+select",
        )
    )
    if not info.true and info.last is None:
        return theme.note(figure, "Searching the whole space for the true front")
    look = _Look(info, x, y)
    population, beyond, found = look.moment(info.last)
    measured = info.settings.by_measurement
    missed = "not measured or beyond a limit" if measured else "beyond a limit"
    limited = measured or bool(info.settings.limits)
    cross = {"size": 8, "symbol": "x-thin", "line": {"width": 2, "color": theme.INFEASIBLE}}
    for data, name, more in (
        (
            {**look.points(info.true), "marker": {**TRUE_MARKER, **look.true_marker(info.true)}},
            "true front",
            {
                "mode": "lines+markers" if look.third is None else "markers",
                "line": {"color": theme.OPTIMUM, "width": 3},
                "hovertemplate": "<b>True front</b><br>" + look.hover(),
            },
        ),
        (
            {**population, "marker": {"color": theme.FEASIBLE, "size": 7, "opacity": 0.55, "symbol": "circle"}},
            "population",
            {"unselected": {"marker": {"opacity": 0.55}}},
        ),
        (
            {**beyond, "marker": cross},
            missed,
            {"showlegend": limited, "hovertemplate": look.hover(measured=False)},
        ),
        (found, "front found", {"hovertemplate": "<b>Front found</b><br>" + look.hover()}),
    ):
        usual = {"mode": "markers", "showlegend": True, "unselected": UNDIMMED, "hovertemplate": look.hover()}
        figure.add_scatter(**data, name=name, **{**usual, **more})
    if picked is not None and not np.isnan([*values([picked], x), *values([picked], y)]).any():
        ring = {"size": 24, "symbol": "circle-open", "color": theme.STUDENT, "line": {"width": 3}}
        at = places([picked], x, y)
        figure.add_scatter(**at, name="picked", mode="markers", hoverinfo="skip", marker=ring, unselected=UNDIMMED)
    _add_limits(figure, info, x, y)
    if replay and len(info.generations) > 1:
        generations, last = info.generations, len(info.generations) - 1
        most = max(len(one.individuals) + min(len(one.front), MOST_MOVING) for one in generations)

        def moving(at: int) -> list[dict[str, Any]]:
            return look.moment(generations[at], MOST_MOVING if at < last else MOST_DRAWN)

        add_replay(figure, generations, last, moving, height=660, points=most)
    return figure


def hypervolume_figure(info: FrontInfo) -> go.Figure:
    """Hypervolume of the front by generation, with that of the true front."""
    figure = go.Figure(layout=theme.layout("Generation", "Hypervolume", height=300))
    if not info.generations:
        return theme.note(figure, "Waiting for the first generation")
    numbers = [one.generation for one in info.generations]
    more = {
        "customdata": [one.share for one in info.generations],
        "hovertemplate": "generation %{x}: %{y:.4f}, %{customdata:.2%} of the true front's<extra></extra>",
    }
    found = [one.hypervolume for one in info.generations]
    add_series(figure, numbers, found, "front found", theme.BEST, more=more)
    if info.truth:
        told = "true front: %{y:.4f}<extra></extra>"
        add_level(figure, numbers, info.truth.hypervolume, "true front", hovertemplate=told)
    return figure


class _Look:
    """Drawing style of the individuals of one figure."""

    def __init__(self, info: FrontInfo, x: str, y: str) -> None:
        self._info, self._x, self._y, self.third = info, x, y, info.third(x, y)
        self._known = axes_of(info.true) or axes_of(info.individuals)
        self._span = (1.0, 1.0)
        strengths = self._strength([*info.true, *info.front(info.last)])
        if len(strengths):
            self._span = float(strengths.min()), float(strengths.max())

    def hover(self, *, measured: bool = True) -> str:
        """Hover text with all genes and quantities; without measured shares if not `measured`."""
        texts = [
            f"%{{customdata[{at}]:{AXES[key].format}}} {AXES[key].unit}".rstrip()
            for at, key in enumerate(self._known, 5)
            if measured or not AXES[key].linear
        ]
        return f"{GENES_HOVER}<br>{' · '.join(texts)}<extra></extra>"

    def points(self, individuals: Sequence[Measured]) -> dict[str, Any]:
        """Coordinates and custom data; an empty trace stays in the legend."""
        drawn = [one for one in individuals if None not in (getattr(one, self._x), getattr(one, self._y))]
        if not drawn:
            return {"x": [None], "y": [None], "customdata": [[]]}
        genes = np.array([one.genes for one in drawn], np.float32)
        known = np.stack([values(drawn, key) for key in self._known], axis=-1)
        return {**places(drawn, self._x, self._y), "customdata": np.concatenate([genes, known], axis=1)}

    def moment(self, generation: FrontGeneration | None, most: int = MOST_DRAWN) -> list[dict[str, Any]]:
        """Traces that change: dominated individuals within the limits, those beyond a limit, and the front."""
        if generation is None:
            return [self.points([])] * 3
        whole = self._info.front(generation)
        front = whole[:: -(-len(whole) // most) or 1]
        ids = set(generation.front)
        within = [one for one in generation.individuals if one.feasible and one.id not in ids]
        beyond = [one for one in generation.individuals if not one.feasible]
        crowded = len(front) > _CROWDED
        marker: dict[str, Any] = {"color": theme.BEST, "size": 6 if crowded else 9}
        if self.third is not None:
            marker = {**self._coloured(front), "showscale": True, "colorbar": self._bar()}
        return [
            self.points(within),
            self.points(beyond),
            {**self.points(front), "marker": {"symbol": "diamond", "line": {"width": 0} if crowded else RIM, **marker}},
        ]

    def true_marker(self, individuals: Sequence[Measured]) -> dict[str, Any]:
        """Marker properties of the true front that show a third objective; empty without one."""
        if self.third is None:
            return {}
        return {**self._coloured(individuals), "size": 4, "symbol": "circle", "opacity": 0.6, "maxdisplayed": 0}

    def _coloured(self, individuals: Sequence[Measured]) -> dict[str, Any]:
        strengths = self._strength(individuals)
        low, high = self._span
        scaled = (strengths - low) / ((high - low) or 1.0)
        least, most = _SIZES
        return {
            "color": strengths,
            "size": (least + (most - least) * np.clip(scaled, 0, 1)).astype(np.float32),
            "colorscale": theme.SCALE,
            "cmin": low,
            "cmax": high if high > low else low + 1,
        }

    def _strength(self, individuals: Sequence[Measured]) -> NDArray[np.float32]:
        """Values of the third objective, as logarithms unless it is a measured share, like the axes."""
        if self.third is None:
            return np.empty(0, np.float32)
        found = values([one for one in individuals if getattr(one, self.third) is not None], self.third)
        return found if AXES[self.third].linear else np.log10(np.maximum(found, np.float32(1e-12)))

    def _bar(self) -> dict[str, Any]:
        low, high = self._span
        ends = np.linspace(low, high, 5) if high > low else np.array([low])
        told = ends if AXES[self.third or ""].linear else 10.0**ends
        return {
            "title": {"text": AXES[self.third or ""].label, "side": "right"},
            "tickvals": ends.tolist(),
            "ticktext": [f"{value:.3g}" for value in told],
            "thickness": 14,
            "outlinewidth": 0,
        }


def _axis(info: FrontInfo, key: str, shown: Sequence[Measured]) -> dict[str, Any]:
    room = [limit * AXES[key].scale for quantity, limit in info.settings.limits.items() if quantity == key]
    room += values([one for one in shown if getattr(one, key) is not None], key).tolist()
    if not AXES[key].linear:
        return theme.log_axis(room or [1.0])
    low, high = min(room, default=0.0), max(room, default=100.0)
    margin = 0.08 * max(high - low, 1.0)
    return {"range": [low - margin, high + margin]}


def _add_limits(figure: go.Figure, info: FrontInfo, x: str, y: str) -> None:
    """Add the limits of the two axes as lines."""
    for key, limit in info.settings.limits.items():
        bound = limit * AXES[key].scale
        line = {"line_dash": "dash", "line_width": 1.5, "line_color": theme.BEST}
        text = f"{'at least' if AXES[key].maximised else 'at most'} {bound:g} {AXES[key].unit}"
        label = {"text": text.rstrip(), "textposition": "end"}
        if key == x:
            figure.add_vline(x=bound, label=label, **line)
        elif key == y:
            figure.add_hline(y=bound, label=label, **line)
