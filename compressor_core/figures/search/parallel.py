"""Parallel coordinates of a search: one axis for each gene and each quantity, one line for each candidate.

Drawn as plain lines: Plotly's `parcoords` trace needs WebGL, and without a GPU its three canvases alone take over a
second.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.colors import sample_colorscale

from compressor_core.architecture import GENES
from compressor_core.figures import theme
from compressor_core.figures.search.axes import GENE_TITLES, values
from compressor_core.figures.search.info import SearchInfo, goal_title
from compressor_core.figures.search.plane import choices
from compressor_core.records import Candidate

MOST_LINES: Final = 1_000
"""Largest number of lines. Of more candidates, every k-th by rank is drawn: more lines would hide each other."""
SHADES: Final = 24
"""Number of colours from the least to the greatest fitness; the lines of one shade form one path."""
REACH: Final = 0.2
"""Distance from an axis within which a box still brushes it; adjacent axes are 1 apart."""
WIDE: Final = 0.1
"""Half the width of a drawn brush."""
SHORT: Final = {
    "size_mb": "Size, MB", "paper_gflops": "GFLOPs", "latency_ms": "Latency, ms", "accuracy": "Accuracy, %",
    "flips": "Flips, %",
}  # fmt: skip
"""Axis titles, short enough to fit above an axis."""

FloatArray = NDArray[np.float32]
Mask = NDArray[np.bool_]
Brushes = Mapping[str, tuple[float, float]]
"""Least and greatest value that pass, by column key, in the unit of the axis."""


@dataclass(frozen=True)
class Column:
    """One vertical axis with the values of all drawn candidates, in the unit of the axis."""

    key: str
    title: str
    values: FloatArray
    places: FloatArray
    """Height of each value, from 0 at the bottom to 1 at the top."""
    ticks: tuple[tuple[float, str], ...]
    """Height and label of each tick."""

    @property
    def name(self) -> str:
        """Title as it appears within a sentence."""
        title = self.title.split(",")[0]
        return title if title == "GFLOPs" else title.lower()

    def within(self, brush: tuple[float, float]) -> Mask:
        """Mask of the candidates whose value passes a brush."""
        return (self.values >= brush[0]) & (self.values <= brush[1])

    def span(self, which: Mask | None = None) -> tuple[str, ...]:
        """Least and greatest value (of the `which` candidates) as text; one item if they are the same."""
        some = self.values if which is None else self.values[which]
        return tuple(dict.fromkeys(self._text(value) for value in (some.min(), some.max())))

    def _text(self, value: np.float32) -> str:
        if self.key == "feasible":
            return "yes" if value else "no"
        return f"{value:,.0f}" if self.key in GENE_TITLES else f"{value:,.4g}"


@dataclass(frozen=True)
class ParallelInfo:
    """Columns of the drawn candidates, the fittest last so that their lines lie on top."""

    stride: int
    """One in `stride` candidates is drawn, including the fittest."""
    columns: tuple[Column, ...]
    feasible: Mask
    fitness: FloatArray
    """In the units of the goal: a minimised goal is shown without its minus. NaN for candidates beyond a limit,
    except in the paper's mode, where only fitness counts."""


