"""What exported models answer, held against PyTorch and against the right answers."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from compressor_core.data.dataset import Example, Split
from compressor_core.data.registry import DATASETS, default_split, examples_for, open_dataset
from compressor_core.errors import DataError, ModelError
from compressor_core.export.onnx import open_onnx, run_onnx
from compressor_core.models.card import ModelCard
from compressor_core.models.classifier import Classifier
from compressor_core.models.inference import forward
from compressor_core.models.inputs import Encoded

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Record = dict[str, Any]

TOLERANCE: Final = 1e-4
"""How far a logit of the float32 file may be from PyTorch's: rounding in another order, and nothing else."""
LOSS_POINTS: Final = 0.5
"""How many points of accuracy the int8 file may lose without being flagged."""
INPUTS: Final = 100
"""Real inputs on which logits are compared."""
_ROUNDS: Final = 3
"""How often each of these is timed: its fastest run counts, which says least of what else the machine does."""


@dataclass(frozen=True)
class Material:
    """What exported files are tried on: `examples` of a split (or "all") of a dataset.

    `labelled` is False for code that the model was not made to judge: its logits can be compared on it, its accuracy
    on it would say nothing; `reason` then says why there is nothing better.
    """

    examples: Sequence[Example]
    dataset: str
    split: str
    labelled: bool = True
    reason: str | None = None


def material(
    card: ModelCard, dataset: str | None = None, data: str | None = None, split: str | None = None, *, seed: int = 0
) -> Material:
    """The dataset that is named, else the test split of the one that the model was made for.

    Where that is not at hand, code of the classroom, unlabelled.

    Raises:
        DataError: the dataset that is named cannot be read, or has no such split.
        ModelError: it is of another task than the model.
    """
    if split is not None and split not in set(Split):
        raise DataError(f"there is no split {split!r}: choose from {', '.join(Split)}")
    if dataset is not None or data is not None:
        files = {info.name for info in DATASETS if not info.built_in}
        return _labelled(
            card, dataset or (card.dataset if card.dataset in files else None) or "file", data, split, seed
        )
    reason = "the model does not say what it was made for"
    if card.dataset is not None:
        try:
            return _labelled(card, card.dataset, None, split or Split.TEST, seed)
        except DataError as error:
            reason = str(error)
    own = next(info.name for info in DATASETS if info.built_in and info.task is card.task)
    examples = examples_for(open_dataset(own, seed=seed), Split.TEST)
    return Material(examples, own, Split.TEST.value, labelled=False, reason=reason)


def _labelled(card: ModelCard, name: str, data: str | None, split: str | None, seed: int) -> Material:
    opened = open_dataset(name, data, seed=seed)
    if opened.task is not card.task:
        raise ModelError(f"the model is for {card.task} and the dataset {name} for {opened.task}: choose another one")
    wanted = default_split(opened) if split is None else Split(split)
    return Material(examples_for(opened, wanted), name, str(wanted or "all"))


def verify(
    classifier: Classifier,
    files: Mapping[str, Path],
    given: Material,
    *,
    whole: bool,
    most: int = 5_000,
    threads: int = 1,
    seed: int = 0,
    cancelled: Callable[[], bool] = lambda: False,
) -> Generator[Record, None, dict[str, Record] | None]:
    """Try the ONNX files, by name; yields progress records, returns what was measured of each, None if cancelled.

    Logits are compared on `INPUTS` examples. If `whole`, and the material is labelled, all of its examples are
    answered, or `most` of them chosen by the seed. Each is one query, unpadded, as the files are used.

    Keys for each: size_mb, inputs, max_abs_difference (of a logit, to PyTorch), examples, correct and accuracy (None
    without labels), latency (see `_latency`).
    """
    rng = random.Random(seed)
    few = min(INPUTS, len(given.examples))
    count = min(most, len(given.examples)) if whole and given.labelled else few
    examples = rng.sample(list(given.examples), max(count, few))
    encoded = list(classifier.encode([example.codes for example in examples]))
    sessions = {name: open_onnx(path, threads=threads) for name, path in files.items()}
    answers: dict[str, list[NDArray[np.float32]]] = {name: [] for name in files}
    expected = []
    for number, query in enumerate(encoded):
        if cancelled():
            return None
        if number < few:
            with torch.inference_mode():
                expected.append(forward(classifier.model, [query], classifier.pad_id).numpy())
        for name, session in sessions.items():
            answers[name].append(run_onnx(session, query))
        if number % 20 == 19:
            yield {
                "type": "progress",
                "message": f"Trying the exported files: {number + 1:,} of {len(encoded):,} examples",
                "fraction": (number + 1) / len(encoded),
            }
    yield {"type": "progress", "message": "Measuring their latency"}
    latency = _latency(sessions, encoded[:few])
    gold = np.array([example.label for example in examples])
    found = {}
    for name, path in files.items():
        logits = np.concatenate(answers[name])
        correct = int((logits.argmax(-1) == gold).sum()) if given.labelled else None
        found[name] = {
            "size_mb": path.stat().st_size / 1e6,
            "inputs": few,
            "max_abs_difference": float(np.abs(logits[:few] - np.concatenate(expected)).max()),
            "examples": len(encoded),
            "correct": correct,
            "accuracy": None if correct is None else correct / len(encoded),
            "latency": latency[name],
        }
    return found


def _latency(sessions: dict[str, InferenceSession], queries: Sequence[Encoded]) -> dict[str, Record]:
    """Median and 90th percentile (ms, tokenisation apart) of one query, of each the fastest of its rounds.

    The files take turns on every query, so that whatever else the machine does strikes all alike.
    """
    times: dict[str, list[list[float]]] = {name: [] for name in sessions}
    for turn in range(_ROUNDS):
        for row in times.values():
            row.append([])
        for number, query in enumerate(queries):
            for name in sessions if (turn + number) % 2 else reversed(sessions):
                start = time.perf_counter()
                run_onnx(sessions[name], query)
                times[name][turn].append((time.perf_counter() - start) * 1e3)
    found = {}
    for name, rounds in times.items():
        median, p90 = np.percentile(np.min(rounds, axis=0), [50, 90])
        found[name] = {"median": float(median), "p90": float(p90), "rounds": _ROUNDS}
    return found


def require_parity(name: str, measured: Mapping[str, Any]) -> None:
    """Raise ModelError if a float32 file does not answer as PyTorch does."""
    if not measured["max_abs_difference"] < TOLERANCE:  # nor if it is no number
        raise ModelError(
            f"the exported {name} differs from PyTorch by {measured['max_abs_difference']:.2g} on "
            f"{measured['inputs']} inputs, more than {TOLERANCE:g}, so nothing was written: keep to the model folder"
        )


def loss_points(float32: Mapping[str, Any], int8: Mapping[str, Any]) -> float | None:
    """Points of accuracy that int8 loses (negative: gains), on the same examples; None if it was not measured."""
    if float32["correct"] is None:
        return None
    return float(100 * (float32["correct"] - int8["correct"]) / float32["examples"])


def warning(given: Material, loss: float | None) -> str | None:
    """What has to be said of an int8 file, in one sentence; None if there is nothing."""
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
