"""Intervals against scipy and closed forms, corrected p-values against a worked example."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from compressor_core.evaluate.intervals import SCORES, bootstrap, holm, score_intervals, wilson
from compressor_core.evaluate.quality import quality

RNG = np.random.default_rng(1)
GOLD = RNG.integers(0, 2, 400)
TEACHER = np.where(RNG.random(400) < 0.9, GOLD, 1 - GOLD)
STUDENT = np.where(RNG.random(400) < 0.9, TEACHER, 1 - TEACHER)


@pytest.mark.parametrize(("correct", "examples"), [(0, 10), (3, 10), (10, 10), (1557, 1620), (1, 1)])
def test_wilson_is_scipys(correct: int, examples: int) -> None:
    expected = stats.binomtest(correct, examples).proportion_ci(0.95, method="wilson")
    assert wilson(correct, examples) == pytest.approx([expected.low, expected.high], abs=1e-12)


def test_wilson_of_nothing_is_everything() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_interval_of_each_score_is_wilsons() -> None:
    found, scored = score_intervals(GOLD, TEACHER), quality(GOLD, TEACHER)
    assert found.accuracy == wilson(scored.correct, 400)
    (_, alarms), (missed, hits) = scored.confusion
    assert (found.precision, found.recall) == (wilson(hits, hits + alarms), wilson(hits, hits + missed))
    low, high = wilson(hits, hits + alarms + missed)
    assert found.f1 == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))
    assert all(getattr(found, name)[0] < getattr(scored, name) < getattr(found, name)[1] for name in SCORES)


@pytest.mark.parametrize("gold", [0, 1])
def test_one_example_leaves_everything_open(gold: int) -> None:
    found = score_intervals([gold], [gold])
    assert found.accuracy == pytest.approx((0.2065, 1.0), abs=1e-4)
    assert all(high - low > 0.6 for low, high in (getattr(found, name) for name in SCORES))


def test_the_interval_of_f1_covers_it_as_often_as_it_says() -> None:
    rng, truth, inside = np.random.default_rng(7), 2 * 0.36 / (0.36 + 0.36 + 0.04 + 0.06), 0
    for _ in range(500):
        kinds = rng.choice(4, 80, p=[0.36, 0.04, 0.06, 0.54])  # both, alarm, missed, neither
        low, high = score_intervals(np.isin(kinds, (0, 2)), np.isin(kinds, (0, 1))).f1
        inside += low <= truth <= high
    assert 0.92 < inside / 500 < 0.98


@pytest.mark.parametrize("name", ["accuracy", "f1"])
def test_paired_differences_are_those_of_scipys_bootstrap(name: str) -> None:
    """scipy draws the examples one by one; here their kinds are counted."""

    def difference(gold: np.ndarray, teacher: np.ndarray, student: np.ndarray) -> float:
        return float(getattr(quality(gold, teacher), name) - getattr(quality(gold, student), name))

    drawn = stats.bootstrap(
        (GOLD, TEACHER, STUDENT),
        difference,
        paired=True,
        vectorized=False,
        n_resamples=2_000,
        method="percentile",
        rng=np.random.default_rng(2),
    )
    low, high = drawn.confidence_interval
    (found,) = bootstrap(GOLD, [TEACHER, STUDENT])
    assert getattr(found, name) == pytest.approx([low, high], abs=0.005)
    # As if the two had been drawn apart, it would be wider: the pair is what is resampled.
    alone = [score_intervals(GOLD, TEACHER), score_intervals(GOLD, STUDENT)]
    widths = [high - low for low, high in (getattr(one, name) for one in (found, *alone))]
    assert widths[0] < sum(widths[1:])


def test_models_that_say_the_same_differ_by_nothing() -> None:
    found = bootstrap(GOLD, [TEACHER, TEACHER, 1 - TEACHER])
    assert all(getattr(found[0], name) == (0.0, 0.0) for name in SCORES) and found[1].accuracy[0] > 0.5


@pytest.mark.timeout(60)  # one by one, the many examples would be 20 billion draws
def test_the_same_seed_gives_the_same_interval_also_of_many_examples() -> None:
    assert bootstrap(GOLD, [TEACHER, STUDENT], seed=3) == bootstrap(GOLD, [TEACHER, STUDENT], seed=3)
    assert bootstrap(GOLD, [TEACHER, STUDENT], seed=3) != bootstrap(GOLD, [TEACHER, STUDENT], seed=4)
    many = np.random.default_rng(5).integers(0, 2, (6, 400_000))
    low, high = bootstrap(many[0], list(many[1:]))[0].accuracy
    assert high - low == pytest.approx(0.0031 * 2**0.5, abs=0.0004)


def test_where_a_score_is_undefined_nothing_is_known_of_it() -> None:
    found = score_intervals([0, 0, 0], [0, 0, 0])
    assert found.precision == found.recall == found.f1 == (0.0, 1.0)
    assert bootstrap([0, 0, 0], [[0, 0, 0], [0, 0, 0]])[0].f1 == (0.0, 0.0)


def test_holm_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.03, 0.04, times 4, 3, 2, 1: 0.04, 0.06, 0.06, 0.04, and none below a smaller one's.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03] and holm([]) == []
