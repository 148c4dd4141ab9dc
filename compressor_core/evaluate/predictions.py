"""Answers of each model to each example, stored with a comparison's result so that examples can be inspected.

A folder of predictions, readable without this program:

    examples.jsonl   one example per line: gold class, kind, origin, length in characters, logits by model, and
                     functions, as line numbers from 0 in the other file
    functions.jsonl  the code of each distinct function
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from compressor_core.data.dataset import Example
from compressor_core.errors import DataError
from compressor_core.evaluate.statistics import log_probabilities
from compressor_core.files import storage_error, to_json, write_text

FOLDER: Final = "predictions"
"""Name of the predictions folder in a run's folder."""
_EXAMPLES, _FUNCTIONS = "examples.jsonl", "functions.jsonl"


class Verdict(StrEnum):
    """Which of the teacher and one student is right about an example."""

    DISAGREE = "disagree"
    ONLY_TEACHER = "only-teacher"
    ONLY_STUDENT = "only-student"
    NEITHER = "neither"
    ALL = "all"


@dataclass(frozen=True)
class Predictions:
    """Examples with the answers of each model; the first model is the teacher."""

    models: tuple[str, ...]
    gold: NDArray[np.int64]
    """(examples,)"""
    logits: NDArray[np.float64]
    """(models, examples, 2)"""
    kinds: tuple[str, ...]
    origins: tuple[str, ...]
    characters: tuple[int, ...]
    places: tuple[tuple[int, ...], ...]
    """For each example, the indices of its functions in `functions`."""
    functions: tuple[str, ...]

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Predicted classes (models, examples)."""
        predicted: NDArray[np.int64] = self.logits.argmax(-1)
        return predicted

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Probabilities of class 1 (models, examples)."""
        return np.exp(log_probabilities(self.logits)[..., 1])

    def codes(self, index: int) -> tuple[str, ...]:
        """Function of an example, or both functions of a pair."""
        return tuple(self.functions[place] for place in self.places[index])


def characters(example: Example) -> int:
    """Length of an example in characters: that of its function, or of both functions of a pair."""
    return sum(map(len, example.codes))


def make_folder(folder: Path) -> None:
    """Make the folder of the predictions. Raises StorageError unless files can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise storage_error(error, folder) from error


def write_predictions(folder: Path, examples: Sequence[Example], logits: Mapping[str, ArrayLike]) -> None:
    """Write the models' logits (n, 2) on the examples, by name, the teacher first.

    Raises:
        StorageError: writing failed.
    """
    make_folder(folder)
    said = {name: np.asarray(rows, np.float64).tolist() for name, rows in logits.items()}
    functions: dict[str, int] = {}
    lines = []
    for index, example in enumerate(examples):
        row = {
            "gold": example.label,
            "group": example.group,
            "origin": example.origin,
            "characters": characters(example),
            "functions": [functions.setdefault(code, len(functions)) for code in example.codes],
            "logits": {name: rows[index] for name, rows in said.items()},
        }
        lines.append(to_json(row) + "\n")
    write_text(folder / _FUNCTIONS, "".join(to_json({"code": code}) + "\n" for code in functions))
    # Written last, so that its presence means that the folder is complete.
    write_text(folder / _EXAMPLES, "".join(lines))


def read_predictions(folder: Path) -> Predictions:
    """The inverse of `write_predictions`. Raises DataError if a file is missing or damaged."""
    if not (folder / _EXAMPLES).is_file():
        raise DataError(f"{folder} has no {_EXAMPLES}: compare the models again to write every prediction.")
    try:
        rows = _rows(folder / _EXAMPLES)
        functions = tuple(str(row["code"]) for row in _rows(folder / _FUNCTIONS))
        models = tuple(rows[0]["logits"])
        logits = np.array([[row["logits"][model] for row in rows] for model in models], np.float64)
        places = tuple(tuple(int(place) for place in row["functions"]) for row in rows)
        if logits.shape != (len(models), len(rows), 2):
            raise ValueError("there are not two logits for each example")
        if any(not 0 <= place < len(functions) for each in places for place in each):
            raise ValueError(f"{_FUNCTIONS} is cut short")
        return Predictions(
            models,
            np.array([row["gold"] for row in rows], np.int64),
            logits,
            tuple(str(row["group"]) for row in rows),
            tuple(str(row["origin"]) for row in rows),
            tuple(int(row["characters"]) for row in rows),
            places,
            functions,
        )
    except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
        raise DataError(f"The predictions in {folder} are damaged ({error}): compare the models again.") from error


def select(
    predictions: Predictions,
    student: int = 1,
    *,
    verdict: Verdict = Verdict.DISAGREE,
    kind: str | None = None,
    label: int | None = None,
    text: str = "",
) -> NDArray[np.int64]:
    """Indices of the selected examples, sorted by descending difference of the two models' probabilities.

    `student` is the index of the student among the models. `kind` and `label` select examples of that kind and gold
    class, `text` those with this text in their code, ignoring case.
    """
    right = predictions.predicted == predictions.gold
    teacher, own = right[0], right[student]
    kept = {
        Verdict.DISAGREE: teacher != own,
        Verdict.ONLY_TEACHER: teacher & ~own,
        Verdict.ONLY_STUDENT: ~teacher & own,
        Verdict.NEITHER: ~teacher & ~own,
        Verdict.ALL: np.ones(len(own), bool),
    }[verdict]
    if kind is not None:
        kept &= np.array([one == kind for one in predictions.kinds], bool)
    if label is not None:
        kept &= predictions.gold == label
    if text:
        has = [text.casefold() in code.casefold() for code in predictions.functions]
        kept &= np.array([any(has[place] for place in places) for places in predictions.places], bool)
    chosen = np.nonzero(kept)[0]
    probabilities = predictions.probabilities
    apart = np.abs(probabilities[0] - probabilities[student])[chosen]
    return chosen[np.argsort(-apart, kind="stable")]


def example_rows(
    predictions: Predictions, chosen: Sequence[int] | NDArray[np.int64], student: int, labels: Sequence[str]
) -> list[dict[str, Any]]:
    """One table row per example: truth, both predictions and probabilities, kind, length, origin, code."""
    probabilities, predicted = predictions.probabilities, predictions.predicted
    positive = labels[1]
    return [
        {
            "Example": int(index),
            "Truth": labels[predictions.gold[index]],
            "Teacher says": labels[predicted[0, index]],
            "Student says": labels[predicted[student, index]],
            f"Teacher: {positive}": float(probabilities[0, index]),
            f"Student: {positive}": float(probabilities[student, index]),
            "Kind": predictions.kinds[index],
            "Characters": predictions.characters[index],
            "Origin": predictions.origins[index],
            "Code": "\n\n".join(predictions.codes(index)),
        }
        for index in chosen
    ]


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
