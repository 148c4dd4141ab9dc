"""Sweeps: every search of theirs, their numbers, what a cancel keeps."""

from __future__ import annotations

import dataclasses
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from compressor_core.architecture import SearchSpace
from compressor_core.errors import BudgetError, CompressorError, SettingsError
from compressor_core.records import BudgetOptimum, Progress, Record, SweepSummary, SweptSearch, read_record
from compressor_core.search import Constraint, SearchSettings, evolve
from compressor_core.search.exact import optimum
from compressor_core.search.genetic import Operators
from compressor_core.search.sweep import (
    PAPER_BUDGETS_MB,
    Over,
    SweepSettings,
    budgets_between,
    group_summary,
    sweep,
    wilson,
)
from tests.collect import collected, kept, searched

ROOT = Path(__file__).resolve().parents[2]
SMALL = SearchSpace(
    vocab_size=tuple(range(1_000, 5_001, 1_000)),
    hidden_size=tuple(range(16, 129, 16)),
    num_hidden_layers=(1, 2, 3),
    num_attention_heads=(1, 2, 4),
    intermediate_size=tuple(range(32, 257, 32)),
)
SEARCH = SearchSettings(budget_mb=3.0, population=6, generations=4, space=SMALL)


def seeds(**changes: Any) -> SweepSettings:
    return SweepSettings(**{"search": SEARCH, "over": "seed", "seeds": (0, 1, 2), **changes})


def swept(settings: SweepSettings, **more: Any) -> tuple[list[BudgetOptimum], list[SweptSearch], SweepSummary]:
    """The optima, the searches and the summary of a sweep."""
    records, summary = collected(sweep(settings, **more))
    optima = [record for record in records if isinstance(record, BudgetOptimum)]
    return optima, [record for record in records if isinstance(record, SweptSearch)], summary


def progress(settings: SweepSettings, **more: Any) -> list[Progress]:
    return [record for record in collected(sweep(settings, **more))[0] if isinstance(record, Progress)]


def untimed(records: Sequence[Record]) -> list[dict[str, Any]]:
    return [{key: value for key, value in record.plain().items() if key != "seconds"} for record in records]


def after(calls: int) -> Callable[[], bool]:
    """A wish to stop that comes with the call after so many."""
    asked = iter(range(10**9))
    return lambda: next(asked) >= calls


@pytest.mark.parametrize("operators", Operators)
def test_each_search_of_a_seed_sweep_is_the_search_itself(operators: Operators) -> None:
    settings = seeds(operators=(operators,))
    types = [record.type for record in kept(sweep(settings))]
    assert types == ["budget-optimum", *["swept-search"] * 3]
    for seed, record in enumerate(swept(settings)[1]):
        search = SEARCH.replace(seed=seed, operators=operators)
        best = tuple(each.best and each.best.fitness for each in evolve(search))
        assert (record.seed, record.operators, record.best_fitness) == (seed, operators, best)
        alone = searched(search)
        assert (record.gap, record.evaluations) == (alone.gap, alone.evaluations)
        assert record.best is not None and record.best.size_mb <= 3 and "id" not in record.plain()["best"]
        assert read_record(json.loads(record.model_dump_json())) is not None


def test_what_came_out_of_a_seed_sweep() -> None:
    settings = seeds(seeds=tuple(range(7)))
    _, searches, summary = swept(settings)
    gaps = [record.gap for record in searches if record.gap is not None]
    (group,) = summary.groups
    assert (summary.over, summary.searches, summary.planned) == ("seed", 7, 7)
    assert group.hit_rate == sum(gap == 0 for gap in gaps) / 7
    assert group.median_gap == statistics.median(gaps) and group.worst_gap == max(gaps)
    assert group.worst_gap > 0, "choose a search that is not always lucky"
    assert group.hit_low is not None and group.hit_high is not None
    assert group.hit_low <= group.hit_rate <= group.hit_high
    assert not summary.cancelled
    fractions = [record.fraction or 0.0 for record in progress(settings)]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0


