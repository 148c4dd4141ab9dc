"""Distilling a student: a small model learns the teacher's soft labels on unlabelled code (ASE 2022, Section 3.3)."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from pathlib import Path

import torch

from compressor_core.cost import cost
from compressor_core.data.answers import RecordedAnswers
from compressor_core.data.dataset import Dataset, Split
from compressor_core.distill.lessons import Answers, Lesson, Transfer, soft_label_divergence
from compressor_core.distill.settings import DistillSettings, Inheritance
from compressor_core.distill.source import class_names, source_of
from compressor_core.distill.training import Prepared, train
from compressor_core.distill.warm_up import warm_up
from compressor_core.errors import SettingsError
from compressor_core.machine import versions
from compressor_core.models.classifier import Classifier
from compressor_core.models.compute import choose
from compressor_core.models.inheritance import inherit_embeddings, inherit_layers
from compressor_core.models.pair import encoder_config
from compressor_core.models.teacher import from_scratch
from compressor_core.records import DistillSummary, Genes, Progress, Work

DISTILLATION = "distillation"
"""Checkpoint stage after the warm-up."""


def distill(
    settings: DistillSettings,
    out: str | Path,
    *,
    dataset: Dataset | None = None,
    checkpoint: str | Path | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Work[DistillSummary | None]:
    """Distill, measure teacher and student on the test split, save to `out`; see `train` for cancellation.

    `dataset` replaces the one that the settings name. The records of a warm-up are `WarmUpStep` and `WarmUpEpoch`.

    Raises:
        ArchitectureError, DataError, ModelError, SettingsError, TrainingError, StorageError: with a one-sentence
            message. If the loss is no longer finite, the best student before that is saved to `out` first.
    """
    started = time.monotonic()
    if settings.architecture is None:
        raise SettingsError("the student has no architecture: give one, such as the best of a search")
    checkpoint = None if checkpoint is None else Path(checkpoint)
    prepared = yield from _prepare(settings, dataset, checkpoint, cancelled)
    if prepared is None:
        return None
    made = yield from train(prepared, Path(out), checkpoint=checkpoint, cancelled=cancelled)
    if made is None:
        return None
    return DistillSummary(
        **made,
        architecture=Genes(**settings.architecture.to_dict()),
        paper_gflops=cost(settings.architecture, prepared.dataset.task, settings.pair_features).paper_gflops,
        seconds=time.monotonic() - started,
    )


def _prepare(
    settings: DistillSettings, dataset: Dataset | None, checkpoint: Path | None, cancelled: Callable[[], bool]
) -> Work[Prepared | None]:
    """Prepare a student for training on soft labels, including the warm-up; None if cancelled."""
    training = settings.training()
    compute = choose(settings.device, settings.precision)
    yield Progress(message="Loading the teacher and the dataset")
    source = yield from source_of(settings, dataset, compute.device, cancelled)
    if source is None:
        return None
    settings, data = source.settings, source.dataset
    assert settings.architecture is not None
    yield Progress(message="Training the student's tokenizer")
    torch.manual_seed(settings.seed)
    student = from_scratch(
        settings.architecture,
        source.texts,
        data.task,
        class_names(source.teacher, data),
        settings.max_length or source.max_length,
        settings.pair_features,
        source.data_flow,
        settings.dropout,
    )
    settings = settings.replace(inherit=_inherited(settings.inherit, student, source.teacher))
    origin = {"search_run": settings.search_run, "space": settings.space, **source.origin}
    student.card = student.card.replace(
        teacher=settings.teacher,
        licence=source.teacher.card.licence if isinstance(source.teacher, Classifier) else None,
        dataset=data.name,
        dataset_fingerprint=data.fingerprint,
        budget_mb=settings.budget_mb,
        seed=settings.seed,
        training={
            "preset": settings.preset.value,
            **settings.recipe(),
            **training.model_dump(mode="json"),
            **compute.to_dict(),
            **{name: value for name, value in origin.items() if value is not None},
        },
        versions=versions(),
    )
    bound = {
        **settings.recipe(),
        **source.fingerprints,
        "dataset": data.fingerprint,
        "architecture": str(settings.architecture),
        **training.binding(),
    }
    if settings.masked_epochs:
        warmed = warm_up(
            student,
            training.replace(epochs=settings.masked_epochs),
            source.masked(student),
            bound=bound,
            checkpoint=checkpoint,
            cancelled=cancelled,
        )
        if not (yield from warmed):
            return None
    validation = data.examples(Split.VALIDATION)
    return Prepared(
        student,
        data,
        training,
        source.labelled(student),
        (student.encode([e.codes for e in validation]), torch.tensor([e.label for e in validation])),
        _lesson(settings, source.teacher),
        bound,
        DISTILLATION,
        source.teacher,
    )


def _inherited(wanted: Inheritance, student: Classifier, teacher: Classifier | RecordedAnswers) -> Inheritance:
    """What the student starts with: what was wanted, or less if the teacher does not have it."""
    if isinstance(teacher, Classifier):
        if wanted is Inheritance.LAYERS and inherit_layers(student, teacher):
            return Inheritance.LAYERS
        if wanted is not Inheritance.NOTHING and inherit_embeddings(student, teacher):
            return Inheritance.EMBEDDINGS
    return Inheritance.NOTHING


def _lesson(settings: DistillSettings, teacher: Classifier | RecordedAnswers) -> Lesson:
    """Soft-label loss, with the teacher's pooled states if they have a weight."""
    if settings.hidden_weight and settings.architecture is not None and isinstance(teacher, Classifier):
        width = int(encoder_config(teacher.model).hidden_size)
        return Transfer(settings.architecture.hidden_size, width, settings.temperature, settings.hidden_weight)
    return Answers(functools.partial(soft_label_divergence, temperature=settings.temperature))
