"""Other goals than computation, and further limits, against brute force."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from compressor_core.architecture import GENES, Architecture, SearchSpace
from compressor_core.cost import Genes
from compressor_core.errors import BudgetError, CompressorError
from compressor_core.latency_model import PARTS, LatencyModel, Lengths, Runtime
from compressor_core.records import Optimum
from compressor_core.search import (
    Constraint,
    Goal,
    Objective,
    Operators,
    SearchSettings,
    optimum,
    search,
)
from compressor_core.search.quantities import Quantity, Yardstick
from compressor_core.task import PairFeatures, Task
from tests.collect import kept, searched

PRICES = {"call": 0.2, "layers": 0.1, "products": 2e-7, "attention": 3e-8}
MODEL = LatencyModel(
    Runtime.ONNX,
    Task.VULNERABILITY,
    PairFeatures.COMPARE,
    Lengths((500, 2000), (150.0, 100.0), (30_000.0, 12_000.0)),
    tuple(PRICES.get(part.name, 0.0) for part in PARTS),
)
SPACE = SearchSpace((500, 1000, 2000), (24, 36, 48, 64), (1, 2, 4, 8), (1, 3, 4), (16, 64, 200))
EVERY = [
    Architecture(*genes)
    for genes in itertools.product(*(getattr(SPACE, gene) for gene in GENES))
    if genes[1] % genes[3] == 0
]


@pytest.mark.parametrize(
    "settings",
    [
        {"goal": Goal.LATENCY, "min_gflops": 0.3},
        {"goal": Goal.LATENCY, "min_gflops": 0.3, "budget_mb": 0.4},
        {"goal": Goal.GFLOPS, "max_latency_ms": 1.0},
        {"goal": Goal.SIZE, "min_gflops": 0.5},
        {"goal": Goal.SIZE, "min_gflops": 0.2, "max_latency_ms": 0.9},
        {"goal": Goal.LATENCY},
    ],
)
def test_the_optimum_is_brute_forces_and_the_search_finds_it(settings: dict[str, Any]) -> None:
    config = SearchSettings(**{"budget_mb": 1.0, "space": SPACE, "latency": MODEL, "generations": 30, **settings})
    objective = config
    quantity = config.goal.quantity

    def within(candidate: Any) -> bool:
        return bool(
            candidate.size_mb <= config.budget_mb
            and candidate.latency_ms <= (config.max_latency_ms or float("inf"))
            and candidate.paper_gflops >= (config.min_gflops or 0)
        )

    judged = objective.candidates(EVERY)
    assert [each.feasible for each in judged] == [within(each) for each in judged]
    fitting = [getattr(each, quantity) for each in judged if within(each)]
    assert fitting
    goal = max(fitting) if quantity.maximised else min(fitting)
    assert getattr(optimum(SPACE, objective), quantity) == goal
    assert searched(config).gap == 0


def test_whatever_is_within_the_limits_ranks_above_whatever_is_not() -> None:
    objective = Objective(budget_mb=0.5, goal=Goal.LATENCY, min_gflops=0.3, latency=MODEL)
    judged = sorted(objective.candidates(EVERY), key=objective.rank)
    feasible = [each.feasible for each in judged]
    assert feasible == sorted(feasible) and {True, False} == set(feasible)
    misses = [each.fitness for each in judged if not each.feasible]
    assert max(misses) < 0, "minus what is missed, never a latency"


def test_no_bound_is_below_what_it_bounds() -> None:
    for goal in Goal:
        objective = Objective(budget_mb=0.5, goal=goal, min_gflops=0.1, max_latency_ms=2.0, latency=MODEL)
        genes = Genes.of(EVERY)
        scores = objective.evaluate(genes)
        bound = objective.upper_bound(genes)
        assert (bound[scores.feasible] >= scores.fitness[scores.feasible]).all()
        assert objective.may_fit(genes)[scores.feasible].all()


def test_the_fastest_within_3_mb_on_the_papers_space() -> None:
    objective = Objective(budget_mb=3, goal=Goal.LATENCY, min_gflops=1.0, latency=MODEL)
    best = optimum(SearchSpace.paper(), objective)
    most = optimum(SearchSpace.paper(), Objective(budget_mb=3, latency=MODEL))
    assert best.feasible and best.paper_gflops >= 1.0
    assert best.latency_ms and most.latency_ms and best.latency_ms < most.latency_ms


def test_a_search_with_a_latency_records_it_and_its_configuration_round_trips() -> None:
    config = SearchSettings(
        budget_mb=3,
        space="paper",
        latency=MODEL,
        max_latency_ms=5.0,
        min_gflops=0.5,
        generations=2,
        operators=Operators.PAPER,
    )
    assert SearchSettings.model_validate(config.model_dump(mode="json")) == config
    for record in kept(search(config)):
        shown = [record.candidate] if isinstance(record, Optimum) else getattr(record, "individuals")  # noqa: B009
        assert all(one.latency_ms and one.latency_ms > 0 for one in shown)
    assert "latency_ms" not in next(search(SearchSettings(budget_mb=3))).plain()["candidate"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"goal": Goal.LATENCY}, "calibrate it first"),
        ({"max_latency_ms": 10.0}, "calibrate it first"),
        ({"max_latency_ms": -1, "latency": MODEL}, "max_latency_ms must be a number above 0.* not -1"),
        ({"min_gflops": float("nan")}, "min_gflops must be a number above 0.* not nan"),
        ({"constraint": Constraint.PAPER, "goal": Goal.SIZE}, "choose the constraint cap"),
        ({"constraint": Constraint.PAPER, "min_gflops": 2.0}, "choose the constraint cap"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(CompressorError, match=words):
        Objective(budget_mb=3, **settings)


def test_limits_that_nothing_meets_are_said_before_the_search() -> None:
    config = SearchSettings(budget_mb=3, space="paper", min_gflops=500.0)
    with pytest.raises(BudgetError, match="None of the 10,944,000 architectures"):
        next(search(config))


def test_a_yardstick_measures_what_records_hold() -> None:
    yardstick = Yardstick(latency=MODEL)
    candidate = Objective(budget_mb=3, latency=MODEL).candidates(EVERY[:1])[0]
    for quantity in (Quantity.SIZE, Quantity.GFLOPS, Quantity.LATENCY, Quantity.PARAMETERS):
        measured = yardstick.measure(quantity, Genes.of(EVERY[:1]))
        assert measured[0] == getattr(candidate, quantity.value)
    with pytest.raises(CompressorError, match="distill the architecture and measure it"):
        yardstick.measure(Quantity.ACCURACY, Genes.of(EVERY[:1]))