def test_two_operators_side_by_side() -> None:
    _, searches, summary = swept(seeds(operators=("paper", "studio")))
    assert [(one.seed, one.operators) for one in searches] == [
        (seed, name) for seed in range(3) for name in ("paper", "studio")
    ]
    paper, studio = summary.groups
    assert (paper.operators, paper.searches, studio.operators) == ("paper", 3, "studio")
    assert summary.searches == 6


def test_wilsons_interval_against_the_formula() -> None:
    z = statistics.NormalDist().inv_cdf(0.975)
    share, n = 0.95, 100
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
    assert wilson(95, 100) == pytest.approx((centre - half, centre + half))
    assert wilson(0, 10)[0] == 0 and wilson(10, 10)[1] == 1


@pytest.mark.parametrize(
    ("gaps", "median", "worst"),
    [([0.0, 0.1, None], 0.1, None), ([0.0, None], None, None), ([0.2], 0.2, 0.2), ([0.0, 0.1], 0.05, 0.1)],
)
def test_a_search_that_found_nothing_counts_as_the_worst(
    gaps: list[float | None], median: float | None, worst: float | None
) -> None:
    best = searched(SEARCH).optimum
    made = [
        SweptSearch(budget_mb=3, seed=0, operators="studio", best_fitness=(), evaluations=1, seconds=1)
        if gap is None
        else SweptSearch(
            budget_mb=3, seed=0, operators="studio", best_fitness=(), evaluations=1, seconds=1, gap=gap, best=best
        )
        for gap in gaps
    ]
    found = group_summary("studio", made)
    assert (found.median_gap, found.worst_gap) == (median, worst)
    assert found.nothing_found == gaps.count(None)


def test_a_budget_sweep_is_exact_at_each_budget_and_has_the_papers() -> None:
    optima, _, summary = swept(SweepSettings(search=SEARCH, over=Over.BUDGET, budgets=(0.5, 1.0, 2.0)))
    assert [record.budget_mb for record in optima] == [0.5, 1.0, 2.0, 3.0, 25.0, 50.0]
    assert [record.budget_mb for record in optima if record.marked] == list(PAPER_BUDGETS_MB)
    for record in optima:
        assert record.best == optimum(SMALL, SEARCH.replace(budget_mb=record.budget_mb))
    gflops = [record.best.paper_gflops for record in optima if record.best]
    assert gflops == sorted(gflops)
    assert (summary.searches, summary.budgets) == (0, 6)
    assert summary.groups[0].hit_rate is summary.groups[0].worst_gap is None


def test_searches_beside_the_optima() -> None:
    settings = SweepSettings(
        search=SEARCH, over=Over.BUDGET, seeds=(4, 5), budgets=(0.5,), operators=(Operators.STUDIO, Operators.PAPER)
    )
    optima, searches, _ = swept(settings)
    assert len(searches) == settings.searches == 4 * 2 * 2
    best = {record.budget_mb: record.best.fitness for record in optima if record.best}
    for record in searches:
        if record.best:
            assert record.best.size_mb <= record.budget_mb
            assert record.best.fitness <= best[record.budget_mb]


def test_budgets_that_nothing_fits_are_said_and_passed_over() -> None:
    large = dataclasses.replace(SMALL, hidden_size=(512,), vocab_size=(5_000,))
    search = SEARCH.replace(space=large, budget_mb=50.0)
    settings = SweepSettings(search=search, over=Over.BUDGET, seeds=(0,), budgets=(1.0,))
    optima, searches, summary = swept(settings)
    gone = [record for record in optima if not record.reachable]
    assert [record.budget_mb for record in gone] == [1.0, 3.0]
    assert all(record.best is None and "fits" in (record.reason or "") for record in gone)
    assert {record.budget_mb for record in searches} == {25.0, 50.0}
    assert not summary.cancelled and progress(settings)[-1].fraction == 1.0


