"""Fitness of a search: by default, computation within a size budget."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, Strict, model_validator

from compressor_core.architecture import GENES, Architecture, SearchSpace
from compressor_core.cost import Genes, paper_flops, paper_parameters
from compressor_core.errors import BudgetError
from compressor_core.records import Candidate
from compressor_core.search.quantities import FloatArray, Quantity, Yardstick
from compressor_core.search.settings import MAX_BUDGET_MB, ModelSettings

Limit = Annotated[float, Strict(), Field(gt=0, le=MAX_BUDGET_MB)]


class Constraint(StrEnum):
    """Budget rule."""

    CAP = "cap"
    """The file must not exceed the budget; among architectures that fit, the goal decides."""
    PAPER = "paper"
    """The paper's soft penalty with its own size formula: GFLOPs − |size in MB − budget in MB|."""


class Goal(StrEnum):
    """Quantity that a search optimises within the limits."""

    GFLOPS = "gflops"
    """Most computation, as in the paper."""
    LATENCY = "latency"
    """Lowest predicted latency on this machine."""
    SIZE = "size"
    """Smallest file."""

    @property
    def quantity(self) -> Quantity:
        return {Goal.GFLOPS: Quantity.GFLOPS, Goal.LATENCY: Quantity.LATENCY, Goal.SIZE: Quantity.SIZE}[self]


class Scores(NamedTuple):
    """Scores of many architectures: one array per quantity, all in the genes' common shape."""

    size_mb: FloatArray
    paper_gflops: FloatArray
    parameters: FloatArray
    fitness: FloatArray
    feasible: NDArray[np.bool_]
    latency_ms: FloatArray | None


