"""Common look of all figures: the same thing has the same colour and shape everywhere.

The colours are those of Okabe and Ito (2008), which colour-blind readers can tell apart, in shades with a contrast of
3:1 on light and dark backgrounds (WCAG 2, 1.4.11). A marker's shape, a dash or a label always repeats what the colour
says. No colour gives text a contrast of 4.5:1 on both, so text takes the colour of the page.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

TEACHER = "#3b8fd1"
STUDENT = "#c28400"
OPTIMUM = "#cc79a7"
BEST = "#d55e00"
FEASIBLE = "#009e73"
INFEASIBLE = "#8a929b"
MUTED = "#8a929b"
GREY = "#747d89"
INK = {"light": "#1d2733", "dark": "#e8ecf0"}
PAPER = {"light": "#ffffff", "dark": "#12171d"}
"""Text and background of each theme, as in `.streamlit/config.toml`."""
CYCLE = (TEACHER, STUDENT, FEASIBLE, BEST, OPTIMUM, GREY)
"""Colours for things without a meaning of their own, such as several runs; each also has a dash and a symbol."""


@dataclass(frozen=True)
class Look:
    """Look of one of several models: a colour, and the dash, symbol and pattern that repeat it."""

    color: str
    dash: str
    symbol: str
    pattern: str

    @property
    def line(self) -> dict[str, Any]:
        """Line style of a trace of lines."""
        return {"color": self.color, "dash": self.dash, "width": 2.5}

    @property
    def bar(self) -> dict[str, Any]:
        """Marker of a trace of bars."""
        hatched = {"shape": self.pattern, "fillmode": "overlay", "fgcolor": "rgba(0,0,0,0.35)", "solidity": 0.2}
        return {"color": self.color, "pattern": {**hatched, "size": 10} if self.pattern else {"shape": ""}}


OF_TEACHER = Look(TEACHER, "solid", "square", "")
OF_STUDENTS = (
    Look(STUDENT, "dot", "circle", "/"),
    Look(FEASIBLE, "dash", "diamond", "\\"),
    Look(BEST, "dashdot", "triangle-up", "x"),
    Look(OPTIMUM, "longdash", "cross", "."),
)
"""Looks of up to four students of one teacher, in order."""
SCALE = ((0.0, "#6a5fd0"), (0.5, "#c9518a"), (1.0, "#c28400"))
"""Scale from low to high for points and lines. Both ends are visible on light and dark; lightness rises throughout."""
SHARES = ((0.0, "rgba(59,143,209,0)"), (0.001, "rgba(59,143,209,0.25)"), (1.0, "rgba(59,143,209,1)"))
HEIGHTS = "Cividis"
"""Scale from low to high for maps, made for colour-blind readers (Nuñez, Anderton and Renslow, 2018)."""
BAR = {"orientation": "h", "thickness": 10, "x": 0, "xanchor": "left", "len": 1, "xpad": 0, "yanchor": "top"}
"""Colour bar below its figure, so that it takes no width on a phone."""

GRID = "rgba(138, 146, 155, 0.25)"
HEIGHT = 400


def layout(x: str, y: str, *, height: int = HEIGHT, **more: Any) -> go.Layout:
    """Common layout: axis titles with units, a legend above, transparent background."""
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


def notebook_template() -> go.layout.Template:
    """Template for notebooks in light and dark themes: text readable on both, no background."""
    return go.layout.Template(layout={"font": {"color": GREY}})


def faint(color: str, opacity: float) -> str:
    """Translucent version of a `#rrggbb` colour."""
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


def log_axis(values: Sequence[float]) -> dict[str, Any]:
    """Logarithmic axis around positive values, with at least three ticks labelled by full numbers."""
    low, high = math.log10(min(values)), math.log10(max(values))
    margin = 0.06 * max(high - low, 0.5)
    low, high = low - margin, high + margin
    powers = [10.0**power for power in range(math.floor(low), math.ceil(high))]
    for digits in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8), [digit / 10 for digit in range(10, 100)]):
        ticks = [digit * power for power in powers for digit in digits if low <= math.log10(digit * power) <= high]
        if len(ticks) >= 3:
            break
    return {
        "type": "log",
        "range": [low, high],
        "tickvals": ticks,
        "ticktext": [f"{tick:,.10g}" for tick in ticks],
    }


def note(figure: go.Figure, text: str) -> go.Figure:
    """Write in the middle of an empty figure why it is empty."""
    figure.update_xaxes(showticklabels=False, showgrid=False, zeroline=False)
    figure.update_yaxes(showticklabels=False, showgrid=False, zeroline=False)
    figure.add_annotation(text=text, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font={"size": 14})
    return figure
