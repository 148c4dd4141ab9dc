"""Figures of a dataset: survey → Plotly figures."""

from __future__ import annotations

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.records import Survey

_COLORS = (theme.FEASIBLE, theme.BEST)
_HATCH = ("", "/")


def balance_figure(survey: Survey) -> go.Figure:
    """Labels of each split side by side, with their shares."""
    figure = go.Figure(
        layout=theme.layout(
            "Examples",
            "",
            height=90 + 46 * max(len(survey.splits), 2),
            barmode="stack",
            yaxis={"autorange": "reversed"},
            legend={"traceorder": "normal"},
        )
    )
    if not survey.splits:
        return theme.note(figure, "There are no examples")
    names = [split.split.capitalize() for split in survey.splits]
    room = 0.09 * max(split.examples for split in survey.splits)
    for label, name in enumerate(survey.labels):
        figure.add_bar(
            orientation="h",
            y=names,
            x=[split.counts[label] for split in survey.splits],
            name=name,
            text=[_share(split.counts[label], split.examples, room) for split in survey.splits],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            marker={
                "color": _COLORS[label],
                "line": {"color": _COLORS[label], "width": 1},
                "pattern": {
                    "shape": _HATCH[label],
                    "fillmode": "overlay",
                    "fgcolor": "rgba(0,0,0,0.25)",
                    "solidity": 0.15,
                },
            },
            hovertemplate="%{y}, " + name + ": %{x:,}<extra></extra>",
        )
    if any(split.unlabelled for split in survey.splits):
        figure.add_bar(
            orientation="h",
            y=names,
            x=[split.unlabelled for split in survey.splits],
            name="no label",
            marker={"color": theme.faint(theme.MUTED, 0.5)},
            hovertemplate="%{y}, no label: %{x:,}<extra></extra>",
        )
    return figure


def lengths_figure(survey: Survey) -> go.Figure:
    """Histogram of the lengths of functions, in ranges that double every two bars."""
    figure = go.Figure(layout=theme.layout("Words and signs in a function", "Functions", height=300, bargap=0.06))
    if not survey.functions_by_length:
        return theme.note(figure, "There are no functions")
    names = [
        f"{low:,}" if high - low == 1 else f"{low:,}–{high - 1:,}"
        for low, high in zip(survey.edges, survey.edges[1:], strict=False)
    ]
    figure.add_bar(
        x=names,
        y=survey.functions_by_length,
        marker={"color": theme.faint(theme.TEACHER, 0.8)},
        hovertemplate="%{x} words and signs: %{y:,} functions<extra></extra>",
        showlegend=False,
    )
    figure.update_xaxes(type="category")
    return figure


def _share(count: int, of: int, room: float) -> str:
    """Share in percent; empty if the bar is too short for the text."""
    return f"{count / of:.0%}" if count > room else ""
