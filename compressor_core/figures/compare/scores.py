"""Figures of a comparison: scores with their intervals, what each student loses, and confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.compare.info import SCORES, ComparisonInfo, SideInfo


def scores_figure(info: ComparisonInfo) -> go.Figure:
    """Accuracy, precision, recall and F1 of every model as points, with their 95% intervals as bars."""
    sides = info.sides
    step = 0.8 / len(sides)
    figure = go.Figure(
        layout=theme.layout(
            "Score, with its 95% interval" if info.resamples else "Score",
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
        values = [side.scores[score] for score in SCORES]
        ends = [side.intervals.get(score) or (value, value) for score, value in zip(SCORES, values, strict=True)]
        figure.add_scatter(
            x=values,
            y=[row + (place + 0.5) * step - 0.4 for row in range(len(SCORES))],
            mode="markers",
            name=side.title,
            marker={"color": side.color, "symbol": side.look.symbol, "size": 10},
            error_x=_bars(values, ends, side),
            customdata=[[name, *pair] for name, pair in zip(SCORES.values(), ends, strict=True)],
            hovertemplate=f"{side.title}<br>%{{customdata[0]}} %{{x:.2%}}"
            + ("<br>95%: %{customdata[1]:.2%} to %{customdata[2]:.2%}" if side.intervals else "")
            + "<extra></extra>",
        )
        # Beside the bar, not over it.
        figure.add_scatter(
            x=[high for _, high in ends],
            y=[row + (place + 0.5) * step - 0.4 for row in range(len(SCORES))],
            mode="text",
            text=[f"  {value:.1%}" for value in values],
            textposition="middle right",
            textfont={"size": 11},
            showlegend=False,
            hoverinfo="skip",
        )
    low = min([side.scores[score] for side in sides for score in SCORES] + _all_ends(info, 0))
    high = max([side.scores[score] for side in sides for score in SCORES] + _all_ends(info, 1))
    margin = max(high - low, 0.02)
    figure.update_xaxes(range=[max(0.0, low - 0.08 * margin), high + 0.22 * margin])
    for row in range(1, len(SCORES)):
        figure.add_hline(y=row - 0.5, line={"color": theme.GRID, "width": 1})
    return figure


def losses_figure(info: ComparisonInfo) -> go.Figure:
    """How much accuracy each student loses to the teacher, in percentage points, with the interval of the pair."""
    figure = go.Figure(
        layout=theme.layout(
            "Accuracy lost (percentage points)",
            "",
            height=130 + 44 * len(info.pairs),
            showlegend=False,
            yaxis={"type": "category", "autorange": "reversed", "showgrid": False},
        )
    )
    if not info.resamples:
        return theme.note(figure, "This run is of an older version: compare again for intervals")
    for side, pair in zip(info.students, info.pairs, strict=True):
        low, high = pair.loss_interval or (pair.loss, pair.loss)
        figure.add_scatter(
            x=[pair.loss * 100],
            y=[pair.title],
            mode="markers",
            name=side.title,
            marker={"color": side.color, "symbol": side.look.symbol, "size": 12},
            error_x=_bars([pair.loss * 100], [(low * 100, high * 100)], side),
            hovertemplate=f"{side.title}: %{{x:.2f}} points<br>95%: {low * 100:.2f} to {high * 100:.2f}<extra></extra>",
        )
    figure.add_vline(x=0, line={"color": theme.TEACHER, "width": 2, "dash": "dash"})
    return figure


def confusion_figure(side: SideInfo, labels: Sequence[str] = ("0", "1")) -> go.Figure:
    """How often each gold class was predicted as each class; shares are of the gold class."""
    shares = [[cell / max(sum(row), 1) for cell in row] for row in side.confusion]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=list(labels),
            y=list(labels),
            colorscale=[[0, theme.faint(side.color, 0)], [1, theme.faint(side.color, 0.75)]],
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="truth %{y}, predicted %{x}: %{z:.1%}<extra></extra>",
        ),
        layout=theme.layout(f"Predicted: {side.title}", "Truth", height=300, showlegend=False),
    )
    # Text of its own, because a heatmap's would be coloured for a white page, in the dark too.
    cells = [(row, column) for row in (0, 1) for column in (0, 1)]
    figure.add_scatter(
        x=[labels[column] for _, column in cells],
        y=[labels[row] for row, _ in cells],
        text=[f"<b>{side.confusion[row][column]:,}</b><br>{shares[row][column]:.0%}" for row, column in cells],
        mode="text",
        textfont={"size": 15},
        hoverinfo="skip",
    )
    figure.update_xaxes(type="category", showgrid=False)
    figure.update_yaxes(type="category", autorange="reversed", showgrid=False)
    return figure


def _bars(values: Sequence[float], ends: Sequence[tuple[float, float]], side: SideInfo) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [max(0.0, high - value) for value, (_, high) in zip(values, ends, strict=True)],
        "arrayminus": [max(0.0, value - low) for value, (low, _) in zip(values, ends, strict=True)],
        "color": side.color,
        "thickness": 2,
        "width": 5,
    }


def _all_ends(info: ComparisonInfo, end: int) -> list[float]:
    return [interval[end] for side in info.sides for interval in side.intervals.values()]
