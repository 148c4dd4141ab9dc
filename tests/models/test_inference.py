"""From encoded pairs to logits: every function once, and the same numbers as the plain way."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from compressor_core.architecture import Architecture
from compressor_core.models import inference
from compressor_core.models.inference import forward, predict
from compressor_core.models.inputs import Encoded, FunctionInput
from compressor_core.models.student import build
from compressor_core.progress import finish
from compressor_core.task import PairFeatures, Task

PAD = 1


def functions(count: int) -> list[FunctionInput]:
    """Functions of 5 to 32 tokens."""
    rng = random.Random(0)
    return [FunctionInput([0, *(rng.randrange(4, 300) for _ in range(rng.randint(3, 30))), 2]) for _ in range(count)]


@pytest.fixture(params=list(PairFeatures))
def model(request: pytest.FixtureRequest) -> Any:
    torch.manual_seed(0)
    return build(Architecture(300, 16, 2, 2, 16), Task.CLONE, request.param).eval()


def naive(model: Any, pairs: list[Encoded]) -> torch.Tensor:
    """One pair at a time, without padding, without memory."""
    rows = []
    for pair in pairs:
        columns = [(torch.tensor([f.ids]), torch.ones(1, len(f), dtype=torch.long)) for f in pair]
        with torch.inference_mode():
            rows.append(model(*columns)[0])
    return torch.stack(rows)


@pytest.fixture
def pairs() -> list[Encoded]:
    few = functions(10)
    rng = random.Random(1)
    # The same function again is another object with the same ids.
    return [(rng.choice(few), FunctionInput(list(rng.choice(few).ids))) for _ in range(90)]


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many functions each call of the encoder got."""
    calls: list[int] = []
    vectors = inference._vectors

    def watched(model: Any, functions: Any, pad_id: int) -> torch.Tensor:
        calls.append(len(functions))
        return vectors(model, functions, pad_id)

    monkeypatch.setattr(inference, "_vectors", watched)
    yield calls


def test_every_function_is_encoded_once_per_call(model: Any, pairs: list[Encoded], encoded: list[int]) -> None:
    steps = predict(model, pairs, 4, PAD)
    done = []
    while True:
        try:
            done.append(next(steps))
        except StopIteration as end:
            logits = end.value
            break
    assert encoded == [2, 4, 4]
    assert done == [18, 54, 90]
    assert torch.allclose(logits, naive(model, pairs), atol=1e-5)
    assert not logits.is_inference() and not logits.requires_grad


def test_a_training_batch_encodes_a_function_once_and_learns_from_both_places(
    model: Any, pairs: list[Encoded], encoded: list[int]
) -> None:
    logits = forward(model, pairs, PAD)
    assert encoded == [5, 5]
    assert torch.allclose(logits, naive(model, pairs), atol=1e-5)

    logits.square().sum().backward()  # type: ignore[no-untyped-call]
    deduplicated = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    for pair in pairs:
        forward(model, [pair], PAD).square().sum().backward()  # type: ignore[no-untyped-call]
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            assert torch.allclose(parameter.grad, deduplicated[name], rtol=1e-3, atol=1e-3), name
    assert any(name.startswith("encoder.") for name in deduplicated)


def test_a_function_paired_with_itself(model: Any) -> None:
    (function,) = functions(1)
    alone: list[Encoded] = [(function, function)]
    assert torch.allclose(forward(model, alone, PAD), naive(model, alone), atol=1e-6)


def test_nothing_in_nothing_out(model: Any) -> None:
    assert finish(predict(model, [], 8, PAD)).shape == (0, 2)
    assert finish(predict(build(Architecture(300, 16, 1, 2, 16)), [], 8, PAD)).shape == (0, 2)


def test_who_stops_in_between_finds_the_model_as_it_was(model: Any, pairs: list[Encoded]) -> None:
    model.train()
    steps = predict(model, pairs, 4, PAD)
    next(steps)
    assert not model.training
    assert not torch.is_inference_mode_enabled(), "the caller's own tensors must stay ordinary"
    steps.close()
    assert model.training
