"""State of a search from its records: in words, as tables, and generation by generation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from compressor_core.figures import theme
from compressor_core.figures.search.axes import AXES, GENE_TITLES, axes_of
from compressor_core.records import Candidate, Generation, Individual, Optimum, Record, Uncertified
from compressor_core.search.fitness import Constraint
from compressor_core.search.genetic import SearchSettings, gap

MOST_ROWS: Final = 1_000
"""Largest number of candidates in the table of a page; the CSV has all."""


@dataclass(frozen=True)
class Limit:
    """A bound of one quantity, in the unit of records."""

    key: str
    bound: float
    at_most: bool
    title: str


@dataclass(frozen=True)
class SearchInfo:
    """State of a search so far. `candidates` are all individuals that ever survived, each once, by first appearance.

    With `everyone` of `search_info`, they include those that did not survive.
    """

    settings: SearchSettings
    generations: tuple[Generation, ...]
    candidates: tuple[Individual, ...]
    seen: tuple[int, ...]
    """Number of candidates that had appeared by the end of each generation."""
    optimum: Candidate | None
    uncertified: str | None
    """Reason why the optimum cannot be known; None if it can."""

    @property
    def soft(self) -> bool:
        """Whether the budget is the paper's soft penalty rather than a cap."""
        return self.settings.constraint is Constraint.PAPER

    @property
    def goal(self) -> str:
        """Quantity that is optimised within the limits."""
        return self.settings.goal.quantity.value

    @property
    def maximised(self) -> bool:
        """Whether more of the goal is better; otherwise fitness is minus the goal."""
        return AXES[self.goal].maximised

    @property
    def limits(self) -> tuple[Limit, ...]:
        """Limits, the budget first."""
        budget, latency, least = (
            self.settings.budget_mb,
            self.settings.max_latency_ms,
            self.settings.min_gflops,
        )
        limits = [Limit("size_mb", budget, True, f"budget, {budget:g} MB")]
        if latency is not None:
            limits.append(Limit("latency_ms", latency, True, f"limit, {latency:g} ms"))
        if least is not None:
            limits.append(Limit("paper_gflops", least, False, f"at least {least:g} GFLOPs"))
        return tuple(limits)

    @property
    def bounds(self) -> str:
        """Name of the limits within a sentence."""
        return "budget" if len(self.limits) < 2 else "the limits"

    @property
    def last(self) -> Generation | None:
        return self.generations[-1] if self.generations else None

    @property
    def best(self) -> Individual | None:
        return self.last.best if self.last else None

    @property
    def born(self) -> NDArray[np.int64]:
        """`[len(candidates)]`: number of the generation in which each was born."""
        return np.repeat([one.generation for one in self.generations], np.diff([0, *self.seen])).astype(np.int64)

    @property
    def gap(self) -> float | None:
        """Distance of the best from the optimum, as a share of the optimum; None until both are known."""
        return gap(self.optimum, self.best)

    def until(self, number: int | None) -> SearchInfo:
        """The search at the end of generation `number`; all of it if `number` is None or unknown."""
        at = self.at(number) + 1
        return replace(
            self,
            generations=self.generations[:at],
            seen=self.seen[:at],
            candidates=self.candidates[: self.seen[at - 1]] if at else (),
        )

    def rank(self, one: Candidate) -> tuple[float, float]:
        """Sort key of a candidate."""
        return self.settings.rank(one)

    def at(self, shown: int | None) -> int:
        """Index of generation number `shown`, or of the last."""
        numbers = [one.generation for one in self.generations]
        return numbers.index(shown) if shown in numbers else len(numbers) - 1


def search_info(records: Iterable[Record], settings: SearchSettings, *, everyone: bool = False) -> SearchInfo:
    """Build the info from the records of a search in any state; other records are ignored.

    With `everyone`, individuals that were evaluated but did not survive are candidates too.
    """
    generations: dict[int, tuple[Generation, int]] = {}
    candidates: dict[int, Individual] = {}
    optimum: Candidate | None = None
    uncertified: str | None = None
    for record in records:
        if isinstance(record, Optimum):
            optimum = record.candidate
        elif isinstance(record, Uncertified):
            uncertified = record.reason
        elif isinstance(record, Generation):
            for individual in (*record.individuals, *(record.perished if everyone else ())):
                candidates.setdefault(individual.id, individual)
            generations[record.generation] = record, len(candidates)
    ordered = [generations[number] for number in sorted(generations)]
    return SearchInfo(
        settings=settings,
        generations=tuple(generation for generation, _ in ordered),
        candidates=tuple(candidates.values()),
        seen=tuple(seen for _, seen in ordered),
        optimum=optimum,
        uncertified=uncertified,
    )


