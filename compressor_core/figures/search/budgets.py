"""Figures of a sweep over budgets: the optimum at each of them, and what searches found beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from compressor_core.figures import theme
from compressor_core.figures.search.axes import AXES
from compressor_core.figures.search.gaps import gap_text
from compressor_core.figures.search.info import GENE_TITLES, short_form
from compressor_core.figures.search.sweeps import OPERATORS, STYLES, Record, SweepInfo


def budget_figure(info: SweepInfo, y: str = "paper_gflops") -> go.Figure:
    """The optimum against the budget, the paper's budgets marked, what searches found beside it."""
    figure = go.Figure(
        layout=theme.layout("Size budget in MB (10⁶ bytes)", AXES[y].label, height=480, uirevision=f"budget/{y}")
    )
    if not info.optima:
        return theme.note(figure, "No budget has a known optimum" if info.missing else "Waiting for the first optimum")
    found = [search for search in info.searches if search["best"] is not None]
    budgets = [record["budget_mb"] for record in (*info.optima, *info.missing)]
    figure.update_xaxes(theme.log_axis(budgets))
    shown = [*info.optima, *(search["best"] for search in found)]
    figure.update_yaxes(theme.log_axis([one[y] * AXES[y].scale for one in shown]))
    figure.add_scatter(
        **_line(info.optima, y),
        customdata=[short_form(best) for best in info.optima],
        hovertemplate=f"<b>Optimum at %{{x:g}} MB</b><br>%{{customdata}}<br>%{{y:.4g}} {AXES[y].unit}<extra></extra>",
        mode="lines+markers",
        name="true optimum",
        showlegend=True,
        line={"color": theme.OPTIMUM, "width": 2},
        marker={"size": 5},
    )
    for operators in info.operators:
        color, _, symbol = STYLES.get(operators, (theme.BEST, "dot", "square"))
        of = [search for search in found if search["operators"] == operators]
        figure.add_scatter(
            x=[search["budget_mb"] for search in of],
            y=[search["best"][y] * AXES[y].scale for search in of],
            customdata=[[search["seed"], gap_text(search["gap"]), short_form(search["best"])] for search in of],
            hovertemplate="<b>Search with seed %{customdata[0]}</b><br>%{customdata[2]}<br>%{y:.4g}, gap "
            "%{customdata[1]}<extra></extra>",
            mode="markers",
            name=f"best of searches, {OPERATORS.get(operators, operators)}",
            showlegend=True,
            marker={"color": color, "symbol": f"{symbol}-open", "size": 10, "line": {"width": 1.5}},
        )
    marked = [best for best in info.optima if best["marked"]]
    figure.add_scatter(
        **_line(marked, y),
        text=[f"{best['budget_mb']:g} MB: {best[y] * AXES[y].scale:.3g}" for best in marked],
        textposition="top left",
        hoverinfo="skip",
        mode="markers+text",
        name="the paper's budgets",
        showlegend=True,
        marker={"color": theme.BEST, "symbol": "star", "size": 14},
    )
    return figure


def genes_figure(info: SweepInfo) -> go.Figure:
    """How the genes of the optimum, and the size it makes use of, go with the budget: a small panel for each."""
    panels = {**GENE_TITLES, "size_mb": "Budget used"}
    figure = make_subplots(3, 2, subplot_titles=list(panels.values()), vertical_spacing=0.13, horizontal_spacing=0.12)
    figure.update_layout(theme.layout("", "", height=620, showlegend=False))
    figure.update_xaxes(gridcolor=theme.GRID, zerolinecolor=theme.GRID)
    figure.update_yaxes(gridcolor=theme.GRID, zerolinecolor=theme.GRID, rangemode="tozero")
    if not info.optima:
        return theme.note(figure, "No budget has a known optimum" if info.missing else "Waiting for the first optimum")
    figure.update_xaxes(_sparse(theme.log_axis([best["budget_mb"] for best in info.optima])))
    figure.update_xaxes(title="Budget in MB", row=3)
    figure.update_yaxes(tickformat=".0%", row=3, col=2)
    for at, (key, title) in enumerate(panels.items()):
        values = [best[key] / best["budget_mb"] if key == "size_mb" else best[key] for best in info.optima]
        figure.add_scatter(
            x=[best["budget_mb"] for best in info.optima],
            y=values,
            name=title,
            hovertemplate=f"{title} %{{y}} at %{{x:g}} MB<extra></extra>",
            mode="lines+markers",
            line={"color": theme.OPTIMUM, "width": 1.5, "shape": "hv" if key in GENE_TITLES else "linear"},
            marker={
                "opacity": 1,
                "symbol": ["star" if best["marked"] else "circle" for best in info.optima],
                "size": [11 if best["marked"] else 4 for best in info.optima],
                "color": [theme.BEST if best["marked"] else theme.OPTIMUM for best in info.optima],
            },
            row=at // 2 + 1,
            col=at % 2 + 1,
        )
    return figure


def _sparse(axis: Mapping[str, Any]) -> dict[str, Any]:
    """A logarithmic axis for a narrow panel: the powers of ten alone, where it spans two of them."""
    low, high = axis["range"]
    powers = [10.0**power for power in range(math.ceil(low), math.floor(high) + 1)]
    return {**axis, "tickvals": powers, "ticktext": [f"{power:g}" for power in powers]} if len(powers) > 1 else {**axis}


def _line(records: Sequence[Record], y: str) -> dict[str, list[float]]:
    return {
        "x": [record["budget_mb"] for record in records],
        "y": [record[y] * AXES[y].scale for record in records],
    }
