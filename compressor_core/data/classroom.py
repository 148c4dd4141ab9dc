"""What the built-in datasets share: real functions of the standard library, split by module.

A test function's siblings were never seen in training. The training splits are drawn anew every epoch; the validation
and test splits are fixed.
"""

from __future__ import annotations

import functools
import platform
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from compressor_core.data.dataset import Example, Split, fingerprint_of, share_of
from compressor_core.data.hosts import Host, standard_library_hosts
from compressor_core.language import Language
from compressor_core.task import Task

_SHOWN = 200
"""Examples that stand for all in the fingerprint."""
_BOUNDARIES = ((0.45, Split.TRAIN), (0.80, Split.UNLABELLED), (0.90, Split.VALIDATION), (1.0, Split.TEST))


@dataclass(frozen=True)
class Classroom:
    """A built-in dataset, drawn from the standard library; deterministic for one Python version and seed."""

    seed: int = 0
    name: ClassVar[str]
    task: ClassVar[Task]
    labels: ClassVar[tuple[str, str]]
    language: ClassVar[Language] = Language.PYTHON
    fresh: ClassVar[bool] = True
    per_host: ClassVar[Mapping[Split, int]]
    """Examples drawn from each host function, per epoch where the split is fresh."""

    @functools.cached_property
    def fingerprint(self) -> str:
        """Fingerprint of what the examples are drawn from, and of some that show how they are drawn."""
        rng = random.Random(f"{self.name}/{self.seed}/fingerprint")
        drawn = [self._drawn(host, Split.TEST, rng) for host in hosts_of(Split.TEST)[:_SHOWN]]
        sources = [*(code for example in drawn for code in example.codes), *self._drawn_from()]
        return fingerprint_of([platform.python_version(), str(self.seed), *sources])

    def _drawn_from(self) -> list[str]:
        return [host.source for host in standard_library_hosts()]

    def size(self, split: Split) -> int:
        return self.per_host[split] * len(hosts_of(split))

    def examples(self, split: Split, epoch: int = 0) -> Sequence[Example]:
        """Every host of the split several times, in a random order; another draw for each epoch of a fresh split."""
        return _examples(self, split, 0 if split in (Split.VALIDATION, Split.TEST) else epoch)

    def _drawn(self, host: Host, split: Split, rng: random.Random) -> Example:
        raise NotImplementedError


@functools.lru_cache(maxsize=6)
def _examples(dataset: Classroom, split: Split, epoch: int) -> Sequence[Example]:
    rng = random.Random(f"{dataset.name}/{dataset.seed}/{split}/{epoch}")
    hosts, times = hosts_of(split), dataset.per_host[split]
    examples = [dataset._drawn(host, split, rng) for host in hosts for _ in range(times)]
    rng.shuffle(examples)
    return tuple(examples)


@functools.cache
def hosts_of(split: Split) -> tuple[Host, ...]:
    """The hosts whose modules belong to a split."""
    return tuple(host for host in standard_library_hosts() if split_of(host.module) is split)


def split_of(module: str) -> Split:
    """The split that a module's functions belong to: the same in every Python version, whatever the seed."""
    share = share_of(module)
    return next(split for boundary, split in _BOUNDARIES if share < boundary)
