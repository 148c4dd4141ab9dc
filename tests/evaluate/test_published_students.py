"""The published students, imported, are right as often as under their authors' own preprocessing."""

from __future__ import annotations

from pathlib import Path

import pytest

from compressor_core.evaluate.comparison import evaluate
from compressor_core.evaluate.settings import EvaluateSettings
from compressor_core.models.released import import_released
from compressor_core.paper import DATASET, Encoder
from compressor_core.task import Task
from tests import released


@released.needs_released
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("encoder", "task", "correct", "tolerance"),
    [
        (Encoder.CODEBERT, Task.VULNERABILITY, 816, 1),
        (Encoder.CODEBERT, Task.CLONE, 958, 1),
        (Encoder.GRAPHCODEBERT, Task.VULNERABILITY, 836, 8),
        (Encoder.GRAPHCODEBERT, Task.CLONE, 950, 4),
    ],
)
def test_correct_answers_on_the_samples(
    tmp_path: Path, encoder: Encoder, task: Task, correct: int, tolerance: int
) -> None:
    checkpoint = released.RELEASED / f"{encoder}_{task}_3mb.bin"
    tokenizer = released.RELEASED / f"{task}_bpe_1000.json"
    import_released(checkpoint, tokenizer, encoder, task, tmp_path / "student")
    data = released.DATA / ("devign/sample.jsonl" if task is Task.VULNERABILITY else "bigclonebench")
    scores = evaluate(EvaluateSettings(model=tmp_path / "student", dataset=DATASET[task], data=data))
    assert scores.examples == (1366 if task is Task.VULNERABILITY else 1000)
    assert abs(scores.correct - correct) <= tolerance, scores
