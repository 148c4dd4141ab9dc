"""Distilling on a pool: its shards are labelled and encoded one by one, and an epoch reads them from their files.

What a shard gave is kept by its content, so that work that was cut short goes on with the shard it was in, and machines
that share a cache share the work. Of each function only eight bytes of soft labels, and twelve that say where its
tokens are and when it is their turn, stay in memory; the tokens are mapped from the cache.
"""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from compressor_core.data.dataset import Dataset, fingerprint_of
from compressor_core.data.pool import Pool, held_out, is_held_out
from compressor_core.distill.batching import Data, EpochData, Record, remembered
from compressor_core.distill.soft_labels import SoftLabels, fingerprint, labelling_precision
from compressor_core.distill.tokens import Tokens, encoded
from compressor_core.errors import DataError, SettingsError
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.compute import choose
from compressor_core.models.encoded import Joined

TOKENIZER_FUNCTIONS = 200_000
"""From about so many functions, evenly spread over the pool, a tokenizer is trained: more teach it nothing."""
_REPORTED = 10
"""Shards that are read between two reports."""


@dataclass(frozen=True)
class _Known:
    """A shard that was read once: how many examples it has, and which of them may be learned from."""

    fingerprint: str
    count: int
    kept: NDArray[np.int32]


class Pooled:
    """A pool in the place of a dataset's unlabelled split; its functions of the other splits are left out."""

    def __init__(self, pool: Pool, dataset: Dataset) -> None:
        self._pool = pool
        self._dataset = dataset
        self._shards: list[_Known] = []

    def survey(self) -> Generator[Record, None, int]:
        """Read the pool through once, first of all; returns how many examples there are to learn from.

        The notices say what is left out.

        Raises:
            DataError: as `Pool.shards`; or nothing is left.
        """
        self._shards = []
        forbidden = held_out(self._dataset)
        for shard in self._pool.shards():
            kept = [place for place, codes in enumerate(shard.codes) if not is_held_out(codes, forbidden)]
            self._shards.append(_Known(fingerprint(shard.codes), len(shard.codes), np.array(kept, np.int32)))
            if shard.number % _REPORTED == 0:
                yield {"type": "progress", "message": f"Reading the unlabelled code, shard {shard.number + 1:,}"}
        total = sum(shard.count for shard in self._shards)
        what = "none stands" if total == len(self) else f"{total - len(self):,} are left out that stand"
        if self._pool.bad:
            yield {"type": "notice", "message": f"{self._pool.bad:,} rows of {self._pool.path} cannot be used"}
        said = f"{len(self):,} unlabelled examples in {len(self._shards):,} shards"
        where = f"the validation or test split of {self._dataset.name}"
        yield {"type": "notice", "message": f"{said}; {what} in {where}"}
        if not len(self):
            raise DataError(f"every function of {self._pool.path} stands in {where}: give other unlabelled code")
        return len(self)

    def __len__(self) -> int:
        return sum(len(shard.kept) for shard in self._shards)

    @property
    def fingerprint(self) -> str:
        """Of all that is learned from."""
        return fingerprint_of(f"{shard.fingerprint} {shard.kept.tolist()}" for shard in self._shards)

    def texts(self) -> Iterator[str]:
        """The functions that a tokenizer is trained on, as a stream."""
        step = -(-len(self) // TOKENIZER_FUNCTIONS)
        place = 0
        for shard, known in zip(self._pool.shards(), self._shards, strict=True):
            for index in known.kept.tolist():
                if place % step == 0:
                    yield from shard.codes[index]
                place += 1

    def labelled(self, student: Classifier, labels: SoftLabels) -> EpochData:
        """All examples with the teacher's answers, the same in every epoch."""

        def load(_: int) -> Generator[Record, None, Data]:
            tokens = Tokens(student)
            texts: Iterator[Any] | None = None
            parts, targets = [], []
            for number, known in enumerate(self._shards):
                inputs = tokens.kept(known.fingerprint, known.count)
                logits = labels.known(known.fingerprint, known.count)
                if inputs is None or logits is None:
                    texts = texts or self._pool.shards()
                    shard = next(shard for shard in texts if shard.number == number)
                    if fingerprint(shard.codes) != known.fingerprint:
                        raise DataError(f"{self._pool.path} has changed while it was read: start again")
                    logits = yield from _in_shard(number, len(self._shards), labels.of(shard.codes))
                    written = yield from _in_shard(number, len(self._shards), encoded(student, shard.codes, keep=True))
                    inputs = tokens.kept(known.fingerprint, known.count) or written
                parts.append(inputs.only(known.kept))
                targets.append(logits[torch.from_numpy(known.kept).long()])
            return Joined(parts), torch.cat(targets)

        return remembered(load, lambda _: 0)


@dataclass(frozen=True)
class LabelConfig:
    """What `label` is asked for; `part` as "3/8": the third of eight machines that share the work."""

    teacher: str
    unlabelled: str
    part: str = "1/1"
    label_precision: str | None = None
    device: str | None = None
    threads: int | None = None
    skip_bad_rows: bool = False

    def share(self) -> tuple[int, int]:
        """The number of the part, from 0, and how many there are. Raises SettingsError."""
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", self.part)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise SettingsError(f"the part must be K/N with K from 1 to N, such as 3/8, not {self.part!r}")
        return int(found[1]) - 1, int(found[2])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def label(config: LabelConfig) -> Iterator[Record]:
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
        yield from _in_shard(shard.number, None, labels.of(shard.codes))
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


def _in_shard(number: int, of: int | None, steps: Generator[Record, None, Any]) -> Generator[Record, None, Any]:
    """The records of work on a shard, which say on which."""
    place = f"Shard {number + 1:,}" + ("" if of is None else f" of {of:,}")
    while True:
        try:
            record = next(steps)
        except StopIteration as end:
            return end.value
        yield {**record, "message": f"{place}: {record['message']}"}