def parallel_info(info: SearchInfo) -> ParallelInfo:
    """Columns of the candidates: the genes, the quantities that all of them have, and whether they fit."""
    stride = max(1, -(-len(info.candidates) // MOST_LINES))
    ranked = sorted(info.candidates, key=info.rank)
    drawn = ranked[::-1][::stride][::-1]
    feasible = np.array([one.feasible for one in drawn], np.bool_)
    fitness = np.array([one.fitness for one in drawn], np.float32) * (1 if info.maximised else -1)
    columns: list[Column] = []
    if drawn:
        columns += (_gene(gene, np.array([getattr(one, gene) for one in drawn], np.float32)) for gene in GENE_TITLES)
        columns += (_quantity(key, values(drawn, key)) for key in choices(info) if key != "parameters")
        fits = feasible.astype(np.float32)
        columns.append(Column("feasible", "Fits", fits, fits, ((0.0, "no"), (1.0, "yes"))))
    shown = fitness if info.soft else np.where(feasible, fitness, np.float32(np.nan))
    return ParallelInfo(stride, tuple(columns), feasible, shown)


def parallel_sentence(shown: ParallelInfo, info: SearchInfo) -> str:
    """Sentence on how many candidates are drawn; empty if all are."""
    return f"One in {shown.stride} of the {len(info.candidates):,} candidates is drawn." if shown.stride > 1 else ""


def brushed(shown: ParallelInfo, boxes: Iterable[Mapping[str, Any]], before: Brushes) -> dict[str, tuple[float, float]]:
    """Brushes after a drag: each box that Plotly reports sets the brushes of the axes that it crosses.

    A brush spans the least to the greatest value in the box, so it stays valid when the range of the axis changes. An
    axis without a value in the box keeps its brush. `boxes` have the `x` and `y` of their corners in the coordinates
    of `parallel_figure`. A drag straight along an axis is a box without width, which Plotly reports as a lasso.
    """
    after = dict(before)
    for box in boxes:
        for place, column in enumerate(shown.columns):
            inside = column.values[(column.places >= min(box["y"])) & (column.places <= max(box["y"]))]
            if len(inside) and min(box["x"]) - REACH <= place <= max(box["x"]) + REACH:
                after[column.key] = (float(inside.min()), float(inside.max()))
    return after


def passing(shown: ParallelInfo, brushes: Brushes) -> Mask:
    """Mask of the candidates that pass every brush; all pass if there are none."""
    passes = np.ones(len(shown.fitness), np.bool_)
    for column in shown.columns:
        if column.key in brushes:
            passes &= column.within(brushes[column.key])
    return passes


def passing_sentence(shown: ParallelInfo, brushes: Brushes) -> str:
    """Sentence on how many candidates pass the brushes, and the range of each column; empty without a brush."""
    if not brushes:
        return ""
    passes = passing(shown, brushes)
    if not passes.any():
        return f"None of the {len(passes):,} lines passes."
    spans = [f"{column.name} {'–'.join(column.span(passes))}" for column in shown.columns]
    return f"{passes.sum():,} of {len(passes):,} lines pass: {' · '.join(spans)}."


def parallel_figure(
    shown: ParallelInfo, info: SearchInfo, brushes: Brushes | None = None, *, picked: Candidate | None = None
) -> go.Figure:
    """One line per candidate, coloured by fitness; lines that do not pass the brushes are faint and lie behind.

    The axes are at 0, 1, 2, …; `brushed` turns a box drawn over them into brushes.
    """
    figure = go.Figure(layout=theme.layout("", "", height=560, margin={"l": 40, "r": 20, "t": 90, "b": 30}))
    if not shown.columns:
        return theme.note(figure, "Waiting for the first generation")
    brushes = brushes or {}
    passes = passing(shown, brushes)
    if not passes.all():
        figure.add_scatter(**_lines(shown, ~passes), line={"color": theme.MUTED, "width": 1}, opacity=0.15)
    _colored(figure, shown, info, passes)
    if picked is not None:
        own = np.all([column.values == getattr(picked, column.key) for column in shown.columns[: len(GENES)]], axis=0)
        if own.any():
            figure.add_scatter(**_lines(shown, own), name="picked", line={"color": theme.STUDENT, "width": 4})
    _upright(figure, shown, brushes)
    return figure


def _colored(figure: go.Figure, shown: ParallelInfo, info: SearchInfo, passes: Mask) -> None:
    known = shown.fitness[np.isfinite(shown.fitness)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if info.soft:
        low = max(low, -abs(high))  # the paper's penalty has no lower bound
    high = high if high > low else low + 1
    worst = low if info.maximised else high
    share = (np.where(np.isnan(shown.fitness), np.float32(worst), shown.fitness) - low) / (high - low)
    height = np.clip(share if info.maximised else 1 - share, 0, 1)
    width = 1 if passes.all() else 1.5
    shades = np.minimum((height * SHADES).astype(np.int64), SHADES - 1)
    for shade, color in enumerate(sample_colorscale([list(each) for each in theme.SCALE], SHADES)):
        if (some := passes & (shades == shade)).any():
            figure.add_scatter(**_lines(shown, some), line={"color": color, "width": width}, opacity=0.6)
    bar = {**theme.BAR, "title": {"text": goal_title(info), "side": "top"}, "y": -0.03}
    figure.update_layout(
        coloraxis={
            "colorscale": theme.SCALE,
            "reversescale": not info.maximised,
            "cmin": low,
            "cmax": high,
            "colorbar": bar,
        }
    )
    # An empty trace that carries the colour bar: lines have no colour scale of their own.
    mark = {"color": [low], "coloraxis": "coloraxis"}
    figure.add_scatter(x=[None], y=[None], mode="markers", marker=mark, hoverinfo="skip", showlegend=False)


def _lines(shown: ParallelInfo, which: Mask) -> dict[str, Any]:
    """Trace of many lines as one path with gaps between them."""
    places = np.stack([*(column.places[which] for column in shown.columns), np.full(which.sum(), np.nan)], 1)
    across = np.append(np.arange(len(shown.columns)), np.nan)
    return {
        "x": np.tile(across, which.sum()).astype(np.float32),
        "y": places.ravel().astype(np.float32),
        "mode": "lines",
        "hoverinfo": "skip",
        "showlegend": False,
    }


def _upright(figure: go.Figure, shown: ParallelInfo, brushes: Brushes) -> None:
    """Add the axes with their ticks and titles, and the brushes on them."""
    for place, column in enumerate(shown.columns):
        figure.add_scatter(
            x=[place, place],
            y=[0, 1],
            mode="lines",
            name=column.title,
            line={"color": theme.GREY, "width": 1.5},
            meta={"span": column.span()},
            hoverinfo="skip",
            showlegend=False,
        )
        for height, text in column.ticks:
            figure.add_annotation(x=place, y=height, text=text, showarrow=False, xanchor="right", font={"size": 11})
    # No zoom: a drag draws a box.
    figure.update_yaxes(range=[-0.03, 1.03], visible=False, fixedrange=True)
    figure.update_xaxes(
        range=[-0.3, len(shown.columns) - 0.8],
        tickvals=list(range(len(shown.columns))),
        ticktext=[column.title for column in shown.columns],
        side="top",
        tickangle=-30,
        showgrid=False,
        zeroline=False,
        fixedrange=True,
    )
    for place, column in enumerate(shown.columns):
        if column.key in brushes and (hit := column.places[column.within(brushes[column.key])]).size:
            low, high = float(hit.min()) - 0.01, float(hit.max()) + 0.01
            fill, line = theme.faint(theme.TEACHER, 0.25), {"color": theme.TEACHER, "width": 1}
            box = {"x0": place - WIDE, "x1": place + WIDE, "y0": low, "y1": high}
            figure.add_shape(type="rect", **box, fillcolor=fill, line=line)
    # The box as dragged; otherwise a straight drag would give one that spans the figure.
    figure.update_layout(dragmode="select", selectdirection="d", modebar={"remove": ["lasso2d"]})


def _gene(gene: str, column: FloatArray) -> Column:
    low, high = float(column.min()), float(column.max())
    if high == low:
        low, high = low - 1, high + 1
    occurring = np.unique(column)
    ticks = occurring.tolist() if len(occurring) <= 12 else _round(low, high)
    places = [(tick - low) / (high - low) for tick in ticks]
    texts = [f"{tick:,.0f}" for tick in ticks]
    return Column(
        gene, GENE_TITLES[gene], column, (column - low) / (high - low), tuple(zip(places, texts, strict=True))
    )


def _round(low: float, high: float) -> list[float]:
    """Both ends and a few round numbers in between."""
    power = 10.0 ** math.floor(math.log10(high - low))
    step = next(each for each in (power / 5, power / 2, power, 2 * power) if (high - low) / each <= 6)
    inner = np.arange(math.ceil(low / step), high / step) * step
    margin = 0.05 * (high - low)
    return [low, *(each for each in inner.tolist() if low + margin < each < high - margin), high]


def _quantity(key: str, column: FloatArray) -> Column:
    """Column of a quantity, logarithmic as in the plane."""
    axis = theme.log_axis(column.tolist())
    low, high = axis["range"]
    places = ((np.log10(column) - low) / (high - low)).astype(np.float32)
    heights = ((np.log10(axis["tickvals"]) - low) / (high - low)).tolist()
    ticks = tuple((at, text) for at, text in zip(heights, axis["ticktext"], strict=True) if 0 <= at <= 1)
    return Column(key, SHORT[key], column, places, ticks)
