"""Training a teacher: fine-tuning an encoder or training one from scratch on the labelled split."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch

from compressor_core.bundled import FROM_SCRATCH
from compressor_core.data.classroom import together
from compressor_core.data.dataset import Dataset, Split
from compressor_core.data.installed import folder_functions
from compressor_core.data.registry import open_dataset
from compressor_core.distill import processes
from compressor_core.distill.batching import Data, remembered
from compressor_core.distill.lessons import cross_entropy
from compressor_core.distill.settings import TeacherSettings
from compressor_core.distill.tokens import encoded
from compressor_core.distill.training import Prepared, read_data_flow, require_both_classes, require_splits, train
from compressor_core.distill.warm_up import masked, warm_up
from compressor_core.distill.weak_labels import beside
from compressor_core.errors import SettingsError
from compressor_core.language import Language
from compressor_core.machine import versions
from compressor_core.models.compute import choose
from compressor_core.models.student import set_dropout
from compressor_core.models.teacher import find_encoder, from_scratch, load_encoder, reads_data_flow
from compressor_core.records import Progress, TeacherSummary, Work

FINE_TUNING = "fine-tuning"
"""Checkpoint stage after the warm-up."""


def train_teacher(
    settings: TeacherSettings,
    out: str | Path,
    *,
    dataset: Dataset | None = None,
    checkpoint: str | Path | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Work[TeacherSummary | None]:
    """Train, measure on the test split, save to `out`; see `train` for cancellation and several processes.

    `dataset` replaces the one that the settings name.

    Raises:
        DataError, ModelError, SettingsError, TrainingError, StorageError: with a one-sentence message. If the loss is
            no longer finite, the best teacher before that is saved to `out` first.
    """
    started = time.monotonic()
    checkpoint = None if checkpoint is None else Path(checkpoint)
    prepared = yield from _prepare(settings, dataset, checkpoint, cancelled)
    if prepared is None:
        return None
    made = yield from train(prepared, Path(out), checkpoint=checkpoint, cancelled=cancelled)
    return None if made is None else TeacherSummary(**made, seconds=time.monotonic() - started)


def _prepare(
    settings: TeacherSettings, dataset: Dataset | None, checkpoint: Path | None, cancelled: Callable[[], bool]
) -> Work[Prepared | None]:
    training = settings.training()
    compute = choose(settings.device, settings.precision)
    if settings.base != FROM_SCRATCH:
        yield Progress(message=f"Looking for {settings.base}")
        find_encoder(settings.base)  # first, since it may be refused
    yield Progress(message="Reading the dataset")
    data = dataset or open_dataset(settings.dataset, settings.data, seed=settings.seed)
    require_splits(data, Split.TRAIN)
    learned = beside(data, settings.real_functions)
    require_both_classes(learned)
    others = [] if settings.masked_code is None else folder_functions(settings.masked_code)
    flow = _data_flow(settings, data)
    torch.manual_seed(settings.seed)
    reads = settings.max_length, settings.pair_features, flow
    if settings.base == FROM_SCRATCH:
        yield Progress(message="Training the teacher's tokenizer")
        texts = [code for example in learned.examples(Split.TRAIN) for code in example.codes] + others
        if flow is not None and (yield from read_data_flow(texts, flow, cancelled)) is None:
            return None
        teacher = from_scratch(settings.architecture, texts, data.task, data.labels, *reads)
    else:
        yield Progress(message=f"Loading {settings.base}")
        teacher = load_encoder(settings.base, data.task, data.labels, *reads)
    if settings.dropout:
        set_dropout(teacher.model, settings.dropout)

    def codes(draw: int) -> list[tuple[str, ...]]:
        return [*(example.codes for example in learned.examples(Split.TRAIN, draw)), *((code,) for code in others)]

    def examples(split: Split, draw: int = 0) -> Work[Data]:
        found = learned.examples(split, draw)
        keep = not (data.fresh and split is Split.TRAIN)
        inputs = yield from encoded(teacher, [example.codes for example in found], keep=keep, together=together(data))
        return inputs, torch.tensor([example.label for example in found])

    validation = yield from processes.until_cancelled(examples(Split.VALIDATION), cancelled)
    if validation is None:
        return None
    teacher.card = teacher.card.replace(
        dataset=data.name,
        dataset_fingerprint=data.fingerprint,
        seed=settings.seed,
        training={
            "base": settings.base,
            "masked_epochs": settings.masked_epochs,
            "masked_functions": len(others),
            "dropout": settings.dropout,
            "real_functions": settings.real_functions,
            **training.model_dump(mode="json"),
            **compute.to_dict(),
        },
        versions=versions(),
    )
    bound = {
        **training.binding(),
        "base": settings.base,
        "masked_epochs": settings.masked_epochs,
        "masked_functions": len(others),
        "dropout": settings.dropout,
        "real_functions": settings.real_functions,
        "dataset": data.fingerprint,
        "max_length": teacher.card.max_length,
    }
    if settings.masked_epochs:
        warmed = warm_up(
            teacher,
            training.replace(epochs=settings.masked_epochs),
            masked(teacher, codes, settings.seed, lambda epoch: epoch if data.fresh else 0, keep=not data.fresh),
            bound=bound,
            checkpoint=checkpoint,
            cancelled=cancelled,
        )
        if not (yield from warmed):
            return None
    return Prepared(
        teacher,
        data,
        training,
        remembered(lambda draw: examples(Split.TRAIN, draw), lambda epoch: epoch if data.fresh else 0),
        validation,
        cross_entropy,
        bound,
        FINE_TUNING if settings.masked_epochs else "",
    )


def _data_flow(settings: TeacherSettings, dataset: Dataset) -> Language | None:
    """Language whose data flow the teacher reads, if any. Raises SettingsError if the language is unknown."""
    wanted = reads_data_flow(settings.base) if settings.data_flow is None else settings.data_flow
    if wanted and dataset.language is None:
        raise SettingsError(
            f"{settings.base} reads data flow and {dataset.name} does not say in which language its code is: "
            f"say it ({', '.join(Language)}), or switch data flow off"
        )
    return dataset.language if wanted else None
