"""Distilling a student: a small model learns the teacher's soft labels on unlabelled code (ASE 2022, Section 3.3)."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import torch

from compressor_core.architecture import Architecture
from compressor_core.cost import cost
from compressor_core.data.dataset import Dataset, Split
from compressor_core.data.pool import Pool
from compressor_core.data.registry import open_dataset
from compressor_core.distill import processes
from compressor_core.distill.batching import Record
from compressor_core.distill.checkpoint import stage_of
from compressor_core.distill.distillation_settings import DistillSettings
from compressor_core.distill.fine_tuning import pair_features
from compressor_core.distill.judging import answers, judges
from compressor_core.distill.learner import Diverged, Outcome, saved
from compressor_core.distill.lessons import Answers, Lesson, MaskedTokens, Transfer
from compressor_core.distill.losses import soft_label_divergence
from compressor_core.distill.matching import require_match
from compressor_core.distill.pooled import Pooled
from compressor_core.distill.soft_labels import SoftLabels, labelling_precision, model_fingerprint
from compressor_core.distill.trainer import fit
from compressor_core.distill.unlabelled import Unlabelled
from compressor_core.evaluate.quality import agreement, quality
from compressor_core.machine import versions
from compressor_core.models.card import size_on_disk
from compressor_core.models.classifier import load
from compressor_core.models.compute import choose
from compressor_core.models.graph import extracting
from compressor_core.models.pair import encoder_config
from compressor_core.models.teacher import from_scratch
from compressor_core.progress import told

DISTILLATION = "distillation"
"""The stage of a checkpoint that is past the warm-up."""


def distill(
    config: DistillSettings,
    out: Path,
    *,
    dataset: Dataset | None = None,
    checkpoint: Path | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Record]:
    """Distill, measure teacher and student on the test split, save to `out`; the last record is the result.

    The result has model, accuracy and teacher_accuracy (test split), agreement, size_mb, seconds, cancelled.
    Cancelled before the first step from soft labels, there is none; cancelled later, both are measured on a few
    examples of the split, see `judges`: `test` says on how many. Of several processes only the first saves the student
    and yields the result, see `processes`. `dataset` takes the place of the one that the
    configuration names. The records of a warm-up are of the types "warm-up-step" and "warm-up-epoch".

    Raises:
        ArchitectureError, DataError, ModelError, SettingsError, TrainingError, StorageError: one sentence each. Where
            the loss is no longer a number, the best student before it is saved to `out` first.
    """
    started = time.monotonic()
    training = config.training()
    compute = choose(config.device, config.precision)
    features = pair_features(config.pair_features)
    architecture = Architecture.parse(config.architecture)
    yield {"type": "progress", "message": "Loading the teacher and the dataset"}
    teacher = load(Path(config.teacher))
    dataset = dataset or open_dataset(config.dataset, config.data, seed=config.seed)
    labelling = labelling_precision(teacher.model, config.device, config.label_precision)
    config = replace(config.resolved(dataset), label_precision=labelling.value)
    require_match(teacher.card, config.teacher, dataset)
    flow = teacher.card.data_flow
    teacher.model.to(compute.device)
    yield {"type": "progress", "message": "Training the student's tokenizer"}
    pool: Pooled | None = None
    texts: Iterable[str]
    if config.unlabelled is not None:
        pool = Pooled(Pool(config.unlabelled, dataset.task, skip_bad_rows=config.skip_bad_rows), dataset)
        if (yield from processes.until_cancelled(pool.survey(), cancelled)) is None:
            return
        texts = pool.texts()
    else:
        texts = [code for example in dataset.examples(Split.UNLABELLED) for code in example.codes]
    if flow is not None and pool is None:
        steps = told(extracting(texts, flow), lambda done: f"Reading the data flow of {done:,} functions")
        if (yield from processes.until_cancelled(steps, cancelled)) is None:
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
    card = student.card.replace(
        teacher=str(config.teacher),
        dataset=dataset.name,
        dataset_fingerprint=dataset.fingerprint,
        budget_mb=config.budget_mb,
        seed=config.seed,
        training={
            "preset": config.preset,
            **config.recipe(),
            **training.to_dict(),
            **compute.to_dict(),
            **({} if pool is None else {"unlabelled": config.unlabelled, "unlabelled_examples": len(pool)}),
        },
        versions=versions(),
    )
    labels = SoftLabels(teacher, Path(config.teacher), precision=labelling)
    own = Unlabelled(dataset, student, labels, config.seed, config.renaming or 0.0, bool(config.hidden_weight))
    settings = {
        **config.recipe(),
        "teacher": model_fingerprint(Path(config.teacher)),
        "dataset": dataset.fingerprint,
        **({} if pool is None else {"unlabelled": pool.fingerprint}),
        "architecture": str(architecture),
        **training.binding(),
    }
    if config.masked_epochs and processes.from_main(lambda: stage_of(checkpoint)) != DISTILLATION:
        warm_up = fit(
            student.model,
            student.pad_id,
            replace(training, epochs=config.masked_epochs, patience=None, average=0),
            own.masked(),
            None,
            MaskedTokens(student.model),
            stage="warm-up",
            settings=settings,
            checkpoint=checkpoint,
            cancelled=cancelled,
        )
        if (yield from _as_warm_up(warm_up)).cancelled:
            return
    validation = dataset.examples(Split.VALIDATION)
    lesson: Lesson = Answers(functools.partial(soft_label_divergence, temperature=config.temperature))
    if config.hidden_weight:
        width = int(encoder_config(teacher.model).hidden_size)
        lesson = Transfer(architecture.hidden_size, width, config.temperature, config.hidden_weight)
    try:
        outcome = yield from fit(
            student.model,
            student.pad_id,
            training,
            own.labelled() if pool is None else pool.labelled(student, labels),
            (student.encode([e.codes for e in validation]), torch.tensor([e.label for e in validation])),
            lesson,
            stage=DISTILLATION,
            settings=settings,
            checkpoint=checkpoint,
            cancelled=cancelled,
        )
    except Diverged as error:
        raise saved(error, student, card, out) from error
    if outcome.cancelled and not outcome.steps:
        return
    yield {"type": "progress", "message": "Measuring on the test split"}
    test = judges(dataset, cancelled=outcome.cancelled)
    teacher_says = yield from answers("teacher", teacher, test)
    student_says = yield from answers("student", student, test)
    if not processes.main():
        return
    scores = quality([e.label for e in test], student_says, [e.group for e in test])
    measured = {
        "accuracy": scores.accuracy,
        "teacher_accuracy": quality([e.label for e in test], teacher_says).accuracy,
        "agreement": agreement(teacher_says, student_says),
    }
    few_tested = {"test_examples": len(test)} if outcome.cancelled else {}
    student.card = card.replace(metrics={**measured, "f1": scores.f1, **outcome.metrics(), **few_tested})
    student.save(out)
    yield {
        "type": "result",
        "model": str(out),
        **measured,
        "validation_accuracy": outcome.best_accuracy,
        "test": scores.plain(),
        "size_mb": size_on_disk(out) / 1e6,
        "parameters": student.parameters,
        "architecture": architecture.to_dict(),
        "paper_gflops": cost(architecture, dataset.task, features).paper_gflops,
        "seconds": time.monotonic() - started,
        "cancelled": outcome.cancelled,
    }


def _as_warm_up(records: Generator[Record, None, Outcome]) -> Generator[Record, None, Outcome]:
    """The records of a training, told apart from those of the distillation that follows."""
    while True:
        try:
            record = next(records)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        if record["type"] == "progress":
            yield {"type": "progress", "message": f"Warm-up on masked code: {record['message']}"}
        elif record["type"] in ("step", "epoch"):
            yield {**record, "type": f"warm-up-{record['type']}"}
        else:
            yield record


def _student_length(teacher_length: int) -> int:
    """Tokens a student reads: its small vocabulary cuts code finer, so half as many again as its teacher."""
    return min(teacher_length * 3 // 2, 512)
