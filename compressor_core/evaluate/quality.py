"""Scores of one model's predictions, and agreement of two models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compressor_core.evaluate.intervals import part
from compressor_core.records import Group, McNemar, Scores


def quality(labels: ArrayLike, predicted: ArrayLike, groups: Sequence[str] = ()) -> Scores:
    """Scores of predicted class numbers (n,) against gold labels (n,); `groups` names the kind of each example."""
    gold, guess = np.asarray(labels, int), np.asarray(predicted, int)
    confusion = np.zeros((2, 2), int)
    np.add.at(confusion, (gold, guess), 1)
    true_positive, correct = int(confusion[1, 1]), int(np.trace(confusion))
    precision = _ratio(true_positive, int(confusion[:, 1].sum()))
    recall = _ratio(true_positive, int(confusion[1].sum()))
    kinds, right = np.asarray(groups), gold == guess
    return Scores(
        examples=len(gold),
        correct=correct,
        accuracy=_ratio(correct, len(gold)),
        precision=precision,
        recall=recall,
        f1=_ratio(2 * precision * recall, precision + recall),
        confusion=((int(confusion[0, 0]), int(confusion[0, 1])), (int(confusion[1, 0]), true_positive)),
        groups=tuple(Group(group=str(kind), **part(right[kinds == kind])) for kind in np.unique(kinds) if any(groups)),
    )


def agreement(first: ArrayLike, second: ArrayLike) -> float:
    """Share of the examples on which two models predict the same class."""
    return float(np.mean(np.asarray(first) == np.asarray(second)))


def mcnemar(labels: ArrayLike, first: ArrayLike, second: ArrayLike) -> McNemar:
    """McNemar's exact two-sided test of the difference in accuracy between paired predictions.

    Uses the binomial distribution (McNemar 1947; exact form, Dietterich 1998).
    """
    from scipy.stats import binomtest

    gold: NDArray[np.int64] = np.asarray(labels)
    right_first, right_second = np.asarray(first) == gold, np.asarray(second) == gold
    only_first = int((right_first & ~right_second).sum())
    only_second = int((~right_first & right_second).sum())
    discordant = only_first + only_second
    p = float(binomtest(only_first, discordant, 0.5).pvalue) if discordant else 1.0
    return McNemar(only_first=only_first, only_second=only_second, p=p)


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else 0.0
