"""The optimum of a whole space, against brute force and the published architecture."""

from __future__ import annotations

import itertools

import pytest

from compressor_core.architecture import GENES, Architecture, SearchSpace
from compressor_core.errors import BudgetError
from compressor_core.search.exact import optimum
from compressor_core.search.fitness import Constraint, Objective
from compressor_core.task import PairFeatures, Task


@pytest.mark.parametrize(
    ("budget", "architecture", "fitness"),
    [(3, "1000,96,12,8,64", 2.191536568), (25, "2000,320,12,8,32", 10.425339064)],
)
def test_the_known_optima_of_the_papers_problem(budget: float, architecture: str, fitness: float) -> None:
    best = optimum(SearchSpace.paper(), Objective(budget_mb=budget, constraint=Constraint.PAPER))
    assert best.short_form == architecture
    assert round(best.fitness, 9) == fitness


MANY_WIDTHS = SearchSpace(
    vocab_size=(1000, 2000),
    hidden_size=tuple(range(8, 2000)),
    num_hidden_layers=tuple(range(1, 13)),
    num_attention_heads=(1, 2, 4, 8),
    intermediate_size=tuple(range(32, 3041, 32)),
)


@pytest.mark.parametrize("space", [SearchSpace.paper(), MANY_WIDTHS], ids=["paper", "many-widths"])
@pytest.mark.parametrize("constraint", Constraint)
@pytest.mark.timeout(60)
def test_a_whole_space_is_enumerated(constraint: Constraint, space: SearchSpace) -> None:
    best = optimum(space, Objective(budget_mb=50, constraint=constraint))
    assert best.feasible or constraint is Constraint.PAPER


# Widths whose legal heads differ, uneven steps, and sizes so close that the header decides what fits.
EDITED = SearchSpace(
    vocab_size=(300, 500, 1000),
    hidden_size=(20, 22, 24, 36, 49),
    num_hidden_layers=(1, 2, 5, 11),
    num_attention_heads=(1, 3, 4, 12),
    intermediate_size=(8, 30, 64, 200),
)


@pytest.mark.parametrize("constraint", Constraint)
@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize("budget", [0.1, 0.15, 0.2, 0.4, 0.8, 5])
def test_an_edited_space_agrees_with_brute_force(budget: float, constraint: Constraint, task: Task) -> None:
    legal = [
        Architecture(*genes)
        for genes in itertools.product(*(getattr(EDITED, gene) for gene in GENES))
        if genes[1] % genes[3] == 0
    ]
    assert len(legal) == EDITED.size
    objective = Objective(budget_mb=budget, constraint=constraint, task=task, pair_features=PairFeatures.CONCAT)
    every = objective.candidates(legal)
    best = optimum(EDITED, objective)
    assert best.fitness == max(each.fitness for each in every)
    assert best in every


@pytest.mark.parametrize("constraint", Constraint)
def test_a_space_of_one(constraint: Constraint) -> None:
    space = SearchSpace((1000,), (96,), (12,), (8,), (64,))
    assert optimum(space, Objective(budget_mb=4, constraint=constraint)).short_form == "1000,96,12,8,64"
    with pytest.raises(BudgetError, match="at least"):
        optimum(space, Objective(budget_mb=3, constraint=constraint))
