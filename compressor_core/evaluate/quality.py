"""How good the predictions of one model are, and how two models' predictions agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compressor_core.evaluate.intervals import wilson


def quality(labels: ArrayLike, predicted: ArrayLike, groups: Sequence[str] = ()) -> dict[str, Any]:
    """Scores of predicted class numbers (n,) against gold labels (n,); class 1 is the positive one.

    Keys: examples, correct, accuracy, precision, recall, f1 (0 where undefined), confusion ([gold][predicted]) and,
    if `groups` names the kind of each example, groups: a list of {"group", "examples", "accuracy", "interval"} (see
    `wilson`).
    """
    gold, guess = np.asarray(labels, int), np.asarray(predicted, int)
    confusion = np.zeros((2, 2), int)
    np.add.at(confusion, (gold, guess), 1)
    true_positive = int(confusion[1, 1])
    precision = _ratio(true_positive, int(confusion[:, 1].sum()))
    recall = _ratio(true_positive, int(confusion[1].sum()))
    correct = int(np.trace(confusion))
    scores: dict[str, Any] = {
        "examples": len(gold),
        "correct": correct,
        "accuracy": _ratio(correct, len(gold)),
        "precision": precision,
        "recall": recall,
        "f1": _ratio(2 * precision * recall, precision + recall),
        "confusion": confusion.tolist(),
    }
    if any(groups):
        kinds, right = np.asarray(groups), gold == guess
        scores["groups"] = [_group(str(kind), right[kinds == kind]) for kind in np.unique(kinds)]
    return scores


def agreement(first: ArrayLike, second: ArrayLike) -> float:
    """Share of the examples on which two models predict the same class."""
    return float(np.mean(np.asarray(first) == np.asarray(second)))


def mcnemar(labels: ArrayLike, first: ArrayLike, second: ArrayLike) -> dict[str, Any]:
    """McNemar's exact test on paired predictions: is the difference in accuracy within noise?

    Keys: only_first, only_second (examples that only that model gets right) and p, two-sided, from the binomial
    distribution (McNemar 1947; exact form, Dietterich 1998).
    """
    from scipy.stats import binomtest

    gold = np.asarray(labels)
    right_first, right_second = np.asarray(first) == gold, np.asarray(second) == gold
    only_first = int((right_first & ~right_second).sum())
    only_second = int((~right_first & right_second).sum())
    discordant = only_first + only_second
    p = float(binomtest(only_first, discordant, 0.5).pvalue) if discordant else 1.0
    return {"only_first": only_first, "only_second": only_second, "p": p}


def _group(kind: str, right: NDArray[np.bool_]) -> dict[str, Any]:
    correct, examples = int(right.sum()), len(right)
    interval = wilson(correct, examples)
    return {"group": kind, "examples": examples, "accuracy": correct / examples, "interval": interval}


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else 0.0
