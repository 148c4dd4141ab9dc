"""`classroom-clone`: pairs of functions, half of them clones of each other.

A pair of clones is two rewritings (`rewriting.py`) of one function of the standard library (`hosts.py`). Most of the
others are near misses: the same function with one change of what it does (`near_misses.py`), rewritten as its clone is.
The rest are two different functions, most of them chosen to look alike: of similar length, with many tokens in common,
from the same module or of the same name. Every draw gives two pairs, one of clones and one of others, which stay side
by side and differ in as little as they can, so that a model learns from what differs. Which of the two versions is the
changed one is drawn: a change cannot be told from one function, nor traces of rewriting from shared names. The splits
are by module; the training splits are drawn anew every epoch. Some ways of rewriting are kept from every split and
measured apart (`unseen_pairs`).
"""

from __future__ import annotations

import ast
import functools
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from compressor_core.data.changes import change, changes_for
from compressor_core.data.classroom import Classroom, hosts_of
from compressor_core.data.clone_renaming import RENAMED_ATTRIBUTES
from compressor_core.data.dataset import Example, Split
from compressor_core.data.families import KNOWN
from compressor_core.data.hosts import Host
from compressor_core.data.near_misses import near_miss
from compressor_core.data.rewriting import CloneType, rewrite
from compressor_core.data.unseen_rewriting import rewritten_unseen
from compressor_core.language import Language
from compressor_core.task import Task

KINDS: Mapping[CloneType, float] = {CloneType.TYPE_1: 0.15, CloneType.TYPE_2: 0.30, CloneType.TYPE_3: 0.55}
"""Share of each clone type, for clones and for others alike."""
NEAR_MISSES = 2 / 3
"""Share of the draws whose other pair is a near miss: a third of all pairs, since what tells them from clones, a single
token, takes far more examples to learn than what tells two functions apart."""
DIFFERENT = {"look-alikes": 0.6, "namesakes": 0.2, "others": 0.2}
"""Shares of what the pairs of different functions have in common: tokens, their name, nothing."""
SAME_NAMES_CLONES, SAME_NAMES_OTHERS, SAME_NAMES_NEAR = 0.15, 0.6, 0.3
"""Share of the pairs whose two functions name things alike, as the methods of one class do; near misses and the clones
beside them have the same."""
DRESSED = 0.3
"""Share of the functions that are changed once or twice more without changing what they do."""
ALIKE = 5
"""From how many of the functions most like it the other one of such a pair is drawn."""
LENGTH_RATIO = 1.5
"""Largest ratio between the lengths of two look-alikes."""
SAME_SHAPE = 0.75
"""Similarity of the syntax trees above which two functions may be clones of each other as they stand."""
_NAMES = 60
_DRESSES = {
    kind: changes_for(Language.PYTHON, ("quotes", "reformat", "comments", "hints", *more))
    for kind, more in zip(CloneType, ((), (), ("strings", "keywords", "reorder", "hoist")), strict=True)
}
_TOKEN = re.compile(r"\w+|[^\w\s]")


class ClassroomClone(Classroom):
    """Pairs of rewritten functions, half of them clones of each other."""

    name = "classroom-clone"
    task = Task.CLONE
    labels = ("different", "clone")
    per_host = MappingProxyType({Split.TRAIN: 2, Split.UNLABELLED: 2, Split.VALIDATION: 1, Split.TEST: 1})
    together = 2

    def _drawn(self, host: Host, split: Split, rng: random.Random) -> tuple[Example, ...]:
        return _twins(_part(split), host, rng, lambda source: source)


def unseen_pairs(seed: int = 0) -> Sequence[Example]:
    """Pairs of the test split's hosts, drawn as the test split's are, one function of each rewritten besides as no
    split of the dataset is; for clones and for others alike."""
    rng = random.Random(f"{ClassroomClone.name}/{seed}/unseen-rewriting")
    part = _part(Split.TEST)
    return [e for host in part.hosts for e in _twins(part, host, rng, lambda source: rewritten_unseen(source, rng))]


def _twins(part: _Part, host: Host, rng: random.Random, first: Callable[[str], str | None]) -> tuple[Example, ...]:
    """A pair of clones of the host and a pair that is none, in random order; nothing where `first`, which writes the
    first function of both differently, gives None.

    What is drawn for them is the same, as far as it can be.
    """
    kind = rng.choices(tuple(KINDS), tuple(KINDS.values()))[0]
    sources, group = [host.source, host.source], ""
    if rng.random() < NEAR_MISSES and (missed := near_miss(host.source, rng)):
        sources[rng.getrandbits(1)], group = missed
    source, other = sources
    same_clones = same_others = rng.random() < SAME_NAMES_NEAR
    if not group:
        group = rng.choices(tuple(DIFFERENT), tuple(DIFFERENT.values()))[0]
        alike = part.found(host, rng, group) or part.found(host, rng, group := "others")
        other = rng.choice(alike).source
        same_clones, same_others = rng.random() < SAME_NAMES_CLONES, rng.random() < SAME_NAMES_OTHERS
    written = first(source)
    if written is None:
        return ()
    names, others, seed = part.drawn_names(rng), part.drawn_names(rng), rng.random()

    def copied(source: str, seed: float, same_names: bool, names: Sequence[str]) -> str:
        drawn = random.Random(seed)
        outer = 0.0 if same_names else RENAMED_ATTRIBUTES
        return _dressed(rewrite(source, kind, drawn, names, outer), kind, drawn)

    one = copied(written, rng.random(), same_others, names)
    clone = copied(source, seed, same_clones, names if same_clones else others)
    miss = copied(other, seed, same_others, names if same_others else others)
    swapped = rng.getrandbits(1)
    twins = [
        Example((second, one) if swapped else (one, second), label, found, host.module)
        for second, label, found in ((clone, 1, f"type {kind.value}"), (miss, 0, group))
    ]
    return tuple(twins if rng.getrandbits(1) else reversed(twins))


