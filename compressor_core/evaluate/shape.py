"""Speed-up of a student over a model of CodeBERT's shape, which the paper compresses, measured on this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Final

import torch
from pydantic import ValidationError
from torch import nn

from compressor_core.architecture import Architecture
from compressor_core.cache import cache_folder
from compressor_core.cost import cost
from compressor_core.data.dataset import fingerprint_of
from compressor_core.errors import StorageError
from compressor_core.evaluate.rounds import Timed, input_by_input, torch_threads
from compressor_core.files import write_cached
from compressor_core.machine import machine
from compressor_core.models.classifier import Classifier
from compressor_core.models.inference import forward
from compressor_core.models.inputs import Encoded, FunctionInput
from compressor_core.models.student import build
from compressor_core.records import BesideCodeBERT, Plain, Progress, Work
from compressor_core.task import PairFeatures, Task

CODEBERT: Final = Architecture(50_265, 768, 12, 12, 3_072)
"""Shape of CodeBERT and GraphCodeBERT (`config.json` of microsoft/codebert-base)."""
FUNCTIONS, ROUNDS = 10, 3
"""Enough to measure ratios of ten and more, within seconds."""
STEP: Final = 32
"""The length of a query is a multiple of this number of tokens, so that few lengths are ever measured."""
_TOKEN: Final = 3
"""Any token that is not padding: latency does not depend on which."""


class Measured(Plain):
    """Latency of the shape on this machine, as cached."""

    milliseconds: float
    date: str


def beside_codebert(
    student: Classifier, examples: Sequence[tuple[str, ...]], *, threads: int = 1
) -> Work[BesideCodeBERT]:
    """Latency of a student and of a model of CodeBERT's shape, on queries of the student's usual length.

    The shape is measured once per machine, task and length, and cached. It has random weights, since latency does not
    depend on them; its accuracy is meaningless. Both are measured in processor time, which other load on the machine
    hardly increases: the two may be measured on different days.
    """
    task, features = student.card.task, student.card.pair_features or PairFeatures.COMPARE
    functions = [function for example in student.encode(examples[:FUNCTIONS]) for function in example]
    tokens = STEP * max(1, int(median(len(function.ids) for function in functions)) // STEP)
    tokens = min(tokens, student.card.max_length)
    query = (FunctionInput([_TOKEN] * tokens),) * (2 if task is Task.CLONE else 1)

    def time_shape() -> Work[float]:
        return _time(build(CODEBERT, task, features).eval(), query, threads)

    known = yield from _once(
        [machine(threads).model_dump_json(), str(CODEBERT), task, features, str(tokens), str(FUNCTIONS * ROUNDS)],
        time_shape,
    )
    milliseconds = yield from _time(student.model, query, threads)
    return BesideCodeBERT(
        size_mb=cost(CODEBERT, task, features).size_mb,
        milliseconds=known.milliseconds,
        speedup=known.milliseconds / milliseconds,
        examples=FUNCTIONS,
        tokens=tokens,
        date=known.date,
    )


def _time(model: nn.Module, query: Encoded, threads: int) -> Work[float]:
    """Median processor time of single queries in ms."""
    timed = Timed([query] * FUNCTIONS, torch.inference_mode()(lambda one: forward(model, [one], 0)))
    with torch_threads(threads):
        for done in input_by_input([timed], ROUNDS):
            yield Progress(message=f"Measuring latency beside CodeBERT's shape, round {done} of {ROUNDS}")
    return median(timed.cpu_times)


def _once(key: Sequence[str], measure: Callable[[], Work[float]]) -> Work[Measured]:
    """Cached measurement of this key, or a new one with today's date."""
    path: Path = cache_folder() / "shape" / f"{fingerprint_of(key)}.json"
    with suppress(OSError, ValueError, ValidationError, RecursionError):
        known = Measured.model_validate_json(path.read_bytes())
        if known.milliseconds > 0:
            return known
    made = Measured(milliseconds=(yield from measure()), date=time.strftime("%Y-%m-%d"))
    with suppress(StorageError):  # works without a cache, only slower
        write_cached(path, json.dumps(made.model_dump()).encode())
    return made
