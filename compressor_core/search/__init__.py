"""Search for the architecture with the most computation within a size budget, and for other goals and limits."""

from compressor_core.search.exact import optimum, uncertifiable
from compressor_core.search.fitness import Candidate, Constraint, Goal, Objective
from compressor_core.search.genetic import (
    Generation,
    Individual,
    Operators,
    SearchSettings,
    evolve,
    gap,
    search_records,
    search_summary,
)

__all__ = [
    "Candidate",
    "Constraint",
    "Generation",
    "Goal",
    "Individual",
    "Objective",
    "Operators",
    "SearchSettings",
    "evolve",
    "gap",
    "optimum",
    "search_records",
    "search_summary",
    "uncertifiable",
]
