"""The model of CodeBERT's shape beside a student: real models, real times."""

from __future__ import annotations

import pytest

from compressor_core.architecture import Architecture
from compressor_core.cost import cost
from compressor_core.evaluate import shape
from compressor_core.evaluate.shape import CODEBERT, beside_codebert
from compressor_core.models.bundled import bundled_teacher
from compressor_core.models.classifier import load
from compressor_core.progress import finish


def test_the_shape_is_that_of_the_published_teacher() -> None:
    assert cost(CODEBERT).size_mb == pytest.approx(499, abs=1)


def test_a_larger_shape_is_slower_on_the_same_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    # With two of its twelve layers, and words for this tokenizer alone: seconds and megabytes.
    monkeypatch.setattr(shape, "CODEBERT", Architecture(8_000, 768, 2, 12, 3_072))
    student = load(bundled_teacher("classroom-vulnerability"))
    codes = [(f"def f{number}(x):\n    return x + {number}\n",) for number in range(3)]
    found = finish(beside_codebert(student, codes), lambda _: None)
    assert found.examples == 3 and found.speedup > 1
    assert found.milliseconds > 0 and found.size_mb > 80
