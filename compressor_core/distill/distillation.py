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
from compressor_core.distill.fine_tuning import pair_features
from compressor_core.distill.losses import soft_label_divergence
from compressor_core.distill.presets import PRESETS
from compressor_core.distill.settings import TrainingConfig
from compressor_core.distill.soft_labels import SoftLabels
from compressor_core.distill.trainer import Data, Record, fit, remembered
from compressor_core.errors import ModelError, SettingsError
from compressor_core.evaluate.progress import told, until_cancelled
from compressor_core.evaluate.quality import agreement, quality
from compressor_core.models.card import size_on_disk
from compressor_core.models.classifier import load
from compressor_core.models.compute import choose
from compressor_core.models.graph import extracting
from compressor_core.models.teacher import from_scratch
from compressor_core.task import PairFeatures
from compressor_core.versions import versions

EPOCHS_PER_DRAW = 2
"""Epochs for which one draw of a fresh dataset serves: labelling it costs about half as much as learning from it."""


@dataclass(frozen=True)
class DistillConfig:
    """What `distill` is asked for; whether the student reads data flow is as with its teacher.

    `architecture` is V,H,L,A,I. `pair_features` is for the clone task. `epochs` and `learning_rate` None: the preset's.
    The paper's temperature is 10 for vulnerability prediction and 1 for clone detection; the default of 2 is a choice,
    not the outcome of a comparison.
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
    pair_features: str = PairFeatures.COMPARE
    device: str | None = None
    precision: str | None = None

    def training(self) -> TrainingConfig:
        """The settings of the training loop. Raises SettingsError for values out of range."""
        if self.preset not in PRESETS:
            raise SettingsError(f"there is no preset {self.preset!r}: choose from {', '.join(PRESETS)}")
        if not self.temperature > 0:
            raise SettingsError(f"the temperature must be above 0, not {self.temperature!r}")
        preset = PRESETS[self.preset]
        return TrainingConfig.of(
            self,
            epochs=preset.epochs if self.epochs is None else self.epochs,
            learning_rate=preset.learning_rate if self.learning_rate is None else self.learning_rate,
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
    Cancelled while data flow is read, there is none.

    Raises:
        ArchitectureError, DataError, ModelError, SettingsError, TrainingError, StorageError: one sentence each.
    """
    started = time.monotonic()
    training = config.training()
    compute = choose(config.device, config.precision)
    features = pair_features(config.pair_features)
    architecture = Architecture.parse(config.architecture)
    yield {"type": "progress", "message": "Loading the teacher and the dataset"}
    teacher = load(Path(config.teacher))
    dataset = open_dataset(config.dataset, config.data, seed=config.seed)
    if teacher.card.task is not dataset.task:
        raise ModelError(
            f"the teacher {config.teacher} is for {teacher.card.task} and {dataset.name} is for {dataset.task}: "
            "choose a teacher and a dataset of the same task"
        )
    flow = teacher.card.data_flow
    if flow is not None and dataset.language not in (None, flow):
        raise ModelError(
            f"the teacher {config.teacher} reads the data flow of {flow} and {dataset.name} is {dataset.language}: "
            "choose a teacher and a dataset of the same language"
        )
    teacher.model.to(compute.device)
    yield {"type": "progress", "message": "Training the student's tokenizer"}
    texts = [code for example in dataset.examples(Split.UNLABELLED) for code in example.codes]
    if flow is not None:
        steps = told(extracting(texts, flow), lambda done: f"Reading the data flow of {done:,} functions")
        if (yield from until_cancelled(steps, cancelled)) is None:
            return
    torch.manual_seed(config.seed)
    student = from_scratch(
        architecture,
        texts,
        dataset.task,
        dataset.labels,
        _student_length(teacher.card.max_length),
        features,
        data_flow=flow,
    )
    card = replace(
        student.card,
        teacher=str(config.teacher),
        dataset=dataset.name,
        dataset_fingerprint=dataset.fingerprint,
        budget_mb=config.budget_mb,
        seed=config.seed,
        training={
            "preset": config.preset,
            "temperature": config.temperature,
            **training.to_dict(),
            **compute.to_dict(),
        },
        versions=versions(),
    )
    labels = SoftLabels(teacher, Path(config.teacher))

    def unlabelled(draw: int) -> Generator[Record, None, Data]:
        functions = [example.codes for example in dataset.examples(Split.UNLABELLED, draw)]
        logits = yield from labels.of(functions)
        inputs = yield from told(student.encoding(functions), lambda done: f"Encoding, {done:,} functions done")
        return inputs, logits

    validation = dataset.examples(Split.VALIDATION)
    outcome = yield from fit(
        student.model,
        student.pad_id,
        training,
        remembered(unlabelled, lambda epoch: epoch // EPOCHS_PER_DRAW if dataset.fresh else 0),
        (student.encode([e.codes for e in validation]), torch.tensor([e.label for e in validation])),
        functools.partial(soft_label_divergence, temperature=config.temperature),
        checkpoint=checkpoint,
        cancelled=cancelled,
    )
    yield {"type": "progress", "message": "Measuring on the test split"}
    test = dataset.examples(Split.TEST)
    gold, groups = [e.label for e in test], [e.group for e in test]
    codes = [e.codes for e in test]
    of = f"of {len(codes):,} examples of the test split"
    teacher_logits = yield from told(teacher.predicting(codes), lambda done: f"The teacher predicts {done:,} {of}")
    student_logits = yield from told(student.predicting(codes), lambda done: f"The student predicts {done:,} {of}")
    teacher_says, student_says = teacher_logits.argmax(-1).tolist(), student_logits.argmax(-1).tolist()
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
        "paper_gflops": cost(architecture, dataset.task, features).paper_gflops,
        "seconds": time.monotonic() - started,
        "cancelled": outcome.cancelled,
    }


def _student_length(teacher_length: int) -> int:
    """Tokens a student reads: its small vocabulary cuts code finer, so half as many again as its teacher."""
    return min(teacher_length * 3 // 2, 512)
