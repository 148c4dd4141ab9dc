"""Distilling on a pool: its shards are labelled and encoded one by one, and each epoch reads them from the cache.

The results of a shard are cached by its content, so that interrupted work resumes at the current shard, and machines
that share a cache share the work. Each function takes twenty bytes of memory: eight for soft labels, and twelve for the
position of its tokens and its place in the order. The tokens are memory-mapped from the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from compressor_core.data.dataset import Dataset, fingerprint_of
from compressor_core.data.pool import Pool, held_out, is_held_out
from compressor_core.distill.batching import Data, EpochData, remembered
from compressor_core.distill.soft_labels import SoftLabels, fingerprint
from compressor_core.distill.tokens import Tokens, encoded
from compressor_core.errors import DataError
from compressor_core.models.classifier import Classifier
from compressor_core.models.encoded import Joined
from compressor_core.progress import relay
from compressor_core.records import Notice, Progress, Work

TOKENIZER_FUNCTIONS = 200_000
"""Functions, evenly spread over the pool, on which a tokenizer is trained; more do not improve it."""
_REPORTED = 10
"""Shards read between two progress reports."""
T = TypeVar("T")


@dataclass(frozen=True)
class _Known:
    """A shard that was read once: its number of examples, and which of them to learn from."""

    fingerprint: str
    count: int
    kept: NDArray[np.int32]


class Pooled:
    """A pool that replaces a dataset's unlabelled split, without functions of the validation and test splits."""

    def __init__(self, pool: Pool, dataset: Dataset) -> None:
        self._pool = pool
        self._dataset = dataset
        self._shards: list[_Known] = []

    def survey(self) -> Work[int]:
        """Read the whole pool once, before anything else; returns the number of examples to learn from.

        Notices report what is left out.

        Raises:
            DataError: as `Pool.shards`, or if nothing is left.
        """
        self._shards = []
        forbidden = held_out(self._dataset)
        for shard in self._pool.shards():
            kept = [place for place, codes in enumerate(shard.codes) if not is_held_out(codes, forbidden)]
            self._shards.append(_Known(fingerprint(shard.codes), len(shard.codes), np.array(kept, np.int32)))
            if shard.number % _REPORTED == 0:
                yield Progress(message=f"Reading the unlabelled code, shard {shard.number + 1:,}")
        total = sum(shard.count for shard in self._shards)
        what = "none stands" if total == len(self) else f"{total - len(self):,} are left out that stand"
        if self._pool.bad:
            yield Notice(message=f"{self._pool.bad:,} rows of {self._pool.path} cannot be used")
        said = f"{len(self):,} unlabelled examples in {len(self._shards):,} shards"
        where = f"the validation or test split of {self._dataset.name}"
        yield Notice(message=f"{said}; {what} in {where}")
        if not len(self):
            raise DataError(f"every function of {self._pool.path} stands in {where}: give other unlabelled code")
        return len(self)

    def __len__(self) -> int:
        return sum(len(shard.kept) for shard in self._shards)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of all examples to learn from."""
        return fingerprint_of(f"{shard.fingerprint} {shard.kept.tolist()}" for shard in self._shards)

    def texts(self) -> Iterator[str]:
        """Functions on which a tokenizer is trained, as a stream."""
        step = -(-len(self) // TOKENIZER_FUNCTIONS)
        place = 0
        for shard, known in zip(self._pool.shards(), self._shards, strict=True):
            for index in known.kept.tolist():
                if place % step == 0:
                    yield from shard.codes[index]
                place += 1

    def labelled(self, student: Classifier, labels: SoftLabels) -> EpochData:
        """All examples with the teacher's answers, the same in every epoch."""

        def load(_: int) -> Work[Data]:
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
                        raise DataError(f"{self._pool.path} changed while it was read: start again")
                    logits = yield from in_shard(number, len(self._shards), labels.of(shard.codes))
                    written = yield from in_shard(number, len(self._shards), encoded(student, shard.codes, keep=True))
                    inputs = tokens.kept(known.fingerprint, known.count) or written
                parts.append(inputs.only(known.kept))
                targets.append(logits[torch.from_numpy(known.kept).long()])
            return Joined(parts), torch.cat(targets)

        return remembered(load, lambda _: 0)


def in_shard(number: int, of: int | None, steps: Work[T]) -> Work[T]:
    """Work on one shard, with the shard named in its messages."""
    place = f"Shard {number + 1:,}" + ("" if of is None else f" of {of:,}")
    return relay(steps, lambda record: record.model_copy(update={"message": f"{place}: {record.message}"}))
