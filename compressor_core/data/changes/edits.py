"""Edits of a text, with byte offsets, and functions that create and apply them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replacement of the bytes from `start` to `end` (exclusive) by `text`."""

    start: int
    end: int
    text: bytes


def insertion(at: int, text: str) -> Edit:
    """An edit that removes nothing."""
    return Edit(at, at, text.encode())


def splice(source: bytes, edits: Iterable[Edit]) -> str:
    """The text with all edits applied. They must not overlap; insertions at the same place keep their order."""
    parts, done = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        assert done <= edit.start, "edits overlap"
        parts += [source[done : edit.start], edit.text]
        done = edit.end
    return b"".join([*parts, source[done:]]).decode()


def fresh_names(code: str, names: Sequence[str], rng: random.Random) -> Iterator[str]:
    """Distinct names that do not occur in the code: `names` in random order, then the same with numbers."""
    used = set(_WORD.findall(code))
    yield from (name for name in rng.sample(names, len(names)) if name not in used)
    yield from (name for n in count(2) for word in names if (name := f"{word}{n}") not in used)


def some(places: Sequence[int], rng: random.Random, share: float, most: int) -> list[int]:
    """A random share of the places, in order: at least one and at most `most`; empty if there are no places."""
    if not places:
        return []
    number = min(most, len(places), max(1, round(share * len(places))))
    return sorted(rng.sample(places, number))
