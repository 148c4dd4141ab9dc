"""The smallest real things: labelled functions, and a teacher trained on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.dataset import Split
from compressor_core.progress import finish
from compressor_core.records import Work

TINY = "400,16,1,2,16"
"""An architecture that takes a moment to train."""


def write_functions(path: Path, count: int = 300) -> Path:
    """A JSONL file of labelled classroom functions."""
    examples = ClassroomVulnerability().examples(Split.TEST)[:count]
    rows = [{"func": e.codes[0], "label": e.label, "group": e.group} for e in examples]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def run_through(work: Work[Any]) -> list[Any]:
    """All records of a core loop, and what it returns, if that is anything."""
    records: list[Any] = []
    summary = finish(work, records.append)
    return records if summary is None else [*records, summary]


def train_tiny(data: Path, out: Path, epochs: int = 2) -> Path:
    """The folder of a teacher trained on such a file: real, and not good."""
    from compressor_core.distill.fine_tuning import train_teacher
    from compressor_core.distill.settings import TeacherSettings

    config = TeacherSettings(dataset="file", data=str(data), architecture=TINY, epochs=epochs, threads=1)
    finish(train_teacher(config, out))
    return out
