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
        """Fingerprint of the fixed splits and of what the fresh ones are drawn from."""
        fixed = [code for split in (Split.VALIDATION, Split.TEST) for e in self.examples(split) for code in e.codes]
        drawn_from = [host.source for host in standard_library_hosts()]
        return fingerprint_of([platform.python_version(), str(self.seed), *fixed, *drawn_from])

    def size(self, split: Split) -> int:
        return self.per_host[split] * len(hosts_of(split))

    def examples(self, split: Split, epoch: int = 0) -> Sequence[Example]:
        """Every host of the split several times, in a random order; another draw for each epoch of a fresh split."""
        if split in (Split.VALIDATION, Split.TEST):
            epoch = 0
        rng = random.Random(f"{self.name}/{self.seed}/{split}/{epoch}")
        examples = [self._drawn(host, split, rng) for host in hosts_of(split) for _ in range(self.per_host[split])]
        rng.shuffle(examples)
        return examples

    def _drawn(self, host: Host, split: Split, rng: random.Random) -> Example:
        raise NotImplementedError


@functools.cache
def hosts_of(split: Split) -> tuple[Host, ...]:
    """The hosts whose modules belong to a split."""
    return tuple(host for host in standard_library_hosts() if split_of(host.module) is split)


def split_of(module: str) -> Split:
    """The split that a module's functions belong to: the same in every Python version, whatever the seed."""
    share = share_of(module)
    return next(split for boundary, split in _BOUNDARIES if share < boundary)
