"""Where a model computes and how precisely; CUDA and Apple GPUs are pretended where the choice is tested."""

from __future__ import annotations

import pytest
import torch

from compressor_core.errors import SettingsError
from compressor_core.models.compute import (
    Compute,
    Precision,
    best_device,
    choose,
    free_memory,
    random_state,
    set_random_state,
)


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
    ("cuda", "device", "precision", "chosen"),
    [
        (False, None, None, ("mps", "float32")),
        (False, "mps", "bfloat16", ("mps", "bfloat16")),
        (False, "cpu", None, ("cpu", "float32")),
        (True, None, None, ("cuda", "bfloat16")),
    ],
)
def test_an_apple_gpu(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, device: str | None, precision: str | None, chosen: tuple[str, str]
) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert choose(device, precision).to_dict() == dict(zip(("device", "precision"), chosen, strict=True))
    with pytest.raises(SettingsError, match="on CUDA only"):
        choose("mps", "float16")


def test_what_a_device_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that is neither a CPU nor CUDA is asked through its own module of torch."""
    asked: list[object] = []
    monkeypatch.setattr(torch.mps, "empty_cache", lambda: asked.append("empty"))
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: torch.tensor([7]))
    monkeypatch.setattr(torch.mps, "set_rng_state", lambda state: asked.append(int(state)))
    cpu, mps = torch.device("cpu"), torch.device("mps")
    for device in (cpu, mps):
        free_memory(device)
        set_random_state(device, random_state(device))
        set_random_state(device, None)  # of a checkpoint that was written on another device
    assert asked == ["empty", 7] and random_state(cpu) is None


def test_adamw_is_fused_on_every_device_that_is_chosen() -> None:
    from torch.utils._foreach_utils import _get_fused_kernels_supported_devices

    assert {"cpu", "cuda", "mps"} <= set(_get_fused_kernels_supported_devices())


@pytest.mark.parametrize(
    ("device", "precision", "says"),
    [
        ("cuda", None, "no CUDA device"),
        ("mps", None, "no Apple GPU"),
        ("tpu", None, "cpu, cuda or mps, not 'tpu'"),
        (None, "int8", "float32, bfloat16, float16, not 'int8'"),
        ("cpu", "float16", "on CUDA only"),
    ],
)
def test_what_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch, device: str | None, precision: str | None, says: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(SettingsError, match=says):
        choose(device, precision)


def test_half_precision_is_that_of_the_products() -> None:
    layer = torch.nn.Linear(4, 4)
    with Compute(torch.device("cpu"), Precision.BFLOAT16).autocast():
        assert layer(torch.ones(1, 4)).dtype is torch.bfloat16
    with Compute(torch.device("cpu"), Precision.FLOAT32).autocast():
        assert layer(torch.ones(1, 4)).dtype is torch.float32
    assert layer.weight.dtype is torch.float32