def _dressed(code: str, kind: CloneType, rng: random.Random) -> str:
    if rng.random() < DRESSED:
        code, _ = change(code, Language.PYTHON, rng, _DRESSES[kind], most=2)
    return code


@dataclass(frozen=True)
class _Part:
    """The hosts of one split, the look-alikes and namesakes of each (by source), and the names they use."""

    hosts: tuple[Host, ...]
    alike: Mapping[str, Mapping[str, tuple[Host, ...]]]
    names: tuple[str, ...]

    def found(self, host: Host, rng: random.Random, group: str) -> Sequence[Host]:
        """Some that have that in common with a host."""
        if group in self.alike:
            return self.alike[group][host.source]
        return [one for one in rng.sample(self.hosts, 2) if one is not host]

    def drawn_names(self, rng: random.Random) -> list[str]:
        return rng.sample(self.names, min(len(self.names), _NAMES))


@functools.cache
def _part(split: Split) -> _Part:
    hosts = hosts_of(split)
    shapes = _jaccard([shape(host.source) for host in hosts])
    alike = {
        group: dict(zip((host.source for host in hosts), find(hosts, shapes), strict=True))
        for group, find in (("look-alikes", _look_alikes), ("namesakes", _namesakes))
    }
    names = {name for host in hosts for name in host.variables if len(name) > 1} - KNOWN
    return _Part(hosts, alike, tuple(sorted(names)))


def _look_alikes(hosts: Sequence[Host], shapes: NDArray[np.float32]) -> Iterator[tuple[Host, ...]]:
    """For each host the `ALIKE` others with the most tokens in common, half of them from its own module.

    Functions that differ in little but their names are left out: they are clones themselves.
    """
    overlaps = _jaccard([tokens(host.source) for host in hosts])
    lengths = np.log([len(host.source) for host in hosts])
    modules = np.array([host.module for host in hosts])
    for index in range(len(hosts)):
        comparable = np.abs(lengths - lengths[index]) < np.log(LENGTH_RATIO)
        score = np.where(comparable & (shapes[index] < SAME_SHAPE), overlaps[index], -1.0)
        score[index] = -1.0
        near = np.argsort(-score, kind="stable")[:ALIKE]
        own = np.argsort(-np.where(modules == modules[index], score, -1.0), kind="stable")[:ALIKE]
        yield tuple(hosts[i] for i in dict.fromkeys([*near, *own]) if score[i] >= 0)


def _namesakes(hosts: Sequence[Host], shapes: NDArray[np.float32]) -> Iterator[tuple[Host, ...]]:
    """For each host others of the same name: the same kind of job, done another way."""
    names = np.array([host.source.partition("(")[0] for host in hosts])
    for index in range(len(hosts)):
        yield tuple(hosts[int(i)] for i in np.flatnonzero((names == names[index]) & (shapes[index] < SAME_SHAPE)))


def _jaccard(sets: Sequence[frozenset[str]]) -> NDArray[np.float32]:
    """Jaccard similarity of every two of the sets (n, n)."""
    from scipy.sparse import csr_array

    columns = {item: i for i, item in enumerate(sorted(set().union(*sets)))}
    indices = [columns[item] for members in sets for item in members]
    starts = np.cumsum([0, *map(len, sets)])
    table = csr_array((np.ones(len(indices), np.float32), indices, starts), shape=(len(sets), len(columns)))
    common: NDArray[np.float32] = (table @ table.T).toarray()
    sizes = np.diff(starts).astype(np.float32)
    return common / (sizes[:, None] + sizes[None, :] - common)


def shape(source: str) -> frozenset[str]:
    """The pairs of parent and child in the syntax tree, numbered by occurrence: what is left without the names."""
    counts: Counter[str] = Counter()
    found = set()
    for parent in ast.walk(ast.parse(source)):
        for child in ast.iter_child_nodes(parent):
            edge = f"{type(parent).__name__} {type(child).__name__}"
            counts[edge] += 1
            found.add(f"{edge} {counts[edge]}")
    return frozenset(found)


def tokens(code: str) -> frozenset[str]:
    """The distinct words and signs of a function."""
    return frozenset(_TOKEN.findall(code))


def overlap(first: frozenset[str], second: frozenset[str]) -> float:
    """Jaccard similarity of two sets of tokens, from 0 to 1."""
    return len(first & second) / len(first | second)
