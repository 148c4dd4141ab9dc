"""Several searches on the same axes: from their records to what they show, and from that to Plotly figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.search.axes import AXES, axes_of
from compressor_core.figures.search.gaps import GapAxis, gap_text, turns
from compressor_core.figures.search.info import short_form
from compressor_core.figures.search.plane import WEBGL

MOST_RUNS: Final = 6
DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "cross", "x")
WITH: Final[Mapping[str, str]] = {"evaluations": "Architectures judged", "generation": "Generation"}
HEIGHTS: Final[Mapping[str, str]] = {"gap": "Gap to the run's own optimum", "fitness": "Best fitness so far"}

Individual = Mapping[str, Any]


@dataclass(frozen=True)
class OverlayRun:
    """One search as it is drawn; `slot` settles its colour, dash and symbol. The series go by generation."""

    title: str
    slot: int
    soft: bool
    budget_mb: float
    generation: tuple[int, ...]
    evaluations: tuple[int, ...]
    fitness: tuple[float | None, ...]
    """Best so far; None while nothing feasible was met."""
    gap: tuple[float | None, ...]
    """Of the best so far, as a share of the optimum; None also where the optimum is not known."""
    population: tuple[Individual, ...]
    """The last generation, under a cap those within the limits."""
    trail: tuple[Individual, ...]
    """The best so far, each as it came up."""
    optimum: Individual | None

    @property
    def color(self) -> str:
        return theme.CYCLE[self.slot % MOST_RUNS]

    @property
    def dash(self) -> str:
        return DASHES[self.slot % MOST_RUNS]

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.slot % MOST_RUNS]


@dataclass(frozen=True)
class OverlayInfo:
    """The searches that are held against each other."""

    runs: tuple[OverlayRun, ...]

    @property
    def axes(self) -> list[str]:
        """The quantities that every architecture shown has."""
        return axes_of(_shown(self))


def free_slots(chosen: Sequence[str], taken: Mapping[str, int]) -> dict[str, int]:
    """A slot for each of the chosen: the one it had, or the lowest that is free."""
    slots = {one: taken[one] for one in chosen if one in taken}
    for one in chosen:
        if one not in slots:
            slots[one] = next(slot for slot in range(len(chosen)) if slot not in slots.values())
    return {one: slots[one] for one in chosen}


def overlay_run(title: str, slot: int, config: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> OverlayRun:
    """From the settings and the records of a search run, in any state; other records are passed over."""
    generations: dict[int, Mapping[str, Any]] = {}
    optimum: Individual | None = None
    for record in records:
        if record["type"] == "optimum":
            optimum = record
        elif record["type"] == "generation":
            generations[record["generation"]] = record
    ordered = [generations[number] for number in sorted(generations)]
    soft = config.get("constraint") == "paper"
    bests = [record["best"] for record in ordered]
    fitness = tuple(best["fitness"] if best else None for best in bests)
    last = ordered[-1]["individuals"] if ordered else []
    return OverlayRun(
        title=f"{slot + 1}. {title}",
        slot=slot,
        soft=soft,
        budget_mb=float(config["budget_mb"]),
        generation=tuple(record["generation"] for record in ordered),
        evaluations=tuple(record["evaluations"] for record in ordered),
        fitness=fitness,
        gap=tuple(_gap(optimum, value) for value in fitness),
        population=tuple(one for one in last if soft or one["feasible"]),
        trail=tuple({best["id"]: best for best in bests if best}.values()),
        optimum=optimum,
    )


def overlay_notes(info: OverlayInfo) -> list[str]:
    """What cannot be seen in the figures, a sentence for each run that it is about."""
    notes = []
    for run in info.runs:
        if not run.generation:
            notes.append(f"{run.title}: no generation is recorded yet.")
            continue
        if not run.trail:
            notes.append(f"{run.title}: nothing within its limits was found, so it has no line.")
        if run.optimum is None:
            notes.append(f"{run.title}: its optimum is not known, so it has no gap; look at its fitness.")
    return notes


def overlay_rows(info: OverlayInfo) -> list[dict[str, Any]]:
    """A table of how each run ended, or stands."""
    return [
        {
            "Run": run.title,
            "Best": short_form(run.trail[-1]) if run.trail else "–",
            "Size (MB)": run.trail[-1]["size_mb"] if run.trail else None,
            "GFLOPs": run.trail[-1]["paper_gflops"] if run.trail else None,
            "Gap": gap_text(run.gap[-1] if run.gap else None, none="0%"),
            "Generations": run.generation[-1] if run.generation else None,
            "Architectures judged": run.evaluations[-1] if run.evaluations else None,
        }
        for run in info.runs
    ]


def convergence_figure(info: OverlayInfo, by: str = "evaluations", height: str = "gap") -> go.Figure:
    """The best so far of each run, `by` "evaluations" or "generation"; `height` is "gap" or "fitness".

    A line begins where the run met something within its limits.
    """
    figure = go.Figure(layout=theme.layout(WITH[by], HEIGHTS[height], uirevision=f"{by}/{height}"))
    drawn = [run for run in info.runs if any(value is not None for value in getattr(run, height))]
    if not drawn:
        return theme.note(figure, "No search here has found anything yet" if info.runs else "Choose searches above")
    axis = GapAxis.around(value for run in drawn for value in run.gap)
    if height == "gap":
        figure.update_yaxes(axis.settings())
    for run in drawn:
        series = getattr(run, height)
        at = [place for place in turns(series) if series[place] is not None]
        told = [series[place] for place in at]
        figure.add_scatter(
            x=[getattr(run, by)[place] for place in at],
            y=axis.place(told) if height == "gap" else told,
            customdata=[gap_text(value) if height == "gap" else f"{value:.4f}" for value in told],
            hovertemplate=f"%{{x:,}} {WITH[by].lower()}<br>%{{customdata}}<extra>{run.title}</extra>",
            mode="lines+markers",
            name=run.title,
            showlegend=True,
            line={"color": run.color, "dash": run.dash, "width": 2, "shape": "hv"},
            marker={"symbol": run.symbol, "size": 7},
        )
        if height == "fitness" and run.optimum:
            figure.add_scatter(
                x=[getattr(run, by)[-1]],
                y=[run.optimum["fitness"]],
                hovertemplate=f"<b>Optimum</b> %{{y:.4f}}<extra>{run.title}</extra>",
                mode="markers",
                showlegend=False,
                marker={"symbol": "star-open", "size": 16, "color": run.color, "line": {"width": 2}},
            )
    return figure


def points_figure(info: OverlayInfo, x: str = "size_mb", y: str = "paper_gflops") -> go.Figure:
    """What each run ended with: its last population faint, the way of its best, its best large, its optimum a star."""
    shown = _shown(info)
    figure = go.Figure(layout=theme.layout(AXES[x].label, AXES[y].label, height=520, uirevision=f"{x}/{y}"))
    if not shown:
        return theme.note(figure, "No search here has found anything yet" if info.runs else "Choose searches above")
    figure.update_xaxes(theme.log_axis([one[x] * AXES[x].scale for one in shown]))
    figure.update_yaxes(theme.log_axis([one[y] * AXES[y].scale for one in shown]))
    kind = go.Scattergl if sum(len(run.population) for run in info.runs) > WEBGL else go.Scatter
    for run in info.runs:
        group = {"legendgroup": str(run.slot), "showlegend": False}
        figure.add_trace(
            kind(
                **_places(run.population, x, y),
                mode="markers",
                marker={"symbol": f"{run.symbol}-open", "size": 6, "color": run.color, "opacity": 0.45},
                hoverinfo="skip",
                **group,
            )
        )
        figure.add_scatter(
            **_places(run.trail, x, y),
            mode="lines",
            line={"color": run.color, "dash": run.dash, "width": 1.5},
            hoverinfo="skip",
            **group,
        )
        figure.add_scatter(
            **_places(run.trail[-1:], x, y),
            customdata=[[short_form(one), one["fitness"]] for one in run.trail[-1:]],
            hovertemplate="<b>Best</b> %{customdata[0]}<br>%{x:.4g}, %{y:.4g}<br>fitness %{customdata[1]:.4f}"
            f"<extra>{run.title}</extra>",
            mode="markers",
            name=run.title,
            legendgroup=str(run.slot),
            showlegend=True,
            marker={"symbol": run.symbol, "size": 14, "color": run.color, "line": {"width": 1, "color": "white"}},
        )
        goal = [run.optimum] if run.optimum else []
        figure.add_scatter(
            **_places(goal, x, y),
            customdata=[short_form(one) for one in goal],
            hovertemplate=f"<b>Optimum</b> %{{customdata}}<br>%{{x:.4g}}, %{{y:.4g}}<extra>{run.title}</extra>",
            mode="markers",
            marker={"symbol": "star-open", "size": 22, "color": run.color, "line": {"width": 2}},
            **group,
        )
    return figure


def _shown(info: OverlayInfo) -> list[Individual]:
    return [one for run in info.runs for one in (*run.population, *run.trail, *([run.optimum] if run.optimum else []))]


def _gap(optimum: Individual | None, fitness: float | None) -> float | None:
    if optimum is None or fitness is None:
        return None
    return float((optimum["fitness"] - fitness) / abs(optimum["fitness"]))


def _places(individuals: Sequence[Individual], x: str, y: str) -> dict[str, Any]:
    return {
        name: np.array([one[key] * AXES[key].scale for one in individuals], np.float32)
        for name, key in (("x", x), ("y", y))
    }
