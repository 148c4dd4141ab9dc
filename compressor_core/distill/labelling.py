"""Labelling a pool, or one machine's part of it, before distilling from it."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path

import torch

from compressor_core.data.answers import AnswerFile
from compressor_core.data.pool import Pool
from compressor_core.distill.pooled import in_shard
from compressor_core.distill.settings import LabelSettings
from compressor_core.distill.soft_labels import SoftLabels, labelling_precision
from compressor_core.models.classifier import load
from compressor_core.models.compute import choose
from compressor_core.records import LabelSummary, Notice, Progress, Work


def label(settings: LabelSettings, out: Path | None = None) -> Work[LabelSummary]:
    """Label the shards of one part of a pool into the cache, and write code and answers to the Parquet file `out`.

    On machines without the teacher, such a file replaces it, see `data/answers.py`.

    Raises:
        DataError, ModelError, SettingsError, StorageError: with a one-sentence message.
    """
    mine, parts = settings.share
    compute = choose(settings.device)
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    yield Progress(message="Loading the teacher")
    teacher = load(settings.teacher)
    teacher.model.to(compute.device)
    precision = labelling_precision(teacher.model, settings.device, settings.label_precision)
    labels = SoftLabels(teacher, settings.teacher, precision=precision)
    shards = functions = labelled = 0
    seconds = 0.0
    pool = Pool(settings.unlabelled, teacher.card.task, skip_bad_rows=settings.skip_bad_rows)
    with nullcontext() if out is None else AnswerFile(out, teacher.card.task, teacher.card.labels) as file:
        for shard in pool.shards():
            if shard.number % parts != mine:
                continue
            shards, functions = shards + 1, functions + len(shard.codes)
            known, started = labels.has(shard.codes), time.monotonic()
            if known and file is None:
                continue
            logits = yield from in_shard(shard.number, None, labels.of(shard.codes))
            if not known:
                seconds += time.monotonic() - started
                labelled += len(shard.codes)
            if file is not None:
                file.add(shard.codes, logits.numpy())
    if pool.bad:
        yield Notice(message=f"{pool.bad:,} rows of {pool.path} cannot be used and are left out")
    return LabelSummary(
        shards=shards,
        functions=functions,
        labelled=labelled,
        known=functions - labelled,
        seconds=seconds,
        functions_per_second=labelled / seconds if labelled else None,
        folder=str(labels.folder),
        file=None if out is None else str(out),
    )
