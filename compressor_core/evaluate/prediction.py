"""One prediction, as a user asks for it."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import torch

from compressor_core.errors import DataError
from compressor_core.models.classifier import Classifier
from compressor_core.models.inference import forward
from compressor_core.task import Task


@dataclass(frozen=True)
class Prediction:
    """A label, the probability of each label, and the milliseconds that tokenization and model took together."""

    label: str
    probabilities: dict[str, float]
    milliseconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def predict_once(classifier: Classifier, codes: tuple[str, ...]) -> Prediction:
    """What the model says of one function, or of a pair; timed after one call that is not counted.

    Raises:
        DataError: the number of functions is not what the model's task takes.
    """
    wanted = 2 if classifier.card.task is Task.CLONE else 1
    if len(codes) != wanted:
        raise DataError(f"a model for {classifier.card.task} takes {wanted} file(s), not {len(codes)}")
    with torch.inference_mode():
        for _ in range(2):  # the first call pays for what torch sets up once
            start = time.perf_counter()
            logits = forward(classifier.model, classifier.encode([codes]), classifier.pad_id)[0]
            milliseconds = (time.perf_counter() - start) * 1e3
    probabilities = torch.softmax(logits.double(), -1).tolist()
    labels = classifier.card.labels
    return Prediction(labels[int(logits.argmax())], dict(zip(labels, probabilities, strict=True)), milliseconds)
