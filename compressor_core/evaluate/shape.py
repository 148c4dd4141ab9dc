"""Speed-up of a student over a model of CodeBERT's shape, which the paper compresses, measured on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from compressor_core.architecture import Architecture
from compressor_core.cost import cost
from compressor_core.evaluate.rounds import time_models
from compressor_core.models.classifier import Classifier
from compressor_core.models.student import build
from compressor_core.records import BesideCodeBERT, Work
from compressor_core.task import PairFeatures

CODEBERT: Final = Architecture(50_265, 768, 12, 12, 3_072)
"""Shape of CodeBERT and GraphCodeBERT (`config.json` of microsoft/codebert-base)."""
FUNCTIONS, ROUNDS = 10, 3
"""Enough to measure ratios of ten and more, within seconds."""


def beside_codebert(
    student: Classifier, examples: Sequence[tuple[str, ...]], *, threads: int = 1
) -> Work[BesideCodeBERT]:
    """Latency of a student and of a model of CodeBERT's shape, in turns on the same tokens of some examples.

    The latter has random weights, since latency does not depend on them; its accuracy is meaningless.
    """
    task, features = student.card.task, student.card.pair_features or PairFeatures.COMPARE
    shaped = replace(student, model=build(CODEBERT, task, features).eval())
    few = examples[:FUNCTIONS]
    times = yield from time_models({"student": student, "shape": shaped}, few, rounds=ROUNDS, threads=threads)
    milliseconds = times["shape"].median
    return BesideCodeBERT(
        size_mb=cost(CODEBERT, task, features).size_mb,
        milliseconds=milliseconds,
        speedup=milliseconds / times["student"].median,
        examples=len(few),
    )
