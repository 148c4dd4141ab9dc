"""One prediction, as a user asks for it: of one model, or of several that take turns."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor

from compressor_core.errors import DataError, ModelError
from compressor_core.models.classifier import Classifier, Code, functions_of
from compressor_core.models.inference import forward
from compressor_core.task import Task

CALLS = 5
"""Calls of each model whose median is told, after one that is not counted."""
_PATIENCE = 4.0
"""Seconds after which slow models are not called again."""


@dataclass(frozen=True)
class Prediction:
    """A label, the probability of each label, and the milliseconds that tokenization and model took together."""

    label: str
    probabilities: dict[str, float]
    milliseconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def predict_once(classifier: Classifier, codes: Code) -> Prediction:
    """What the model says of one function, or of a pair, see `predict_in_turns`."""
    return predict_in_turns({"model": classifier}, codes)["model"]


def predict_in_turns(models: Mapping[str, Classifier], codes: Code) -> dict[str, Prediction]:
    """What each model says of one function, or of a pair, by name.

    Milliseconds are the median of `CALLS` calls, fewer of slow models, on one thread and unpadded. The models take
    turns, after one call each that is not counted: it pays for what torch sets up once.

    Raises:
        DataError: the number of functions is not what the models' task takes.
        ModelError: the models are for different tasks.
    """
    tasks = {name: model.card.task for name, model in models.items()}
    if len(set(tasks.values())) > 1:
        said = " and ".join(f"the {name} is for {task}" for name, task in tasks.items())
        raise ModelError(f"{said}: choose models of the same task")
    task, codes = next(iter(tasks.values())), functions_of(codes)
    wanted = 2 if task is Task.CLONE else 1
    if len(codes) != wanted:
        raise DataError(f"a model for {task} takes {wanted} file(s), not {len(codes)}")
    times: dict[str, list[float]] = {name: [] for name in models}
    logits: dict[str, Tensor] = {}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        begun = time.perf_counter()
        for turn in range(1 + CALLS):
            for name, model in models.items():
                start = time.perf_counter()
                logits[name] = _logits(model, codes)
                times[name].append((time.perf_counter() - start) * 1e3)
            if turn and time.perf_counter() - begun > _PATIENCE:
                break
    finally:
        torch.set_num_threads(threads)
    return {name: _prediction(models[name], logits[name], median(times[name][1:])) for name in models}


@torch.inference_mode()
def _logits(classifier: Classifier, codes: tuple[str, ...]) -> Tensor:
    """Logits (2,) of one example."""
    return forward(classifier.model, classifier.encode([codes]), classifier.pad_id)[0]


def _prediction(classifier: Classifier, logits: Tensor, milliseconds: float) -> Prediction:
    probabilities = torch.softmax(logits.double(), -1).tolist()
    labels = classifier.card.labels
    return Prediction(labels[int(logits.argmax())], dict(zip(labels, probabilities, strict=True)), milliseconds)
