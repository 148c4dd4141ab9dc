"""Distilling a student: a small model learns the teacher's soft labels on unlabelled code (ASE 2022, Section 3.3)."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from compressor_core.cost import cost
from compressor_core.data.dataset import Dataset, Split
from compressor_core.data.labels import require_order
from compressor_core.data.pool import Pool
from compressor_core.data.registry import open_dataset
from compressor_core.distill import processes
from compressor_core.distill.checkpoint import stage_of
from compressor_core.distill.lessons import Answers, Lesson, MaskedTokens, Transfer, soft_label_divergence
from compressor_core.distill.pooled import Pooled
from compressor_core.distill.settings import DistillSettings
from compressor_core.distill.soft_labels import SoftLabels, labelling_precision, model_fingerprint
from compressor_core.distill.trainer import fit
from compressor_core.distill.training import Prepared, read_data_flow, train
from compressor_core.distill.unlabelled import Unlabelled
from compressor_core.errors import ModelError, SettingsError
from compressor_core.machine import versions
from compressor_core.models.card import ModelCard
from compressor_core.models.classifier import load
from compressor_core.models.compute import choose
from compressor_core.models.pair import encoder_config
from compressor_core.models.teacher import from_scratch
from compressor_core.progress import relay
from compressor_core.records import (
    DistillSummary,
    Epoch,
    Genes,
    Progress,
    Record,
    Step,
    WarmUpEpoch,
    WarmUpStep,
    Work,
)

DISTILLATION = "distillation"
"""The stage of a checkpoint that is past the warm-up."""
_BARE = re.compile(r"(label[_ ]?)?\d+|true|false|")
"""Names of classes that say nothing of what they mean."""


def distill(
    settings: DistillSettings,
    out: str | Path,
    *,
    dataset: Dataset | None = None,
    checkpoint: str | Path | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Work[DistillSummary | None]:
    """Distill, measure teacher and student on the test split, save to `out`; see `train` for cancelling.

    `dataset` takes the place of the one that the settings name. The records of a warm-up are `WarmUpStep` and
    `WarmUpEpoch`.

    Raises:
        ArchitectureError, DataError, ModelError, SettingsError, TrainingError, StorageError: one sentence each. Where
            the loss is no longer a number, the best student before it is saved to `out` first.
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
    """All that a student needs to learn from soft labels, the warm-up included; None if it was cancelled."""
    training = settings.training()
    compute = choose(settings.device, settings.precision)
    yield Progress(message="Loading the teacher and the dataset")
    teacher = load(settings.teacher)
    data = dataset or open_dataset(settings.dataset, settings.data, seed=settings.seed)
    labelling = labelling_precision(teacher.model, settings.device, settings.label_precision)
    settings = settings.resolved(data).replace(label_precision=labelling)
    assert settings.architecture is not None
    require_match(teacher.card, settings.teacher, data)
    flow = teacher.card.data_flow
    teacher.model.to(compute.device)
    yield Progress(message="Training the student's tokenizer")
    pool: Pooled | None = None
    texts: Iterable[str]
    if settings.unlabelled is not None:
        pool = Pooled(Pool(settings.unlabelled, data.task, skip_bad_rows=settings.skip_bad_rows), data)
        if (yield from processes.until_cancelled(pool.survey(), cancelled)) is None:
            return None
        texts = pool.texts()
    else:
        texts = [code for example in data.examples(Split.UNLABELLED) for code in example.codes]
    if flow is not None and pool is None and (yield from read_data_flow(texts, flow, cancelled)) is None:
        return None
    torch.manual_seed(settings.seed)
    # A small vocabulary cuts code finer, so that the student reads half as many tokens again as its teacher.
    length = min(teacher.card.max_length * 3 // 2, 512)
    student = from_scratch(
        settings.architecture, texts, data.task, data.labels, length, settings.pair_features, data_flow=flow
    )
    origin: dict[str, Any] = {"search_run": settings.search_run, "space": settings.space}
    if pool is not None:
        origin |= {"unlabelled": settings.unlabelled, "unlabelled_examples": len(pool)}
    student.card = student.card.replace(
        teacher=settings.teacher,
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
    labels = SoftLabels(teacher, settings.teacher, precision=labelling)
    own = Unlabelled(data, student, labels, settings.seed, settings.renaming or 0.0, bool(settings.hidden_weight))
    bound = {
        **settings.recipe(),
        "teacher": model_fingerprint(settings.teacher),
        "dataset": data.fingerprint,
        **({} if pool is None else {"unlabelled": pool.fingerprint}),
        "architecture": str(settings.architecture),
        **training.binding(),
    }
    if settings.masked_epochs and processes.from_main(lambda: stage_of(checkpoint)) != DISTILLATION:
        warm_up = fit(
            student.model,
            student.pad_id,
            training.replace(epochs=settings.masked_epochs, patience=None, average=0),
            own.masked(),
            None,
            MaskedTokens(student.model),
            stage="warm-up",
            bound=bound,
            checkpoint=checkpoint,
            cancelled=cancelled,
        )
        if (yield from relay(warm_up, _as_warm_up)).cancelled:
            return None
    validation = data.examples(Split.VALIDATION)
    lesson: Lesson = Answers(functools.partial(soft_label_divergence, temperature=settings.temperature))
    if settings.hidden_weight:
        width = int(encoder_config(teacher.model).hidden_size)
        lesson = Transfer(settings.architecture.hidden_size, width, settings.temperature, settings.hidden_weight)
    return Prepared(
        student,
        data,
        training,
        own.labelled() if pool is None else pool.labelled(student, labels),
        (student.encode([e.codes for e in validation]), torch.tensor([e.label for e in validation])),
        lesson,
        bound,
        DISTILLATION,
        teacher,
    )


def _as_warm_up(record: Record) -> Record:
    """A record of a training, told apart from those of the distillation that follows."""
    if isinstance(record, Progress):
        return Progress(message=f"Warm-up on masked code: {record.message}")
    if isinstance(record, Step):
        return WarmUpStep(**record.model_dump(exclude={"type"}))
    if isinstance(record, Epoch):
        return WarmUpEpoch(**record.model_dump(exclude={"type"}))
    return record


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
    require_order(told, f"the teacher {teacher}", dataset)
    one, other = told[1].casefold(), dataset.labels[1].casefold()
    if one != other and not any(_BARE.fullmatch(name) for name in (one, other)):
        raise ModelError(
            f"the teacher {teacher} tells {told[0]!r} (class 0) from {told[1]!r} (class 1), and {dataset.name} "
            f"{dataset.labels[0]!r} from {dataset.labels[1]!r}, which is something else: choose a teacher of the same "
            "labels, or rename those of the dataset"
        )
