"""Distilling a student: a small model learns the teacher's soft labels on unlabelled code (ASE 2022, Section 3.3)."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from compressor_core.architecture import Architecture
from compressor_core.cost import cost
from compressor_core.data.dataset import Split
from compressor_core.data.registry import open_dataset
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.distill.losses import soft_label_divergence
from compressor_core.distill.presets import PRESETS
from compressor_core.distill.soft_labels import SoftLabels
from compressor_core.distill.trainer import Data, Record, TrainingConfig, fit
from compressor_core.errors import ModelError, SettingsError
from compressor_core.evaluate.quality import agreement, quality
from compressor_core.models.card import ModelCard, size_on_disk
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.student import build
from compressor_core.task import PairFeatures
from compressor_core.versions import versions

EPOCHS_PER_DRAW = 2
"""Epochs for which one draw of a fresh dataset serves: labelling it costs about half as much as learning from it."""


@dataclass(frozen=True)
class DistillConfig:
    """What `distill` is asked for.

    `architecture` is V,H,L,A,I. `epochs` and `learning_rate` None: the preset's. The paper's temperature is 10 for
    vulnerability prediction and 1 for clone detection; the default of 2 is a choice, not the outcome of a comparison.
    """

    teacher: str
    architecture: str
    dataset: str = "classroom-vulnerability"
    data: str | None = None
    budget_mb: float | None = None
    preset: str = "quick"
    epochs: int | None = None
    learning_rate: float | None = None
    temperature: float = 2.0
    batch_size: int = 16
    patience: int | None = None
    seed: int = 0
    threads: int | None = None

    def training(self) -> TrainingConfig:
        """The settings of the training loop. Raises SettingsError for values out of range."""
        if self.preset not in PRESETS:
            raise SettingsError(f"there is no preset {self.preset!r}: choose from {', '.join(PRESETS)}")
        if not self.temperature > 0:
            raise SettingsError(f"the temperature must be above 0, not {self.temperature!r}")
        preset = PRESETS[self.preset]
        return TrainingConfig(
            epochs=preset.epochs if self.epochs is None else self.epochs,
            learning_rate=preset.learning_rate if self.learning_rate is None else self.learning_rate,
            batch_size=self.batch_size,
            patience=self.patience,
            seed=self.seed,
            threads=self.threads,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def distil(
    config: DistillConfig,
    out: Path,
    *,
    checkpoint: Path | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Record]:
    """Distil, measure teacher and student on the test split, save to `out`; the last record is the result.

    The result has model, accuracy and teacher_accuracy (test split), agreement, size_mb, seconds, cancelled.

    Raises:
        ArchitectureError, DataError, ModelError, SettingsError, TrainingError, StorageError: one sentence each.
    """
    started = time.monotonic()
    training = config.training()
    architecture = Architecture.parse(config.architecture)
    yield {"type": "progress", "message": "Loading the teacher and the dataset"}
    teacher = load(Path(config.teacher))
    dataset = open_dataset(config.dataset, config.data, seed=config.seed)
    if teacher.card.task is not dataset.task:
        raise ModelError(
            f"the teacher {config.teacher} is for {teacher.card.task} and {dataset.name} is for {dataset.task}: "
            "choose a teacher and a dataset of the same task"
        )
    yield {"type": "progress", "message": "Training the student's tokenizer"}
    texts = [code for example in dataset.examples(Split.UNLABELLED) for code in example.codes]
    tokenizer = train_tokenizer(texts, architecture.vocab_size)
    torch.manual_seed(config.seed)
    model = build(architecture, dataset.task, labels=dataset.labels)
    card = ModelCard(
        task=dataset.task,
        labels=dataset.labels,
        max_length=_student_length(teacher.card.max_length),
        architecture=architecture,
        pair_features=PairFeatures.COMPARE if len(dataset.examples(Split.TEST)[0].codes) == 2 else None,
        teacher=str(config.teacher),
        dataset=dataset.name,
        dataset_fingerprint=dataset.fingerprint,
        budget_mb=config.budget_mb,
        seed=config.seed,
        training={"preset": config.preset, "temperature": config.temperature, **training.to_dict()},
        versions=versions(),
    )
    student = Classifier(model, tokenizer, card)
    labels = SoftLabels(teacher, Path(config.teacher))

    def epoch_data(epoch: int) -> Generator[Record, None, Data]:
        draw = epoch // EPOCHS_PER_DRAW
        functions = [example.codes for example in dataset.examples(Split.UNLABELLED, draw)]
        logits = yield from labels.of(functions)
        return student.encode(functions), logits

    validation = dataset.examples(Split.VALIDATION)
    outcome = yield from fit(
        model,
        student.pad_id,
        training,
        epoch_data,
        (student.encode([e.codes for e in validation]), torch.tensor([e.label for e in validation])),
        functools.partial(soft_label_divergence, temperature=config.temperature),
        checkpoint=checkpoint,
        cancelled=cancelled,
    )
    yield {"type": "progress", "message": "Measuring on the test split"}
    test = dataset.examples(Split.TEST)
    gold, groups = [e.label for e in test], [e.group for e in test]
    codes = [e.codes for e in test]
    teacher_says = teacher.logits(codes).argmax(-1).tolist()
    student_says = student.logits(codes).argmax(-1).tolist()
    teacher_scores, scores = quality(gold, teacher_says), quality(gold, student_says, groups)
    agreed = agreement(teacher_says, student_says)
    metrics = {
        "accuracy": scores["accuracy"],
        "f1": scores["f1"],
        "teacher_accuracy": teacher_scores["accuracy"],
        "agreement": agreed,
        "validation_accuracy": outcome.best_accuracy,
        "epochs": outcome.epochs,
        "best_epoch": outcome.best_epoch,
    }
    student.card = replace(card, metrics=metrics)
    student.save(out)
    yield {
        "type": "result",
        "model": str(out),
        "accuracy": scores["accuracy"],
        "teacher_accuracy": teacher_scores["accuracy"],
        "agreement": agreed,
        "validation_accuracy": outcome.best_accuracy,
        "test": scores,
        "size_mb": size_on_disk(out) / 1e6,
        "parameters": student.parameters,
        "architecture": architecture.to_dict(),
        "paper_gflops": cost(architecture, dataset.task).paper_gflops,
        "seconds": time.monotonic() - started,
        "cancelled": outcome.cancelled,
    }


def _student_length(teacher_length: int) -> int:
    """Tokens a student reads: its small vocabulary cuts code finer, so half as many again as its teacher."""
    return min(teacher_length * 3 // 2, 512)
