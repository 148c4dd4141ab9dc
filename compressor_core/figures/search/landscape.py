"""Landscape of two genes as a heatmap with the population of a search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.search.axes import GENE_TITLES, GENES_HOVER
from compressor_core.figures.search.genes import cell_text, ticks
from compressor_core.figures.search.info import SearchInfo, goal_title
from compressor_core.figures.search.plane import BEST, OPTIMUM, add_pick
from compressor_core.records import Candidate
from compressor_core.search.landscape import Landscape

_CIRCLE = {"color": "rgba(255,255,255,0.55)", "line": {"width": 1.5, "color": "#1d2733"}}


def landscape_sentence(land: Landscape, info: SearchInfo) -> str:
    """Sentences on how much of the map is within the limits, and on its best cell."""
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


def landscape_figure(land: Landscape, info: SearchInfo, *, picked: Candidate | None = None) -> go.Figure:
    """Best fitness of every cell as colour, grey where nothing fits, and the latest generation as circles.

    A circle's area grows with the number of individuals in its cell.
    """
    names = {"x": [cell_text(cell) for cell in land.x_cells], "y": [cell_text(cell) for cell in land.y_cells]}
    figure = go.Figure(
        layout=theme.layout(
            GENE_TITLES[land.x],
            GENE_TITLES[land.y],
            height=540,
            xaxis=_axis(names["x"]),
            yaxis=_axis(names["y"]),
            uirevision=f"{land.x}/{land.y}",
            meta=names,  # names of all cells; the axes label only some
        )
    )
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
        # The paper's penalty has no lower bound: the scale ends as far below zero as the top is above.
        zmin=-abs(top) if info.soft and np.nanmin(land.fitness) < -abs(top) else None,
        zmax=top if info.soft else None,
        z=(sign * land.fitness).astype(np.float32),
        customdata=land.best.astype(np.int32),
        colorscale=theme.HEIGHTS,
        reversescale=not info.maximised,
        colorbar={**theme.BAR, "title": {"text": goal_title(info), "side": "top"}, "y": -0.2},
        name="best fitness",
        hovertemplate=f"<b>%{{z:.3f}}</b> at best, by<br>{GENES_HOVER}<extra></extra>",
        hoverongaps=False,
    )
    one = info.last
    for data, name, more in (
        (_walkers(land, one.individuals if one else ()), "the population", {}),
        (_spot(land, one.best if one else None), "best so far", {"marker": BEST}),
        (_spot(land, info.optimum), "true optimum", {"marker": {**OPTIMUM, "line": {"width": 3}}}),
    ):
        hover: dict[str, Any] = {"hoverinfo": "skip"}
        if not more:
            hover = {"hovertemplate": "%{customdata} of the population<extra></extra>"}
        figure.add_scatter(**data, mode="markers", name=name, showlegend=True, **hover, **more)
    if picked:
        add_pick(figure, **_spot(land, picked))
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


def _cells(land: Landscape, individuals: Sequence[Candidate]) -> list[tuple[int, int]]:
    """Cell (column and row) of each individual."""
    last = {gene: [top for _, top in cells] for gene, cells in ((land.x, land.x_cells), (land.y, land.y_cells))}
    columns, rows = (np.searchsorted(last[gene], [getattr(one, gene) for one in individuals]) for gene in last)
    return list(zip(columns.tolist(), rows.tolist(), strict=True))


def _walkers(land: Landscape, individuals: Sequence[Candidate]) -> dict[str, Any]:
    """One point per occupied cell, its area proportional to the number of individuals."""
    if not individuals:
        return {"x": [None], "y": [None], "marker": _CIRCLE}
    counts = Counter(_cells(land, individuals))
    many = np.array(list(counts.values()))
    return {
        "x": np.array([column for column, _ in counts], np.int32),
        "y": np.array([row for _, row in counts], np.int32),
        "customdata": many,
        "marker": {**_CIRCLE, "size": (7 + 19 * np.sqrt(many / len(individuals))).astype(np.float32)},
    }


def _spot(land: Landscape, one: Candidate | None) -> dict[str, Any]:
    if one is None:
        return {"x": [None], "y": [None]}
    ((column, row),) = _cells(land, [one])
    return {"x": [column], "y": [row]}
