"""The plane that the candidates of a search are drawn in: its axes, its limits and the region within them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from compressor_core.figures import theme
from compressor_core.figures.search.axes import AXES, axes_of
from compressor_core.figures.search.info import GENE_TITLES, Individual, SearchInfo
from compressor_core.figures.search.replay import Replay

X: Final = "size_mb"
Y: Final = "paper_gflops"
"""The axes that are shown unless others are chosen."""
WEBGL: Final = 10_000
"""With more points than this a figure is drawn by the graphics card; fewer are sooner drawn without, where the
processor has to stand in for it."""
RIM: Final = {"width": 1, "color": "white"}


def choices(info: SearchInfo) -> list[str]:
    """The quantities that every candidate of a search has, size and computation first."""
    return axes_of(_shown(info)) or [X, Y]


def plane(info: SearchInfo, x: str, y: str, *, only: Sequence[Individual] | None = None, height: int = 520) -> Replay:
    """Logarithmic axes around all candidates (or `only` some) and the optimum, with the limits that are on them."""
    shown = [*(info.candidates if only is None else only), *([info.optimum] if info.optimum else [])]
    figure = Replay(
        layout=theme.layout(
            _label(info, x),
            _label(info, y),
            height=height,
            xaxis=theme.log_axis([*_bounds(info, x), *values(shown, x)] or [1.0]),
            yaxis=theme.log_axis([*_bounds(info, y), *values(shown, y)] or [1.0]),
            # The same axes, the same view: a zoom survives what is drawn next.
            uirevision=f"{x}/{y}",
            clickmode="event+select",
        )
    )
    whole = {axis: tuple(10.0**end for end in figure.layout[f"{axis}axis"].range) for axis in "xy"}
    span = dict(whole)
    for limit in info.limits:
        for letter, key in (("x", x), ("y", y)):
            if limit.key == key:
                bound = limit.bound * AXES[key].scale
                low, high = span[letter]
                span[letter] = (low, min(high, bound)) if limit.at_most else (max(low, bound), high)
    if span != whole and all(low < high for low, high in span.values()):
        figure.add_shape(
            type="rect",
            x0=span["x"][0],
            x1=span["x"][1],
            y0=span["y"][0],
            y1=span["y"][1],
            layer="below",
            line_width=0,
            fillcolor=theme.faint(theme.FEASIBLE, 0.1),
            label={
                "text": "within the limits" if len(info.limits) > 1 else "within the budget",
                "textposition": "top left",
            },
        )
    return figure


def add_limits(figure: go.Figure, info: SearchInfo, x: str, y: str, scatter: type) -> None:
    """The limits that lie on the axes as lines, last so that they lie above the points."""
    ends = {axis: [10.0**end for end in figure.layout[f"{axis}axis"].range] for axis in "xy"}
    for limit in info.limits:
        for letter, other, key in (("x", "y", x), ("y", "x", y)):
            if limit.key == key:
                bound = limit.bound * AXES[key].scale
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
    """Which limits are not on the two axes, so that no region can be shaded for them; empty if all are."""
    hidden = [limit.title for limit in info.limits if limit.key not in (x, y)]
    if not hidden:
        return ""
    return f"Not on these axes: {', '.join(hidden)}. A cross is what misses a limit, wherever it lies."


def values(individuals: Iterable[Individual], key: str) -> NDArray[np.float32]:
    """One quantity of many individuals, in the unit of its axis."""
    return np.array([one[key] for one in individuals], np.float32) * np.float32(AXES[key].scale)


def places(individuals: Sequence[Individual], x: str, y: str) -> dict[str, Any]:
    """The coordinates of a trace."""
    return {"x": values(individuals, x), "y": values(individuals, y)}


def details(individuals: Sequence[Individual]) -> NDArray[np.float32]:
    """The custom data of a trace: the five genes, then the fitness."""
    rows = [[*(one[gene] for gene in GENE_TITLES), one["fitness"]] for one in individuals]
    return np.array(rows, np.float32).reshape(-1, len(GENE_TITLES) + 1)


def points(individuals: Sequence[Individual], x: str, y: str) -> dict[str, Any]:
    """Coordinates and custom data of a trace; without any point it still stays in the legend."""
    if not individuals:
        return {"x": [None], "y": [None], "customdata": [[]]}
    return {**places(individuals, x, y), "customdata": details(individuals)}


def hover(x: str, y: str) -> str:
    """All genes, the two coordinates and the fitness of a point that has `details`."""
    x_axis, y_axis = AXES[x], AXES[y]
    return (
        "vocabulary %{customdata[0]:,} · width %{customdata[1]}<br>"
        "layers %{customdata[2]} · heads %{customdata[3]} · feed-forward %{customdata[4]}<br>"
        f"%{{x:{x_axis.format}}} {x_axis.unit} · %{{y:{y_axis.format}}} {y_axis.unit} · "
        "fitness %{customdata[5]:.3f}<extra></extra>"
    )


def add_optimum(figure: go.Figure, info: SearchInfo, x: str, y: str, scatter: type) -> None:
    """The true optimum, if it is known."""
    figure.add_trace(
        scatter(
            **points([info.optimum] if info.optimum else [], x, y),
            hovertemplate="<b>True optimum</b><br>" + hover(x, y),
            mode="markers",
            name="true optimum",
            marker={"color": theme.OPTIMUM, "size": 22, "symbol": "star-open", "line": {"width": 2.5}},
            unselected={"marker": {"opacity": 1}},
        )
    )


def _shown(info: SearchInfo) -> list[Mapping[str, Any]]:
    return [*info.candidates, *([info.optimum] if info.optimum else [])]


def _bounds(info: SearchInfo, key: str) -> list[float]:
    return [limit.bound * AXES[key].scale for limit in info.limits if limit.key == key]


def _label(info: SearchInfo, key: str) -> str:
    if key == "size_mb":
        return "Size in MB (10⁶ bytes, paper's account)" if info.soft else "Size in MB (10⁶ bytes, of the file)"
    if key == "paper_gflops":
        return "GFLOPs (paper's account)"
    if key == "parameters":
        return "Parameters in millions (paper's account)" if info.soft else "Parameters in millions"
    return AXES[key].label
