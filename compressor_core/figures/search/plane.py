"""Plane in which the candidates of a search are drawn: its axes, its limits and the region within them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from compressor_core.figures import theme
from compressor_core.figures.search.axes import AXES, GENES_HOVER, axes_of, places, values
from compressor_core.figures.search.info import Limit, SearchInfo
from compressor_core.figures.search.replay import Replay
from compressor_core.records import Candidate

X: Final = "size_mb"
Y: Final = "paper_gflops"
"""Default axes."""
WEBGL: Final = 10_000
"""Number of points above which WebGL draws a figure; with fewer, SVG is faster on a machine without a GPU."""
RIM: Final = {"width": 1, "color": "white"}
BEST: Final = {"color": theme.BEST, "size": 14, "symbol": "diamond", "line": RIM}
OPTIMUM: Final = {"color": theme.OPTIMUM, "size": 22, "symbol": "star-open", "line": {"width": 2.5}}
"""Markers of the best and of the optimum."""
PICKED: Final = {"color": theme.STUDENT, "size": 20, "symbol": "circle-open", "line": {"width": 3}}
UNDIMMED: Final = {"marker": {"opacity": 1}}


def choices(info: SearchInfo) -> list[str]:
    """Quantities that every candidate of a search has, size and computation first."""
    return axes_of(info.candidates) or [X, Y]


def plane(info: SearchInfo, x: str, y: str, *, only: Sequence[Candidate] | None = None, height: int = 520) -> Replay:
    """Logarithmic axes around all candidates (or `only` some) and the optimum, with the region within the limits."""
    shown = [*(info.candidates if only is None else only), *([info.optimum] if info.optimum else [])]
    axes = {
        letter: theme.log_axis([*(bound for _, bound in _on(info, key)), *values(shown, key)] or [1.0])
        for letter, key in (("x", x), ("y", y))
    }
    figure = Replay(
        layout=theme.layout(
            _label(info, x),
            _label(info, y),
            height=height,
            xaxis=axes["x"],
            yaxis=axes["y"],
            # With the same axes, a zoom survives the next update.
            uirevision=f"{x}/{y}",
            clickmode="event+select",
        )
    )
    corners: dict[str, float] = {}
    for letter, key in (("x", x), ("y", y)):
        low, high = (10.0**end for end in axes[letter]["range"])
        for limit, bound in _on(info, key):
            low, high = (low, min(high, bound)) if limit.at_most else (max(low, bound), high)
        corners |= {f"{letter}0": low, f"{letter}1": high}
    limited = any(_on(info, key) for key in (x, y))
    if limited and corners["x0"] < corners["x1"] and corners["y0"] < corners["y1"]:
        text = "within the limits" if len(info.limits) > 1 else "within the budget"
        figure.add_shape(
            type="rect",
            **corners,
            layer="below",
            line_width=0,
            fillcolor=theme.faint(theme.FEASIBLE, 0.1),
            label={"text": text, "textposition": "top left"},
        )
    return figure


def add_limits(figure: go.Figure, info: SearchInfo, x: str, y: str, scatter: type) -> None:
    """Add the limits of the two axes as lines, called last so that they lie above the points."""
    ends = {axis: [10.0**end for end in figure.layout[f"{axis}axis"].range] for axis in "xy"}
    for letter, other, key in (("x", "y", x), ("y", "x", y)):
        for limit, bound in _on(info, key):
            figure.add_trace(
                scatter(
                    **{letter: [bound, bound], other: ends[other]},
                    mode="lines",
                    name=limit.title,
                    hoverinfo="skip",
                    line={"color": theme.BEST, "width": 1.5, "dash": "dash"},
                )
            )


def limits_sentence(info: SearchInfo, x: str, y: str) -> str:
    """Sentence on the limits of other quantities, for which no region can be shaded; empty if there are none."""
    hidden = [limit.title for limit in info.limits if limit.key not in (x, y)]
    if not hidden:
        return ""
    return f"Not on these axes: {', '.join(hidden)}. A cross is what misses a limit, wherever it lies."


def details(individuals: Sequence[Candidate]) -> NDArray[np.float32]:
    """Custom data of a trace: the five genes, then the fitness."""
    return np.array([[*one.genes, one.fitness] for one in individuals], np.float32).reshape(-1, 6)


def points(individuals: Sequence[Candidate], x: str, y: str) -> dict[str, Any]:
    """Coordinates and custom data of a trace; an empty trace stays in the legend."""
    if not individuals:
        return {"x": [None], "y": [None], "customdata": [[]]}
    return {**places(individuals, x, y), "customdata": details(individuals)}


def hover(x: str, y: str) -> str:
    """Hover text of a point with `details`: all genes, the two coordinates and the fitness."""
    at = (f"%{{{letter}:{AXES[key].format}}} {AXES[key].unit}" for letter, key in (("x", x), ("y", y)))
    return f"{GENES_HOVER}<br>{' · '.join(at)} · fitness %{{customdata[5]:.3f}}<extra></extra>"


def add_one(
    figure: go.Figure, one: Candidate | None, x: str, y: str, scatter: type, name: str, marker: dict[str, Any]
) -> None:
    """Add one candidate as a large marker that shows its details on hover."""
    figure.add_trace(
        scatter(
            **points([one] if one else [], x, y),
            hovertemplate=f"<b>{name.capitalize()}</b><br>" + hover(x, y),
            mode="markers",
            name=name,
            showlegend=True,
            marker=marker,
            unselected=UNDIMMED,
        )
    )


def add_pick(figure: go.Figure, x: Sequence[Any], y: Sequence[Any], size: float = 20, **more: Any) -> None:
    """Mark the picked architecture with a ring, the same in every view."""
    figure.add_scatter(
        x=x, y=y, mode="markers", name="picked", marker={**PICKED, "size": size}, unselected=UNDIMMED,
        hoverinfo="skip", **more,
    )  # fmt: skip


def _on(info: SearchInfo, key: str) -> list[tuple[Limit, float]]:
    """Limits of one quantity, with their bounds in the unit of its axis."""
    return [(limit, limit.bound * AXES[key].scale) for limit in info.limits if limit.key == key]


def _label(info: SearchInfo, key: str) -> str:
    if key == "size_mb":
        return "Size in MB (10⁶ bytes, paper's account)" if info.soft else "Size in MB (10⁶ bytes, of the file)"
    if key == "paper_gflops":
        return "GFLOPs (paper's account)"
    if key == "parameters":
        return "Parameters in millions (paper's account)" if info.soft else "Parameters in millions"
    return AXES[key].label
