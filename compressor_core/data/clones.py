"""`classroom-clone`: pairs of functions, half of them clones.

A clone pair is two rewritings (`rewriting.py`) of one function of the standard library (`hosts.py`). The other pairs
are rewritings, of the same kinds, of two different functions, most of them look-alikes: of similar length, with many
tokens in common, often from the same module. So neither shared names nor traces of rewriting reveal the label. The
splits are by module; the training splits are drawn anew every epoch. Some kinds of rewriting are withheld from every
split and measured separately (`unseen_pairs`), and so are pairs of a function and a copy with one change of behaviour
(`near_miss_pairs`).
"""

from __future__ import annotations

import ast
import functools
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from compressor_core.data.changes import change, changes_for
from compressor_core.data.classroom import Classroom, drawn_apart, hosts_of
from compressor_core.data.dataset import Example, Split
from compressor_core.data.hosts import Host
from compressor_core.data.near_misses import near_miss
from compressor_core.data.rewriting import CloneType, rewrite
from compressor_core.data.unseen_rewriting import rewritten_unseen
from compressor_core.language import Language
from compressor_core.task import Task

KINDS: Mapping[CloneType, float] = {CloneType.TYPE_1: 0.10, CloneType.TYPE_2: 0.30, CloneType.TYPE_3: 0.60}
"""Share of each clone type, the same for clones and other pairs."""
HARD = 0.8
"""Share of the pairs of different functions that look alike."""
SAME_NAMES_CLONES, SAME_NAMES_OTHERS = 0.15, 0.6
"""Share of the pairs whose two functions use the same names, like the methods of one class."""
ALIKE = 5
"""Number of most similar functions from which a look-alike is drawn."""
LENGTH_RATIO = 1.5
"""Largest ratio between the lengths of two look-alikes."""
SAME_SHAPE = 0.75
"""Similarity of the syntax trees above which two original functions may already be clones."""
_NAMES = 60
_TOKEN = re.compile(r"\w+|[^\w\s]")


class ClassroomClone(Classroom):
    """Pairs of rewritten functions, half of them clones."""

    name = "classroom-clone"
    task = Task.CLONE
    labels = ("different", "clone")
    per_host = MappingProxyType({Split.TRAIN: 3, Split.UNLABELLED: 4, Split.VALIDATION: 2, Split.TEST: 2})

    def _drawn(self, host: Host, split: Split, rng: random.Random) -> tuple[Example, ...]:
        return (_pair(_part(split), host, host.source, rng),)


def unseen_pairs(seed: int = 0) -> Sequence[Example]:
    """Pairs drawn like those of the test split, but with one function of each pair additionally rewritten in ways that
    occur in no split of the dataset, for clones and other pairs."""

    def draw(rng: random.Random) -> Sequence[Example]:
        part = _part(Split.TEST)
        return [
            _pair(part, host, source, rng)
            for host in part.hosts
            for _ in range(ClassroomClone.per_host[Split.TEST])
            if (source := rewritten_unseen(host.source, rng)) is not None
        ]

    return drawn_apart(f"{ClassroomClone.name}/{seed}/unseen-rewriting", draw)


def near_miss_pairs(seed: int = 0) -> Sequence[Example]:
    """Each host of the test split paired with itself (a clone) and with a near miss of itself (not a clone). The second
    function of each pair also gets one or two behaviour-preserving changes."""

    def draw(rng: random.Random) -> Sequence[Example]:
        changes = changes_for(Language.PYTHON)
        found = []
        for host in hosts_of(Split.TEST):
            if missed := near_miss(host.source, rng):
                for code, label, group in ((host.source, 1, "clone"), (missed[0], 0, missed[1].value)):
                    copy, _ = change(code, Language.PYTHON, rng, changes, most=2)
                    found.append(Example((host.source, copy), label, group, host.module))
        return found

    return drawn_apart(f"{ClassroomClone.name}/{seed}/near-miss", draw)


