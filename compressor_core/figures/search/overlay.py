"""Several searches on the same axes: notes, table and Plotly figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import plotly.graph_objects as go

from compressor_core.figures import theme
from compressor_core.figures.search.axes import AXES, axes_of, places, values
from compressor_core.figures.search.gaps import GapAxis, gap_text, turns
from compressor_core.figures.search.info import SearchInfo
from compressor_core.figures.search.plane import BEST, OPTIMUM, WEBGL
from compressor_core.records import Candidate, Individual
from compressor_core.search.genetic import gap

MOST_RUNS: Final = 6
DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "cross", "x")
WITH: Final[Mapping[str, str]] = {"evaluations": "Architectures judged", "generation": "Generation"}
HEIGHTS: Final[Mapping[str, str]] = {"gap": "Gap to the run's own optimum", "fitness": "Best fitness so far"}


@dataclass(frozen=True)
class OverlayRun:
    """One search of an overlay; `slot` determines its colour, dash and symbol."""

    name: str
    slot: int
    info: SearchInfo

    @property
    def title(self) -> str:
        return f"{self.slot + 1}. {self.name}"

    @cached_property
    def trail(self) -> tuple[Individual, ...]:
        """Successive best individuals."""
        return tuple({each.best.id: each.best for each in self.info.generations if each.best}.values())

    @cached_property
    def population(self) -> tuple[Individual, ...]:
        """Last generation; under a cap, only individuals within the limits."""
        last = self.info.last.individuals if self.info.last else ()
        return tuple(one for one in last if self.info.settings.counts(one))

    @property
    def shown(self) -> tuple[Candidate, ...]:
        """Every architecture that is drawn."""
        return (*self.population, *self.trail, *((self.info.optimum,) if self.info.optimum else ()))

    def heights(self, height: str) -> list[float | None]:
        """Height ("fitness" or "gap") of the best so far in each generation; None while unknown."""
        bests = [each.best for each in self.info.generations]
        if height == "gap":
            return [gap(self.info.optimum, best) for best in bests]
        return [best.fitness if best else None for best in bests]

    @property
    def color(self) -> str:
        return theme.CYCLE[self.slot % MOST_RUNS]

    @property
    def dash(self) -> str:
        return DASHES[self.slot % MOST_RUNS]

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.slot % MOST_RUNS]


def free_slots(chosen: Sequence[str], taken: Mapping[str, int]) -> dict[str, int]:
    """Slot of each chosen run: the one it had, or the lowest free one."""
    slots = {one: taken[one] for one in chosen if one in taken}
    for one in chosen:
        if one not in slots:
            slots[one] = next(slot for slot in range(len(chosen)) if slot not in slots.values())
    return {one: slots[one] for one in chosen}


def overlay_axes(runs: Sequence[OverlayRun]) -> list[str]:
    """Quantities that every shown architecture has."""
    return axes_of(one for run in runs for one in run.shown)


def overlay_notes(runs: Sequence[OverlayRun]) -> list[str]:
    """Notes on runs that the figures cannot show completely, one sentence each."""
    notes = []
    for run in runs:
        if run.info.last is None:
            notes.append(f"{run.title}: no generation is recorded yet.")
            continue
        if not run.trail:
            notes.append(f"{run.title}: nothing within its limits was found, so it has no line.")
        if run.info.optimum is None:
            notes.append(f"{run.title}: its optimum is not known, so it has no gap; look at its fitness.")
    return notes


def overlay_rows(runs: Sequence[OverlayRun]) -> list[dict[str, Any]]:
    """Table of the state of each run."""
    return [
        {
            "Run": run.title,
            "Best": best.short_form if best else "–",
            "Size (MB)": best.size_mb if best else None,
            "GFLOPs": best.paper_gflops if best else None,
            "Gap": gap_text(run.info.gap, none="0%"),
            "Generations": last.generation if last else None,
            "Architectures judged": last.evaluations if last else None,
        }
        for run in runs
        for best, last in ((run.info.best, run.info.last),)
    ]


def convergence_figure(runs: Sequence[OverlayRun], by: str = "evaluations", height: str = "gap") -> go.Figure:
    """Best so far of each run, `by` "evaluations" or "generation"; `height` is "gap" or "fitness".

    A line begins where the run first found an architecture within its limits.
    """
    figure = go.Figure(layout=theme.layout(WITH[by], HEIGHTS[height], uirevision=f"{by}/{height}"))
    drawn = [(run, run.heights(height)) for run in runs]
    drawn = [(run, series) for run, series in drawn if any(value is not None for value in series)]
    if not drawn:
        return theme.note(figure, _nothing(runs))
    axis = GapAxis.around(value for _, series in drawn for value in series) if height == "gap" else None
    if axis:
        figure.update_yaxes(axis.settings())
    for run, series in drawn:
        at = [place for place in turns(series) if series[place] is not None]
        told = [series[place] for place in at]
        figure.add_scatter(
            x=[getattr(run.info.generations[place], by) for place in at],
            y=axis.place(told) if axis else told,
            customdata=[gap_text(value) if axis else f"{value:.4f}" for value in told],
            hovertemplate=f"%{{x:,}} {WITH[by].lower()}<br>%{{customdata}}<extra>{run.title}</extra>",
            mode="lines+markers",
            name=run.title,
            showlegend=True,
            line={"color": run.color, "dash": run.dash, "width": 2, "shape": "hv"},
            marker={"symbol": run.symbol, "size": 7},
        )
        if not axis and run.info.optimum:
            figure.add_scatter(
                x=[getattr(run.info.last, by)],
                y=[run.info.optimum.fitness],
                hovertemplate=f"<b>Optimum</b> %{{y:.4f}}<extra>{run.title}</extra>",
                mode="markers",
                showlegend=False,
                marker={**OPTIMUM, "size": 16, "color": run.color},
            )
    return figure


def points_figure(runs: Sequence[OverlayRun], x: str = "size_mb", y: str = "paper_gflops") -> go.Figure:
    """Last population of each run (faint), the trail of its best, its best (large) and its optimum (star)."""
    shown = [one for run in runs for one in run.shown]
    figure = go.Figure(layout=theme.layout(AXES[x].label, AXES[y].label, height=520, uirevision=f"{x}/{y}"))
    if not shown:
        return theme.note(figure, _nothing(runs))
    figure.update_xaxes(theme.log_axis(values(shown, x).tolist()))
    figure.update_yaxes(theme.log_axis(values(shown, y).tolist()))
    kind = go.Scattergl if sum(len(run.population) for run in runs) > WEBGL else go.Scatter
    for run in runs:
        group = {"legendgroup": str(run.slot), "showlegend": False}
        faint = {"symbol": f"{run.symbol}-open", "size": 6, "color": run.color, "opacity": 0.45}
        cloud = kind(**places(run.population, x, y), mode="markers", marker=faint, hoverinfo="skip", **group)
        figure.add_trace(cloud)
        line = {"color": run.color, "dash": run.dash, "width": 1.5}
        figure.add_scatter(**places(run.trail, x, y), mode="lines", line=line, hoverinfo="skip", **group)
        for one, word, name, marker in (
            (run.info.best, "Best", run.title, {**BEST, "symbol": run.symbol, "color": run.color}),
            (run.info.optimum, "Optimum", None, {**OPTIMUM, "color": run.color, "line": {"width": 2}}),
        ):
            known = [one] if one else []
            figure.add_scatter(
                **places(known, x, y),
                customdata=[[each.short_form, each.fitness] for each in known],
                hovertemplate=f"<b>{word}</b> %{{customdata[0]}}<br>%{{x:.4g}}, %{{y:.4g}}<br>"
                f"fitness %{{customdata[1]:.4f}}<extra>{run.title}</extra>",
                mode="markers",
                name=name,
                marker=marker,
                **{**group, "showlegend": name is not None},
            )
    return figure


def _nothing(runs: Sequence[OverlayRun]) -> str:
    return "No search here has found anything yet" if runs else "Choose searches above"
