"""Figures of a sweep over budgets: the optimum at each budget beside the results of searches."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from compressor_core.figures import theme
from compressor_core.figures.search.axes import AXES, GENE_TITLES, values
from compressor_core.figures.search.gaps import gap_text
from compressor_core.figures.search.sweeps import OPERATORS, STYLES, SweepInfo


def budget_figure(info: SweepInfo, y: str = "paper_gflops") -> go.Figure:
    """Optimum against budget with the paper's budgets marked, beside the results of searches."""
    figure = go.Figure(
        layout=theme.layout("Size budget in MB (10⁶ bytes)", AXES[y].label, height=480, uirevision=f"budget/{y}")
    )
    if not info.optima:
        return theme.note(figure, _nothing(info))
    found = [(search, search.best) for search in info.searches if search.best]
    figure.update_xaxes(theme.log_axis([one.budget_mb for one in info.budgets]))
    figure.update_yaxes(theme.log_axis(values([best for _, best in (*info.optima, *found)], y).tolist()))
    figure.add_scatter(
        x=[one.budget_mb for one, _ in info.optima],
        y=values([best for _, best in info.optima], y),
        customdata=[best.short_form for _, best in info.optima],
        hovertemplate=f"<b>Optimum at %{{x:g}} MB</b><br>%{{customdata}}<br>%{{y:.4g}} {AXES[y].unit}<extra></extra>",
        mode="lines+markers",
        name="true optimum",
        showlegend=True,
        line={"color": theme.OPTIMUM, "width": 2},
        marker={"size": 5},
    )
    for operators in info.operators:
        color, _, symbol = STYLES.get(operators, (theme.BEST, "dot", "square"))
        of = [(search, best) for search, best in found if search.operators == operators]
        figure.add_scatter(
            x=[search.budget_mb for search, _ in of],
            y=values([best for _, best in of], y),
            customdata=[[search.seed, gap_text(search.gap), best.short_form] for search, best in of],
            hovertemplate="<b>Search with seed %{customdata[0]}</b><br>%{customdata[2]}<br>%{y:.4g}, gap "
            "%{customdata[1]}<extra></extra>",
            mode="markers",
            name=f"best of searches, {OPERATORS.get(operators, operators)}",
            showlegend=True,
            marker={"color": color, "symbol": f"{symbol}-open", "size": 10, "line": {"width": 1.5}},
        )
    marked = [(one, best) for one, best in info.optima if one.marked]
    heights = values([best for _, best in marked], y)
    figure.add_scatter(
        x=[one.budget_mb for one, _ in marked],
        y=heights,
        text=[f"{one.budget_mb:g} MB: {height:.3g}" for (one, _), height in zip(marked, heights, strict=True)],
        textposition="top left",
        hoverinfo="skip",
        mode="markers+text",
        name="the paper's budgets",
        showlegend=True,
        marker={"color": theme.BEST, "symbol": "star", "size": 14},
    )
    return figure


def genes_figure(info: SweepInfo) -> go.Figure:
    """Genes and size of the optimum against the budget, each in a small panel."""
    panels = {**GENE_TITLES, "size_mb": "Budget used"}
    figure = make_subplots(3, 2, subplot_titles=list(panels.values()), vertical_spacing=0.13, horizontal_spacing=0.12)
    figure.update_layout(theme.layout("", "", height=620, showlegend=False))
    figure.update_xaxes(gridcolor=theme.GRID, zerolinecolor=theme.GRID)
    figure.update_yaxes(gridcolor=theme.GRID, zerolinecolor=theme.GRID, rangemode="tozero")
    if not info.optima:
        return theme.note(figure, _nothing(info))
    budgets = [one.budget_mb for one, _ in info.optima]
    marked = [one.marked for one, _ in info.optima]
    figure.update_xaxes(_sparse(theme.log_axis(budgets)))
    figure.update_xaxes(title="Budget in MB", row=3)
    figure.update_yaxes(tickformat=".0%", row=3, col=2)
    for at, (key, title) in enumerate(panels.items()):
        share = [best.size_mb / one.budget_mb for one, best in info.optima]
        figure.add_scatter(
            x=budgets,
            y=[getattr(best, key) for _, best in info.optima] if key in GENE_TITLES else share,
            name=title,
            hovertemplate=f"{title} %{{y}} at %{{x:g}} MB<extra></extra>",
            mode="lines+markers",
            line={"color": theme.OPTIMUM, "width": 1.5, "shape": "hv" if key in GENE_TITLES else "linear"},
            marker={
                "opacity": 1,
                "symbol": ["star" if star else "circle" for star in marked],
                "size": [11 if star else 4 for star in marked],
                "color": [theme.BEST if star else theme.OPTIMUM for star in marked],
            },
            row=at // 2 + 1,
            col=at % 2 + 1,
        )
    return figure


def _nothing(info: SweepInfo) -> str:
    return "No budget has a known optimum" if info.budgets else "Waiting for the first optimum"


def _sparse(axis: Mapping[str, Any]) -> dict[str, Any]:
    """Logarithmic axis for a narrow panel: ticks only at powers of ten if it spans at least two."""
    low, high = axis["range"]
    powers = [10.0**power for power in range(math.ceil(low), math.floor(high) + 1)]
    return {**axis, "tickvals": powers, "ticktext": [f"{power:g}" for power in powers]} if len(powers) > 1 else {**axis}
