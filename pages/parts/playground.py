"""Cached answers and line scores for the playground."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from compressor_core.data.dataset import UNKNOWN, Example, Split
from compressor_core.data.hub import cached_parts
from compressor_core.errors import DataError
from compressor_core.records import AlarmThreshold, Attribution, Prediction
from compressor_core.runs.library import Model
from pages.parts.data import INFO, changed, opened
from pages.parts.own_file import looked

if TYPE_CHECKING:
    from compressor_core.models.classifier import Classifier

PATIENCE = 20.0
"""Expected seconds up to which line scores or a threshold are computed without being requested."""
_CALLS_PER_LINES = 60
"""Lower estimate of the cost of line scores (twenty gradients), in calls of the model."""

Place = tuple[str, float | None]
"""Folder of a model and its modification time."""


def place_of(folder: Path) -> Place:
    return str(folder), changed(folder)


@st.cache_resource(max_entries=4, show_spinner="Loading the model")
def loaded(place: Place) -> Classifier:
    """Model in a folder, for inference only."""
    from compressor_core.models.classifier import load

    classifier = load(place[0])
    classifier.model.requires_grad_(False)
    return classifier


@st.cache_data(max_entries=50, show_spinner="Asking both")
def answers(places: Mapping[str, Place], codes: tuple[str, ...]) -> dict[str, Prediction]:
    """Answer of each side with its latency, measured in turns."""
    from compressor_core.evaluate.prediction import predict_in_turns

    return predict_in_turns({side: loaded(place) for side, place in places.items()}, codes)


@st.cache_data(max_entries=50, show_spinner="Scoring the lines")
def attributed(place: Place, codes: tuple[str, ...]) -> Attribution:
    """Scores of the lines for one model's answer."""
    from compressor_core.evaluate.attribution import attribute

    return attribute(loaded(place), codes)


@st.cache_data(max_entries=20, show_spinner="Asking about clean code, once for each model")
def threshold(place: Place) -> AlarmThreshold | None:
    """Probability up to which an alarm of a model is unsure."""
    from compressor_core.evaluate.unsure import alarm_threshold

    return alarm_threshold(loaded(place))


def thresholds(places: Mapping[str, Place], found: Mapping[str, Prediction]) -> dict[str, AlarmThreshold]:
    """Thresholds of the sides that are fast enough to compute them on clean code."""
    from compressor_core.evaluate.unsure import FUNCTIONS

    fast = {side: place for side, place in places.items() if found[side].milliseconds * FUNCTIONS / 1e3 < PATIENCE}
    return {side: limit for side, place in fast.items() if (limit := threshold(place)) is not None}


def seconds_of_lines(milliseconds: float) -> float:
    """Least time in seconds to score the lines, for a model that answers in `milliseconds`."""
    return milliseconds * _CALLS_PER_LINES / 1e3


@dataclass(frozen=True)
class Drawn:
    """Drawn example of a test split: its source and number, and the number of its true class, None if unknown."""

    source: tuple[str, str | None]
    number: int
    codes: tuple[str, ...]
    truth: int | None
    origin: str


@st.cache_resource(max_entries=2, show_spinner="Reading the dataset")
def test_examples(name: str, data: str | None, when: float | None) -> Sequence[Example]:
    """Test split in a fixed random order."""
    return shuffled(opened(name, data, when).examples(Split.TEST))


def shuffled(examples: Sequence[Example]) -> Sequence[Example]:
    order = random.Random(0).sample(range(len(examples)), len(examples))
    return [examples[at] for at in order]


def example_of(student: Model, number: int) -> Drawn:
    """Example `number` of the test split of the student's dataset, in a shuffled order; numbers wrap around.

    Raises:
        DataError: the file is missing or has no test split, or the dataset is on the hub and not on this machine.
    """
    info = INFO[student.dataset]
    if student.data is None and info.hub is not None and cached_parts(info.hub) is None:
        raise DataError(f"{info.title} is not on this machine, so there is no example to draw: paste code instead")
    when = changed(Path(student.data)) if student.data else None
    if info.name == "file" and student.data:
        examples = shuffled(looked(Path(student.data), when).dataset.examples(Split.TEST))
    else:
        examples = test_examples(student.dataset, student.data, when)
    number %= len(examples)
    example = examples[number]
    truth = None if example.label == UNKNOWN else example.label
    origin = ", ".join(filter(None, (example.group, example.origin)))
    return Drawn((student.dataset, student.data), number, example.codes, truth, origin)
