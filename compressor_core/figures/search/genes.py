"""Genes of a search by generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from compressor_core.figures import theme
from compressor_core.figures.search.axes import GENE_TITLES
from compressor_core.figures.search.info import SearchInfo
from compressor_core.figures.search.plane import add_pick
from compressor_core.records import Candidate

MOST_ROWS: Final = 100
"""Largest number of rows per gene; if it has more values, neighbouring values share a row."""
MOST_COLUMNS: Final = 300
"""Approximate largest number of columns; of more generations, every k-th is drawn."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class GeneInfo:
    """One gene in every generation."""

    gene: str
    cells: tuple[tuple[int, int], ...]
    """Smallest and largest value of each row; equal if the row is a single value."""
    generations: tuple[int, ...]
    shares: FloatArray
    """`[rows, generations]`: share of the population with a value of the row; each column sums to 1."""
    optimum: int | None
    """Row of the optimum's value; None if the optimum is not known."""


def gene_infos(info: SearchInfo) -> list[GeneInfo]:
    """The five genes, with rows for the values that occurred or that the optimum has. Empty without a generation."""
    if not info.generations:
        return []
    stride = -(-len(info.generations) // MOST_COLUMNS)
    columns = [*info.generations[::stride]]
    if columns[-1] is not info.generations[-1]:
        columns.append(info.generations[-1])
    found = []
    for gene in GENE_TITLES:
        populations = [np.array([getattr(one, gene) for one in generation.individuals]) for generation in columns]
        goal = [getattr(info.optimum, gene)] if info.optimum else []
        values = np.unique(np.concatenate([*populations, goal])).astype(np.int64)
        width = -(-len(values) // MOST_ROWS)
        firsts, lasts = values[::width], [*values[width - 1 :: width], values[-1]]
        shares = np.zeros((len(firsts), len(columns)))
        for column, population in enumerate(populations):
            rows, counts = np.unique(np.searchsorted(firsts, population, side="right") - 1, return_counts=True)
            shares[rows, column] = counts / len(population)
        found.append(
            GeneInfo(
                gene=gene,
                cells=tuple((int(first), int(last)) for first, last in zip(firsts, lasts, strict=False)),
                generations=tuple(generation.generation for generation in columns),
                shares=shares,
                optimum=int(np.searchsorted(firsts, goal[0], side="right") - 1) if goal else None,
            )
        )
    return found


def genes_figure(info: SearchInfo, *, picked: Candidate | None = None) -> go.Figure:
    """Share of each value of each gene in the population by generation, as five heatmaps one below the other."""
    infos = gene_infos(info)
    if not infos:
        return theme.note(go.Figure(layout=theme.layout("Generation", "Genes")), "Waiting for the first generation")
    figure = make_subplots(
        rows=len(infos),
        shared_xaxes=True,
        vertical_spacing=0.03,
        row_heights=[5 + len(each.cells) ** 0.5 for each in infos],
    )
    base = theme.layout("", "", height=1000)
    figure.update_layout(
        **{key: base[key] for key in ("height", "margin", "paper_bgcolor", "plot_bgcolor", "legend", "hoverlabel")},
        coloraxis={
            "colorscale": theme.SHARES,
            "cmin": 0,
            "cmax": 1,
            "colorbar": {**theme.BAR, "title": {"text": "Share of the population", "side": "top"}, "tickformat": ".0%"},
        },
    )
    for row, each in enumerate(infos, 1):
        names = [cell_text(cell) for cell in each.cells]
        figure.add_heatmap(
            x=np.array(each.generations),
            y=names,
            z=each.shares.astype(np.float32),
            coloraxis="coloraxis",
            name=GENE_TITLES[each.gene],
            hovertemplate=f"generation %{{x}}<br>{GENE_TITLES[each.gene].lower()} %{{y}}: %{{z:.0%}}<extra></extra>",
            row=row,
            col=1,
        )
        if each.optimum is not None:
            figure.add_scatter(
                x=[each.generations[0], each.generations[-1]],
                y=[names[each.optimum]] * 2,
                mode="lines+markers",
                name="true optimum",
                legendgroup="optimum",
                showlegend=row == 1,
                hoverinfo="skip",
                line={"color": theme.OPTIMUM, "width": 1.5, "dash": "dash"},
                marker={"symbol": "star-open", "size": 12, "line": {"width": 2}},
                row=row,
                col=1,
            )
        if picked and (own := _cell_of(each.cells, getattr(picked, each.gene))) is not None:
            add_pick(
                figure,
                [each.generations[-1]],
                [names[own]],
                14,
                showlegend=row == 1,
                legendgroup="picked",
                row=row,
                col=1,
            )
        shown = ticks(len(names))
        figure.update_yaxes(
            title_text=GENE_TITLES[each.gene],
            type="category",
            categoryorder="array",
            categoryarray=names,
            tickvals=[names[at] for at in shown],
            gridcolor=theme.GRID,
            zeroline=False,
            automargin=True,
            row=row,
            col=1,
        )
        figure.update_xaxes(
            gridcolor=theme.GRID,
            zeroline=False,
            range=[each.generations[0] - 0.7, each.generations[-1] + 0.7],
            row=row,
            col=1,
        )
    figure.update_xaxes(title_text="Generation", row=len(infos), col=1)
    figure.update_coloraxes(colorbar_y=-0.16)
    return figure


def _cell_of(cells: Sequence[tuple[int, int]], value: int) -> int | None:
    return next((at for at, (first, last) in enumerate(cells) if first <= value <= last), None)


def cell_text(cell: tuple[int, int]) -> str:
    """Label of a row: one value, or the first and last of several."""
    first, last = cell
    return f"{first:,}" if first == last else f"{first:,}–{last:,}"


def ticks(count: int, most: int = 4) -> list[int]:
    """Positions of a few evenly spaced ticks, including the first."""
    return list(range(0, count, max(1, -(-count // most))))
