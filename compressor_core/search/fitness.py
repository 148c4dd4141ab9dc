"""What a search maximises: computation, within a size budget."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from compressor_core.architecture import Architecture, SearchSpace
from compressor_core.cost import (
    BYTES_PER_PARAMETER,
    MEGABYTE,
    Genes,
    file_bytes,
    paper_flops,
    paper_parameters,
    parameters,
)
from compressor_core.errors import BudgetError
from compressor_core.task import PairFeatures, Task

FloatArray = NDArray[np.float64]

MAX_BUDGET_MB: Final = 10**9
"""Far beyond every space; keeps the paper's penalty finite."""


class Constraint(StrEnum):
    """How the budget binds."""

    CAP = "cap"
    """The file must not weigh more than the budget; among those that fit, the most GFLOPs win."""
    PAPER = "paper"
    """The paper's soft penalty on its own account of size: GFLOPs − |size in MB − budget in MB|."""


class Candidate(TypedDict):
    """One judged architecture, as it stands in records."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    size_mb: float
    """`cap`: exact size of the file. `paper`: 4 bytes times the paper's parameters."""
    paper_gflops: float
    fitness: float
    feasible: bool
    """Whether `size_mb` is within the budget. In `paper` mode for display only: fitness alone decides."""


class Scores(NamedTuple):
    """The judgement of many architectures, one array per quantity, all of the genes' common shape."""

    size_mb: FloatArray
    paper_gflops: FloatArray
    fitness: FloatArray
    feasible: NDArray[np.bool_]


@dataclass(frozen=True)
class Objective:
    """A budget in MB and how it binds.

    Raises BudgetError if the budget is not a finite positive number.
    """

    budget_mb: float
    constraint: Constraint = Constraint.CAP
    task: Task = Task.VULNERABILITY
    pair_features: PairFeatures = PairFeatures.COMPARE

    def __post_init__(self) -> None:
        budget = self.budget_mb
        number = isinstance(budget, (int, float)) and not isinstance(budget, bool)
        if not number or not 0 < budget <= MAX_BUDGET_MB:
            raise BudgetError(f"The budget must be a positive number of megabytes, such as 3, not {budget!r}.")

    def evaluate(self, genes: Genes) -> Scores:
        """Judges every architecture of `genes`.

        Fitness in `cap` mode is the GFLOPs where the file fits; elsewhere it is minus the overshoot in MB, so
        every architecture that fits ranks above every one that does not, and a near miss above a far one.
        """
        gflops = paper_flops(genes) / 1e9
        size_mb = self.size_mb(genes)
        feasible = size_mb <= self.budget_mb
        if self.constraint is Constraint.PAPER:
            fitness = self.paper_fitness(genes)
        else:
            fitness = np.where(feasible, gflops, self.budget_mb - size_mb)
        return Scores(size_mb, np.broadcast_to(gflops, fitness.shape), fitness, feasible)

    def size_mb(self, genes: Genes) -> FloatArray:
        """The size that is held against the budget, in MB."""
        if self.constraint is Constraint.PAPER:
            return BYTES_PER_PARAMETER * paper_parameters(genes) / MEGABYTE
        return file_bytes(genes, self.task, self.pair_features) / MEGABYTE

    def weight_mb(self, genes: Genes) -> FloatArray:
        """A lower bound of `size_mb`, without the file's header: quick, and never less when a gene grows."""
        if self.constraint is Constraint.PAPER:
            return self.size_mb(genes)
        return BYTES_PER_PARAMETER * parameters(genes, self.task, self.pair_features) / MEGABYTE

    def paper_fitness(self, genes: Genes) -> FloatArray:
        """The paper's fitness, operation for operation as its released code computes it."""
        target: float = self.budget_mb * 1e6 / 4
        penalty = np.abs(target - paper_parameters(genes)) * 4 / 1e6
        fitness: FloatArray = paper_flops(genes) / 1e9 - penalty
        return fitness

    def candidates(self, architectures: Sequence[Architecture]) -> list[Candidate]:
        """The judged architectures as records, in the order given."""
        columns = (column.tolist() for column in self.evaluate(Genes.of(architectures)))
        return [
            Candidate(
                vocab_size=architecture.vocab_size,
                hidden_size=architecture.hidden_size,
                num_hidden_layers=architecture.num_hidden_layers,
                num_attention_heads=architecture.num_attention_heads,
                intermediate_size=architecture.intermediate_size,
                size_mb=size_mb,
                paper_gflops=paper_gflops,
                fitness=fitness,
                feasible=feasible,
            )
            for architecture, size_mb, paper_gflops, fitness, feasible in zip(architectures, *columns, strict=True)
        ]

    def check_reachable(self, space: SearchSpace) -> None:
        """Raises BudgetError, naming the smallest budget that would do, if nothing in `space` fits."""
        smallest = space.smallest()
        size = float(self.size_mb(Genes.of([smallest]))[0])
        if size > self.budget_mb:
            needed = math.ceil(size * 1000) / 1000
            raise BudgetError(
                f"No architecture of the search space fits {self.budget_mb:g} MB: the smallest, {smallest}, "
                f"takes {size:g} MB, so choose a budget of at least {needed:g} MB or smaller values."
            )
