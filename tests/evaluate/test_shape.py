"""The model of CodeBERT's shape beside a student: real models, real times."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from compressor_core.architecture import Architecture
from compressor_core.bundled import bundled_teacher
from compressor_core.cost import cost
from compressor_core.evaluate import shape
from compressor_core.evaluate.shape import CODEBERT, beside_codebert
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
    assert found.tokens == shape.STEP and found.speedup > 1
    assert found.milliseconds > 0 and found.size_mb > 80
    assert found.date == time.strftime("%Y-%m-%d")


def test_the_shape_is_measured_once_and_keeps_its_date(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COMPRESSOR_CACHE", str(tmp_path))
    monkeypatch.setattr(shape, "CODEBERT", Architecture(8_000, 768, 1, 12, 3_072))
    vulnerable = [("def f(x):\n    return x\n",)]
    student = load(bundled_teacher("classroom-vulnerability"))
    first = finish(beside_codebert(student, vulnerable), lambda _: None)
    (cached,) = tmp_path.glob("shape/*.json")
    cached.write_text(cached.read_text().replace(str(first.date), "2026-01-02"))

    monkeypatch.setattr(shape, "build", lambda *_: pytest.fail("measured again"))
    again = finish(beside_codebert(student, vulnerable), lambda _: None)
    assert again.date == "2026-01-02" and again.milliseconds == first.milliseconds
    cached.write_text("{")
    with pytest.raises(pytest.fail.Exception):
        finish(beside_codebert(student, vulnerable), lambda _: None)
