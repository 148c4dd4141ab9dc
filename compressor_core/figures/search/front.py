"""Drawings of several objectives: the front found against the true front, and how much of it is covered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from compressor_core.figures import theme
from compressor_core.figures.search.axes import AXES, axes_of
from compressor_core.figures.search.front_info import FrontGeneration, FrontInfo
from compressor_core.figures.search.info import GENE_TITLES, Individual
from compressor_core.figures.search.plane import RIM, places, values
from compressor_core.figures.search.replay import Replay, add_replay, frame_places

MOST_DRAWN: Final = 1_500
"""Points of a front in one picture; of more, every second or third one stands for all."""
MOST_MOVING: Final = 200
"""Points of a front in each frame of a replay before the last, which has as many as the still picture."""
TRUE_MARKER: Final = {"color": theme.OPTIMUM, "size": 8, "symbol": "circle-open", "maxdisplayed": 400}
"""On the line of the true front, which goes through all of its points; each of them tells its details."""
_CROWDED: Final = 200
"""With more points than this, markers have no rims: they would be all that is seen."""
_SIZES: Final = (6, 20)
"""Pixels of a marker with the least and with the most of a third objective."""


def front_figure(
    info: FrontInfo, x: str, y: str, *, replay: bool = False, picked: Individual | None = None
) -> go.Figure:
    """Two objectives against each other, a third as the colour and the size of the markers of both fronts.

    With `replay`, every generation is a frame, with buttons to play and pause and a slider.
    """
    third = info.third(x, y)
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
        return theme.note(figure, "Looking through the whole space for the true front")
    look = _Look(info, x, y, third)
    kept = {"unselected": {"marker": {"opacity": 1}}, "mode": "markers", "showlegend": True}
    figure.add_scatter(
        **look.points(info.true),
        name="true front",
        mode="markers" if third else "lines+markers",
        showlegend=True,
        hovertemplate="<b>True front</b><br>" + look.hover(),
        line={"color": theme.OPTIMUM, "width": 3},
        marker={**TRUE_MARKER, **look.true_marker(info.true)},
        unselected={"marker": {"opacity": 1}},
    )
    population, beyond, found = look.moment(info.last)
    figure.add_scatter(
        **population,
        name="population",
        hovertemplate=look.hover(),
        marker={"color": theme.FEASIBLE, "size": 7, "opacity": 0.55, "symbol": "circle"},
        **{**kept, "unselected": {"marker": {"opacity": 0.55}}},
    )
    figure.add_scatter(
        **beyond,
        name="not measured or beyond a limit" if info.by_measurement else "beyond a limit",
        hovertemplate=look.hover(measured=False),
        **{**kept, "showlegend": bool(info.limits) or info.by_measurement},
        marker={"size": 8, "symbol": "x-thin", "line": {"width": 2, "color": theme.INFEASIBLE}},
    )
    figure.add_scatter(
        **found,
        name="front found",
        hovertemplate="<b>Front found</b><br>" + look.hover(),
        **kept,
    )
    if picked is not None and x in picked and y in picked:
        figure.add_scatter(
            **places([picked], x, y),
            name="picked",
            hoverinfo="skip",
            **kept,
            marker={"size": 24, "symbol": "circle-open", "color": theme.STUDENT, "line": {"width": 3}},
        )
    _add_limits(figure, info, x, y)
    if replay and len(info.generations) > 1:
        _replay(figure, info, look)
    return figure


def hypervolume_figure(info: FrontInfo) -> go.Figure:
    """How much of the objectives' space each generation's front leaves behind it, with the true front's."""
    figure = go.Figure(layout=theme.layout("Generation", "Hypervolume", height=300))
    if not info.generations:
        return theme.note(figure, "Waiting for the first generation")
    numbers = [generation.number for generation in info.generations]
    figure.add_scatter(
        x=numbers,
        y=[generation.hypervolume for generation in info.generations],
        customdata=[generation.share for generation in info.generations],
        mode="lines+markers" if len(numbers) < 3 else "lines",
        name="front found",
        hovertemplate="generation %{x}: %{y:.4f}, %{customdata:.2%} of the true front's<extra></extra>",
        line={"color": theme.BEST, "width": 2.5},
    )
    if info.true_hypervolume is not None:
        figure.add_scatter(
            x=[numbers[0], numbers[-1]],
            y=[info.true_hypervolume] * 2,
            mode="lines",
            name="true front",
            hovertemplate="true front: %{y:.4f}<extra></extra>",
            line={"color": theme.OPTIMUM, "width": 2, "dash": "dash"},
        )
    return figure


