"""Search for the architecture with the most computation within a size budget."""

from compressor_core.search.exact import optimum
from compressor_core.search.fitness import Candidate, Constraint, Objective
from compressor_core.search.genetic import (
    Generation,
    Individual,
    SearchConfig,
    evolve,
    gap,
    search_records,
    search_summary,
)

__all__ = [
    "Candidate",
    "Constraint",
    "Generation",
    "Individual",
    "Objective",
    "SearchConfig",
    "evolve",
    "gap",
    "optimum",
    "search_records",
    "search_summary",
]
