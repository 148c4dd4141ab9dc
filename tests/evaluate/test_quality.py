"""Scores against scikit-learn, and the paired test against its closed form."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from compressor_core.evaluate.quality import agreement, mcnemar, quality

RNG = np.random.default_rng(0)
GOLD = RNG.integers(0, 2, 200)
GUESS = np.where(RNG.random(200) < 0.8, GOLD, 1 - GOLD)


def test_scores_match_scikit_learn() -> None:
    scores = quality(GOLD, GUESS, ["a" if g else "b" for g in GOLD])
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(GOLD, GUESS))
    assert scores.precision == pytest.approx(metrics.precision_score(GOLD, GUESS))
    assert scores.recall == pytest.approx(metrics.recall_score(GOLD, GUESS))
    assert scores.f1 == pytest.approx(metrics.f1_score(GOLD, GUESS))
    assert np.array_equal(scores.confusion, metrics.confusion_matrix(GOLD, GUESS))
    by_group = {group.group: group for group in scores.groups}
    assert by_group["a"].accuracy == pytest.approx(scores.recall)
    assert by_group["a"].examples + by_group["b"].examples == 200


def test_where_a_score_is_undefined_it_is_zero() -> None:
    scores = quality([0, 0, 1], [0, 0, 0])
    assert (scores.precision, scores.recall, scores.f1) == (0.0, 0.0, 0.0)
    assert scores.groups == ()


def test_mcnemar_is_the_exact_binomial() -> None:
    gold = [1] * 10
    first, second = [1] * 9 + [0], [0] * 8 + [1, 1]
    # 8 examples only the first gets right, 1 only the second: 2 · P(X ≤ 1) for n = 9, p = ½.
    assert mcnemar(gold, first, second).plain() == {"only_first": 8, "only_second": 1, "p": pytest.approx(2 * 10 / 512)}
    assert mcnemar(gold, first, first).p == 1.0
    assert agreement(first, second) == pytest.approx(0.1)