def gap_sentence(info: SearchInfo) -> str:
    """Sentence on how close the search has come to the optimum."""
    if info.last is None:
        return "The search has not begun yet."
    if info.best is None:
        return "Nothing within the budget has been found yet."
    if info.uncertified:
        return info.uncertified
    if info.gap is None:
        return "The true optimum is not known yet."
    if info.gap <= 1e-12:
        return "The search found the true optimum of the whole space."
    side = "below" if info.maximised else "above"
    return f"The best found is {info.gap:.2%} {side} the true optimum of the whole space."


def candidate_rows(info: SearchInfo, most: int = MOST_ROWS) -> list[dict[str, Any]]:
    """Table of the distinct candidates: those within the limits first, each group from the fittest down."""
    latency = info.settings.latency is not None
    return [
        {
            "Architecture": one.short_form,
            **dict(zip(GENE_TITLES.values(), one.genes, strict=True)),
            "Size (MB)": one.size_mb,
            "GFLOPs": one.paper_gflops,
            **({"Latency (ms)": one.latency_ms} if latency else {}),
            "Fitness": one.fitness,
            f"Within {info.bounds}": one.feasible,
        }
        for one in sorted(info.candidates, key=info.rank, reverse=True)[:most]
    ]


def individual_rows(info: SearchInfo) -> list[dict[str, Any]]:
    """All candidates for a CSV, by birth, with the field names of records."""
    kept = {one.id for generation in info.generations for one in generation.individuals}
    columns = (*GENE_TITLES, *axes_of(info.candidates), "fitness")
    return [
        {
            "generation": int(born),
            "id": one.id,
            "parents": " ".join(map(str, one.parents)),
            **{key: getattr(one, key) for key in columns},
            "feasible": one.feasible,
            "survived": one.id in kept,
        }
        for born, one in sorted(zip(info.born, info.candidates, strict=True), key=lambda pair: pair[1].id)
    ]


def goal_title(info: SearchInfo) -> str:
    """Axis title of the fitness; a minimised goal is shown without its minus."""
    if info.soft:
        return "Fitness: GFLOPs − |MB − budget|"
    return "GFLOPs (paper's account)" if info.goal == "paper_gflops" else AXES[info.goal].label


def fitness_figure(info: SearchInfo) -> go.Figure:
    """Best and mean fitness by generation, with the fitness of the optimum."""
    figure = go.Figure(layout=theme.layout("Generation", goal_title(info), height=300))
    if not info.generations:
        return theme.note(figure, "Waiting for the first generation")
    numbers = [one.generation for one in info.generations]
    sign = 1 if info.maximised else -1
    best = [sign * one.best.fitness if one.best else None for one in info.generations]
    mean = [None if one.mean_fitness is None else sign * one.mean_fitness for one in info.generations]
    group = "mean of the population" if info.soft else f"mean of those within {info.bounds}"
    add_series(figure, numbers, best, "best so far", theme.BEST, shape="hv")
    add_series(figure, numbers, mean, group, theme.FEASIBLE, width=2, dash="dot")
    if info.optimum:
        add_level(figure, numbers, sign * info.optimum.fitness, "true optimum")
    return figure


def diversity_figure(info: SearchInfo) -> go.Figure:
    """Diversity of each generation."""
    axis = {"range": [0, 1], "tickformat": ".0%"}
    figure = go.Figure(
        layout=theme.layout("Generation", "Chance that two differ in a gene", height=300, yaxis=axis, showlegend=True)
    )
    if not info.generations:
        return theme.note(figure, "Waiting for the first generation")
    numbers = [one.generation for one in info.generations]
    add_series(figure, numbers, [one.diversity for one in info.generations], "diversity", theme.TEACHER, width=2)
    return figure


def add_series(
    figure: go.Figure,
    numbers: Sequence[int],
    heights: Sequence[float | None],
    name: str,
    color: str,
    *,
    more: dict[str, Any] | None = None,
    **line: Any,
) -> None:
    """Add a line over the generations."""
    figure.add_scatter(
        x=numbers,
        y=heights,
        mode="lines+markers" if len(numbers) < 3 else "lines",
        name=name,
        line={"color": color, "width": 2.5, **line},
        **(more or {}),
    )


def add_level(figure: go.Figure, numbers: Sequence[int], height: float, name: str, **more: Any) -> None:
    """Add a level that cannot be surpassed, over the generations."""
    line = {"color": theme.OPTIMUM, "width": 2, "dash": "dash"}
    figure.add_scatter(x=[numbers[0], numbers[-1]], y=[height] * 2, mode="lines", name=name, line=line, **more)
