"""What probabilities tell, against scikit-learn, scipy and hand computations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special, stats
from sklearn import metrics
from sklearn.calibration import calibration_curve

from compressor_core.evaluate.statistics import by_length, calibration, curves, fidelity, log_probabilities

RNG = np.random.default_rng(0)
GOLD = RNG.integers(0, 2, 600)
LOGITS = np.stack([np.zeros(600), RNG.normal(2 * GOLD - 1, 1.5)], 1)
OTHER = LOGITS + RNG.normal(0, 0.5, (600, 2))


def positive(logits: np.ndarray) -> Any:
    return special.softmax(logits, axis=1)[:, 1]


def test_log_probabilities_do_not_overflow() -> None:
    assert np.allclose(log_probabilities(LOGITS), special.log_softmax(LOGITS, axis=1))
    assert log_probabilities([[0.0, 2000.0]]).tolist() == [[-2000.0, 0.0]]


def test_fidelity_is_scipys_divergence() -> None:
    found = fidelity(LOGITS, OTHER)
    first, second = special.softmax(LOGITS, axis=1), special.softmax(OTHER, axis=1)
    assert found.kl == pytest.approx(stats.entropy(first, second, axis=1).mean())
    assert found.absolute_difference == pytest.approx(np.abs(first[:, 1] - second[:, 1]).mean())
    assert fidelity(LOGITS, LOGITS).plain() == {"kl": 0.0, "absolute_difference": 0.0}
    # The divergence is not symmetric: the teacher's comes first.
    assert fidelity(OTHER, LOGITS).kl != pytest.approx(found.kl)


def test_reliability_bins_are_scikit_learns() -> None:
    found = calibration(GOLD, LOGITS)
    p = positive(LOGITS)
    right = (p >= 0.5) == GOLD
    shares, confidences = calibration_curve(right, np.maximum(p, 1 - p), n_bins=20)
    assert [one.accuracy for one in found.bins] == pytest.approx(shares)
    assert [one.confidence for one in found.bins] == pytest.approx(confidences)
    assert sum(one.examples for one in found.bins) == 600


def test_calibration_error_by_hand() -> None:
    def logits(*confidences: float) -> list[list[float]]:
        return [[0.0, float(special.logit(each))] for each in confidences]

    # Bin 0.5–0.55 holds 0.52 (wrong), bin 0.9–0.95 holds 0.92 twice (right, wrong): |0 − 0.52|/3 + 2·|0.5 − 0.92|/3.
    found = calibration([0, 1, 0], logits(0.52, 0.92, 0.92))
    assert [(one.above, one.up_to, one.examples) for one in found.bins] == [(0.5, 0.55, 1), (0.9, 0.95, 2)]
    assert found.ece == pytest.approx((0.52 + 2 * 0.42) / 3)
    assert calibration([1, 0], [[-9.0, 9.0], [9.0, -9.0]]).ece == pytest.approx(0, abs=1e-6)
    assert calibration([0, 1], [[-9.0, 9.0], [9.0, -9.0]]).ece == pytest.approx(1, abs=1e-6)


def test_curves_are_scikit_learns_with_ties_too() -> None:
    for logits in (LOGITS, LOGITS.round(), np.zeros((600, 2))):
        found = curves(GOLD, logits)
        assert found is not None
        assert found.auc == pytest.approx(metrics.roc_auc_score(GOLD, positive(logits)))
        assert found.average_precision == pytest.approx(metrics.average_precision_score(GOLD, positive(logits)))
        assert found.positives == pytest.approx(GOLD.mean())


def test_every_drawn_point_lies_on_scikit_learns_curve() -> None:
    found = curves(GOLD, LOGITS)
    assert found is not None
    rates = metrics.roc_curve(GOLD, positive(LOGITS), drop_intermediate=False)
    expected = {(round(float(x), 5), round(float(y), 5)) for x, y in zip(*rates[:2], strict=True)}
    drawn = list(zip(found.false_positive_rate, found.true_positive_rate, strict=True))
    assert set(drawn) <= expected and len(drawn) == 200
    assert drawn[0] == (0.0, 0.0) and drawn[-1] == (1.0, 1.0)
    precision, recall, _ = metrics.precision_recall_curve(GOLD, positive(LOGITS))
    expected = {(round(float(x), 5), round(float(y), 5)) for x, y in zip(recall, precision, strict=True)}
    assert set(zip(found.recall, found.precision, strict=True)) <= expected


def test_of_one_class_there_is_no_curve() -> None:
    assert curves([1, 1], [[0.0, 1.0], [0.0, 2.0]]) is None
    assert curves([0, 0], [[0.0, 1.0], [0.0, 2.0]]) is None


def test_certain_models_are_ranked_by_their_logits() -> None:
    """Their probabilities are all 1.0 in floating point."""
    found = curves([0, 1, 1], [[0.0, 50.0], [0.0, 60.0], [0.0, 70.0]])
    assert found is not None and found.auc == 1.0


def test_lengths_fall_into_fifths() -> None:
    lengths = np.arange(100)
    predicted = np.ones(100, int)
    gold = (lengths < 40).astype(int)
    found = by_length(gold, predicted, lengths)
    assert [(one.shortest, one.longest, one.examples) for one in found] == [
        (first, first + 19, 20) for first in (0, 20, 40, 60, 80)
    ]
    assert [one.accuracy for one in found] == [1, 1, 0, 0, 0]
    assert found[0].interval[0] == pytest.approx(stats.binomtest(20, 20).proportion_ci(method="wilson").low)


def test_lengths_that_are_all_alike_are_one_bin() -> None:
    (one,) = by_length([1, 0, 1], [1, 1, 1], [7, 7, 7])
    assert (one.shortest, one.longest, one.examples) == (7, 7, 3)
