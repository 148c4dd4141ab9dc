"""Search for the architecture with the most computation within a size budget, and for other goals and limits."""

from compressor_core.search.exact import optimum, uncertifiable
from compressor_core.search.fitness import Constraint, Goal, Objective
from compressor_core.search.genetic import Operators, SearchSettings, evolve, gap, search

__all__ = [
    "Constraint",
    "Goal",
    "Objective",
    "Operators",
    "SearchSettings",
    "evolve",
    "gap",
    "optimum",
    "search",
    "uncertifiable",
]
