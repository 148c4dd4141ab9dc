"""What a search maximises: by default computation, within a size budget."""

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
    """The file must not weigh more than the budget; among those that fit, the goal decides."""
    PAPER = "paper"
    """The paper's soft penalty on its own account of size: GFLOPs − |size in MB − budget in MB|."""


class Goal(StrEnum):
    """What decides among the architectures within the limits."""

    GFLOPS = "gflops"
    """The most computation, as in the paper."""
    LATENCY = "latency"
    """The fastest on this machine, by prediction."""
    SIZE = "size"
    """The smallest file."""

    @property
    def quantity(self) -> Quantity:
        return {Goal.GFLOPS: Quantity.GFLOPS, Goal.LATENCY: Quantity.LATENCY, Goal.SIZE: Quantity.SIZE}[self]


class Scores(NamedTuple):
    """The judgement of many architectures, one array per quantity, all of the genes' common shape."""

    size_mb: FloatArray
    paper_gflops: FloatArray
    parameters: FloatArray
    fitness: FloatArray
    feasible: NDArray[np.bool_]
    latency_ms: FloatArray | None


class Objective(ModelSettings):
    """A budget in MB and how it binds; what decides among those that fit, and further limits.

    Raises BudgetError if the paper's penalty is asked for together with another goal or limit, or if a latency is
    asked for without a latency model.
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
        description="What wins among those within the limits: the most GFLOPs, the fastest or the smallest; the "
        "smallest makes sense with a least computation",
    )
    max_latency_ms: Limit | None = Field(None, description="Longest predicted latency in ms; needs a latency model")
    min_gflops: Limit | None = Field(None, description="Least computation in GFLOPs, in the paper's account")

    @model_validator(mode="after")
    def _check_objective(self) -> Self:
        if (self.goal is Goal.LATENCY or self.max_latency_ms is not None) and self.latency is None:
            raise BudgetError(
                "A latency cannot be searched for before this machine is measured: calibrate it first, or leave the "
                "latency out."
            )
        if self.constraint is Constraint.PAPER and not self.plain_goal:
            raise BudgetError(
                "The paper's penalty weighs GFLOPs against size and nothing else: choose the constraint cap for "
                f"the goal {self.goal} or for limits of latency and computation."
            )
        return self

    @property
    def plain_goal(self) -> bool:
        """Whether computation is sought within nothing but a size budget."""
        return self.goal is Goal.GFLOPS and self.max_latency_ms is self.min_gflops is None

    @cached_property
    def yardstick(self) -> Yardstick:
        return Yardstick(self.task, self.pair_features, self.latency, self.constraint is Constraint.PAPER)

    def evaluate(self, genes: Genes) -> Scores:
        """Judges every architecture of `genes`.

        Fitness in `cap` mode is the goal where all limits hold: GFLOPs, or minus the milliseconds, or minus the
        megabytes. Elsewhere it is minus the sum of the shares by which the limits are missed, so that a near
        miss ranks above a far one; whatever fits ranks above whatever does not, see `rank`.
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
        """What candidates are ordered by: whether they can win, then fitness."""
        return float(self.counts(candidate)), candidate.fitness

    def may_fit(self, genes: Genes) -> NDArray[np.bool_]:
        """Whether all limits hold but for the file's header: quick, and never False for what fits."""
        bound = self.yardstick.lower_bound
        fits: NDArray[np.bool_] = bound(Quantity.SIZE, genes) <= self.budget_mb
        if self.max_latency_ms is not None:
            fits = fits & (bound(Quantity.LATENCY, genes) <= self.max_latency_ms)
        if self.min_gflops is not None:
            fits = fits & (bound(Quantity.GFLOPS, genes) >= self.min_gflops)
        return fits

    def upper_bound(self, genes: Genes) -> FloatArray:
        """A number that no fitness of what can win exceeds, quickly; -inf where nothing can win."""
        return self.paper_fitness(genes) if self.constraint is Constraint.PAPER else self.lean(genes)

    def lean(self, genes: Genes) -> FloatArray:
        """The goal, more being better, where all limits hold but for the file's header; -inf elsewhere."""
        goal = self._signed(self.yardstick.lower_bound(self.goal.quantity, genes))
        return np.where(self.may_fit(genes), goal, -np.inf)

    def _signed(self, values: FloatArray) -> FloatArray:
        return values if self.goal.quantity.maximised else -values

    def paper_fitness(self, genes: Genes) -> FloatArray:
        """The paper's fitness, operation for operation as its released code computes it."""
        target: float = self.budget_mb * 1e6 / 4
        penalty = np.abs(target - paper_parameters(genes)) * 4 / 1e6
        fitness: FloatArray = paper_flops(genes) / 1e9 - penalty
        return fitness

    def judged(self, architectures: Sequence[Architecture]) -> Iterator[dict[str, Any]]:
        """The fields of a `Candidate` for each architecture, in the order given."""
        scores = self.evaluate(Genes.of(architectures))._asdict()
        names = (*GENES, *(name for name, column in scores.items() if column is not None))
        columns = (column.tolist() for column in scores.values() if column is not None)
        for architecture, *row in zip(architectures, *columns, strict=True):
            yield dict(zip(names, (*(getattr(architecture, gene) for gene in GENES), *row), strict=True))

    def candidates(self, architectures: Sequence[Architecture]) -> list[Candidate]:
        """The judged architectures, in the order given."""
        return [Candidate(**values) for values in self.judged(architectures)]

    def check_reachable(self, space: SearchSpace) -> None:
        """Raises BudgetError, naming the smallest budget that would do, if nothing in `space` fits."""
        smallest = space.smallest()
        size = float(self.yardstick.measure(Quantity.SIZE, Genes.of([smallest]))[0])
        if size > self.budget_mb:
            needed = math.ceil(size * 1000) / 1000
            raise BudgetError(
                f"No architecture of the search space fits {self.budget_mb:g} MB: the smallest, {smallest}, "
                f"takes {size:g} MB, so choose a budget of at least {needed:g} MB or smaller values."
            )
