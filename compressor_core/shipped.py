"""Results that ship with the program, to compare with the paper's; `benchmarks/paper.py` measures and writes them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from compressor_core.assets import ASSETS
from compressor_core.errors import DAMAGED
from compressor_core.files import write_text
from compressor_core.paper import Column, Encoder, Row, accuracy
from compressor_core.records import Machine, Plain
from compressor_core.task import Task

FILE: Final = ASSETS / "paper.json"


class Shipped(Plain):
    """Scores and costs of one student, and how they were measured."""

    encoder: Encoder
    task: Task
    row: Row
    imported: bool
    """Whether the paper's authors, not this program, trained the student."""
    name: str
    architecture: str
    seed: int | None = None
    parameters: int
    size_mb: float
    correct: int
    examples: int
    f1: float
    milliseconds: float
    """Median CPU time of one query, unpadded, on one thread, without tokenisation."""
    codebert_milliseconds: float
    """The same for a model of CodeBERT's shape with random weights, alternating with the student."""
    queries: int
    data: str
    fingerprint: str
    """Fingerprint of the data."""
    command: str
    date: str
    machine: Machine

    @property
    def column(self) -> Column:
        return Column(self.encoder, self.task)

    @property
    def sentence(self) -> str:
        """Comparison with the paper's student, in words."""
        published = accuracy(self.row, self.column)
        of = "functions of Devign" if self.task is Task.VULNERABILITY else "pairs of BigCloneBench"
        return (
            f"{self.size_mb:.2f} MB, right on {self.correct / self.examples:.1%} of {self.examples:,} test {of}; the "
            f"paper's student of {self.row.value.removeprefix('student, ')}: {published:.1f}%. "
            f"{self.codebert_milliseconds / self.milliseconds:.0f}× faster than a model of CodeBERT's shape."
        )


_ALL: Final = TypeAdapter(tuple[Shipped, ...])


@cache
def shipped() -> tuple[Shipped, ...]:
    """All shipped results; empty if the file is missing or damaged."""
    try:
        return read(FILE)
    except DAMAGED:
        return ()


def read(path: Path) -> tuple[Shipped, ...]:
    """Results in a file; empty if there is no file. Raises one of `DAMAGED`."""
    return _ALL.validate_json(path.read_bytes()) if path.exists() else ()


def write(path: Path, figures: tuple[Shipped, ...]) -> None:
    """Write results to a file, one per line. Raises StorageError."""
    lines = [json.dumps(one.model_dump(mode="json"), ensure_ascii=False) for one in figures]
    write_text(path, "[\n" + ",\n".join(lines) + "\n]\n")
