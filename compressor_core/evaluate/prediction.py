"""A single prediction for a user, by one model or by several that take turns."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from statistics import median
from typing import Final

import torch
from torch import Tensor

from compressor_core.errors import DataError, ModelError
from compressor_core.evaluate.rounds import Timed, input_by_input, torch_threads
from compressor_core.models.classifier import Classifier, Code, functions_of
from compressor_core.models.inference import finite, forward
from compressor_core.records import Prediction
from compressor_core.task import Task

CALLS: Final = 5
"""Timed calls of each model, of which the median is reported, after one untimed call."""
_PATIENCE: Final = 4.0
"""Seconds after which slow models are not called again."""


def predict_once(classifier: Classifier, codes: Code) -> Prediction:
    """Answer of one model to one function, or to a pair, see `predict_in_turns`."""
    return predict_in_turns({"model": classifier}, codes)["model"]


def predict_in_turns(models: Mapping[str, Classifier], codes: Code) -> dict[str, Prediction]:
    """Answer of each model, by name, to one function, or to a pair.

    Milliseconds are the median of `CALLS` calls, fewer for slow models, on one thread and unpadded. The models take
    turns, after one untimed call each, which includes torch's one-time setup.

    Raises:
        DataError: the number of functions does not match the models' task.
        ModelError: the models are for different tasks, or an answer is not finite.
    """
    tasks = {name: model.card.task for name, model in models.items()}
    if len(set(tasks.values())) > 1:
        said = " and ".join(f"the {name} is for {task}" for name, task in tasks.items())
        raise ModelError(f"{said}: choose models of the same task")
    task, codes = next(iter(tasks.values())), functions_of(codes)
    wanted = 2 if task is Task.CLONE else 1
    if len(codes) != wanted:
        raise DataError(f"a model for {task} takes {wanted} file(s), not {len(codes)}")
    timed = [Timed([codes], partial(_logits, model)) for model in models.values()]
    with torch_threads(1):
        begun = time.perf_counter()
        for _ in input_by_input(timed, CALLS):
            if time.perf_counter() - begun > _PATIENCE:
                break
    return {
        name: _prediction(model, codes, one.answers[0], median(one.times))
        for (name, model), one in zip(models.items(), timed, strict=True)
    }


@torch.inference_mode()
def _logits(classifier: Classifier, codes: tuple[str, ...]) -> Tensor:
    """Logits (2,) of one example."""
    return forward(classifier.model, classifier.encode([codes]), classifier.pad_id)[0]


def _prediction(classifier: Classifier, codes: tuple[str, ...], logits: Tensor, milliseconds: float) -> Prediction:
    probabilities = torch.softmax(finite(logits[None])[0].double(), -1).tolist()
    labels = classifier.card.labels
    return Prediction(
        label=labels[int(logits.argmax())],
        probabilities=dict(zip(labels, probabilities, strict=True)),
        milliseconds=milliseconds,
        tokens=tuple(classifier.tokens(code) for code in codes),
        read=tuple(len(function.ids) for function in classifier.encode([codes])[0]),
    )