class Objective(ModelSettings):
    """A size budget in MB with its rule, the goal, and further limits.

    Raises BudgetError if the paper's penalty is combined with another goal or limit, or if a latency is used without a
    latency model.
    """

    title: ClassVar[str] = "a search"

    budget_mb: Limit = Field(description="Size budget in MB; 1 MB is 10⁶ bytes")
    constraint: Constraint = Field(
        Constraint.CAP,
        description="Budget rule: cap, the file must not weigh more; paper, a soft penalty (GFLOPs − |MB − budget|) "
        "with the paper's own formulas",
    )
    goal: Goal = Field(
        Goal.GFLOPS,
        description="Goal within the limits: the most GFLOPs, the fastest or the smallest; the "
        "smallest makes sense with a minimum of computation",
    )
    max_latency_ms: Limit | None = Field(None, description="Longest predicted latency in ms; needs a latency model")
    min_gflops: Limit | None = Field(None, description="Minimum computation in GFLOPs, by the paper's formula")

    @model_validator(mode="after")
    def _check_objective(self) -> Self:
        if (self.goal is Goal.LATENCY or self.max_latency_ms is not None) and self.latency is None:
            raise BudgetError(
                "Latency needs a latency model of this machine: calibrate it first, or leave the latency out."
            )
        if self.constraint is Constraint.PAPER and not self.plain_goal:
            raise BudgetError(
                "The paper's penalty weighs GFLOPs against size and nothing else: choose the constraint cap for "
                f"the goal {self.goal} or for limits of latency and computation."
            )
        return self

    @property
    def plain_goal(self) -> bool:
        """Whether the goal is computation with no limit but the size budget."""
        return self.goal is Goal.GFLOPS and self.max_latency_ms is self.min_gflops is None

    @cached_property
    def yardstick(self) -> Yardstick:
        return Yardstick(self.task, self.pair_features, self.latency, self.constraint is Constraint.PAPER)

    def evaluate(self, genes: Genes) -> Scores:
        """Evaluate every architecture of `genes`.

        In `cap` mode, the fitness of a feasible architecture is its goal: GFLOPs, negative milliseconds, or negative
        megabytes. For an infeasible one it is minus the sum of its relative violations of the limits, so that a near
        miss ranks above a far one. Feasible ones always rank above infeasible ones, see `rank`.
        """
        measure = self.yardstick.measure
        size_mb = measure(Quantity.SIZE, genes)
        values = {
            Quantity.SIZE: size_mb,
            Quantity.GFLOPS: np.broadcast_to(measure(Quantity.GFLOPS, genes), size_mb.shape),
        }
        if self.latency is not None:
            values[Quantity.LATENCY] = np.broadcast_to(measure(Quantity.LATENCY, genes), size_mb.shape)
        feasible = size_mb <= self.budget_mb
        missed = np.maximum(size_mb / self.budget_mb - 1, 0)
        if self.max_latency_ms is not None:
            feasible = feasible & (values[Quantity.LATENCY] <= self.max_latency_ms)
            missed = missed + np.maximum(values[Quantity.LATENCY] / self.max_latency_ms - 1, 0)
        if self.min_gflops is not None:
            feasible = feasible & (values[Quantity.GFLOPS] >= self.min_gflops)
            missed = missed + np.maximum(1 - values[Quantity.GFLOPS] / self.min_gflops, 0)
        if self.constraint is Constraint.PAPER:
            fitness = self.paper_fitness(genes)
        else:
            fitness = np.where(feasible, self._signed(values[self.goal.quantity]), -missed)
        return Scores(
            size_mb=size_mb,
            paper_gflops=values[Quantity.GFLOPS],
            parameters=np.broadcast_to(measure(Quantity.PARAMETERS, genes), size_mb.shape),
            fitness=fitness,
            feasible=feasible,
            latency_ms=values.get(Quantity.LATENCY),
        )

    def counts(self, candidate: Candidate) -> bool:
        """Whether a candidate can win: in `cap` mode only if it is within the limits."""
        return self.constraint is Constraint.PAPER or candidate.feasible

    def rank(self, candidate: Candidate) -> tuple[float, float]:
        """Sort key of candidates: whether they can win, then fitness."""
        return float(self.counts(candidate)), candidate.fitness

    def may_fit(self, genes: Genes) -> NDArray[np.bool_]:
        """Whether all limits hold when the file's header is ignored: fast, and never False for a feasible one."""
        bound = self.yardstick.lower_bound
        fits: NDArray[np.bool_] = bound(Quantity.SIZE, genes) <= self.budget_mb
        if self.max_latency_ms is not None:
            fits = fits & (bound(Quantity.LATENCY, genes) <= self.max_latency_ms)
        if self.min_gflops is not None:
            fits = fits & (bound(Quantity.GFLOPS, genes) >= self.min_gflops)
        return fits

    def upper_bound(self, genes: Genes) -> FloatArray:
        """Fast upper bound of the fitness of architectures that can win; -inf for those that cannot."""
        return self.paper_fitness(genes) if self.constraint is Constraint.PAPER else self.lean(genes)

    def lean(self, genes: Genes) -> FloatArray:
        """The goal (more is better) if all limits hold when the file's header is ignored; else -inf."""
        goal = self._signed(self.yardstick.lower_bound(self.goal.quantity, genes))
        return np.where(self.may_fit(genes), goal, -np.inf)

    def _signed(self, values: FloatArray) -> FloatArray:
        return values if self.goal.quantity.maximised else -values

    def paper_fitness(self, genes: Genes) -> FloatArray:
        """The paper's fitness, computed in the same operations as its released code."""
        target: float = self.budget_mb * 1e6 / 4
        penalty = np.abs(target - paper_parameters(genes)) * 4 / 1e6
        fitness: FloatArray = paper_flops(genes) / 1e9 - penalty
        return fitness

    def judged(self, architectures: Sequence[Architecture]) -> Iterator[dict[str, Any]]:
        """Fields of a `Candidate` for each architecture, in the given order."""
        scores = self.evaluate(Genes.of(architectures))._asdict()
        names = (*GENES, *(name for name, column in scores.items() if column is not None))
        columns = (column.tolist() for column in scores.values() if column is not None)
        for architecture, *row in zip(architectures, *columns, strict=True):
            yield dict(zip(names, (*(getattr(architecture, gene) for gene in GENES), *row), strict=True))

    def candidates(self, architectures: Sequence[Architecture]) -> list[Candidate]:
        """Evaluated architectures, in the given order."""
        return [Candidate(**values) for values in self.judged(architectures)]

    def check_reachable(self, space: SearchSpace) -> None:
        """Raise BudgetError if nothing in `space` fits; the message names the smallest sufficient budget."""
        smallest = space.smallest()
        size = float(self.yardstick.measure(Quantity.SIZE, Genes.of([smallest]))[0])
        if size > self.budget_mb:
            needed = math.ceil(size * 1000) / 1000
            raise BudgetError(
                f"No architecture of the search space fits {self.budget_mb:g} MB: the smallest, {smallest}, "
                f"takes {size:g} MB, so choose a budget of at least {needed:g} MB or smaller values."
            )