def _pair(part: _Part, host: Host, source: str, rng: random.Random) -> Example:
    """A pair of `source`, which behaves like the host, with the same host or another one."""
    label = rng.getrandbits(1)
    kind = rng.choices(tuple(KINDS), tuple(KINDS.values()))[0]
    other, group = host, f"type {kind.value}"
    if not label:
        alike = part.alike[host.source]
        if alike and rng.random() < HARD:
            other, group = rng.choice(alike), "look-alikes"
        else:
            other, group = rng.choice([h for h in rng.sample(part.hosts, 2) if h is not host]), "others"
    names = part.drawn_names(rng)
    if rng.random() < (SAME_NAMES_CLONES if label else SAME_NAMES_OTHERS):
        sides = [rewrite(code, kind, rng, names, outer=0) for code in (source, other.source)]
    else:
        sides = [rewrite(source, kind, rng, names), rewrite(other.source, kind, rng, part.drawn_names(rng))]
    first, second = sides
    codes = (first, second) if rng.getrandbits(1) else (second, first)
    return Example(codes, label, group, host.module)


@dataclass(frozen=True)
class _Part:
    """Hosts of one split, the look-alikes of each (by source), and the names that the hosts use."""

    hosts: tuple[Host, ...]
    alike: Mapping[str, tuple[Host, ...]]
    names: tuple[str, ...]

    def drawn_names(self, rng: random.Random) -> list[str]:
        return rng.sample(self.names, min(len(self.names), _NAMES))


@functools.cache
def _part(split: Split) -> _Part:
    hosts = hosts_of(split)
    alike = dict(zip((host.source for host in hosts), _look_alikes(hosts), strict=True))
    names = {name for host in hosts for name in host.variables if len(name) > 1}
    return _Part(hosts, alike, tuple(sorted(names)))


def _look_alikes(hosts: Sequence[Host]) -> Iterator[tuple[Host, ...]]:
    """For each host the `ALIKE` others with the most tokens in common, and as many from its own module.

    Functions that differ in little but names are left out, because they are clones already.
    """
    overlaps = _jaccard([tokens(host.source) for host in hosts])
    shapes = _jaccard([shape(host.source) for host in hosts])
    lengths = np.log([len(host.source) for host in hosts])
    modules = np.array([host.module for host in hosts])
    for index in range(len(hosts)):
        comparable = np.abs(lengths - lengths[index]) < np.log(LENGTH_RATIO)
        score = np.where(comparable & (shapes[index] < SAME_SHAPE), overlaps[index], -1.0)
        score[index] = -1.0
        near = np.argsort(-score, kind="stable")[:ALIKE]
        own = np.argsort(-np.where(modules == modules[index], score, -1.0), kind="stable")[:ALIKE]
        yield tuple(hosts[i] for i in dict.fromkeys([*near, *own]) if score[i] >= 0)


def _jaccard(sets: Sequence[frozenset[str]]) -> NDArray[np.float32]:
    """Pairwise Jaccard similarity of the sets, of shape (n, n)."""
    from scipy.sparse import csr_array

    columns = {item: i for i, item in enumerate(sorted(set().union(*sets)))}
    indices = [columns[item] for members in sets for item in members]
    starts = np.cumsum([0, *map(len, sets)])
    table = csr_array((np.ones(len(indices), np.float32), indices, starts), shape=(len(sets), len(columns)))
    common: NDArray[np.float32] = (table @ table.T).toarray()
    sizes = np.diff(starts).astype(np.float32)
    return common / (sizes[:, None] + sizes[None, :] - common)


def shape(source: str) -> frozenset[str]:
    """Parent-child pairs of the syntax tree, numbered by occurrence: the structure without names."""
    counts: Counter[str] = Counter()
    found = set()
    for parent in ast.walk(ast.parse(source)):
        for child in ast.iter_child_nodes(parent):
            edge = f"{type(parent).__name__} {type(child).__name__}"
            counts[edge] += 1
            found.add(f"{edge} {counts[edge]}")
    return frozenset(found)


def tokens(code: str) -> frozenset[str]:
    """Distinct words and punctuation marks of a function."""
    return frozenset(_TOKEN.findall(code))


def overlap(first: frozenset[str], second: frozenset[str]) -> float:
    """Jaccard similarity of two sets of tokens, from 0 to 1."""
    return len(first & second) / len(first | second)
