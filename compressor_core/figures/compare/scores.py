"""Figures of a comparison: scores with their intervals, what each student loses, and confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.compare.info import SCORES, ComparisonInfo, SideInfo, bars


def scores_figure(info: ComparisonInfo) -> go.Figure:
    """Accuracy, precision, recall and F1 of every model as points, with their 95% intervals as bars."""
    sides = info.sides
    step = 0.8 / len(sides)
    figure = go.Figure(
        layout=theme.layout(
            "Score, with its 95% interval",
            "",
            height=120 + len(SCORES) * max(46, 23 * len(sides)),
            xaxis={"tickformat": ".0%"},
            yaxis={
                "tickvals": list(range(len(SCORES))),
                "ticktext": list(SCORES.values()),
                "range": [len(SCORES) - 0.5, -0.5],
                "showgrid": False,
                "zeroline": False,
            },
        )
    )
    for place, side in enumerate(sides):
        rows = [row + (place + 0.5) * step - 0.4 for row in range(len(SCORES))]
        figure.add_scatter(
            x=side.scores,
            y=rows,
            mode="markers",
            name=side.title,
            marker={"color": side.look.color, "symbol": side.look.symbol, "size": 10},
            error_x=bars(side.scores, side.intervals, color=side.look.color, thickness=2, width=5),
            customdata=[[name, *ends] for name, ends in zip(SCORES.values(), side.intervals, strict=True)],
            hovertemplate=f"{side.title}<br>%{{customdata[0]}} %{{x:.2%}}"
            "<br>95%: %{customdata[1]:.2%} to %{customdata[2]:.2%}<extra></extra>",
        )
        # Beside the bar, not over it.
        figure.add_scatter(
            x=[high for _, high in side.intervals],
            y=rows,
            mode="text",
            text=[f"  {value:.1%}" for value in side.scores],
            textposition="middle right",
            textfont={"size": 11},
            showlegend=False,
            hoverinfo="skip",
        )
    values = [value for side in sides for value in side.scores]
    low = min(values + [low for side in sides for low, _ in side.intervals])
    high = max(values + [high for side in sides for _, high in side.intervals])
    margin = max(high - low, 0.02)
    figure.update_xaxes(range=[max(0.0, low - 0.08 * margin), high + 0.22 * margin])
    for row in range(1, len(SCORES)):
        figure.add_hline(y=row - 0.5, line={"color": theme.GRID, "width": 1})
    return figure


def losses_figure(info: ComparisonInfo) -> go.Figure:
    """Accuracy that each student loses to the teacher, in percentage points, with the paired interval."""
    figure = go.Figure(
        layout=theme.layout(
            "Accuracy lost (percentage points)",
            "",
            height=130 + 44 * len(info.students),
            showlegend=False,
            yaxis={"type": "category", "autorange": "reversed", "showgrid": False},
        )
    )
    for side in info.students:
        loss, (low, high) = side.loss * 100, (end * 100 for end in side.loss_interval)
        figure.add_scatter(
            x=[loss],
            y=[side.title],
            mode="markers",
            name=side.title,
            marker={"color": side.look.color, "symbol": side.look.symbol, "size": 12},
            error_x=bars([loss], [(low, high)], color=side.look.color, thickness=2, width=5),
            hovertemplate=f"{side.title}: %{{x:.2f}} points<br>95%: {low:.2f} to {high:.2f}<extra></extra>",
        )
    figure.add_vline(x=0, line={"color": theme.TEACHER, "width": 2, "dash": "dash"})
    return figure


def confusion_figure(side: SideInfo, labels: Sequence[str] = ("0", "1")) -> go.Figure:
    """How often each gold class was predicted as each class; shares are of the gold class."""
    confusion, color = side.found.confusion, side.look.color
    shares = [[cell / max(sum(row), 1) for cell in row] for row in confusion]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=list(labels),
            y=list(labels),
            colorscale=[[0, theme.faint(color, 0)], [1, theme.faint(color, 0.75)]],
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="truth %{y}, predicted %{x}: %{z:.1%}<extra></extra>",
        ),
        layout=theme.layout(f"Predicted: {side.title}", "Truth", height=300, showlegend=False),
    )
    # Separate annotations, because Plotly colours a heatmap's text for a white page even in the dark theme.
    cells = [(row, column) for row in (0, 1) for column in (0, 1)]
    figure.add_scatter(
        x=[labels[column] for _, column in cells],
        y=[labels[row] for row, _ in cells],
        text=[f"<b>{confusion[row][column]:,}</b><br>{shares[row][column]:.0%}" for row, column in cells],
        mode="text",
        textfont={"size": 15},
        hoverinfo="skip",
    )
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    return figure
