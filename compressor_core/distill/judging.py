"""How a finished training is judged: by what the model says of the test split."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from compressor_core.data.dataset import Dataset, Example, Split
from compressor_core.distill import processes
from compressor_core.distill.batching import Record
from compressor_core.distill.learner import few
from compressor_core.models.classifier import Classifier
from compressor_core.progress import told


def judges(dataset: Dataset, *, cancelled: bool) -> Sequence[Example]:
    """The test split; after a training that was cancelled a few examples of it, see `few`."""
    test = dataset.examples(Split.TEST)
    return [test[index] for index in few(len(test))] if cancelled else test


def answers(who: str, model: Classifier, test: Sequence[Example]) -> Generator[Record, None, list[int]]:
    """The class that a model tells of each example; several processes share the work."""
    logits = yield from told(
        processes.shared([example.codes for example in test], model.predicting),
        lambda done: f"The {who} predicts {done:,} of {len(test):,} examples of the test split",
    )
    found: list[int] = logits.argmax(-1).tolist()
    return found
