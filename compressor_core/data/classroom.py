"""Built-in datasets, drawn from functions of the standard library; training splits are drawn anew every epoch.

The splits are by module, so no sibling of a test function is seen in training. The validation and test splits are
fixed.
"""

from __future__ import annotations

import functools
import platform
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from compressor_core.data.dataset import Dataset, Example, Split, fingerprint_of, share_of
from compressor_core.data.hosts import Host, standard_library_hosts
from compressor_core.data.kept import kept, read_example
from compressor_core.language import Language
from compressor_core.task import Task

KEPT_EPOCHS = 8
"""Number of epochs of a training split that are cached: those of the quick presets; each takes a few megabytes."""
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
    """Number of draws from each host function (per epoch, if the split is fresh)."""
    together: ClassVar[int] = 1
    """Number of examples per draw, which stay side by side."""

    @functools.cached_property
    def fingerprint(self) -> str:
        """Fingerprint of the fixed splits and of the sources of the fresh ones."""
        fixed = [code for split in (Split.VALIDATION, Split.TEST) for e in self.examples(split) for code in e.codes]
        drawn_from = [host.source for host in standard_library_hosts()]
        return fingerprint_of([platform.python_version(), str(self.seed), *fixed, *drawn_from])

    def size(self, split: Split) -> int:
        return self.per_host[split] * self.together * len(self.hosts(split))

    def examples(self, split: Split, epoch: int = 0) -> Sequence[Example]:
        """Several draws from every host of the split, in random order; drawn anew for each epoch of a fresh split."""
        return drawn(self, split, 0 if split in (Split.VALIDATION, Split.TEST) else epoch)

    def hosts(self, split: Split) -> Sequence[Host]:
        """Hosts that the examples are drawn from."""
        return hosts_of(split)

    def drawn_from(self) -> Sequence[str]:
        """Texts that the examples are drawn from, in addition to the hosts."""
        return ()

    def _drawn(self, host: Host, split: Split, rng: random.Random) -> tuple[Example, ...]:
        raise NotImplementedError


def together(dataset: Dataset) -> int:
    """Number of consecutive examples of a dataset that belong together."""
    return int(getattr(dataset, "together", 1))


@functools.lru_cache(maxsize=6)
def drawn(dataset: Classroom, split: Split, epoch: int) -> Sequence[Example]:
    """Examples of a split and an epoch, drawn once per process; the first epochs are cached on disk."""
    if epoch >= KEPT_EPOCHS:
        return drawn_anew(dataset, split, epoch)
    key = [dataset.name, str(dataset.seed), split, str(epoch), *dataset.drawn_from()]
    return kept("draws", key, lambda: drawn_anew(dataset, split, epoch), read_example)


def drawn_anew(dataset: Classroom, split: Split, epoch: int) -> tuple[Example, ...]:
    """Examples of a split and an epoch, without the cache."""
    rng = random.Random(f"{dataset.name}/{dataset.seed}/{split}/{epoch}")
    draws = [dataset._drawn(host, split, rng) for host in dataset.hosts(split) for _ in range(dataset.per_host[split])]
    rng.shuffle(draws)
    return tuple(example for draw in draws for example in draw)


def drawn_apart(name: str, draw: Callable[[random.Random], Sequence[Example]], *drawn_from: str) -> Sequence[Example]:
    """Examples outside the splits, cached on disk; `name` is of the draw, with its seed, and seeds the generator."""
    return kept("draws", [name, *drawn_from], lambda: draw(random.Random(name)), read_example)


@functools.cache
def hosts_of(split: Split) -> tuple[Host, ...]:
    """Hosts whose modules belong to a split."""
    return tuple(host for host in standard_library_hosts() if split_of(host.module) is split)


def split_of(module: str) -> Split:
    """Split of a module's functions: the same in every Python version and for every seed."""
    share = share_of(module)
    return next(split for boundary, split in _BOUNDARIES if share < boundary)
