"""Figures of a comparison by part of the data: kinds of examples, and lengths."""

from __future__ import annotations

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.compare.info import ComparisonInfo, bars
from compressor_core.records import Part


def groups_figure(info: ComparisonInfo) -> go.Figure:
    """Accuracy by kind of example, the models as points on a line, from the largest loss to the largest gain."""
    kinds = info.kinds
    row = 30 if info.alone else 36
    figure = go.Figure(
        layout=theme.layout("Accuracy", "", height=120 + row * max(len(kinds), 4), xaxis={"tickformat": ".0%"})
    )
    if not kinds:
        return theme.note(figure, "This dataset does not name the kinds of its examples")
    groups = {side.title: side.groups for side in info.sides}
    names = [f"{kind} ({info.teacher.groups[kind].examples:,})" for kind in kinds]
    x: list[float | None] = []
    y: list[str | None] = []
    for name, kind in zip(names, kinds, strict=True):
        accuracies = [groups[side.title][kind].accuracy for side in info.sides]
        x += [min(accuracies), max(accuracies), None]
        y += [name, name, None]
    figure.add_scatter(
        x=x, y=y, mode="lines", line={"color": theme.MUTED, "width": 2}, hoverinfo="skip", showlegend=False
    )
    for side in info.sides:
        parts = [groups[side.title][kind] for kind in kinds]
        figure.add_scatter(
            x=[part.accuracy for part in parts],
            y=names,
            mode="markers",
            name=side.title,
            marker={"color": side.look.color, "symbol": side.look.symbol, "size": 11},
            customdata=[_interval_text(part) for part in parts],
            hovertemplate=f"%{{y}}<br>{side.title}: %{{x:.1%}}%{{customdata}}<extra></extra>",
        )
    figure.update_yaxes(autorange="reversed", type="category")
    return figure


def lengths_figure(info: ComparisonInfo) -> go.Figure:
    """Accuracy by length of the input, from the shortest fifth of the examples to the longest."""
    figure = go.Figure(
        layout=theme.layout(
            "Length (characters), a fifth of the examples each", "Accuracy", height=360, yaxis={"tickformat": ".0%"}
        )
    )
    names = [part.name for part in info.teacher.found.lengths]
    width = 0.5 / len(info.sides)
    for place, side in enumerate(info.sides):
        parts = side.found.lengths
        accuracies = [part.accuracy for part in parts]
        figure.add_scatter(
            # Side by side, so that the bars can be told apart.
            x=[part + (place - (len(info.sides) - 1) / 2) * width for part in range(len(parts))],
            y=accuracies,
            mode="lines+markers",
            name=side.title,
            line={**side.look.line, "width": 1.5},
            marker={"symbol": side.look.symbol, "size": 10},
            error_y=bars(accuracies, [part.interval for part in parts], thickness=1.5, width=4),
            customdata=[[part.name, part.examples, _interval_text(part)] for part in parts],
            hovertemplate=f"{side.title}: %{{y:.1%}}%{{customdata[2]}}<br>%{{customdata[0]}} characters, "
            "%{customdata[1]:,} examples<extra></extra>",
        )
    figure.update_xaxes(tickvals=list(range(len(names))), ticktext=names, range=[-0.5, len(names) - 0.5])
    return figure


def _interval_text(part: Part) -> str:
    return f"<br>95%: {part.interval[0]:.1%} to {part.interval[1]:.1%}"
