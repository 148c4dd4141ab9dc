"""A reproducible search as one JSON object: settings, result, and a fingerprint of its trajectory."""

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
    """Content of the JSON file that the page Search writes."""

    title: ClassVar[str] = "the JSON of a search"

    format: Literal[1] = 1
    program: str = __version__
    """Program version that wrote the file."""
    config: SearchSettings
    generations: Count
    best: Candidate | None = None
    trajectory: str

    def is_of(self, records: Iterable[Record]) -> bool:
        """Whether a search with the same settings has the same trajectory, up to the length of this one."""
        generations = (record for record in records if isinstance(record, Generation))
        return trajectory(islice(generations, self.generations)) == self.trajectory


@dataclass(frozen=True)
class Repeat:
    """Result of repeating a search."""

    same: bool
    """Whether every generation has the same architectures with the same parents."""
    generations: int
    """Number of compared generations, including the first, random one."""
    trajectory: str
    """Fingerprint of the repeated search."""


def replica(settings: SearchSettings, records: Iterable[Record]) -> Replica:
    """Replica of a search so far. Raises CompressorError if the records contain no generation."""
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
    """SHA-256 of a search's trajectory: the survivors of every generation, with their parents and genes.

    It covers only whole numbers, so that it is the same on every machine and every version of Python.
    """
    digest = hashlib.sha256()
    for record in generations:
        survivors = [[one.id, list(one.parents), [getattr(one, gene) for gene in GENES]] for one in record.individuals]
        digest.update(json.dumps([record.generation, survivors]).encode())
    return digest.hexdigest()


def repeat(known: Replica) -> Repeat:
    """Run a search again for the same number of generations, and compare the two."""
    generations = list(islice(evolve(known.config), known.generations))
    found = trajectory(generations)
    return Repeat(same=found == known.trajectory, generations=len(generations), trajectory=found)
