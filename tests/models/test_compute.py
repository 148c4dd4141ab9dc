"""Where a model computes and how precisely; a CUDA device is pretended where the choice is tested."""

from __future__ import annotations

import pytest
import torch

from compressor_core.errors import SettingsError
from compressor_core.models.compute import Compute, Precision, best_device, choose


@pytest.mark.parametrize(
    ("cuda", "bfloat16", "device", "precision", "chosen"),
    [
        (False, False, None, None, ("cpu", "float32")),
        (False, False, None, "bfloat16", ("cpu", "bfloat16")),
        (True, True, None, None, ("cuda", "bfloat16")),
        (True, False, None, None, ("cuda", "float16")),
        (True, True, None, "float32", ("cuda", "float32")),
        (True, True, "cpu", None, ("cpu", "float32")),
        (True, True, "cuda", "float16", ("cuda", "float16")),
    ],
)
def test_the_best_of_what_is_there(
    monkeypatch: pytest.MonkeyPatch,
    cuda: bool,
    bfloat16: bool,
    device: str | None,
    precision: str | None,
    chosen: tuple[str, str],
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bfloat16)
    assert choose(device, precision).to_dict() == dict(zip(("device", "precision"), chosen, strict=True))
    assert best_device().type == ("cuda" if cuda else "cpu")


@pytest.mark.parametrize(
    ("device", "precision", "says"),
    [
        ("cuda", None, "no CUDA device"),
        ("tpu", None, "cpu or cuda, not 'tpu'"),
        (None, "int8", "float32, bfloat16, float16, not 'int8'"),
        ("cpu", "float16", "on CUDA only"),
    ],
)
def test_what_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch, device: str | None, precision: str | None, says: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SettingsError, match=says):
        choose(device, precision)


def test_half_precision_is_that_of_the_products() -> None:
    layer = torch.nn.Linear(4, 4)
    with Compute(torch.device("cpu"), Precision.BFLOAT16).autocast():
        assert layer(torch.ones(1, 4)).dtype is torch.bfloat16
    with Compute(torch.device("cpu"), Precision.FLOAT32).autocast():
        assert layer(torch.ones(1, 4)).dtype is torch.float32
    assert layer.weight.dtype is torch.float32
