"""Labelling a pool, or one machine's part of it, ahead of the distillations that will learn from it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from compressor_core.data.pool import Pool
from compressor_core.distill.batching import Record
from compressor_core.distill.pooled import in_shard
from compressor_core.distill.soft_labels import SoftLabels, labelling_precision
from compressor_core.errors import SettingsError
from compressor_core.models.classifier import load
from compressor_core.models.compute import choose
from compressor_core.threads import check_threads


@dataclass(frozen=True)
class LabelSettings:
    """What `label` is asked for; `part` as "3/8": the third of eight machines that share the work."""

    teacher: str
    unlabelled: str
    part: str = "1/1"
    label_precision: str | None = None
    device: str | None = None
    threads: int | None = None
    skip_bad_rows: bool = False

    def __post_init__(self) -> None:
        check_threads(self.threads)

    def share(self) -> tuple[int, int]:
        """The number of the part, from 0, and how many there are. Raises SettingsError."""
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", self.part)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise SettingsError(f"the part must be K/N with K from 1 to N, such as 3/8, not {self.part!r}")
        return int(found[1]) - 1, int(found[2])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def label(config: LabelSettings) -> Iterator[Record]:
    """Label the shards of one part of a pool into the cache; the last record is the result.

    It has shards and functions (of the part, in the task of pairs: pairs), labelled and known (functions that were
    labelled now, or before), seconds of labelling, functions_per_second (None where nothing was left to do), folder.

    Raises:
        DataError, ModelError, SettingsError, StorageError: one sentence each.
    """
    mine, parts = config.share()
    compute = choose(config.device)
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    yield {"type": "progress", "message": "Loading the teacher"}
    teacher = load(Path(config.teacher))
    teacher.model.to(compute.device)
    precision = labelling_precision(teacher.model, config.device, config.label_precision)
    labels = SoftLabels(teacher, Path(config.teacher), precision=precision)
    shards = functions = labelled = 0
    seconds = 0.0
    pool = Pool(config.unlabelled, teacher.card.task, skip_bad_rows=config.skip_bad_rows)
    for shard in pool.shards():
        if shard.number % parts != mine:
            continue
        shards, functions = shards + 1, functions + len(shard.codes)
        if labels.has(shard.codes):
            continue
        started = time.monotonic()
        yield from in_shard(shard.number, None, labels.of(shard.codes))
        seconds += time.monotonic() - started
        labelled += len(shard.codes)
    if pool.bad:
        yield {"type": "notice", "message": f"{pool.bad:,} rows of {pool.path} cannot be used and are left out"}
    yield {
        "type": "result",
        "shards": shards,
        "functions": functions,
        "labelled": labelled,
        "known": functions - labelled,
        "seconds": seconds,
        "functions_per_second": labelled / seconds if labelled else None,
        "folder": str(labels.folder),
    }
