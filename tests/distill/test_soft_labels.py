"""Soft labels are computed once, and what is damaged is computed again."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from compressor_core.architecture import Architecture
from compressor_core.distill.soft_labels import SoftLabels, labelling_precision
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.compute import Precision, multiplies_bfloat16
from compressor_core.models.student import build
from compressor_core.task import Task

FUNCTIONS: list[tuple[str, ...]] = [("def f(x): return eval(x)",), ("def g(): pass",), ("def h(a, b): return a + b",)]


def labels_of(labels: SoftLabels, functions: list[tuple[str, ...]]) -> torch.Tensor:
    loop = labels.of(functions)
    while True:
        try:
            next(loop)
        except StopIteration as end:
            result: torch.Tensor = end.value
            return result


def test_they_are_the_teachers_logits_and_cached(
    tiny_teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher = load(tiny_teacher)
    labels = SoftLabels(teacher, tiny_teacher, tmp_path)
    first = labels_of(labels, FUNCTIONS)
    assert torch.equal(first, teacher.logits(FUNCTIONS))
    (file,) = tmp_path.rglob("*.safetensors")

    def refuse(*_: object) -> None:
        raise AssertionError("the teacher was asked again")

    with monkeypatch.context() as patch:
        patch.setattr(Classifier, "predicting", refuse)
        assert torch.equal(labels_of(labels, FUNCTIONS), first)
        with pytest.raises(AssertionError):
            labels_of(labels, FUNCTIONS[:2])  # other functions have other labels

    file.write_bytes(file.read_bytes()[:-3])
    assert torch.equal(labels_of(labels, FUNCTIONS), first)


@pytest.mark.parametrize(("amx", "avx512"), [(False, False), (True, False), (False, True)])
def test_units_for_bfloat16_are_those_of_either_maker(monkeypatch: pytest.MonkeyPatch, amx: bool, avx512: bool) -> None:
    monkeypatch.setattr("torch.cpu._is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr("torch.cpu._is_avx512_bf16_supported", lambda: avx512)
    assert multiplies_bfloat16() is (amx or avx512)


@pytest.mark.parametrize(
    ("width", "units", "asked", "chosen"),
    [
        (192, True, None, Precision.BFLOAT16),
        (512, True, "float32", Precision.FLOAT32),
        (512, False, None, Precision.FLOAT32),
        (64, True, None, Precision.FLOAT32),
        (64, False, "bfloat16", Precision.BFLOAT16),
    ],
)
def test_wide_teachers_label_in_half_precision_where_a_cpu_has_units_for_it(
    monkeypatch: pytest.MonkeyPatch, width: int, units: bool, asked: str | None, chosen: Precision
) -> None:
    monkeypatch.setattr("compressor_core.distill.soft_labels.multiplies_bfloat16", lambda: units)
    teacher = build(Architecture(300, width, 1, 1, 32), Task.VULNERABILITY)
    assert labelling_precision(teacher, "cpu", asked) is chosen
