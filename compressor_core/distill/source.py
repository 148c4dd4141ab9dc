"""Sources that a student learns from: code with a teacher's answers, computed now or recorded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from compressor_core.data.answers import RecordedAnswers, read_answers
from compressor_core.data.dataset import Dataset, Split
from compressor_core.data.labels import require_order
from compressor_core.data.pool import Pool
from compressor_core.data.registry import open_dataset
from compressor_core.distill import processes
from compressor_core.distill.batching import EpochData
from compressor_core.distill.pooled import Pooled
from compressor_core.distill.recorded import MAX_TOKENS, Recorded
from compressor_core.distill.settings import DistillSettings
from compressor_core.distill.soft_labels import SoftLabels, labelling_precision, model_fingerprint
from compressor_core.distill.training import read_data_flow, require_splits
from compressor_core.distill.unlabelled import Unlabelled
from compressor_core.distill.weak_labels import beside
from compressor_core.errors import ModelError
from compressor_core.language import Language
from compressor_core.models.card import ModelCard
from compressor_core.models.classifier import Classifier, load
from compressor_core.records import Notice, Work

_BARE = re.compile(r"(label[_ ]?)?\d+|true|false|")
"""Class names without meaning, such as bare numbers."""
OfStudent = Callable[[Classifier], EpochData]


@dataclass(frozen=True)
class Source:
    """Code with answers for a distillation, and what it determines about the student."""

    settings: DistillSettings
    """Settings with dataset-dependent defaults filled in."""
    dataset: Dataset
    teacher: Classifier | RecordedAnswers
    texts: Iterable[str]
    """The functions that the student's tokenizer is trained on."""
    labelled: OfStudent
    """Examples with the teacher's answers, epoch by epoch."""
    masked: OfStudent
    """Functions with masked tokens, epoch by epoch."""
    max_length: int
    """Tokens that the student reads per function, unless set in the settings."""
    fingerprints: Mapping[str, str]
    """Fingerprints of the teacher and of a pool, which must be the same when a training is resumed."""
    data_flow: Language | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)
    """Entries of the student's card."""


def source_of(
    settings: DistillSettings, dataset: Dataset | None, device: torch.device, cancelled: Callable[[], bool]
) -> Work[Source | None]:
    """Read and check the source that the settings name; `dataset` replaces theirs. None if cancelled.

    Raises:
        DataError, ModelError, SettingsError: with a one-sentence message.
    """
    # The teacher first: if both are invalid, its error is the one that users expect.
    teacher = None if settings.recorded else load(settings.teacher)
    data = dataset or open_dataset(settings.dataset, settings.data, seed=settings.seed)
    own = settings.unlabelled is None and teacher is not None
    require_splits(data, *((Split.UNLABELLED, Split.TRAIN) if own else ()))
    if teacher is None:
        return (yield from _recorded(settings.resolved(data), data))
    teacher.model.to(device)
    return (yield from _asked(settings, data, teacher, cancelled))


def _recorded(settings: DistillSettings, data: Dataset) -> Work[Source]:
    answers = read_answers(settings.teacher, data, skip_bad_rows=settings.skip_bad_rows)
    recorded = Recorded(answers, data, settings.seed, settings.renaming or 0.0)
    if answers.left_out:
        yield Notice(message=f"{answers.left_out:,} rows of {answers.path} cannot be used and are left out")
    if held := len(answers.codes) - len(recorded):
        yield Notice(message=f"{held:,} recorded answers are to examples of the validation or test split, and left out")
    return Source(
        settings,
        data,
        answers,
        recorded.texts(),
        recorded.labelled,
        recorded.masked,
        MAX_TOKENS,
        {"teacher": answers.fingerprint},
        origin={"recorded_answers": len(recorded)},
    )


def _asked(
    settings: DistillSettings, data: Dataset, teacher: Classifier, cancelled: Callable[[], bool]
) -> Work[Source | None]:
    precision = labelling_precision(teacher.model, settings.device, settings.label_precision)
    settings = settings.resolved(data).replace(label_precision=precision)
    require_match(teacher.card, settings.teacher, data)
    labels = SoftLabels(teacher, settings.teacher, precision=precision)
    shares = (settings.renaming or 0.0, settings.consistency)
    learned = beside(data, settings.real_functions)
    own = Unlabelled(learned, labels, settings.seed, *shares, states=bool(settings.hidden_weight))
    fingerprints, origin = {"teacher": model_fingerprint(settings.teacher)}, {}
    texts: Iterable[str]
    labelled: OfStudent = own.labelled
    if settings.unlabelled is not None:
        pool = Pooled(Pool(settings.unlabelled, data.task, skip_bad_rows=settings.skip_bad_rows), data)
        if (yield from processes.until_cancelled(pool.survey(), cancelled)) is None:
            return None
        texts = pool.texts()
        fingerprints["unlabelled"] = pool.fingerprint
        origin = {"unlabelled": settings.unlabelled, "unlabelled_examples": len(pool)}

        def labelled(student: Classifier) -> EpochData:
            return pool.labelled(student, labels)

    else:
        texts = [code for example in learned.examples(Split.UNLABELLED) for code in example.codes]
        flow = teacher.card.data_flow
        if flow is not None and (yield from read_data_flow(texts, flow, cancelled)) is None:
            return None
    # A small vocabulary splits code into more tokens, so the student reads 1.5 times as many as its teacher.
    length = min(teacher.card.max_length * 3 // 2, 512)
    return Source(
        settings, data, teacher, texts, labelled, own.masked, length, fingerprints, teacher.card.data_flow, origin
    )


def class_names(teacher: Classifier | RecordedAnswers, dataset: Dataset) -> tuple[str, str]:
    """Class names: the dataset's, or the teacher's if the dataset's are bare numbers."""
    bare = all(_BARE.fullmatch(name.casefold()) for name in dataset.labels)
    if not bare or isinstance(teacher, RecordedAnswers):
        return dataset.labels
    return teacher.card.labels


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
    """Raise ModelError if class 1 means different things to teacher and dataset. Bare numbers match any name."""
    require_order(told, f"the teacher {teacher}", dataset)
    one, other = told[1].casefold(), dataset.labels[1].casefold()
    if one != other and not any(_BARE.fullmatch(name) for name in (one, other)):
        raise ModelError(
            f"the teacher {teacher} tells {told[0]!r} (class 0) from {told[1]!r} (class 1), and {dataset.name} "
            f"{dataset.labels[0]!r} from {dataset.labels[1]!r}, which is something else: choose a teacher of the same "
            "labels, or rename those of the dataset"
        )
