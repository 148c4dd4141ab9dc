"""Intervals against scipy and closed forms, corrected p-values against a worked example."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from compressor_core.evaluate.intervals import SCORES, bootstrap, holm, wilson
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


def test_the_interval_of_an_accuracy_is_the_binomials() -> None:
    """The number of right ones among n resampled examples is binomial, whose quantiles are known."""
    right = int((TEACHER == GOLD).sum())
    expected = stats.binom.ppf([0.025, 0.975], 400, right / 400) / 400
    found = bootstrap(GOLD, [TEACHER])
    assert found.scores[0].accuracy == pytest.approx(expected, abs=1.01 / 400)
    assert found.differences == [] == found.agreement


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
    found = bootstrap(GOLD, [TEACHER, STUDENT]).differences[0]
    assert getattr(found, name) == pytest.approx([low, high], abs=0.005)
    # As if the two had been drawn apart, it would be wider: the pair is what is resampled.
    alone = bootstrap(GOLD, [TEACHER, STUDENT]).scores
    widths = [high - low for low, high in (getattr(one, name) for one in (found, *alone))]
    assert widths[0] < sum(widths[1:])


def test_models_that_say_the_same_differ_by_nothing() -> None:
    found = bootstrap(GOLD, [TEACHER, TEACHER, 1 - TEACHER])
    assert all(getattr(found.differences[0], name) == (0.0, 0.0) for name in SCORES)
    assert found.agreement == [(1.0, 1.0), (0.0, 0.0)]


@pytest.mark.timeout(60)  # one by one, the many examples would be 20 billion draws
def test_the_same_seed_gives_the_same_interval_also_of_many_examples() -> None:
    assert bootstrap(GOLD, [TEACHER, STUDENT], seed=3) == bootstrap(GOLD, [TEACHER, STUDENT], seed=3)
    assert bootstrap(GOLD, [TEACHER, STUDENT], seed=3) != bootstrap(GOLD, [TEACHER, STUDENT], seed=4)
    many = np.random.default_rng(5).integers(0, 2, (6, 400_000))
    found = bootstrap(many[0], list(many[1:]))
    assert found.scores[0].accuracy[1] - found.scores[0].accuracy[0] == pytest.approx(0.0031, abs=0.0002)


def test_where_a_score_is_undefined_it_is_zero_in_every_resample() -> None:
    found = bootstrap([0, 0, 0], [[0, 0, 0]]).scores[0]
    assert found.accuracy == (1.0, 1.0) and found.precision == found.recall == found.f1 == (0.0, 0.0)


def test_holm_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.03, 0.04, times 4, 3, 2, 1: 0.04, 0.06, 0.06, 0.04, and none below a smaller one's.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03] and holm([]) == []
