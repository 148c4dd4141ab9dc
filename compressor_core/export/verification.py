"""Verification of exported models against PyTorch and against gold labels."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from compressor_core.data.dataset import Example, Rows, Split
from compressor_core.data.labels import require_order
from compressor_core.data.registry import DATASETS, default_rows, examples_for, open_dataset
from compressor_core.errors import DataError, ModelError
from compressor_core.evaluate.rounds import Timed, input_by_input
from compressor_core.export.onnx import open_onnx, run_onnx
from compressor_core.export.settings import ExportSettings
from compressor_core.models.card import ModelCard
from compressor_core.models.classifier import Classifier
from compressor_core.models.inference import finite, forward
from compressor_core.records import ExportedForm, FileLatency, Progress, Work

TOLERANCE: Final = 1e-4
"""Maximum difference of a float32 logit from PyTorch's, which allows only for rounding."""
LOSS_POINTS: Final = 0.5
"""Maximum loss of the int8 file in accuracy points without a warning."""
INPUTS: Final = 100
"""Number of real inputs on which logits are compared."""
_ROUNDS: Final = 3
"""Timed rounds; the fastest time of each query counts, as it is least affected by other load."""


@dataclass(frozen=True)
class Material:
    """Examples on which exported files are verified, from a split (or "all") of a dataset.

    `labelled` is False for code outside the model's purpose: logits can be compared on it, but accuracy would be
    meaningless; `reason` then says why there is nothing better.
    """

    examples: Sequence[Example]
    dataset: str
    split: str
    labelled: bool = True
    reason: str | None = None


def material(
    card: ModelCard, dataset: str | None = None, data: str | None = None, split: Rows | None = None, *, seed: int = 0
) -> Material:
    """Examples of the given dataset, else of the test split of the model's own dataset.

    If that is not available, classroom code without labels.

    Raises:
        DataError: the given dataset cannot be read.
        ModelError: the dataset is for another task than the model.
    """
    if dataset is not None or data is not None:
        files = {info.name for info in DATASETS if not info.built_in}
        return _labelled(
            card, dataset or (card.dataset if card.dataset in files else None) or "file", data, split, seed
        )
    reason = "the model does not say what it was made for"
    if card.dataset is not None:
        try:
            return _labelled(card, card.dataset, None, split or Rows.TEST, seed)
        except DataError as error:
            reason = str(error)
    own = next(info.name for info in DATASETS if info.built_in and info.task is card.task)
    examples = examples_for(open_dataset(own, seed=seed), Split.TEST)
    return Material(examples, own, Split.TEST.value, labelled=False, reason=reason)


def _labelled(card: ModelCard, name: str, data: str | None, split: Rows | None, seed: int) -> Material:
    opened = open_dataset(name, data, seed=seed)
    if opened.task is not card.task:
        raise ModelError(f"the model is for {card.task} and the dataset {name} for {opened.task}: choose another one")
    require_order(card.labels, "the model", opened)
    rows = split or default_rows(opened, card.learned)
    return Material(examples_for(opened, rows), name, rows.value)


def verify(
    classifier: Classifier,
    files: Mapping[str, Path],
    given: Material,
    settings: ExportSettings,
    *,
    whole: bool,
    cancelled: Callable[[], bool] = lambda: False,
) -> Work[dict[str, ExportedForm] | None]:
    """Verify the ONNX files, by name; None if cancelled.

    Logits are compared on `INPUTS` examples. If `whole` and the material is labelled, accuracy is measured on all of
    its examples, or on a sample chosen by the seed. Each example is one unpadded query.
    """
    compared = min(INPUTS, len(given.examples))
    count = min(settings.examples, len(given.examples)) if whole and given.labelled else compared
    examples = random.Random(settings.seed).sample(list(given.examples), max(count, compared))
    encoded = list(classifier.encode([example.codes for example in examples]))
    sessions = {name: open_onnx(path, threads=settings.threads) for name, path in files.items()}
    answers: dict[str, list[NDArray[np.float32]]] = {name: [] for name in files}
    expected = []
    for number, query in enumerate(encoded, 1):
        if cancelled():
            return None
        if number <= compared:
            with torch.inference_mode():
                expected.append(finite(forward(classifier.model, [query], classifier.pad_id)).numpy())
        for name, session in sessions.items():
            answers[name].append(run_onnx(session, query, classifier.pad_id))
        if number % 20 == 0:
            message = f"Trying the exported files: {number:,} of {len(encoded):,} examples"
            yield Progress(message=message, fraction=number / len(encoded))
    yield Progress(message="Measuring their latency")
    runs = [partial(run_onnx, session, pad_id=classifier.pad_id) for session in sessions.values()]
    timed = [Timed(encoded[:compared], run) for run in runs]
    for _ in input_by_input(timed, _ROUNDS):
        pass
    gold = np.array([example.label for example in examples])
    found = {}
    for (name, path), one in zip(files.items(), timed, strict=True):
        logits = np.concatenate(answers[name])
        correct = int((logits.argmax(-1) == gold).sum()) if given.labelled else None
        median, p90 = np.percentile(one.by_round.min(axis=0), [50, 90])
        found[name] = ExportedForm(
            size_mb=path.stat().st_size / 1e6,
            inputs=compared,
            max_abs_difference=float(np.abs(logits[:compared] - np.concatenate(expected)).max()),
            examples=len(encoded),
            correct=correct,
            accuracy=None if correct is None else correct / len(encoded),
            latency=FileLatency(median=float(median), p90=float(p90), rounds=_ROUNDS),
        )
    return found


def require_parity(name: str, measured: ExportedForm) -> None:
    """Raise ModelError if a float32 file does not answer as PyTorch does."""
    if not measured.max_abs_difference < TOLERANCE:  # also true for NaN
        raise ModelError(
            f"the exported {name} differs from PyTorch by {measured.max_abs_difference:.2g} on "
            f"{measured.inputs} inputs, more than {TOLERANCE:g}, so nothing was written: keep to the model folder"
        )


def loss_points(float32: ExportedForm, int8: ExportedForm) -> float | None:
    """Accuracy points that int8 loses (negative: gains) on the same examples; None if not measured."""
    if float32.correct is None or int8.correct is None:
        return None
    return 100 * (float32.correct - int8.correct) / float32.examples


def warning(given: Material, loss: float | None) -> str | None:
    """One-sentence warning about an int8 file; None if there is none."""
    if loss is None:
        return (
            f"The accuracy of the int8 file was not measured ({(given.reason or '').rstrip('.')}): "
            "export it with labelled data before you rely on it."
        )
    if loss > LOSS_POINTS:
        return (
            f"The int8 file loses {loss:.2f} points of accuracy on {given.dataset}, more than {LOSS_POINTS:g}: "
            "use the float32 file unless its size matters more."
        )
    return None
