"""Figures of sweeps: results of searches over seeds, and the optimum at each budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from compressor_core.figures import theme
from compressor_core.figures.search.axes import GENE_TITLES
from compressor_core.figures.search.gaps import GapAxis, gap_text, turns
from compressor_core.figures.search.plane import WEBGL
from compressor_core.records import BudgetOptimum, Candidate, Record, SweepSummary, SweptSearch

OPERATORS: Final[Mapping[str, str]] = {"studio": "this program's operators", "paper": "the paper's operators"}
SEED_HEIGHTS: Final[Mapping[str, str]] = {"gap": "Gap to the optimum", "fitness": "Best fitness so far"}
HOW_COUNTED: Final = (
    "Line: the median of the seeds; band: the middle half, from quartile to quartile; thin lines: the seeds. A seed "
    "that has met nothing within the limits yet counts as worse than every other: the median begins once more than "
    "half of them have something, and the band reaches the edge while its worse quartile has nothing."
)
STYLES: Final[Mapping[str, tuple[str, str, str]]] = {
    "studio": (theme.FEASIBLE, "solid", "circle"),
    "paper": (theme.STUDENT, "dash", "diamond"),
}
"""Colour, dash and symbol of each set of operators."""
_FAR: Final = 1e300
"""Stands for the worst value; infinity would make interpolated quartiles NaN."""


@dataclass(frozen=True)
class SweepInfo:
    """State of a sweep so far."""

    budgets: tuple[BudgetOptimum, ...]
    """By increasing budget."""
    searches: tuple[SweptSearch, ...]

    @property
    def optima(self) -> list[tuple[BudgetOptimum, Candidate]]:
        """Budgets whose optimum is known."""
        return [(one, one.best) for one in self.budgets if one.best]

    @property
    def missing(self) -> list[BudgetOptimum]:
        """Budgets without a known optimum: nothing fits, or the space is too large to know."""
        return [one for one in self.budgets if not one.best]

    @property
    def operators(self) -> tuple[str, ...]:
        """Operators of the searches, by first appearance."""
        return tuple(dict.fromkeys(search.operators for search in self.searches))


@dataclass(frozen=True)
class Band:
    """Seeds of one set of operators. Arrays (generations,), NaN where the quantile falls on seeds without a result."""

    operators: str
    seeds: tuple[tuple[float | None, ...], ...]
    """One series per seed."""
    worse: NDArray[np.float64]
    median: NDArray[np.float64]
    better: NDArray[np.float64]


def sweep_info(records: Iterable[Record]) -> SweepInfo:
    """Build the info from the records of a sweep in any state; other records are ignored."""
    known = list(records)
    budgets = (record for record in known if isinstance(record, BudgetOptimum))
    return SweepInfo(
        tuple(sorted(budgets, key=lambda one: one.budget_mb)),
        tuple(record for record in known if isinstance(record, SweptSearch)),
    )


def bands(info: SweepInfo, height: str = "gap") -> tuple[Band, ...]:
    """Median and quartiles over the seeds at each generation, for each set of operators.

    `height` is "gap" or "fitness". Quartiles interpolate linearly between the sorted seeds (Hyndman and Fan's type 7,
    NumPy's default).
    """
    if height == "gap" and not info.optima:
        return ()
    goal = info.optima[0][1].fitness if info.optima else 1.0
    worst = _FAR if height == "gap" else -_FAR
    found = []
    for operators in info.operators:
        seeds = [
            tuple(_gap(goal, value) if height == "gap" else value for value in search.best_fitness)
            for search in info.searches
            if search.operators == operators
        ]
        grid = np.array([[worst if value is None else value for value in series] for series in seeds])
        low, median, high = np.quantile(grid, (0.25, 0.5, 0.75), axis=0)
        worse, better = (high, low) if height == "gap" else (low, high)
        found.append(Band(operators, tuple(seeds), *(_known(quantile) for quantile in (worse, median, better))))
    return tuple(found)


def band_figure(info: SweepInfo, height: str = "gap") -> go.Figure:
    """Seeds as faint lines, the median as a strong one and the middle half as a band, for each set of operators."""
    figure = go.Figure(layout=theme.layout("Generation", SEED_HEIGHTS[height], height=460, uirevision=height))
    drawn = bands(info, height)
    values = [value for band in drawn for series in band.seeds for value in series if value is not None]
    if not values:
        if info.searches:
            missing = (
                "The optimum is not known: look at the fitness" if not info.optima else "No seed has found anything"
            )
            return theme.note(figure, missing)
        return theme.note(figure, "Waiting for the first search")
    axis = GapAxis.around(
        chain(values, *(quantile.tolist() for band in drawn for quantile in (band.better, band.median)))
        if height == "gap"
        else ()
    )
    if height == "gap":
        figure.update_yaxes(axis.settings())
        edge = axis.top
    else:
        low, high = min(values), max(values)
        edge = low - 0.05 * max(high - low, abs(high) / 100)
        figure.update_yaxes(range=[edge, high + (low - edge)])
    for band in drawn:
        _draw_band(figure, band, axis if height == "gap" else None, edge)
    if height == "fitness" and info.optima:
        figure.add_hline(info.optima[0][1].fitness, line={"color": theme.OPTIMUM, "width": 2, "dash": "dash"})
    return figure


def operators_rows(summary: SweepSummary | None) -> list[dict[str, Any]]:
    """Table of the results of each set of operators."""
    return [
        {
            "Operators": OPERATORS.get(group.operators, group.operators),
            "Searches": group.searches,
            "Optimum found": "–" if group.hit_rate is None else f"{group.hits} ({group.hit_rate:.0%})",
            "Wilson 95% interval": "–" if group.hit_rate is None else f"{group.hit_low:.0%} to {group.hit_high:.0%}",
            "Median gap": gap_text(group.median_gap, none="0%"),
            "Worst gap": gap_text(group.worst_gap, none="0%"),
            "Found nothing": group.nothing_found,
        }
        for group in (summary.groups if summary else ())
        if group.searches
    ]


def search_rows(info: SweepInfo) -> list[dict[str, Any]]:
    """Table of the searches of a sweep."""
    return [
        {
            "Budget (MB)": search.budget_mb,
            "Seed": search.seed,
            "Operators": search.operators,
            "Best": search.best.short_form if search.best else "–",
            "Size (MB)": search.best and search.best.size_mb,
            "GFLOPs": search.best and search.best.paper_gflops,
            "Fitness": search.best and search.best.fitness,
            "Gap (%)": None if search.gap is None else 100 * search.gap,
            "Architectures judged": search.evaluations,
            "Seconds": search.seconds,
        }
        for search in info.searches
    ]


def optimum_rows(info: SweepInfo) -> list[dict[str, Any]]:
    """Table of the optimum at each budget."""
    return [
        {
            "Budget (MB)": budget.budget_mb,
            "In the paper": budget.marked,
            "Optimum": best.short_form,
            **dict(zip(GENE_TITLES.values(), best.genes, strict=True)),
            "Size (MB)": best.size_mb,
            "GFLOPs": best.paper_gflops,
            "Fitness": best.fitness,
        }
        for budget, best in info.optima
    ]


def missing_notes(info: SweepInfo) -> list[str]:
    """Budgets without a known optimum, each with the reason."""
    return [f"{one.budget_mb:g} MB: {one.reason}" for one in info.missing]


def _draw_band(figure: go.Figure, band: Band, axis: GapAxis | None, edge: float) -> None:
    color, dash, symbol = STYLES.get(band.operators, (theme.BEST, "dot", "square"))
    name = OPERATORS.get(band.operators, band.operators)
    group = {"legendgroup": band.operators}

    def place(values: Sequence[float | None] | NDArray[np.float64]) -> NDArray[np.float64]:
        known = [None if value is None or np.isnan(value) else float(value) for value in values]
        return axis.place(known) if axis else np.array(known, np.float64)

    xs, ys = _strands(band.seeds)
    kind = go.Scattergl if len(xs) > WEBGL else go.Scatter
    figure.add_trace(
        kind(
            x=xs,
            y=place(ys),
            mode="lines",
            line={"color": theme.faint(color, 0.3), "width": 1, "shape": "hv"},
            hoverinfo="skip",
            showlegend=False,
            **group,
        )
    )
    better, worse = place(band.better), place(band.worse)
    within = np.flatnonzero(~np.isnan(better))
    if len(within):
        open_worse = np.where(np.isnan(worse), edge, worse)[within]
        figure.add_scatter(
            x=np.concatenate([within, within[::-1]]),
            y=np.concatenate([better[within], open_worse[::-1]]),
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=theme.faint(color, 0.22),
            hoverinfo="skip",
            showlegend=False,
            **group,
        )
    figure.add_scatter(
        x=np.arange(len(band.median)),
        y=place(band.median),
        customdata=[
            [gap_text(None if np.isnan(value) else value) if axis else f"{value:.4f}" for value in three]
            for three in zip(band.better, band.median, band.worse, strict=True)
        ],
        hovertemplate="generation %{x}<br>median %{customdata[1]}<br>quartiles %{customdata[0]} and %{customdata[2]}"
        f"<extra>{name}</extra>",
        mode="lines+markers",
        name=f"{name}, {len(band.seeds)} seeds" if len(band.seeds) > 1 else f"{name}, one seed",
        showlegend=True,
        line={"color": color, "width": 3, "dash": dash},
        marker={"symbol": symbol, "size": 7, "maxdisplayed": 12},
        **group,
    )


def _strands(seeds: Sequence[Sequence[float | None]]) -> tuple[list[int | None], list[float | None]]:
    """All seeds as one step line with gaps, reduced to the generations where each seed changes."""
    xs: list[int | None] = []
    ys: list[float | None] = []
    for series in seeds:
        at = turns(series)
        xs += [*at, None]
        ys += [*(series[place] for place in at), None]
    return xs, ys


def _gap(goal: float, fitness: float | None) -> float | None:
    return None if fitness is None else (goal - fitness) / abs(goal)


def _known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.abs(values) > _FAR**0.5, np.nan, values)
