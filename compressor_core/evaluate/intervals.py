"""Uncertainty of scores: intervals for counts of examples, and corrected p-values of several tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compressor_core.records import Interval, ScoreIntervals

LEVEL: Final = 0.95
RESAMPLES: Final = 10_000
SCORES: Final = tuple(ScoreIntervals.model_fields)


def wilson(correct: int, examples: int) -> Interval:
    """Wilson interval of a share of independent examples (Wilson 1927), at `LEVEL`; (0, 1) without examples.

    Unlike the normal approximation, it stays within 0 and 1 and has good coverage for few examples and for shares near
    0 or 1 (Brown, Cai and DasGupta 2001, section 3).
    """
    from scipy.stats import binomtest

    if not examples:
        return 0.0, 1.0
    ends = binomtest(correct, examples).proportion_ci(LEVEL, method="wilson")
    return float(ends.low), float(ends.high)


def score_intervals(labels: ArrayLike, predicted: ArrayLike) -> ScoreIntervals:
    """Wilson interval of each score of one model; `labels` and `predicted` (n,).

    F1 is 2 J / (1 + J), where J is the share of true positives among all examples that are positive or predicted
    positive; its interval is transformed from that of J.
    """
    gold, guess = np.asarray(labels, int), np.asarray(predicted, int)
    found = int((gold & guess).sum())
    return ScoreIntervals(
        accuracy=wilson(int((gold == guess).sum()), len(gold)),
        precision=wilson(found, int(guess.sum())),
        recall=wilson(found, int(gold.sum())),
        f1=_of_f1(wilson(found, int((gold | guess).sum()))),
    )


def _of_f1(interval: Interval) -> Interval:
    low, high = (2 * share / (1 + share) for share in interval)
    return low, high


def part(right: NDArray[np.bool_]) -> dict[str, Any]:
    """Fields of a `Part` of the examples, given which of them (n,) are predicted correctly."""
    correct, examples = int(right.sum()), len(right)
    return {"examples": examples, "accuracy": correct / examples, "interval": wilson(correct, examples)}


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values of several tests, corrected to control the family-wise error rate (Holm 1979).

    The smallest is multiplied by the number of tests, the next by one less, and so on, keeping their order.
    """
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        corrected[index] = highest
    return corrected


def bootstrap(
    labels: ArrayLike, predicted: Sequence[ArrayLike], *, resamples: int = RESAMPLES, seed: int = 0
) -> list[ScoreIntervals]:
    """Percentile intervals of the first model's scores minus those of each other one, by paired bootstrap over the
    examples (Efron and Tibshirani 1993, section 13.3).

    `labels` (n,) are the gold classes and `predicted` (models)(n,) the class numbers of each model, the teacher's
    first. Every resample draws n examples with replacement, the same for all models, so that differences are paired.
    All scores are functions of the counts of each combination of gold class and predictions; drawing these counts from
    their multinomial distribution is equivalent to drawing the examples, but faster.
    """
    columns = np.asarray([np.asarray(labels, int), *(np.asarray(each, int) for each in predicted)])
    kinds = 2 ** len(columns)
    examples = columns.shape[1]
    codes = (columns * (2 ** np.arange(len(columns)))[:, None]).sum(0)
    counts = np.bincount(codes, minlength=kinds)
    draws = np.random.default_rng(seed).multinomial(examples, counts / examples, size=resamples)
    of_kind = (np.arange(kinds)[None, :] >> np.arange(len(columns))[:, None]) & 1  # (1 + models, kinds)
    gold, guesses = of_kind[0], of_kind[1:]
    scores = [_scores(draws, gold, guess, examples) for guess in guesses]
    return [_intervals({name: scores[0][name] - own[name] for name in SCORES}) for own in scores[1:]]


def _scores(
    draws: NDArray[Any], gold: NDArray[Any], guess: NDArray[Any], examples: int
) -> dict[str, NDArray[np.float64]]:
    """Scores of one model in every resample; 0 if undefined, as in `quality`."""
    found = draws @ (guess & gold)
    precision = _ratio(found, draws @ guess)
    recall = _ratio(found, draws @ gold)
    return {
        "accuracy": draws @ (guess == gold) / examples,
        "precision": precision,
        "recall": recall,
        "f1": _ratio(2 * precision * recall, precision + recall),
    }


def _ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> NDArray[np.float64]:
    out = np.zeros(len(numerator))
    np.divide(numerator, denominator, out=out, where=denominator > 0)
    return out


def _intervals(values: Mapping[str, NDArray[np.float64]]) -> ScoreIntervals:
    return ScoreIntervals(**{name: _interval(values[name]) for name in SCORES})


def _interval(values: NDArray[np.float64]) -> Interval:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
