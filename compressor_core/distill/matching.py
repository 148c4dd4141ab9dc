"""What a teacher and a dataset must have in common before one learns from the other."""

from __future__ import annotations

import re

from compressor_core.data.dataset import Dataset
from compressor_core.errors import ModelError
from compressor_core.models.card import ModelCard

_BARE = re.compile(r"(label[_ ]?)?\d+|true|false|")
"""Names of classes that say nothing of what they mean."""


def require_match(card: ModelCard, teacher: str, dataset: Dataset) -> None:
    """Raise ModelError unless the teacher is for the dataset's task, labels and language."""
    if card.task is not dataset.task:
        raise ModelError(
            f"the teacher {teacher} is for {card.task} and {dataset.name} is for {dataset.task}: "
            "choose a teacher and a dataset of the same task"
        )
    require_labels(card.labels, teacher, dataset)
    if card.data_flow is not None and dataset.language not in (None, card.data_flow):
        raise ModelError(
            f"the teacher {teacher} reads the data flow of {card.data_flow} and {dataset.name} is {dataset.language}: "
            "choose a teacher and a dataset of the same language"
        )


def require_labels(told: tuple[str, str], teacher: str, dataset: Dataset) -> None:
    """Raise ModelError if teacher and dataset mean different things by class 1. Bare numbers may mean anything."""
    (zero, one), (other_zero, other_one) = ([name.casefold() for name in names] for names in (told, dataset.labels))
    if one == other_one or any(_BARE.fullmatch(name) for name in (one, other_one)):
        return
    if one == other_zero or zero == other_one:
        what, remedy = "the other way round", "turn the labels of the dataset round"
    else:
        what, remedy = "something else", "choose a teacher of the same labels, or rename those of the dataset"
    raise ModelError(
        f"the teacher {teacher} tells {told[0]!r} (class 0) from {told[1]!r} (class 1), and {dataset.name} "
        f"{dataset.labels[0]!r} from {dataset.labels[1]!r}, which is {what}: {remedy}"
    )
