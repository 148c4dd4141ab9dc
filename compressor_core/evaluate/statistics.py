"""What probabilities tell beyond the label: fidelity to the teacher, calibration, ranking; and accuracy by length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compressor_core.evaluate.intervals import wilson

BIN_WIDTH: Final = 0.05
"""Of the confidences of a reliability diagram: twenty bins, of which two classes can fill the upper ten."""
LENGTH_BINS: Final = 5
CURVE_POINTS: Final = 200
"""At most so many points of a curve are kept for drawing; its area is that of all of them."""


def log_probabilities(logits: ArrayLike) -> NDArray[np.float64]:
    """Natural logarithms of the softmax of logits (n, 2), in float64."""
    values = np.asarray(logits, np.float64)
    logs: NDArray[np.float64] = values - np.logaddexp.reduce(values, axis=-1, keepdims=True)
    return logs


def fidelity(teacher: ArrayLike, student: ArrayLike) -> dict[str, float]:
    """How close the student's probabilities are to the teacher's; logits (n, 2) each.

    Keys: kl, the mean Kullback-Leibler divergence KL(teacher ‖ student) in nats, which distillation minimises
    (at temperature 1 here); and absolute_difference, the mean of |p_teacher − p_student| of class 1.
    """
    first, second = log_probabilities(teacher), log_probabilities(student)
    return {
        "kl": float((np.exp(first) * (first - second)).sum(-1).mean()),
        "absolute_difference": float(np.abs(np.exp(first[:, 1]) - np.exp(second[:, 1])).mean()),
    }


def calibration(labels: ArrayLike, logits: ArrayLike) -> dict[str, Any]:
    """Reliability bins and expected calibration error (Guo et al. 2017, section 2, equations 2 and 3).

    The confidence is the probability of the predicted class, so from 0.5 to 1. Keys: ece, and bins that hold any
    example: from, to (of the confidence), examples, confidence (mean), accuracy, interval (see `wilson`).
    """
    gold, values = np.asarray(labels, int), np.asarray(logits, np.float64)
    confidence = np.exp(log_probabilities(values).max(-1))
    right = values.argmax(-1) == gold
    count = round(0.5 / BIN_WIDTH)
    places = np.clip(np.ceil((confidence - 0.5) / BIN_WIDTH).astype(int) - 1, 0, count - 1)
    bins: list[dict[str, Any]] = []
    for place in range(count):
        inside = places == place
        if examples := int(inside.sum()):
            correct = int(right[inside].sum())
            bins.append(
                {
                    "from": round(0.5 + place * BIN_WIDTH, 2),
                    "to": round(0.5 + (place + 1) * BIN_WIDTH, 2),
                    "examples": examples,
                    "confidence": float(confidence[inside].mean()),
                    "accuracy": correct / examples,
                    "interval": wilson(correct, examples),
                }
            )
    error = sum(one["examples"] * abs(one["accuracy"] - one["confidence"]) for one in bins) / max(len(gold), 1)
    return {"ece": float(error), "bins": bins}


def curves(labels: ArrayLike, logits: ArrayLike) -> dict[str, Any] | None:
    """How well the logits rank class 1 above class 0, whatever the threshold; None if there is only one class.

    Keys: auc, the area under the ROC curve by trapezia; average_precision, Σ (R_k − R_{k−1}) P_k over the distinct
    thresholds, which interpolates nothing; roc (false_positive_rate, true_positive_rate), pr (recall, precision), and
    positives, the share of class 1, which is the precision of guessing.
    """
    gold, values = np.asarray(labels, int), np.asarray(logits, np.float64)
    margin = values[:, 1] - values[:, 0]  # ranks as the probability does, and keeps what float rounds to 1
    order = np.argsort(-margin, kind="stable")
    ends = np.append(np.nonzero(np.diff(margin[order]))[0], len(gold) - 1)
    found = np.cumsum(gold[order])[ends]
    alarms = ends + 1 - found
    if not found[-1] or not alarms[-1]:
        return None
    recall, false_alarms, precision = found / found[-1], alarms / alarms[-1], found / (ends + 1)
    true_rate, false_rate = np.append(0.0, recall), np.append(0.0, false_alarms)
    return {
        "auc": float(np.trapezoid(true_rate, false_rate)),
        "average_precision": float((np.diff(true_rate) * precision).sum()),
        "positives": float(gold.mean()),
        "roc": {"false_positive_rate": _drawn(false_rate), "true_positive_rate": _drawn(true_rate)},
        "pr": {"recall": _drawn(recall), "precision": _drawn(precision)},
    }


def by_length(labels: ArrayLike, predicted: ArrayLike, lengths: ArrayLike) -> list[dict[str, Any]]:
    """Accuracy by length of the input, in bins of about equally many examples (quantiles of `lengths`).

    Each has from, to (the shortest and longest in it), examples, accuracy and interval (see `wilson`).
    """
    sizes = np.asarray(lengths, int)
    right = np.asarray(predicted, int) == np.asarray(labels, int)
    edges = np.unique(np.quantile(sizes, np.arange(1, LENGTH_BINS) / LENGTH_BINS))
    places = np.searchsorted(edges, sizes, side="left")
    bins = []
    for place in np.unique(places):
        inside = places == place
        examples, correct = int(inside.sum()), int(right[inside].sum())
        bins.append(
            {
                "from": int(sizes[inside].min()),
                "to": int(sizes[inside].max()),
                "examples": examples,
                "accuracy": correct / examples,
                "interval": wilson(correct, examples),
            }
        )
    return bins


def _drawn(values: NDArray[np.float64]) -> Sequence[float]:
    kept = np.unique(np.linspace(0, len(values) - 1, min(CURVE_POINTS, len(values))).round().astype(int))
    return [round(float(value), 5) for value in values[kept]]
