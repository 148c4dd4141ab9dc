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
from compressor_core.distill.losses import cross_entropy
from compressor_core.distill.trainer import Data, Record, TrainingConfig, fit
from compressor_core.evaluate.quality import quality
from compressor_core.models.bundled import FROM_SCRATCH
from compressor_core.models.card import ModelCard, size_on_disk
from compressor_core.models.classifier import Classifier
from compressor_core.models.teacher import from_scratch, load_encoder
from compressor_core.versions import versions

SCRATCH_ARCHITECTURE = Architecture(8000, 192, 4, 4, 512)
"""The encoder that is trained when there is no pre-trained one: small enough for a laptop without a GPU."""


@dataclass(frozen=True)
class TeacherConfig:
    """What `train-teacher` is asked for. `learning_rate` None: 6e-4 from scratch, 2e-5 for a pre-trained base."""

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

    def training(self) -> TrainingConfig:
        """The settings of the training loop. Raises SettingsError for values out of range."""
        rate = self.learning_rate or (6e-4 if self.base == FROM_SCRATCH else 2e-5)
        return TrainingConfig(
            epochs=self.epochs,
            learning_rate=rate,
            batch_size=self.batch_size,
            patience=self.patience,
            seed=self.seed,
            threads=self.threads,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def train_teacher(
    config: TeacherConfig,
    out: Path,
    *,
    checkpoint: Path | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Record]:
    """Train, measure on the test split, save to `out`; the last record is the result.

    The result has model, accuracy (test split), validation_accuracy, test (all scores), size_mb, seconds, cancelled.

    Raises:
        DataError, ModelError, SettingsError, TrainingError, StorageError: one sentence each.
    """
    started = time.monotonic()
    training = config.training()
    yield {"type": "progress", "message": "Reading the dataset"}
    dataset = open_dataset(config.dataset, config.data, seed=config.seed)
    torch.manual_seed(config.seed)
    if config.base == FROM_SCRATCH:
        yield {"type": "progress", "message": "Training the teacher's tokenizer"}
        texts = [code for example in dataset.examples(Split.TRAIN) for code in example.codes]
        architecture = Architecture.parse(config.architecture)
        teacher = from_scratch(architecture, texts, dataset.task, dataset.labels, config.max_length)
    else:
        yield {"type": "progress", "message": f"Loading {config.base}"}
        teacher = load_encoder(config.base, dataset.task, dataset.labels, config.max_length)

    def epoch_data(epoch: int) -> Generator[Record, None, Data]:
        return _labelled(teacher, dataset, Split.TRAIN, epoch)
        yield  # a generator without progress to report

    outcome = yield from fit(
        teacher.model,
        teacher.pad_id,
        training,
        epoch_data,
        _labelled(teacher, dataset, Split.VALIDATION),
        cross_entropy,
        checkpoint=checkpoint,
        cancelled=cancelled,
    )
    yield {"type": "progress", "message": "Measuring on the test split"}
    test = dataset.examples(Split.TEST)
    predicted = teacher.logits([example.codes for example in test]).argmax(-1).tolist()
    scores = quality([e.label for e in test], predicted, [e.group for e in test])
    seconds = time.monotonic() - started
    metrics = {
        "accuracy": scores["accuracy"],
        "f1": scores["f1"],
        "validation_accuracy": outcome.best_accuracy,
        "epochs": outcome.epochs,
        "best_epoch": outcome.best_epoch,
    }
    teacher.card = ModelCard(
        task=dataset.task,
        labels=dataset.labels,
        max_length=teacher.card.max_length,
        architecture=teacher.card.architecture,
        pair_features=teacher.card.pair_features,
        dataset=dataset.name,
        dataset_fingerprint=dataset.fingerprint,
        seed=config.seed,
        training={"base": config.base, **training.to_dict()},
        metrics=metrics,
        versions=versions(),
    )
    teacher.save(out)
    yield {
        "type": "result",
        "model": str(out),
        "accuracy": scores["accuracy"],
        "validation_accuracy": outcome.best_accuracy,
        "test": scores,
        "size_mb": size_on_disk(out) / 1e6,
        "parameters": teacher.parameters,
        "seconds": seconds,
        "cancelled": outcome.cancelled,
    }


def _labelled(model: Classifier, dataset: Dataset, split: Split, epoch: int = 0) -> Data:
    examples = dataset.examples(split, epoch)
    inputs = model.encode([example.codes for example in examples])
    return inputs, torch.tensor([example.label for example in examples])
