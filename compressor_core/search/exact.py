"""The true optimum of a search space, by enumeration or, in larger spaces, by branch and bound."""

from __future__ import annotations

import numpy as np

from compressor_core.architecture import ENUMERABLE, Architecture, SearchSpace
from compressor_core.cost import Genes
from compressor_core.errors import BudgetError
from compressor_core.records import Candidate
from compressor_core.search import bounds
from compressor_core.search.fitness import Constraint, Objective
from compressor_core.search.grid import blocks, take

_BATCH = 64
"""Number of architectures evaluated exactly at a time: the length of a header is expensive to compute."""


def optimum(space: SearchSpace, objective: Objective) -> Candidate:
    """The fittest architecture of the whole space; ties are broken deterministically.

    Raises BudgetError if nothing in the space is within the limits, or if the optimum cannot be certified, see
    `uncertifiable`.
    """
    if reason := uncertifiable(space, objective):
        raise BudgetError(reason)
    objective.check_reachable(space)
    found = enumerated(space, objective) if space.enumerable else bounds.optimum(space, objective)
    if found is None:
        raise BudgetError(
            f"None of the {space.size:,} architectures of the search space is within all limits: loosen one of them."
        )
    return objective.candidates([found])[0]


def uncertifiable(space: SearchSpace, objective: Objective) -> str | None:
    """Reason why the optimum cannot be certified; None if it can."""
    if space.enumerable or objective.plain_goal:
        return None
    return (
        f"The optimum of this search cannot be certified: {space.size:,} architectures are more than the "
        f"{ENUMERABLE:,} that are enumerated, and branch and bound knows computation within a size budget only."
    )


def enumerated(space: SearchSpace, objective: Objective) -> Architecture | None:
    """The optimum, by enumeration; None if nothing is within the limits."""
    best, best_fitness = None, -np.inf
    for block in blocks(space):
        bound = objective.upper_bound(block)
        hopeful = np.flatnonzero(bound > best_fitness)
        falling = hopeful[np.argsort(-bound.flat[hopeful], kind="stable")]
        for start in range(0, len(falling), _BATCH):
            batch = falling[start : start + _BATCH]
            if bound.flat[batch[0]] <= best_fitness:
                break
            genes = take(block, batch)
            scores = objective.evaluate(genes)
            wins = scores.feasible | (objective.constraint is Constraint.PAPER)
            fitness = np.where(wins, scores.fitness, -np.inf)
            at = int(fitness.argmax())
            if fitness[at] > best_fitness:
                best, best_fitness = architecture_at(genes, at), float(fitness[at])
    return best


def architecture_at(genes: Genes, at: int) -> Architecture:
    """Architecture at index `at` of one-dimensional genes."""
    return Architecture(*(int(gene[at]) for gene in genes))
