"""The way of a search: the lineage of its winner, and its genes from generation to generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from compressor_core.figures import theme
from compressor_core.figures.plane import (
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
from compressor_core.figures.search import GENE_TITLES, Individual, SearchInfo, short_form

MOST_NUMBERS: Final = 10
"""Numbered markers on a trail, about."""
APART: Final = 0.06
"""As a share of the axes: numbers that would lie closer to each other are left out."""
MOST_ROWS: Final = 100
"""Of a gene with more values, neighbours share a row."""
MOST_COLUMNS: Final = 300
"""Of more generations, every second or third one is drawn."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class LineageInfo:
    """The winner's ancestors and itself, by birth. The trail goes back from it to the fitter parent each time."""

    members: tuple[Individual, ...]
    born: tuple[int, ...]
    """The generation each was born in."""
    edges: tuple[tuple[int, int], ...]
    """Parent and child, by their places in `members`."""
    trail: tuple[int, ...]
    """Places in `members`, from the first generation to the winner."""

    @property
    def winner(self) -> Individual:
        return self.members[-1]

    @property
    def founders(self) -> int:
        """How many of the ancestors, or the winner itself, are of the first generation."""
        return sum(not member["parents"] for member in self.members)


def lineage_info(info: SearchInfo) -> LineageInfo | None:
    """The lineage of the best so far; None while there is none."""
    if info.best is None:
        return None
    known = {one["id"]: (one, int(born)) for one, born in zip(info.candidates, info.born, strict=True)}
    found: set[int] = set()
    waiting = [int(info.best["id"])]
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting.extend(known[each][0]["parents"])
    ids = sorted(found)
    place = {each: at for at, each in enumerate(ids)}
    members = tuple(known[each][0] for each in ids)
    trail = [len(members) - 1]
    while parents := members[trail[-1]]["parents"]:
        trail.append(max((place[parent] for parent in parents), key=lambda at: _rank(info, members[at])))
    return LineageInfo(
        members=members,
        born=tuple(known[each][1] for each in ids),
        edges=tuple((place[parent], at) for at, one in enumerate(members) for parent in one["parents"]),
        trail=tuple(reversed(trail)),
    )


def lineage_sentence(lineage: LineageInfo | None) -> str:
    """How many ancestors the winner has, in words."""
    if lineage is None:
        return "There is no winner yet whose ancestors could be drawn."
    ancestors = len(lineage.members) - 1
    who = f"The best, `{short_form(lineage.winner)}`, was born in generation {lineage.born[-1]}"
    if not ancestors:
        return f"{who} and has no ancestors."
    return (
        f"{who} and has {_many(ancestors, 'ancestor')}, {lineage.founders} of them in the first generation. "
        f"The trail from the first generation along the fitter parents has {_many(len(lineage.trail) - 1, 'step')}."
    )


def lineage_figure(info: SearchInfo, x: str = X, y: str = Y) -> go.Figure:
    """The winner's ancestors in the plane, coloured by the generation of their birth, joined with their children.

    The trail along the fitter parents is drawn strong and numbered with generations.
    """
    lineage = lineage_info(info)
    if lineage is None:
        return theme.note(plane(info, x, y), "No winner yet")
    members = lineage.members
    figure = plane(info, x, y, only=members, height=580)
    scatter = go.Scattergl if len(members) > WEBGL else go.Scatter
    at = places(members, x, y)
    figure.add_trace(
        scatter(
            **{axis: _joined(at[axis], lineage.edges) for axis in "xy"},
            mode="lines",
            name="parent to child",
            hoverinfo="skip",
            line={"color": theme.faint(theme.MUTED, 0.45), "width": 1},
        )
    )
    figure.add_trace(
        scatter(
            **{axis: at[axis][list(lineage.trail)] for axis in "xy"},
            mode="lines",
            name="along the fitter parent",
            hoverinfo="skip",
            line={"color": theme.BEST, "width": 3},
        )
    )
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
    add_optimum(figure, info, x, y, scatter)
    figure.add_trace(
        scatter(
            **points([lineage.winner], x, y),
            hovertemplate="<b>The best found</b><br>" + hover(x, y),
            mode="markers",
            name="best found",
            marker={"color": theme.BEST, "size": 14, "symbol": "diamond", "line": RIM},
        )
    )
    numbered = _numbered(lineage, *(np.log10(at[axis]) / np.ptp(figure.layout[f"{axis}axis"].range) for axis in "xy"))
    figure.add_trace(
        scatter(
            **{axis: at[axis][numbered] for axis in "xy"},
            mode="markers+text",
            name="born in generation",
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
    return figure


@dataclass(frozen=True)
class GeneInfo:
    """One gene in every generation."""

    gene: str
    cells: tuple[tuple[int, int], ...]
    """The smallest and the largest value of each row; the same twice where a row is one value."""
    generations: tuple[int, ...]
    shares: FloatArray
    """`[rows, generations]`: the share of the population that has a value of the row; a column adds up to 1."""
    optimum: int | None
    """The row of the optimum's value, if the optimum is known."""


def gene_infos(info: SearchInfo) -> list[GeneInfo]:
    """The five genes; rows for the values that occurred or that the optimum has. Empty without a generation."""
    if not info.generations:
        return []
    stride = -(-len(info.generations) // MOST_COLUMNS)
    columns = [*info.generations[::stride]]
    if columns[-1] is not info.generations[-1]:
        columns.append(info.generations[-1])
    found = []
    for gene in GENE_TITLES:
        populations = [np.array([one[gene] for one in generation.individuals]) for generation in columns]
        goal = [info.optimum[gene]] if info.optimum else []
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
                generations=tuple(generation.number for generation in columns),
                shares=shares,
                optimum=int(np.searchsorted(firsts, goal[0], side="right") - 1) if goal else None,
            )
        )
    return found


def genes_figure(info: SearchInfo) -> go.Figure:
    """Which values of each gene the population has, generation by generation: five maps below one another."""
    infos = gene_infos(info)
    if not infos:
        return theme.note(go.Figure(layout=theme.layout("Generation", "Genes")), "Waiting for the first generation")
    figure = make_subplots(
        rows=len(infos),
        shared_xaxes=True,
        vertical_spacing=0.03,
        row_heights=[2 + len(each.cells) ** 0.5 for each in infos],
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
    figure.update_coloraxes(colorbar_y=-0.07)
    return figure


def cell_text(cell: tuple[int, int]) -> str:
    """One value, or the first and last of several."""
    first, last = cell
    return f"{first:,}" if first == last else f"{first:,}–{last:,}"


def ticks(count: int, most: int = 7) -> list[int]:
    """Places along an axis that are named: a few, evenly spaced, the first one among them."""
    return list(range(0, count, max(1, -(-count // most))))


def _rank(info: SearchInfo, one: Individual) -> tuple[bool, float]:
    return info.soft or bool(one["feasible"]), one["fitness"]


def _joined(values: NDArray[np.float32], edges: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """The ends of every edge, with a gap after each."""
    if not edges:
        return np.empty(0, np.float32)
    ends = values[np.array(edges)]
    return np.column_stack([ends, np.full(len(edges), np.nan, np.float32)]).ravel()


def _numbered(lineage: LineageInfo, x: NDArray[np.float32], y: NDArray[np.float32]) -> list[int]:
    """Members of the trail that are numbered: both ends, and others apart from each other in time and place.

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
