"""Branch and bound against enumeration, and on spaces that nobody enumerates."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from compressor_core.architecture import ENUMERABLE, SearchSpace
from compressor_core.errors import BudgetError
from compressor_core.search import Constraint, Goal, Objective, bounds, optimum, uncertifiable
from compressor_core.search.exact import enumerated
from compressor_core.task import PairFeatures, Task

HUGE = SearchSpace(
    vocab_size=tuple(range(500, 60_001, 10)),
    hidden_size=tuple(range(16, 1025)),
    num_hidden_layers=tuple(range(1, 25)),
    num_attention_heads=(1, 2, 4, 8, 16),
    intermediate_size=tuple(range(32, 4097)),
)


def fitness(objective: Objective, found: Any) -> float | None:
    return None if found is None else objective.candidates([found])[0].fitness


def random_space(rng: Random) -> SearchSpace:
    """Uneven values, few of them, some with widths that only one head divides."""

    def some(low: int, high: int) -> tuple[int, ...]:
        return tuple(rng.randrange(low, high) for _ in range(rng.randrange(1, 9)))

    return SearchSpace(some(5, 3000), some(1, 200), some(1, 13), (1, *some(1, 9)), some(1, 400))


@pytest.mark.parametrize("constraint", Constraint)
@pytest.mark.parametrize("seed", range(40))
def test_it_finds_what_enumeration_finds(constraint: Constraint, seed: int) -> None:
    rng = Random(seed)
    space = random_space(rng)
    task, features = rng.choice(list(Task)), rng.choice(list(PairFeatures))
    smallest = (
        Objective(budget_mb=1000, constraint=constraint, task=task, pair_features=features)
        .candidates([space.smallest()])[0]
        .size_mb
    )
    for factor in (0.9, 1, 1.01, 1.5, 3, 100):
        objective = Objective(budget_mb=smallest * factor, constraint=constraint, task=task, pair_features=features)
        assert fitness(objective, bounds.optimum(space, objective)) == fitness(objective, enumerated(space, objective))


@pytest.mark.parametrize("constraint", Constraint)
@pytest.mark.parametrize("budget", [1, 3, 25, 50])
def test_it_agrees_on_the_papers_space(constraint: Constraint, budget: float) -> None:
    space, objective = SearchSpace.paper(), Objective(budget_mb=budget, constraint=constraint)
    assert bounds.optimum(space, objective) == enumerated(space, objective)


def test_a_space_of_a_trillion_is_certified() -> None:
    assert HUGE.size > 10**12 and not HUGE.enumerable
    best = optimum(HUGE, Objective(budget_mb=3))
    assert best.feasible
    # Wider layers would fit, were a vocabulary word given up: the optimum uses the budget to its last bytes.
    assert 3 - 0.001 < best.size_mb <= 3
    coarse = optimum(SearchSpace.paper(), Objective(budget_mb=3))
    assert best.fitness > coarse.fitness


def test_what_it_cannot_certify_it_says() -> None:
    limited = Objective(budget_mb=3, min_gflops=1.0)
    assert uncertifiable(SearchSpace.paper(), limited) is None
    assert uncertifiable(HUGE, Objective(budget_mb=3)) is None
    for objective in (limited, Objective(budget_mb=3, goal=Goal.SIZE)):
        reason = uncertifiable(HUGE, objective)
        assert reason is not None and f"{ENUMERABLE:,}" in reason
        with pytest.raises(BudgetError, match="cannot be certified"):
            optimum(HUGE, objective)