class _Look:
    """How the individuals of one figure are drawn."""

    def __init__(self, info: FrontInfo, x: str, y: str, third: str | None) -> None:
        self._x, self._y, self._third = x, y, third
        self._known = axes_of(info.true) or axes_of(info.individuals)
        self._span = (1.0, 1.0)
        if third is not None:
            strengths = self._strength([*info.true, *(info.last.front if info.last else ())])
            self._span = (float(strengths.min()), float(strengths.max())) if len(strengths) else self._span

    def hover(self, *, measured: bool = True) -> str:
        """All genes and all quantities; without the accuracy where there may be none."""
        texts = [
            f"%{{customdata[{at}]:{AXES[key].format}}} {AXES[key].unit}".rstrip()
            for at, key in enumerate(self._known, len(GENE_TITLES))
            if measured or key != "accuracy"
        ]
        return (
            "vocabulary %{customdata[0]:,} · width %{customdata[1]}<br>"
            "layers %{customdata[2]} · heads %{customdata[3]} · feed-forward %{customdata[4]}<br>"
            + " · ".join(texts)
            + "<extra></extra>"
        )

    def points(self, individuals: Sequence[Individual]) -> dict[str, Any]:
        """Coordinates and custom data; a trace without any point still stays in the legend."""
        drawn = [one for one in individuals if self._x in one and self._y in one]
        if not drawn:
            return {"x": [None], "y": [None], "customdata": [[]]}
        genes = np.array([[one[gene] for gene in GENE_TITLES] for one in drawn], np.float32)
        known = np.stack([values([{key: np.nan, **one} for one in drawn], key) for key in self._known], axis=-1)
        return {**places(drawn, self._x, self._y), "customdata": np.concatenate([genes, known], axis=1)}

    def moment(self, generation: FrontGeneration | None, most: int = MOST_DRAWN) -> list[dict[str, Any]]:
        """The traces that change: the dominated of the population, those beyond a limit, the front."""
        if generation is None:
            return [self.points([])] * 3
        front = _thin(generation.front, most)
        ids = {one["id"] for one in generation.front}
        within = [one for one in generation.individuals if one["feasible"] and one["id"] not in ids]
        beyond = [one for one in generation.individuals if not one["feasible"]]
        crowded = len(front) > _CROWDED
        marker: dict[str, Any] = {"color": theme.BEST, "size": 6 if crowded else 9}
        if self._third is not None:
            marker = {**self._coloured(front), "showscale": True, "colorbar": self._bar()}
        return [
            self.points(within),
            self.points(beyond),
            {**self.points(front), "marker": {"symbol": "diamond", "line": {"width": 0} if crowded else RIM, **marker}},
        ]

    def true_marker(self, individuals: Sequence[Individual]) -> dict[str, Any]:
        """What the true front's markers have of a third objective."""
        if self._third is None:
            return {}
        return {**self._coloured(individuals), "size": 4, "symbol": "circle", "opacity": 0.6, "maxdisplayed": 0}

    def _coloured(self, individuals: Sequence[Individual]) -> dict[str, Any]:
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

    def _strength(self, individuals: Sequence[Individual]) -> NDArray[np.float32]:
        """The third objective; all but an accuracy by its logarithm, as the axes are."""
        if self._third is None:
            return np.empty(0, np.float32)
        found = values([one for one in individuals if self._third in one], self._third)
        return found if self._third == "accuracy" else np.log10(np.maximum(found, np.float32(1e-12)))

    def _bar(self) -> dict[str, Any]:
        low, high = self._span
        ends = np.linspace(low, high, 5) if high > low else np.array([low])
        told = ends if self._third == "accuracy" else 10.0**ends
        return {
            "title": {"text": AXES[self._third or ""].label, "side": "right"},
            "tickvals": ends.tolist(),
            "ticktext": [f"{value:.3g}" for value in told],
            "thickness": 14,
            "outlinewidth": 0,
        }


def _axis(info: FrontInfo, key: str, shown: Sequence[Individual]) -> dict[str, Any]:
    bounds = [info.limits[key] * AXES[key].scale] if key in info.limits else []
    room = [*bounds, *values([one for one in shown if key in one], key).tolist()]
    if key != "accuracy":
        return theme.log_axis(room or [1.0])
    low, high = min(room, default=0.0), max(room, default=100.0)
    margin = 0.08 * max(high - low, 1.0)
    return {"range": [low - margin, high + margin]}


def _add_limits(figure: go.Figure, info: FrontInfo, x: str, y: str) -> None:
    """The limits that lie on the axes, as lines."""
    for key, limit in info.limits.items():
        bound = limit * AXES[key].scale
        line = {"line_dash": "dash", "line_width": 1.5, "line_color": theme.BEST}
        text = f"{'at least' if AXES[key].maximised else 'at most'} {bound:g} {AXES[key].unit}"
        label = {"text": text.rstrip(), "textposition": "end"}
        if key == x:
            figure.add_vline(x=bound, label=label, **line)
        elif key == y:
            figure.add_hline(y=bound, label=label, **line)


def _thin(individuals: Sequence[Individual], most: int) -> Sequence[Individual]:
    return individuals[:: -(-len(individuals) // most) or 1]


def _replay(figure: Replay, info: FrontInfo, look: _Look) -> None:
    generations = info.generations
    most = max(len(one.individuals) + min(len(one.front), MOST_MOVING) for one in generations)
    frames = []
    for at in frame_places(len(generations), most, len(generations) - 1):
        some = MOST_MOVING if at < len(generations) - 1 else MOST_DRAWN
        data = [{"type": "scatter", **trace} for trace in look.moment(generations[at], some)]
        frames.append({"name": str(generations[at].number), "traces": [1, 2, 3], "data": data})
    add_replay(figure, frames, str(generations[-1].number), height=660)
