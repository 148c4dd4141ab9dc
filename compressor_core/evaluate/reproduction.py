"""Reproduction of one published student, from the authors' file to numbers comparable with the paper's."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

from compressor_core.data.registry import examples_for, open_dataset
from compressor_core.errors import ModelError
from compressor_core.evaluate.quality import quality
from compressor_core.evaluate.rounds import time_models
from compressor_core.evaluate.settings import ReproduceSettings
from compressor_core.machine import machine
from compressor_core.models.card import size_on_disk
from compressor_core.models.released import import_released
from compressor_core.progress import relay
from compressor_core.records import Progress, ReproductionSummary, Work


def reproduce(
    settings: ReproduceSettings, out: str | Path, *, cancelled: Callable[[], bool] = lambda: False
) -> Work[ReproductionSummary | None]:
    """Import a published student to `out` and measure it; None if cancelled, with the model complete but not scored.

    Raises:
        DataError, ModelError, StorageError: with a one-sentence message.
    """
    started, out = time.monotonic(), Path(out)
    yield Progress(message="Reading the dataset")
    dataset = open_dataset(settings.dataset, settings.data, seed=settings.seed)
    if dataset.task is not settings.task:
        raise ModelError(
            f"the student is for {settings.task} and {settings.dataset} is for {dataset.task}: choose a matching pair"
        )
    examples = examples_for(dataset, None)
    yield Progress(message="Importing the published student")
    files = Path(settings.checkpoint), Path(settings.tokenizer)
    student = import_released(*files, settings.teacher, settings.task, out, heads=settings.heads)
    codes = [example.codes for example in examples]
    steps = student.predicting(codes)
    logits = yield from relay(
        steps, lambda done: Progress(message=f"The student predicts {done:,} of {len(codes):,}"), cancelled
    )
    if logits is None:
        return None
    sample = random.Random(settings.seed).sample(codes, min(settings.latency_examples, len(codes)))
    times = yield from time_models({"student": student}, sample, threads=settings.threads)
    return ReproductionSummary(
        **dict(quality([example.label for example in examples], logits.argmax(-1).tolist())),
        model=str(out),
        teacher=settings.teacher.value,
        task=settings.task,
        architecture=str(student.card.architecture),
        parameters=student.parameters,
        size_mb=size_on_disk(out) / 1e6,
        dataset=settings.dataset,
        data=settings.data,
        latency=times["student"],
        latency_examples=len(sample),
        machine=machine(settings.threads),
        seconds=time.monotonic() - started,
    )
