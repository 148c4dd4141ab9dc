"""Figures of a search: from its records to what they show (`SearchInfo`), and from that to Plotly figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from compressor_core.figures import theme
from compressor_core.figures.search.axes import AXES, axes_of

GENE_TITLES: Final[Mapping[str, str]] = {
    "vocab_size": "Vocabulary",
    "hidden_size": "Width",
    "num_hidden_layers": "Layers",
    "num_attention_heads": "Heads",
    "intermediate_size": "Feed-forward",
}
"""The five genes, in the order of the short form V,H,L,A,I."""

MOST_ROWS: Final = 1_000
"""Candidates in the table of a page; the CSV holds all."""

_GOALS: Final[Mapping[str, str]] = {"gflops": "paper_gflops", "latency": "latency_ms", "size": "size_mb"}

Individual = Mapping[str, Any]


@dataclass(frozen=True)
class GenerationInfo:
    """One generation. `seen` counts the candidates that had appeared by its end."""

    number: int
    individuals: tuple[Individual, ...]
    best: Individual | None
    mean_fitness: float | None
    diversity: float
    evaluations: int
    seen: int


@dataclass(frozen=True)
class Limit:
    """A bound of one quantity, in the unit of records."""

    key: str
    bound: float
    at_most: bool
    title: str


@dataclass(frozen=True)
class SearchInfo:
    """A search so far. `candidates` are all individuals that ever survived, each once, by first appearance.

    With `everyone`, see `search_info`, also those that did not.
    """

    budget_mb: float
    soft: bool
    """Whether the budget is the paper's soft penalty and not a cap."""
    generations: tuple[GenerationInfo, ...]
    candidates: tuple[Individual, ...]
    optimum: Individual | None
    goal: str = "paper_gflops"
    """The quantity that decides among those within the limits."""
    limits: tuple[Limit, ...] = ()
    uncertified: str | None = None
    """Why the optimum is not known, if it cannot be."""

    @property
    def last(self) -> GenerationInfo | None:
        return self.generations[-1] if self.generations else None

    @property
    def best(self) -> Individual | None:
        return self.last.best if self.last else None

    @property
    def born(self) -> NDArray[np.int64]:
        """`[len(candidates)]`: the number of the generation in which each was born."""
        seen = np.diff([0, *(generation.seen for generation in self.generations)])
        return np.repeat([generation.number for generation in self.generations], seen).astype(np.int64)

    @property
    def maximised(self) -> bool:
        """Whether more of the goal is better; otherwise fitness is minus the goal."""
        return AXES[self.goal].maximised

    @property
    def gap(self) -> float | None:
        """How far the best is below the optimum, as a share of it; None while there are not both."""
        if self.best is None or self.optimum is None:
            return None
        goal = float(self.optimum["fitness"])
        return (goal - float(self.best["fitness"])) / abs(goal)


def search_info(
    records: Iterable[Mapping[str, Any]],
    budget_mb: float,
    *,
    soft: bool = False,
    goal: str = "gflops",
    max_latency_ms: float | None = None,
    min_gflops: float | None = None,
    everyone: bool = False,
) -> SearchInfo:
    """From the records of a search run, in any state; other records are passed over.

    With `everyone`, the individuals that were judged and did not survive are candidates too, if they are recorded.
    """
    generations: dict[int, GenerationInfo] = {}
    candidates: dict[int, Individual] = {}
    optimum: Individual | None = None
    uncertified: str | None = None
    for record in records:
        if record["type"] == "optimum":
            optimum = record
        elif record["type"] == "uncertified":
            uncertified = record["reason"]
        elif record["type"] == "generation":
            for individual in record["individuals"]:
                candidates.setdefault(individual["id"], individual)
            for individual in record.get("perished", ()) if everyone else ():
                candidates.setdefault(individual["id"], individual)
            generations[record["generation"]] = GenerationInfo(
                number=record["generation"],
                individuals=tuple(record["individuals"]),
                best=record["best"],
                mean_fitness=record["mean_fitness"],
                diversity=record["diversity"],
                evaluations=record["evaluations"],
                seen=len(candidates),
            )
    limits = [Limit("size_mb", budget_mb, True, f"budget, {budget_mb:g} MB")]
    if max_latency_ms is not None:
        limits.append(Limit("latency_ms", max_latency_ms, True, f"limit, {max_latency_ms:g} ms"))
    if min_gflops is not None:
        limits.append(Limit("paper_gflops", min_gflops, False, f"at least {min_gflops:g} GFLOPs"))
    return SearchInfo(
        budget_mb=budget_mb,
        soft=soft,
        generations=tuple(generations[number] for number in sorted(generations)),
        candidates=tuple(candidates.values()),
        optimum=optimum,
        goal=_GOALS[goal],
        limits=tuple(limits),
        uncertified=uncertified,
    )


