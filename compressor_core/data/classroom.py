"""`classroom-vulnerability`: real functions with safe or unsafe snippets woven in.

A host function of the standard library (`hosts.py`) gets one or two snippets of the catalogue (`catalogue.py`) at
random places, with its own variable names. The label is 1 if any unsafe form is present. The splits are by module,
so a test function's siblings were never seen in training. The training splits are drawn anew every epoch; the
validation and test splits are fixed.
"""

from __future__ import annotations

import functools
import platform
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template
from types import MappingProxyType
from typing import ClassVar

from compressor_core.data.catalogue import CATALOGUE, Phrasing, Tell
from compressor_core.data.dataset import Example, Split, fingerprint_of, share_of
from compressor_core.data.hosts import Host, standard_library_hosts
from compressor_core.language import Language
from compressor_core.task import Task

MIX = {Tell.TOKEN: 0.70, Tell.ARGUMENT: 0.20, Tell.FLOW: 0.10}
"""Share of each kind of tell: the one dial of the task's difficulty."""
TWO_SNIPPETS = 0.4
"""Share of the functions that get a second snippet."""
_BOUNDARIES = ((0.45, Split.TRAIN), (0.80, Split.UNLABELLED), (0.90, Split.VALIDATION), (1.0, Split.TEST))
_FRESH_NAMES = """
    result data value item entry handle target source content output reply record token cache worker message config
    state info buffer session client stream response current extra
"""
_WORDS = """
    users orders report upload backup account payload profile archive index image invoice ticket session log status
    export ingest convert admin config name title key secret data
"""


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
    """Times that each host function is drawn, per epoch where the split is fresh."""
    together: ClassVar[int] = 1
    """Examples of a draw, which stay side by side."""

    @functools.cached_property
    def fingerprint(self) -> str:
        """Fingerprint of the fixed splits and of what the fresh ones are drawn from."""
        fixed = [code for split in (Split.VALIDATION, Split.TEST) for e in self.examples(split) for code in e.codes]
        drawn_from = [host.source for host in standard_library_hosts()]
        return fingerprint_of([platform.python_version(), str(self.seed), *fixed, *drawn_from])

    def size(self, split: Split) -> int:
        return self.per_host[split] * self.together * len(self.hosts(split))

    def examples(self, split: Split, epoch: int = 0) -> Sequence[Example]:
        """Every host of the split several times, in a random order; another draw for each epoch of a fresh split."""
        return drawn(self, split, 0 if split in (Split.VALIDATION, Split.TEST) else epoch)

    def hosts(self, split: Split) -> Sequence[Host]:
        """The hosts that its examples are drawn from."""
        return hosts_of(split)

    def _drawn(self, host: Host, split: Split, rng: random.Random) -> tuple[Example, ...]:
        raise NotImplementedError


@functools.lru_cache(maxsize=6)
def drawn(dataset: Classroom, split: Split, epoch: int) -> Sequence[Example]:
    """The examples of a split and an epoch, drawn once in a process."""
    rng = random.Random(f"{dataset.name}/{dataset.seed}/{split}/{epoch}")
    draws = [dataset._drawn(host, split, rng) for host in dataset.hosts(split) for _ in range(dataset.per_host[split])]
    rng.shuffle(draws)
    return tuple(example for draw in draws for example in draw)


class ClassroomVulnerability(Classroom):
    """Real functions with safe or unsafe snippets woven in."""

    name = "classroom-vulnerability"
    task = Task.VULNERABILITY
    labels = ("safe", "vulnerable")
    per_host = MappingProxyType({Split.TRAIN: 4, Split.UNLABELLED: 4, Split.VALIDATION: 2, Split.TEST: 2})

    def _drawn(self, host: Host, split: Split, rng: random.Random) -> tuple[Example, ...]:
        return (weave(host, rng),)


@functools.cache
def hosts_of(split: Split) -> tuple[Host, ...]:
    """The hosts whose modules belong to a split."""
    return tuple(host for host in standard_library_hosts() if split_of(host.module) is split)


def split_of(module: str) -> Split:
    """The split that a module's functions belong to: the same in every Python version, whatever the seed."""
    share = share_of(module)
    return next(split for boundary, split in _BOUNDARIES if share < boundary)


def weave(host: Host, rng: random.Random) -> Example:
    """One example: the host with one or two snippets; labelled 1 with probability one half."""
    label = rng.getrandbits(1)
    drawn = [_draw(rng) for _ in range(2 if rng.random() < TWO_SNIPPETS else 1)]
    unsafe = [False] * len(drawn)
    if label:
        unsafe[0] = True
        unsafe[1:] = [rng.random() < 0.5 for _ in drawn[1:]]
    lines = host.source.split("\n")
    slots = sorted((rng.choice(host.slots) for _ in drawn), reverse=True)
    order = rng.sample(range(len(drawn)), len(drawn))
    for (line, indent), index in zip(slots, order, strict=True):
        phrasing = drawn[index][1]
        text = _fill(phrasing.unsafe if unsafe[index] else phrasing.safe, host, rng)
        lines[line:line] = [indent + part for part in text.split("\n")]
    return Example(("\n".join(lines),), label, drawn[0][0], host.module)


def _draw(rng: random.Random) -> tuple[str, Phrasing]:
    tell = rng.choices(tuple(MIX), tuple(MIX.values()))[0]
    return rng.choice(_BY_TELL[tell])


def _fill(snippet: str, host: Host, rng: random.Random) -> str:
    x, y = (rng.choice(host.variables or ("self",)) for _ in range(2))
    n, m = rng.sample([name for name in _FRESH_NAMES.split() if name not in host.variables], 2)
    return Template(snippet).substitute(x=x, y=y, n=n, m=m, w=rng.choice(_WORDS.split()))


_BY_TELL = {
    tell: [(weakness.cwe, p) for weakness in CATALOGUE for p in weakness.phrasings if p.tell is tell] for tell in Tell
}
