"""The landscape of two genes as a map, with the population of a search walking on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from compressor_core.figures import theme
from compressor_core.figures.search.genes import cell_text, ticks
from compressor_core.figures.search.info import GENE_TITLES, Individual, SearchInfo, goal_title
from compressor_core.figures.search.plane import RIM
from compressor_core.figures.search.replay import Replay, add_replay, frame_places

_CIRCLE = {"color": "rgba(255,255,255,0.55)", "line": {"width": 1.5, "color": "#1d2733"}}


class Landscape(Protocol):
    """What is drawn, see `compressor_core.search.landscape.Landscape`."""

    @property
    def x(self) -> str: ...
    @property
    def y(self) -> str: ...
    @property
    def x_cells(self) -> tuple[tuple[int, int], ...]: ...
    @property
    def y_cells(self) -> tuple[tuple[int, int], ...]: ...
    @property
    def fitness(self) -> NDArray[np.float64]: ...
    @property
    def best(self) -> NDArray[np.int64]: ...
    @property
    def exists(self) -> NDArray[np.bool_]: ...
    @property
    def infeasible(self) -> NDArray[np.bool_]: ...


def landscape_sentence(land: Landscape, info: SearchInfo) -> str:
    """How much of the map is within the limits, in words, and where its top is."""
    cells, infeasible = int(land.exists.sum()), int(land.infeasible.sum())
    x, y = GENE_TITLES[land.x].lower(), GENE_TITLES[land.y].lower()
    if infeasible == cells:
        return f"Nothing is within the limits, whatever the {x} and the {y}."
    if infeasible:
        shaded = f"{infeasible:,} of the {cells:,} cells ({infeasible / cells:.0%}) are shaded grey: there, nothing is "
        shaded += "within the limits, whatever the other three genes."
    elif info.soft:
        shaded = "No cell is shaded: under the paper's soft penalty every architecture counts."
    else:
        shaded = f"In each of the {cells:,} cells something is within the limits."
    row, column = np.unravel_index(int(np.nanargmax(land.fitness)), land.fitness.shape)
    return (
        f"{shaded} The best cell is at {x} {cell_text(land.x_cells[column])}, {y} {cell_text(land.y_cells[row])}, "
        f"reached by `{','.join(str(gene) for gene in land.best[row, column])}`."
    )


def landscape_figure(land: Landscape, info: SearchInfo, *, shown: int | None = None) -> go.Figure:
    """The best fitness of every cell as colour, grey where nothing fits, and one generation as circles.

    `shown` is the number of that generation, by default the latest; every generation is a frame. A circle's area
    grows with the number of individuals in its cell.
    """
    names = {"x": [cell_text(cell) for cell in land.x_cells], "y": [cell_text(cell) for cell in land.y_cells]}
    figure = Replay(
        layout=theme.layout(
            GENE_TITLES[land.x],
            GENE_TITLES[land.y],
            height=540,
            xaxis=_axis(names["x"]),
            yaxis=_axis(names["y"]),
            uirevision=f"{land.x}/{land.y}",
            meta=names,  # what the cells are called: the axes name some of them
        )
    )
    walked = len(info.generations) > 1
    sign = 1 if info.maximised else -1
    figure.add_heatmap(
        z=np.where(land.infeasible, 1.0, np.nan).astype(np.float32),
        colorscale=[[0, theme.faint(theme.INFEASIBLE, 0.45)], [1, theme.faint(theme.INFEASIBLE, 0.45)]],
        showscale=False,
        showlegend=True,
        name="nothing within the limits",
        hovertemplate="nothing within the limits<extra></extra>",
        hoverongaps=False,
    )
    top = float(np.nanmax(sign * land.fitness, initial=-np.inf))
    figure.add_heatmap(
        # The paper's penalty has no bottom: all that is as far below zero as the top is above looks the same.
        zmin=-abs(top) if info.soft and np.nanmin(land.fitness) < -abs(top) else None,
        zmax=top if info.soft else None,
        z=(sign * land.fitness).astype(np.float32),
        customdata=land.best.astype(np.int32),
        colorscale=theme.HEIGHTS,
        reversescale=not info.maximised,
        colorbar={**theme.BAR, "title": {"text": goal_title(info), "side": "top"}, "y": -0.52 if walked else -0.2},
        name="best fitness",
        hovertemplate=(
            "<b>%{z:.3f}</b> at best, by<br>vocabulary %{customdata[0]:,} · width %{customdata[1]}<br>"
            "layers %{customdata[2]} · heads %{customdata[3]} · feed-forward %{customdata[4]}<extra></extra>"
        ),
        hoverongaps=False,
    )
    generations = info.generations
    one = next((each for each in generations if each.number == shown), info.last)
    figure.add_trace(
        go.Scatter(
            **_walkers(land, one.individuals if one else ()),
            mode="markers",
            name="the population",
            showlegend=True,
            hovertemplate="%{customdata} of the population<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            **_spot(land, one.best if one else None),
            mode="markers",
            name="best so far",
            showlegend=True,
            hoverinfo="skip",
            marker={"color": theme.BEST, "size": 14, "symbol": "diamond", "line": RIM},
        )
    )
    figure.add_trace(
        go.Scatter(
            **_spot(land, info.optimum),
            mode="markers",
            name="true optimum",
            showlegend=True,
            hoverinfo="skip",
            marker={"color": theme.OPTIMUM, "size": 22, "symbol": "star-open", "line": {"width": 3}},
        )
    )
    if walked and one:
        population = max(len(each.individuals) for each in generations)
        places = frame_places(len(generations), population, generations.index(one))
        frames = [
            {
                "name": str(each.number),
                "traces": [2, 3],
                "data": [
                    {"type": "scatter", **_walkers(land, each.individuals)},
                    {"type": "scatter", **_spot(land, each.best)},
                ],
            }
            for each in (generations[at] for at in places)
        ]
        add_replay(figure, frames, str(one.number), height=700)
    return figure


def _axis(names: Sequence[str]) -> dict[str, Any]:
    shown = ticks(len(names), 10)
    return {
        "tickvals": shown,
        "ticktext": [names[at] for at in shown],
        "range": [-0.5, len(names) - 0.5],
        "showgrid": False,
        "zeroline": False,
    }


def _cell(land: Landscape, one: Individual) -> tuple[int, int]:
    """Column and row of an individual."""
    column = np.searchsorted([last for _, last in land.x_cells], one[land.x])
    row = np.searchsorted([last for _, last in land.y_cells], one[land.y])
    return int(column), int(row)


def _walkers(land: Landscape, individuals: Sequence[Individual]) -> dict[str, Any]:
    """A point for each cell that has individuals, its area by their number."""
    if not individuals:
        return {"x": [None], "y": [None], "marker": _CIRCLE}
    last = {axis: np.array([top for _, top in cells]) for axis, cells in (("x", land.x_cells), ("y", land.y_cells))}
    columns = np.searchsorted(last["x"], np.array([one[land.x] for one in individuals]))
    rows = np.searchsorted(last["y"], np.array([one[land.y] for one in individuals]))
    counts = Counter(zip(columns.tolist(), rows.tolist(), strict=True))
    many = np.array(list(counts.values()))
    return {
        "x": np.array([column for column, _ in counts], np.int32),
        "y": np.array([row for _, row in counts], np.int32),
        "customdata": many,
        "marker": {**_CIRCLE, "size": (7 + 19 * np.sqrt(many / len(individuals))).astype(np.float32)},
    }


def _spot(land: Landscape, one: Individual | None) -> dict[str, Any]:
    if one is None:
        return {"x": [None], "y": [None]}
    column, row = _cell(land, one)
    return {"x": [column], "y": [row]}
