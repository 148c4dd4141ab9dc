"""Sweeps: every search of theirs, their numbers, what a cancel keeps."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compressor_core.architecture import SearchSpace
from compressor_core.errors import BudgetError, CompressorError, SettingsError
from compressor_core.search import Constraint, SearchSettings, search_records, search_summary
from compressor_core.search.exact import optimum
from compressor_core.search.genetic import Operators
from compressor_core.search.sweep import (
    PAPER_BUDGETS_MB,
    Over,
    SweepSettings,
    budgets_between,
    group_summary,
    sweep_records,
    wilson,
)

ROOT = Path(__file__).resolve().parents[2]
SMALL = SearchSpace(
    vocab_size=tuple(range(1_000, 5_001, 1_000)),
    hidden_size=tuple(range(16, 129, 16)),
    num_hidden_layers=(1, 2, 3),
    num_attention_heads=(1, 2, 4),
    intermediate_size=tuple(range(32, 257, 32)),
)
SEARCH = SearchSettings(budget_mb=3.0, population=6, generations=4, space=SMALL)
TIMED = ("seconds",)


def seeds(**changes: Any) -> SweepSettings:
    return SweepSettings(**{"search": SEARCH, "over": "seed", "seeds": (0, 1, 2), **changes})


def of_type(records: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [record for record in records if record["type"] == kind]


def untimed(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in record.items() if key not in TIMED} for record in records]


def after(calls: int) -> Callable[[], bool]:
    """A wish to stop that comes with the call after so many."""
    asked = iter(range(10**9))
    return lambda: next(asked) >= calls


@pytest.mark.parametrize("operators", Operators)
def test_each_search_of_a_seed_sweep_is_the_search_itself(operators: Operators) -> None:
    config = seeds(operators=(operators,))
    records = list(sweep_records(config))
    assert [record["type"] for record in records if record["type"] != "progress"] == [
        "optimum",
        *["search"] * 3,
        "result",
    ]
    for seed, record in enumerate(of_type(records, "search")):
        search = replace(SEARCH, seed=seed, operators=operators)
        alone = list(search_records(search))
        best = [each["best"]["fitness"] if each["best"] else None for each in alone[1:]]
        assert (record["seed"], record["operators"], record["best_fitness"]) == (seed, operators, best)
        summary = search_summary(alone)
        assert (record["gap"], record["evaluations"]) == (summary["gap"], summary["evaluations"])
        assert record["best"]["size_mb"] <= 3 and "id" not in record["best"]
    json.dumps(records, allow_nan=False)


def test_what_came_out_of_a_seed_sweep() -> None:
    records = list(sweep_records(seeds(seeds=tuple(range(7)))))
    gaps = [record["gap"] for record in of_type(records, "search")]
    result = records[-1]
    assert (result["over"], result["searches"], result["planned"]) == ("seed", 7, 7)
    assert result["hit_rate"] == sum(gap == 0 for gap in gaps) / 7
    assert result["median_gap"] == statistics.median(gaps) and result["worst_gap"] == max(gaps)
    assert result["worst_gap"] > 0, "choose a search that is not always lucky"
    assert result["hit_low"] <= result["hit_rate"] <= result["hit_high"]
    assert "cancelled" not in result
    fractions = [record["fraction"] for record in of_type(records, "progress")]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0


def test_two_operators_side_by_side() -> None:
    config = seeds(operators=("paper", "studio"))
    records = list(sweep_records(config))
    searches = [(record["seed"], record["operators"]) for record in of_type(records, "search")]
    assert searches == [(seed, name) for seed in range(3) for name in ("paper", "studio")]
    paper, studio = records[-1]["groups"]
    assert (paper["operators"], paper["searches"], studio["operators"]) == ("paper", 3, "studio")
    assert records[-1]["searches"] == 6
    assert records[-1]["hit_rate"] == paper["hit_rate"], "the first operators' numbers lead"


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
    found = group_summary([{"gap": gap, "best": None if gap is None else {}} for gap in gaps])
    assert (found["median_gap"], found["worst_gap"]) == (median, worst)
    assert found["nothing_found"] == gaps.count(None)


def test_a_budget_sweep_is_exact_at_each_budget_and_has_the_papers() -> None:
    config = SweepSettings(search=SEARCH, over=Over.BUDGET, budgets=(0.5, 1.0, 2.0))
    records = list(sweep_records(config))
    optima = of_type(records, "optimum")
    assert [record["budget_mb"] for record in optima] == [0.5, 1.0, 2.0, 3.0, 25.0, 50.0]
    assert [record["budget_mb"] for record in optima if record["marked"]] == list(PAPER_BUDGETS_MB)
    for record in optima:
        best = optimum(SMALL, replace(SEARCH, budget_mb=record["budget_mb"]).objective)
        assert {key: record[key] for key in best} == best
    gflops = [record["paper_gflops"] for record in optima]
    assert gflops == sorted(gflops)
    result = records[-1]
    assert (result["searches"], result["budgets"], result["hit_rate"], result["worst_gap"]) == (0, 6, None, None)


def test_searches_beside_the_optima() -> None:
    config = SweepSettings(
        search=SEARCH, over=Over.BUDGET, seeds=(4, 5), budgets=(0.5,), operators=(Operators.STUDIO, Operators.PAPER)
    )
    records = list(sweep_records(config))
    assert len(of_type(records, "search")) == config.searches == 4 * 2 * 2
    best = {record["budget_mb"]: record["fitness"] for record in of_type(records, "optimum")}
    for record in of_type(records, "search"):
        if record["best"]:
            assert record["best"]["size_mb"] <= record["budget_mb"]
            assert record["best"]["fitness"] <= best[record["budget_mb"]]


def test_budgets_that_nothing_fits_are_said_and_passed_over() -> None:
    large = replace(SMALL, hidden_size=(512,), vocab_size=(5_000,))
    search = replace(SEARCH, space=large, budget_mb=50.0)
    records = list(sweep_records(SweepSettings(search=search, over=Over.BUDGET, seeds=(0,), budgets=(1.0,))))
    gone = of_type(records, "unreachable")
    assert [record["budget_mb"] for record in gone] == [1.0, 3.0]
    assert all("fits" in record["reason"] for record in gone)
    assert {record["budget_mb"] for record in of_type(records, "search")} == {25.0, 50.0}
    assert "cancelled" not in records[-1] and of_type(records, "progress")[-1]["fraction"] == 1.0


def test_a_cancel_keeps_what_is_done_and_says_so() -> None:
    whole = list(sweep_records(seeds()))
    records = list(sweep_records(seeds(), cancelled=after(8)))  # the optimum, then 1 + 4 for each search
    assert untimed(of_type(records, "search")) == untimed(of_type(whole, "search"))[:1]
    assert records[-1]["cancelled"] is True and records[-1]["searches"] == 1
    assert records[-2]["message"].startswith("Stopped: 1 of 3 searches")

    rest = list(sweep_records(seeds(), done=json.loads(json.dumps(records))))
    assert untimed(of_type(rest, "search")) == untimed(of_type(whole, "search"))[1:]
    assert not of_type(rest, "optimum")
    assert untimed(rest)[-1] == untimed(whole)[-1]


def test_a_cancel_before_anything() -> None:
    records = list(sweep_records(seeds(), cancelled=lambda: True))
    assert [record["type"] for record in records] == ["progress", "result"]
    assert records[-1]["cancelled"] is True and records[-1]["searches"] == 0 and records[-1]["hit_rate"] is None


def test_the_same_records_in_another_process() -> None:
    config = SweepSettings(
        search=SEARCH,
        over=Over.BUDGET,
        seeds=(3, 1),
        budgets=budgets_between(0.4, 60, 5),
        operators=(Operators.PAPER, Operators.STUDIO),
    )
    program = (
        "import json, sys; from compressor_core.search.sweep import SweepSettings, sweep_records;"
        "print(json.dumps(list(sweep_records(SweepSettings.from_dict(json.loads(sys.argv[1]))))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(config.to_dict())],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    drop = [{**record, "groups": None} for record in json.loads(done.stdout)]
    here = [{**record, "groups": None} for record in json.loads(json.dumps(list(sweep_records(config))))]
    assert untimed(drop) == untimed(here)
    assert len(of_type(here, "search")) == config.searches


def test_a_configuration_comes_back_from_plain_values() -> None:
    for config in (
        seeds(operators=("studio", "paper")),
        SweepSettings(search=replace(SEARCH, constraint=Constraint.PAPER), over=Over.BUDGET, budgets=(1.5,)),
    ):
        assert SweepSettings.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert SweepSettings.from_dict({"search": {"budget_mb": 3}, "seeds": [1, 1, 2]}).seeds == (1, 2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"over": "space"}, "'space'"),
        ({"seeds": ()}, "at least one seed"),
        ({"seeds": (-1,)}, "seed"),
        ({"budgets": (1.0,)}, "leave budgets out"),
        ({"operators": ("magic",)}, "'magic'"),
        ({"seeds": tuple(range(2_001))}, "fewer seeds"),
        ({"over": "budget", "budgets": (0.0,)}, "positive number"),
        ({"over": "budget", "budgets": ("3",)}, "positive number"),
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
    with pytest.raises(SettingsError, match="takes search, over"):
        SweepSettings.from_dict({"seeds": [1]})
