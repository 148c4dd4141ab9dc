"""One look for every figure: what is what has the same colour and the same shape everywhere.

The colours are those of Okabe and Ito (2008), which colour-blind readers can tell apart, in shades that stand out
on light and on dark. A marker's shape, a dash or a label always repeats what its colour says.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

TEACHER = "#3b8fd1"
STUDENT = "#e69f00"
OPTIMUM = "#cc79a7"
BEST = "#d55e00"
FEASIBLE = "#009e73"
INFEASIBLE = "#8a929b"
MUTED = "#8a929b"

GRID = "rgba(138, 146, 155, 0.25)"
HEIGHT = 400


def layout(x: str, y: str, *, height: int = HEIGHT, **more: Any) -> go.Layout:
    """The common layout: axis titles with units, a legend above, transparent paper."""
    axis = {"gridcolor": GRID, "zerolinecolor": GRID, "automargin": True}
    settings: dict[str, Any] = {
        "height": height,
        "margin": {"l": 10, "r": 10, "t": 40, "b": 10},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left", "title": None},
        "xaxis": {"title": {"text": x}, **axis},
        "yaxis": {"title": {"text": y}, **axis},
        "hoverlabel": {"align": "left"},
    }
    for key, value in more.items():
        settings[key] = {**settings[key], **value} if isinstance(settings.get(key), dict) else value
    return go.Layout(**settings)


def note(figure: go.Figure, text: str) -> go.Figure:
    """Say in the middle of an empty figure why it is empty."""
    figure.add_annotation(
        text=text, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 14, "color": MUTED}
    )
    return figure