def run_info(records: Iterable[Mapping[str, Any]], config: Mapping[str, Any], *, everyone: bool = False) -> SearchInfo:
    """From the records and the configuration of a search run, which may be older than some settings."""
    return search_info(
        records,
        float(config["budget_mb"]),
        soft=config.get("constraint") == "paper",
        goal=config.get("goal", "gflops"),
        max_latency_ms=config.get("max_latency_ms"),
        min_gflops=config.get("min_gflops"),
        everyone=everyone,
    )


def gap_sentence(info: SearchInfo) -> str:
    """How close the search has come, in words."""
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


def short_form(individual: Individual) -> str:
    """V,H,L,A,I."""
    return ",".join(str(individual[gene]) for gene in GENE_TITLES)


def candidate_rows(info: SearchInfo, most: int = MOST_ROWS) -> list[dict[str, Any]]:
    """A table of the distinct candidates: those within the limits first, each group from the fittest down."""
    ranked = sorted(info.candidates, key=lambda one: (info.soft or one["feasible"], one["fitness"]), reverse=True)
    latency = "latency_ms" in axes_of(info.candidates)
    return [
        {
            "Architecture": short_form(one),
            **{title: one[gene] for gene, title in GENE_TITLES.items()},
            "Size (MB)": one["size_mb"],
            "GFLOPs": one["paper_gflops"],
            **({"Latency (ms)": one["latency_ms"]} if latency else {}),
            "Fitness": one["fitness"],
            "Within budget" if len(info.limits) < 2 else "Within the limits": bool(one["feasible"]),
        }
        for one in ranked[:most]
    ]


def individual_rows(info: SearchInfo) -> list[dict[str, Any]]:
    """Every candidate for a CSV, by birth, with the names of records."""
    kept = {one["id"] for generation in info.generations for one in generation.individuals}
    measures = [key for key in AXES if key in axes_of(info.candidates)]
    return [
        {
            "generation": int(born),
            "id": one["id"],
            "parents": " ".join(str(parent) for parent in one["parents"]),
            **{key: one[key] for key in (*GENE_TITLES, *measures, "fitness")},
            "feasible": bool(one["feasible"]),
            "survived": one["id"] in kept,
        }
        for born, one in sorted(zip(info.born, info.candidates, strict=True), key=lambda pair: pair[1]["id"])
    ]


def goal_title(info: SearchInfo) -> str:
    """What the fitness of a search is, for an axis; of a goal to be minimised it is shown without its minus."""
    if info.soft:
        return "Fitness: GFLOPs − |MB − budget|"
    return "GFLOPs (paper's account)" if info.goal == "paper_gflops" else AXES[info.goal].label


def fitness_figure(info: SearchInfo) -> go.Figure:
    """Best and mean fitness by generation, with the optimum's."""
    figure = go.Figure(layout=theme.layout("Generation", goal_title(info), height=300))
    if not info.generations:
        return theme.note(figure, "Waiting for the first generation")
    numbers = [generation.number for generation in info.generations]
    sign = 1 if info.maximised else -1
    figure.add_scatter(
        x=numbers,
        y=[sign * generation.best["fitness"] if generation.best else None for generation in info.generations],
        mode="lines+markers" if len(numbers) < 3 else "lines",
        name="best so far",
        line={"color": theme.BEST, "width": 2.5, "shape": "hv"},
    )
    figure.add_scatter(
        x=numbers,
        y=[None if each.mean_fitness is None else sign * each.mean_fitness for each in info.generations],
        mode="lines+markers" if len(numbers) < 3 else "lines",
        name="mean of the population"
        if info.soft
        else "mean of those within " + ("budget" if len(info.limits) < 2 else "the limits"),
        line={"color": theme.FEASIBLE, "width": 2, "dash": "dot"},
    )
    if info.optimum:
        goal = sign * info.optimum["fitness"]
        figure.add_scatter(
            x=[numbers[0], numbers[-1]],
            y=[goal, goal],
            mode="lines",
            name="true optimum",
            line={"color": theme.OPTIMUM, "width": 2, "dash": "dash"},
        )
    return figure


def diversity_figure(info: SearchInfo) -> go.Figure:
    """How different the individuals of each generation are."""
    figure = go.Figure(
        layout=theme.layout(
            "Generation", "Chance that two differ in a gene", height=300, yaxis={"range": [0, 1], "tickformat": ".0%"}
        )
    )
    if not info.generations:
        return theme.note(figure, "Waiting for the first generation")
    figure.add_scatter(
        x=[generation.number for generation in info.generations],
        y=[generation.diversity for generation in info.generations],
        mode="lines+markers" if len(info.generations) < 3 else "lines",
        name="diversity",
        showlegend=True,
        line={"color": theme.TEACHER, "width": 2},
    )
    return figure
