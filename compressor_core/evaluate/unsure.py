"""Alarm threshold of a model: a probability that clean code rarely exceeds."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from compressor_core.data.dataset import Split
from compressor_core.data.installed import installed_functions
from compressor_core.language import Language
from compressor_core.models.classifier import Classifier
from compressor_core.records import AlarmThreshold
from compressor_core.task import Task

FUNCTIONS: Final = 200
SHARE: Final = 0.05
"""Maximum share of clean inputs above the threshold."""


def alarm_threshold(classifier: Classifier, functions: int = FUNCTIONS, share: float = SHARE) -> AlarmThreshold | None:
    """Smallest probability of class 1, at least one half, that at most `share` of clean inputs exceed.

    Clean inputs are real functions of installed packages (`data/installed.py`), assumed to be clean; for clones, pairs
    of different functions. They come from modules of the validation split, so the exam uses none of them. The
    threshold is the split conformal quantile: of n inputs, the probability of rank ceil((n + 1)(1 - share)), which
    holds for other clean inputs of the kind (Angelopoulos and Bates, arXiv 2107.07511, section 1). None for a model
    that did not learn from Python.
    """
    if classifier.card.language is not Language.PYTHON:
        return None
    codes = _clean(functions)
    examples: Sequence[tuple[str, ...]]
    if classifier.card.task is Task.CLONE:
        of, examples = "pairs of real functions", list(zip(codes[::2], codes[1::2], strict=False))
    else:
        of, examples = "real functions, taken as clean,", [(code,) for code in codes]
    alarms = np.sort(classifier.logits(examples).double().softmax(-1)[:, 1].numpy())
    rank = min(math.ceil((len(alarms) + 1) * (1 - share)), len(alarms))
    return AlarmThreshold(
        probability=max(0.5, float(alarms[rank - 1])),
        inputs=len(alarms),
        share=share,
        of=f"{of} of the Python packages installed here",
    )


@functools.lru_cache(maxsize=2)
def _clean(count: int) -> tuple[str, ...]:
    return tuple(example.codes[0] for example in installed_functions(count, Split.VALIDATION))
