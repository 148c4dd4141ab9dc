"""Training a teacher: fine-tuning an encoder, or training one from scratch, on the labelled split."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from compressor_core.architecture import Architecture
from compressor_core.data.dataset import Dataset, Split
from compressor_core.data.registry import open_dataset
from compressor_core.distill import processes
from compressor_core.distill.batching import Data, Record, remembered
from compressor_core.distill.judging import answers, judges
from compressor_core.distill.learner import Diverged, saved
from compressor_core.distill.losses import cross_entropy
from compressor_core.distill.settings import TrainingSettings
from compressor_core.distill.tokens import encoded
from compressor_core.distill.trainer import fit
from compressor_core.errors import SettingsError
from compressor_core.evaluate.quality import quality
from compressor_core.language import Language
from compressor_core.machine import versions
from compressor_core.models.bundled import FROM_SCRATCH
from compressor_core.models.card import size_on_disk
from compressor_core.models.compute import choose
from compressor_core.models.graph import extracting
from compressor_core.models.teacher import find_encoder, from_scratch, load_encoder, reads_data_flow
from compressor_core.progress import told
from compressor_core.task import PairFeatures

SCRATCH_ARCHITECTURE = Architecture(8000, 192, 4, 4, 512)
"""The encoder that is trained when there is no pre-trained one: small enough for a laptop without a GPU."""


@dataclass(frozen=True)
class TeacherSettings:
    """What `train-teacher` is asked for.

    `learning_rate` None: 6e-4 from scratch, 2e-5 for a pre-trained base. `data_flow` None: if the base was trained to
    read it, as GraphCodeBERT was. `pair_features` is for the clone task. `device` and `precision` None: CUDA with half
    precision if there is one, else a CPU with float32.
    """

    base: str = FROM_SCRATCH
    dataset: str = "classroom-vulnerability"
    data: str | None = None
    epochs: int = 3
    seed: int = 0
    batch_size: int = 32
    learning_rate: float | None = None
    max_length: int = 256
    patience: int | None = None
    threads: int | None = None
    architecture: str = str(SCRATCH_ARCHITECTURE)
    """Of a base trained from scratch, as V,H,L,A,I."""
    pair_features: str = PairFeatures.COMPARE
    data_flow: bool | None = None
    device: str | None = None
    precision: str | None = None

    def training(self) -> TrainingSettings:
        """The settings of the training loop. Raises SettingsError for values out of range."""
        usual = 6e-4 if self.base == FROM_SCRATCH else 2e-5
        return TrainingSettings.of(self, learning_rate=usual if self.learning_rate is None else self.learning_rate)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def train_teacher(
    config: TeacherSettings,
    out: Path,
    *,
    checkpoint: Path | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Record]:
    """Train, measure on the test split, save to `out`; the last record is the result.

    The result has model, accuracy (test split), validation_accuracy, test (all scores), size_mb, seconds, cancelled.
    Cancelled before the first step of training, there is none; cancelled later, it is measured on a few examples of
    the split, see `judges`: `test` says on how many. Of several processes only the first saves the teacher and yields
    the result, see `processes`.

    Raises:
        DataError, ModelError, SettingsError, TrainingError, StorageError: one sentence each. Where the loss is no
            longer a number, the best teacher before it is saved to `out` first.
    """
    started = time.monotonic()
    training = config.training()
    compute = choose(config.device, config.precision)
    features = pair_features(config.pair_features)
    if config.base != FROM_SCRATCH:
        yield {"type": "progress", "message": f"Looking for {config.base}"}
        find_encoder(config.base)  # first of all, since it may be refused
    yield {"type": "progress", "message": "Reading the dataset"}
    dataset = open_dataset(config.dataset, config.data, seed=config.seed)
    flow = _data_flow(config, dataset)
    torch.manual_seed(config.seed)
    if config.base == FROM_SCRATCH:
        yield {"type": "progress", "message": "Training the teacher's tokenizer"}
        texts = [code for example in dataset.examples(Split.TRAIN) for code in example.codes]
        if flow is not None:
            steps = told(extracting(texts, flow), lambda done: f"Reading the data flow of {done:,} functions")
            if (yield from processes.until_cancelled(steps, cancelled)) is None:
                return
        architecture = Architecture.parse(config.architecture)
        teacher = from_scratch(
            architecture, texts, dataset.task, dataset.labels, config.max_length, features, data_flow=flow
        )
    else:
        yield {"type": "progress", "message": f"Loading {config.base}"}
        teacher = load_encoder(config.base, dataset.task, dataset.labels, config.max_length, features, data_flow=flow)

    def labelled(split: Split, draw: int = 0) -> Generator[Record, None, Data]:
        examples = dataset.examples(split, draw)
        keep = not (dataset.fresh and split is Split.TRAIN)
        inputs = yield from encoded(teacher, [example.codes for example in examples], keep=keep)
        return inputs, torch.tensor([example.label for example in examples])

    validation = yield from processes.until_cancelled(labelled(Split.VALIDATION), cancelled)
    if validation is None:
        return
    card = teacher.card.replace(
        dataset=dataset.name,
        dataset_fingerprint=dataset.fingerprint,
        seed=config.seed,
        training={"base": config.base, **training.to_dict(), **compute.to_dict()},
        versions=versions(),
    )
    try:
        outcome = yield from fit(
            teacher.model,
            teacher.pad_id,
            training,
            remembered(lambda draw: labelled(Split.TRAIN, draw), lambda epoch: epoch if dataset.fresh else 0),
            validation,
            cross_entropy,
            settings={"base": config.base, "dataset": dataset.fingerprint, "max_length": teacher.card.max_length},
            checkpoint=checkpoint,
            cancelled=cancelled,
        )
    except Diverged as error:
        raise saved(error, teacher, card, out) from error
    if outcome.cancelled and not outcome.steps:
        return
    yield {"type": "progress", "message": "Measuring on the test split"}
    test = judges(dataset, cancelled=outcome.cancelled)
    said = yield from answers("teacher", teacher, test)
    if not processes.main():
        return
    scores = quality([e.label for e in test], said, [e.group for e in test])
    seconds = time.monotonic() - started
    metrics = {
        "accuracy": scores.accuracy,
        "f1": scores.f1,
        **outcome.metrics(),
        **({"test_examples": len(test)} if outcome.cancelled else {}),
    }
    teacher.card = card.replace(metrics=metrics)
    teacher.save(out)
    yield {
        "type": "result",
        "model": str(out),
        "accuracy": scores.accuracy,
        "validation_accuracy": outcome.best_accuracy,
        "test": scores.plain(),
        "size_mb": size_on_disk(out) / 1e6,
        "parameters": teacher.parameters,
        "seconds": seconds,
        "cancelled": outcome.cancelled,
    }


def pair_features(name: str) -> PairFeatures:
    """The pair features of that name. Raises SettingsError."""
    if name not in set(PairFeatures):
        raise SettingsError(f"there are no pair features {name!r}: choose from {', '.join(PairFeatures)}")
    return PairFeatures(name)


def _data_flow(config: TeacherSettings, dataset: Dataset) -> Language | None:
    """The language whose data flow the teacher is to read, if any. Raises SettingsError if it is not known."""
    wanted = reads_data_flow(config.base) if config.data_flow is None else config.data_flow
    if wanted and dataset.language is None:
        raise SettingsError(
            f"{config.base} reads data flow and {dataset.name} does not say in which language its code is: "
            f"say it ({', '.join(Language)}), or switch data flow off"
        )
    return dataset.language if wanted else None
