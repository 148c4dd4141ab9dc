"""Statistics of probabilities: fidelity to the teacher, calibration and ranking; and accuracy by length."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compressor_core.evaluate.intervals import part
from compressor_core.records import ConfidenceBin, Curves, Fidelity, LengthBin, Reliability

BIN_WIDTH: Final = 0.05
"""Bin width of a reliability diagram: twenty bins, of which two classes use the upper ten."""
LENGTH_BINS: Final = 5
CURVE_POINTS: Final = 200
"""Maximum number of points kept for drawing a curve; its area is computed from all points."""


def log_probabilities(logits: ArrayLike) -> NDArray[np.float64]:
    """Natural logarithms of the softmax of logits (n, 2), in float64."""
    values = np.asarray(logits, np.float64)
    logs: NDArray[np.float64] = values - np.logaddexp.reduce(values, axis=-1, keepdims=True)
    return logs


def fidelity(teacher: ArrayLike, student: ArrayLike) -> Fidelity:
    """Closeness of the student's probabilities, at temperature 1, to the teacher's; logits (n, 2) each."""
    first, second = log_probabilities(teacher), log_probabilities(student)
    return Fidelity(
        kl=float((np.exp(first) * (first - second)).sum(-1).mean()),
        absolute_difference=float(np.abs(np.exp(first[:, 1]) - np.exp(second[:, 1])).mean()),
    )


def calibration(labels: ArrayLike, logits: ArrayLike) -> Reliability:
    """Reliability bins and expected calibration error (Guo et al. 2017, section 2, equations 2 and 3).

    The confidence is the probability of the predicted class, from 0.5 to 1.
    """
    gold, values = np.asarray(labels, int), np.asarray(logits, np.float64)
    confidence = np.exp(log_probabilities(values).max(-1))
    right = values.argmax(-1) == gold
    count = round(0.5 / BIN_WIDTH)
    places = np.clip(np.ceil((confidence - 0.5) / BIN_WIDTH).astype(int) - 1, 0, count - 1)
    bins = [
        ConfidenceBin(
            above=round(0.5 + place * BIN_WIDTH, 2),
            up_to=round(0.5 + (place + 1) * BIN_WIDTH, 2),
            confidence=float(confidence[places == place].mean()),
            **part(right[places == place]),
        )
        for place in np.unique(places).tolist()
    ]
    error = sum(one.examples * abs(one.accuracy - one.confidence) for one in bins) / max(len(gold), 1)
    return Reliability(ece=error, bins=tuple(bins))


def curves(labels: ArrayLike, logits: ArrayLike) -> Curves | None:
    """Threshold-independent ranking of class 1 above class 0; None if there is only one class.

    The area under the ROC curve uses the trapezoidal rule; the average precision, Σ (R_k − R_{k−1}) P_k over the
    distinct thresholds, does not interpolate.
    """
    gold, values = np.asarray(labels, int), np.asarray(logits, np.float64)
    margin = values[:, 1] - values[:, 0]  # ranks like the probability, without rounding to 1
    order = np.argsort(-margin, kind="stable")
    ends = np.append(np.nonzero(np.diff(margin[order]))[0], len(gold) - 1)
    found = np.cumsum(gold[order])[ends]
    alarms = ends + 1 - found
    if not found[-1] or not alarms[-1]:
        return None
    recall, false_alarms, precision = found / found[-1], alarms / alarms[-1], found / (ends + 1)
    true_rate, false_rate = np.append(0.0, recall), np.append(0.0, false_alarms)
    return Curves(
        auc=float(np.trapezoid(true_rate, false_rate)),
        average_precision=float((np.diff(true_rate) * precision).sum()),
        positives=float(gold.mean()),
        false_positive_rate=_drawn(false_rate),
        true_positive_rate=_drawn(true_rate),
        recall=_drawn(recall),
        precision=_drawn(precision),
    )


def by_length(labels: ArrayLike, predicted: ArrayLike, lengths: ArrayLike) -> list[LengthBin]:
    """Accuracy by input length, in bins with about the same number of examples (quantiles of `lengths`)."""
    sizes = np.asarray(lengths, int)
    right = np.asarray(predicted, int) == np.asarray(labels, int)
    edges = np.unique(np.quantile(sizes, np.arange(1, LENGTH_BINS) / LENGTH_BINS))
    places = np.searchsorted(edges, sizes, side="left")
    return [
        LengthBin(
            shortest=int(sizes[places == place].min()),
            longest=int(sizes[places == place].max()),
            **part(right[places == place]),
        )
        for place in np.unique(places)
    ]


def _drawn(values: NDArray[np.float64]) -> tuple[float, ...]:
    kept = np.unique(np.linspace(0, len(values) - 1, min(CURVE_POINTS, len(values))).round().astype(int))
    return tuple(round(float(value), 5) for value in values[kept])
