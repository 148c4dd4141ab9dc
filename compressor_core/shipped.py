"""Figures that ship with the program, to stand beside the paper's; `benchmarks/paper.py` measures and writes them."""

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
    """What one student scored and cost, and how that was found out."""

    encoder: Encoder
    task: Task
    row: Row
    imported: bool
    """Whether the paper's authors trained it, and not this program."""
    name: str
    architecture: str
    seed: int | None = None
    parameters: int
    size_mb: float
    correct: int
    examples: int
    f1: float
    milliseconds: float
    """Median of the processor's time for one query, unpadded, one thread, tokenisation apart."""
    codebert_milliseconds: float
    """The same of a model of CodeBERT's shape with random weights, in turns with the student."""
    queries: int
    data: str
    fingerprint: str
    """Of the data."""
    command: str
    date: str
    machine: Machine

    @property
    def column(self) -> Column:
        return Column(self.encoder, self.task)

    @property
    def sentence(self) -> str:
        """What the student does beside the paper's, in words."""
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
    """All of them; none if the file is not there or damaged."""
    try:
        return read(FILE)
    except DAMAGED:
        return ()


def read(path: Path) -> tuple[Shipped, ...]:
    """The figures in a file; none if there is no file. Raises one of `DAMAGED`."""
    return _ALL.validate_json(path.read_bytes()) if path.exists() else ()


def write(path: Path, figures: tuple[Shipped, ...]) -> None:
    """Write figures to a file, one a line. Raises StorageError."""
    lines = [json.dumps(one.model_dump(mode="json"), ensure_ascii=False) for one in figures]
    write_text(path, "[\n" + ",\n".join(lines) + "\n]\n")