def test_a_cancel_keeps_what_is_done_and_says_so() -> None:
    whole = swept(seeds())
    records, summary = collected(sweep(seeds(), cancelled=after(8)))  # the optimum, then 1 + 4 for each search
    searches = [record for record in records if isinstance(record, SweptSearch)]
    assert untimed(searches) == untimed(whole[1])[:1]
    assert summary.cancelled and summary.searches == 1
    assert isinstance(records[-1], Progress) and records[-1].message.startswith("Stopped: 1 of 3 searches")

    done = [record for each in records if (record := read_record(json.loads(each.model_dump_json())))]
    optima, searches, summary = swept(seeds(), done=done)
    assert untimed(searches) == untimed(whole[1])[1:] and not optima
    assert untimed([summary]) == untimed([whole[2]])


def test_a_cancel_before_anything() -> None:
    records, summary = collected(sweep(seeds(), cancelled=lambda: True))
    assert [record.type for record in records] == ["progress"]
    assert summary.cancelled and summary.searches == 0 and summary.groups[0].hit_rate is None


def test_the_same_records_in_another_process() -> None:
    config = SweepSettings(
        search=SEARCH,
        over=Over.BUDGET,
        seeds=(3, 1),
        budgets=budgets_between(0.4, 60, 5),
        operators=(Operators.PAPER, Operators.STUDIO),
    )
    program = (
        "import json, sys; from compressor_core.search.sweep import SweepSettings, sweep;"
        "settings = SweepSettings.model_validate(json.loads(sys.argv[1]));"
        "print(json.dumps([record.model_dump(mode='json') for record in sweep(settings)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(config.model_dump(mode="json"))],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    there = [record for line in json.loads(done.stdout) if (record := read_record(line))]
    here = collected(sweep(config))[0]
    assert untimed(there) == untimed(here)
    assert sum(isinstance(record, SweptSearch) for record in here) == config.searches


def test_a_configuration_comes_back_from_plain_values() -> None:
    for config in (
        seeds(operators=("studio", "paper")),
        SweepSettings(search=SEARCH.replace(constraint=Constraint.PAPER), over=Over.BUDGET, budgets=(1.5,)),
    ):
        assert SweepSettings.model_validate(json.loads(json.dumps(config.model_dump(mode="json")))) == config
    assert SweepSettings.model_validate({"search": {"budget_mb": 3}, "seeds": [1, 1, 2]}).seeds == (1, 2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"over": "space"}, "'space'"),
        ({"seeds": ()}, "at least one seed"),
        ({"seeds": (-1,)}, "seed"),
        ({"budgets": (1.0,)}, "leave budgets out"),
        ({"operators": ("magic",)}, "'magic'"),
        ({"seeds": tuple(range(2_001))}, "fewer seeds"),
        ({"over": "budget", "budgets": (0.0,)}, "budgets must be a list of which each is a number above 0"),
        ({"over": "budget", "budgets": ("3",)}, "not '3'"),
        ({"over": "budget", "budgets": tuple(range(1, 300))}, "take fewer"),
    ],
)
def test_a_sweep_that_cannot_be(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(CompressorError, match=words):
        seeds(**changes)


def test_budgets_are_spread_evenly_over_the_logarithm() -> None:
    budgets = budgets_between(1, 100, 5)
    assert budgets == (1.0, 3.16, 10.0, 31.6, 100.0)
    assert len(budgets_between(1, 100)) == 40
    for low, high in ((0, 1), (2, 2), (float("nan"), 1)):
        with pytest.raises(BudgetError):
            budgets_between(low, high)
    with pytest.raises(SettingsError, match="1"):
        budgets_between(1, 2, 1)
    with pytest.raises(SettingsError, match="a sweep needs search"):
        SweepSettings.model_validate({"seeds": [1]})
