"""Parallel coordinates of a search: one axis for each gene and each quantity, one line for each candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from compressor_core.figures import theme
from compressor_core.figures.plane import choices, values
from compressor_core.figures.search import GENE_TITLES, SearchInfo, goal_title

MOST_LINES: Final = 1_000
"""Of more candidates, every second or third one by rank is drawn: more lines hide each other, and take seconds."""

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class ParallelInfo:
    """Columns over the candidates that are drawn, the fittest last so that their lines lie on top."""

    stride: int
    """One in so many candidates is drawn, the fittest among them."""
    genes: dict[str, FloatArray]
    quantities: dict[str, FloatArray]
    """In the units of their axes."""
    feasible: NDArray[np.bool_]
    fitness: FloatArray
    """As the goal says it: of a goal to be minimised without its minus. NaN for what misses a limit, but in the
    paper's mode, where fitness alone counts."""


def parallel_info(info: SearchInfo) -> ParallelInfo:
    """The columns of the candidates."""
    stride = max(1, -(-len(info.candidates) // MOST_LINES))
    ranked = sorted(info.candidates, key=lambda one: (info.soft or one["feasible"], one["fitness"]))
    drawn = ranked[::-1][::stride][::-1]
    feasible = np.array([one["feasible"] for one in drawn], np.bool_)
    fitness = np.array([one["fitness"] for one in drawn], np.float32) * (1 if info.maximised else -1)
    return ParallelInfo(
        stride=stride,
        genes={gene: np.array([one[gene] for one in drawn], np.float32) for gene in GENE_TITLES},
        quantities={key: values(drawn, key) for key in choices(info) if key != "parameters"},
        feasible=feasible,
        fitness=fitness if info.soft else np.where(feasible, fitness, np.float32(np.nan)),
    )


def parallel_sentence(info: SearchInfo) -> str:
    """How many candidates are drawn, in words; empty if all are."""
    stride = parallel_info(info).stride
    return f"One in {stride} of the {len(info.candidates):,} candidates is drawn." if stride > 1 else ""


def parallel_figure(info: SearchInfo) -> go.Figure:
    """A line for each candidate, coloured by fitness; an axis is brushed by dragging along it."""
    figure = go.Figure(layout=theme.layout("", "", height=560, margin={"l": 40, "r": 50, "t": 100, "b": 30}))
    if not info.candidates:
        return theme.note(figure, "Waiting for the first generation")
    shown = parallel_info(info)
    known = shown.fitness[np.isfinite(shown.fitness)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if info.soft:
        low = max(low, -abs(high))  # the paper's penalty has no bottom
    worst = low if info.maximised else high
    figure.add_parcoords(
        dimensions=[
            *(_gene(gene, column) for gene, column in shown.genes.items()),
            *(_quantity(key, column) for key, column in shown.quantities.items()),
            {
                "label": "Fits",
                "values": shown.feasible.astype(np.float32),
                "range": [0, 1],
                "tickvals": [0, 1],
                "ticktext": ["no", "yes"],
            },
        ],
        line={
            "color": np.where(np.isnan(shown.fitness), np.float32(worst), shown.fitness),
            "colorscale": theme.SCALE,
            "reversescale": not info.maximised,
            "cmin": low,
            "cmax": high if high > low else low + 1,
            "colorbar": {**theme.BAR, "title": {"text": goal_title(info), "side": "top"}, "y": -0.06},
        },
        labelfont={"size": 13},
        labelangle=-30,
    )
    return figure


def _gene(gene: str, column: FloatArray) -> dict[str, Any]:
    low, high = float(column.min()), float(column.max())
    axis: dict[str, Any] = {"label": GENE_TITLES[gene], "values": column, "range": _range(low, high)}
    occurring = np.unique(column)
    if len(occurring) <= 12:
        axis |= {"tickvals": occurring.tolist(), "ticktext": [f"{value:,.0f}" for value in occurring]}
    return axis


def _quantity(key: str, column: FloatArray) -> dict[str, Any]:
    """Logarithmic: parallel coordinates have no such axis of their own."""
    axis = theme.log_axis(column.tolist())
    low, high = axis["range"]
    inside = [(tick, text) for tick, text in zip(axis["tickvals"], axis["ticktext"], strict=True)
              if low <= np.log10(tick) <= high]  # fmt: skip
    return {
        "label": f"{SHORT[key]}",
        "values": np.log10(column),
        "range": [low, high],
        "tickvals": [float(np.log10(tick)) for tick, _ in inside],
        "ticktext": [text for _, text in inside],
    }


SHORT: Final = {"size_mb": "Size, MB", "paper_gflops": "GFLOPs", "latency_ms": "Latency, ms", "accuracy": "Accuracy, %"}
"""Titles that fit above an axis."""


def _range(low: float, high: float) -> list[float]:
    return [low, high] if high > low else [low - 1, high + 1]
