"""A search as one JSON object that repeats it: the settings, what came out, and a fingerprint of the way there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, Literal

from compressor_core import __version__
from compressor_core.architecture import GENES
from compressor_core.errors import CompressorError
from compressor_core.records import Candidate, Generation, Record
from compressor_core.search.genetic import SearchSettings, evolve
from compressor_core.settings import Count, Settings


class Replica(Settings):
    """What the page Search writes into a JSON file."""

    title: ClassVar[str] = "the JSON of a search"

    format: Literal[1] = 1
    program: str = __version__
    """The version that wrote it."""
    config: SearchSettings
    generations: Count
    best: Candidate | None = None
    trajectory: str

    def is_of(self, records: Iterable[Record]) -> bool:
        """Whether a search of the same settings went the same way, as far as this one went."""
        generations = (record for record in records if isinstance(record, Generation))
        return trajectory(islice(generations, self.generations)) == self.trajectory


@dataclass(frozen=True)
class Repeat:
    """What came of repeating a search."""

    same: bool
    """Whether it visited the same architectures, bred from the same parents, in every generation."""
    generations: int
    """Generations that were compared, the first, random one included."""
    trajectory: str
    """The fingerprint of the repeated search."""


def replica(settings: SearchSettings, records: Iterable[Record]) -> Replica:
    """A search so far. Raises CompressorError if the records hold no generation."""
    generations = [record for record in records if isinstance(record, Generation)]
    if not generations:
        raise CompressorError("The search has no generation yet, so there is nothing to repeat: wait for the first.")
    return Replica(
        config=settings,
        generations=len(generations),
        best=generations[-1].best,
        trajectory=trajectory(generations),
    )


def trajectory(generations: Iterable[Generation]) -> str:
    """The SHA-256 of the way of a search: of every generation its survivors, their parents and their genes.

    Whole numbers only, so that it is the same on every machine and every version of Python.
    """
    digest = hashlib.sha256()
    for record in generations:
        survivors = [[one.id, list(one.parents), [getattr(one, gene) for gene in GENES]] for one in record.individuals]
        digest.update(json.dumps([record.generation, survivors]).encode())
    return digest.hexdigest()


def repeat(known: Replica) -> Repeat:
    """Run a search again, as far as it went, and compare the two."""
    generations = list(islice(evolve(known.config), known.generations))
    found = trajectory(generations)
    return Repeat(same=found == known.trajectory, generations=len(generations), trajectory=found)
