"""The genetic algorithm: its records, its lineage, its luck."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest

from compressor_core.architecture import GENES, Architecture, SearchSpace
from compressor_core.errors import BudgetError, CompressorError, SettingsError
from compressor_core.records import Generation, Individual, Optimum, read_record
from compressor_core.search import (
    Constraint,
    SearchSettings,
    evolve,
    gap,
    optimum,
    search,
)
from compressor_core.search.genetic import Operators
from compressor_core.task import PairFeatures, Task
from tests.collect import collected, kept, searched


def short(**changes: Any) -> SearchSettings:
    return SearchSettings(**{"space": "paper", "budget_mb": 3, "population": 12, "generations": 8, **changes})


@pytest.mark.parametrize("constraint", Constraint)
@pytest.mark.parametrize("budget", [3, 25, 50])
def test_the_optimum_is_reached_at_the_defaults(constraint: Constraint, budget: float) -> None:
    for seed in range(2):
        summary = searched(SearchSettings(budget_mb=budget, space="paper", constraint=constraint, seed=seed))
        assert summary.gap == 0
        assert summary.evaluations <= 5_050


@pytest.mark.parametrize("constraint", Constraint)
def test_records_are_complete_and_consistent(constraint: Constraint) -> None:
    config = short(constraint=constraint)
    goal, *records = kept(search(config))
    assert isinstance(goal, Optimum)
    assert all(read_record(json.loads(record.model_dump_json())) == record for record in records)
    assert [getattr(record, "generation", None) for record in records] == list(range(9))
    best_so_far = -float("inf")
    for record in (record for record in records if isinstance(record, Generation)):
        individuals = record.individuals
        assert len(individuals) == len({each.id for each in individuals}) == 12
        fitness = [each.fitness for each in individuals]
        assert fitness == sorted(fitness, reverse=True)
        counted = [each for each in individuals if each.feasible or constraint is Constraint.PAPER]
        if counted:
            best_so_far = max(best_so_far, counted[0].fitness)
            mean = sum(each.fitness for each in counted) / len(counted)
            assert record.mean_fitness == pytest.approx(mean)
            assert record.best is not None
            assert record.best.fitness == best_so_far <= goal.candidate.fitness
        else:
            assert (record.best, record.mean_fitness) == (None, None)
        assert 0 <= record.diversity <= 1
        assert record.evaluations <= 12 * (record.generation + 1)


def test_lineage_can_be_drawn_and_an_architecture_keeps_its_id() -> None:
    generations = list(evolve(short(generations=20)))
    by_id: dict[int, Architecture] = {}
    parents: dict[int, tuple[int, ...]] = {}
    for generation in generations:
        earlier = set(by_id)
        for each in generation.individuals:
            genes = each.architecture
            assert by_id.setdefault(each.id, genes) == genes
            assert parents.setdefault(each.id, each.parents) == each.parents
            assert set(each.parents) <= (earlier if each.id not in earlier else set(by_id))
            assert all(parent < each.id for parent in each.parents)
            assert len(each.parents) <= 2
            assert bool(each.parents) == (each.id >= 12)
    assert len(set(by_id.values())) == len(by_id)
    assert {len(each) for each in parents.values()} == {0, 1, 2}


def test_the_same_seed_gives_the_same_trajectory_whatever_else_draws_random_numbers() -> None:
    first = [generation for generation in evolve(short(seed=5))]
    second = []
    for generation in evolve(short(seed=5)):
        random.seed(generation.generation)
        second.append(generation)
    other = [generation for generation in evolve(short(seed=6))]
    assert first == second != other


def test_the_trajectory_is_pinned_down() -> None:
    """Fails if a Python version, a library or an edit changes what a seed means."""
    last = list(evolve(short(seed=1)))[-1]
    assert last.best is not None
    assert (last.best.short_form, last.best.id) == ("3000,96,6,8,128", 105)


@pytest.mark.parametrize("constraint", Constraint)
def test_a_tiny_space_is_exhausted_and_the_search_ends_well(constraint: Constraint) -> None:
    space = SearchSpace((500, 1000), (20, 22, 49), (1, 2), (1, 4, 7), (32,))
    config = short(space=space, budget_mb=0.3, constraint=constraint)
    generations = list(evolve(config))
    assert generations[-1].evaluations <= space.size
    assert all(space.contains(each.architecture) for each in generations[-1].individuals)
    assert searched(config).gap == 0


def test_a_space_of_one_is_searched() -> None:
    space = SearchSpace((1000,), (96,), (12,), (8,), (64,))
    summary = searched(short(space=space, budget_mb=4))
    assert summary.evaluations == 1
    assert summary.gap == 0


def test_heads_and_width_agree_in_an_edited_space() -> None:
    space = SearchSpace(
        tuple(range(300, 3001, 300)), tuple(range(20, 200, 2)), (1, 2, 3, 4), (1, 3, 4, 6, 8), (32, 64, 96)
    )
    config = SearchSettings(budget_mb=1, space=space, generations=30)
    assert list(evolve(config))[-1].best is not None  # an Architecture with wrong heads would have been refused


@pytest.mark.parametrize("features", PairFeatures)
def test_the_clone_task_is_held_to_the_size_of_its_own_model(features: PairFeatures) -> None:
    config = SearchSettings(budget_mb=3, space="paper", task=Task.CLONE, pair_features=features, generations=60)
    summary = searched(config)
    goal = optimum(config.space, config)
    assert summary.optimum is not None and summary.optimum.size_mb == goal.size_mb <= 3
    assert summary.gap == 0


def test_only_breeding_or_only_mutation_work_too() -> None:
    for crossover, mutation in itertools.product((0, 1), (0, 1)):
        generations = list(evolve(short(crossover_rate=crossover, mutation_rate=mutation)))
        assert len(generations) == 9


def test_the_summary_has_the_keys_that_scripts_rely_on() -> None:
    summary = searched(short()).plain()
    assert set(summary) == {"best", "optimum", "gap", "evaluations", "seconds", "cancelled"}
    keys = {*GENES, "size_mb", "paper_gflops", "parameters", "feasible", "fitness"}
    assert set(summary["best"]) == set(summary["optimum"]) == keys


def test_a_search_that_met_nothing_feasible_has_no_gap() -> None:
    records, summary = collected(search(short(budget_mb=0.12), cancelled=lambda: True))
    assert [record.type for record in records] == ["optimum", "generation", "progress"]
    assert summary.optimum is not None and summary.cancelled
    assert (summary.best, summary.gap, gap(summary.optimum, None)) == (None, None, None)


def test_a_gap_is_a_share_of_the_optimum() -> None:
    one = searched(short()).optimum
    assert one is not None
    assert gap(one.model_copy(update={"fitness": 2.0}), one.model_copy(update={"fitness": 1.5})) == 0.25
    assert gap(one.model_copy(update={"fitness": -2.0}), one.model_copy(update={"fitness": -3.0})) == 0.5


def test_a_configuration_round_trips_through_json() -> None:
    config = SearchSettings(
        budget_mb=2.5,
        constraint=Constraint.PAPER,
        seed=7,
        population=20,
        generations=30,
        crossover_rate=0.5,
        mutation_rate=0.25,
        space=SearchSpace((500,), (96,), (1, 2), (8,), (64,)),
        task=Task.CLONE,
    )
    assert SearchSettings.model_validate(json.loads(json.dumps(config.model_dump(mode="json")))) == config
    assert SearchSettings.model_validate({"budget_mb": 3}) == SearchSettings(budget_mb=3)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"budget_mb": 0}, SettingsError, "budget_mb must be a number above 0"),
        ({"budget_mb": "three"}, SettingsError, "'three'"),
        ({"budget_mb": 0.01}, BudgetError, "at least"),
        ({"constraint": "soft"}, CompressorError, "constraint must be cap or paper, not 'soft'"),
        ({"task": "poetry"}, CompressorError, "task must be vulnerability or clone"),
        ({"seed": -1}, CompressorError, "seed must be a whole number"),
        ({"seed": 1.5}, CompressorError, "seed must be a whole number"),
        ({"population": 1}, CompressorError, "population must be a whole number from 2"),
        ({"generations": 0}, CompressorError, "generations must be a whole number from 1"),
        ({"crossover_rate": 1.1}, CompressorError, "crossover_rate must be a number from 0 to 1"),
        ({"mutation_rate": "often"}, CompressorError, "mutation_rate must be a number from 0 to 1"),
        ({"elitism": 2}, CompressorError, "elitism"),
    ],
)
def test_bad_values_are_refused_in_one_sentence(
    values: dict[str, Any], error: type[CompressorError], message: str
) -> None:
    with pytest.raises(error, match=message):
        SearchSettings.model_validate({"budget_mb": 3, **values})


@pytest.mark.parametrize("operators", Operators)
def test_the_records_hold_every_individual_that_was_judged(operators: Operators) -> None:
    born: dict[int, Individual] = {}
    for record in evolve(short(operators=operators)):
        perished = [each.id for each in record.perished]
        assert not set(perished) & {each.id for each in record.individuals}
        for each in [*record.individuals, *record.perished]:
            born.setdefault(each.id, each)
        assert sorted(born) == list(range(record.evaluations))
    assert len(born) > 100
