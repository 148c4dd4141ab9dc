"""What the lessons make of a batch: pooled states, masked tokens, averages, on tiny real models."""

from __future__ import annotations

import random

import pytest
import torch
from torch import Tensor, nn

from compressor_core.architecture import Architecture
from compressor_core.distill.learner import mean_weights
from compressor_core.distill.lessons import (
    SHARE,
    Answers,
    Lesson,
    MaskedTokens,
    Transfer,
    cross_entropy,
    mask,
    soft_label_divergence,
    transfer_targets,
)
from compressor_core.models.inference import forward, forward_pooled, predict, predict_pooled, token_states
from compressor_core.models.inputs import Encoded, FunctionInput, GraphInput
from compressor_core.models.student import build
from compressor_core.progress import finish
from compressor_core.task import Task

ARCHITECTURE = Architecture(300, 16, 2, 2, 16)
MASK = 3


def model(task: Task = Task.VULNERABILITY) -> nn.Module:
    torch.manual_seed(1)
    return build(ARCHITECTURE, task)


def functions(count: int) -> list[FunctionInput]:
    rng = random.Random(count)
    return [FunctionInput([0, *(rng.randrange(4, 300) for _ in range(rng.randint(3, 30))), 2]) for _ in range(count)]


def examples(task: Task, count: int = 9) -> list[Encoded]:
    found = functions(count)
    return [(function,) if task is Task.VULNERABILITY else (function, found[0]) for function in found]


@pytest.mark.parametrize("task", list(Task))
def test_pooled_states_come_with_the_same_logits(task: Task) -> None:
    network, inputs = model(task), examples(task)
    logits, states = forward_pooled(network, inputs, 1)
    assert torch.equal(logits, forward(network, inputs, 1))
    assert states.shape == (9, 2, 16)
    everything, kept = finish(predict_pooled(network, inputs, 4, 1))
    assert torch.equal(everything, finish(predict(network, inputs, 4, 1)))
    assert kept.dtype is torch.float16 and torch.allclose(kept.float(), states, atol=2e-3)


def test_a_functions_pooled_states_are_what_its_head_reads_and_the_mean() -> None:
    network, inputs = model(), examples(Task.VULNERABILITY)
    _, states = forward_pooled(network, inputs, 1)
    every = token_states(network, [function for (function,) in inputs], 1)
    assert torch.allclose(states[:, 0], every[:, 0], atol=1e-6)
    for (function,), mean, tokens in zip(inputs, states[:, 1], every, strict=True):
        assert torch.allclose(mean, tokens[: len(function)].mean(0), atol=1e-5)  # without the padding
    assert torch.allclose(network.classifier(states), forward(network, inputs, 1), atol=1e-6)  # type: ignore[operator]


def test_a_pairs_pooled_states_are_what_its_head_compares() -> None:
    network, inputs = model(Task.CLONE), examples(Task.CLONE)
    logits, states = forward_pooled(network, inputs, 1)
    assert torch.allclose(network.compare(*states.unbind(1)), logits, atol=1e-6)  # type: ignore[operator]


def test_targets_of_a_transfer_mean_the_same_for_every_teacher() -> None:
    """Whatever a teacher's states are moved and scaled by, a student that says nothing is at distance 1."""
    torch.manual_seed(0)
    logits, states = torch.randn(40, 2), torch.randn(40, 2, 8) * torch.linspace(0.1, 3, 8)
    targets = transfer_targets(logits, states.half())
    assert torch.equal(targets[:, :2], logits) and targets.shape == (40, 2 + 16)
    assert float(targets[:, 2:].square().mean()) == pytest.approx(1.0, abs=1e-3)
    moved = transfer_targets(logits, states * 7 + torch.arange(8.0))
    assert torch.allclose(moved, targets, atol=0.02)
    assert torch.isfinite(transfer_targets(logits[:1], states[:1])).all()  # an unlabelled split of one


def test_a_transfer_is_the_sum_of_its_two_losses() -> None:
    network, inputs = model(), examples(Task.VULNERABILITY)
    torch.manual_seed(2)
    lesson = Transfer(16, 24, 2.0, 0.5)
    targets = transfer_targets(torch.randn(9, 2), torch.randn(9, 2, 24))
    logits, states = forward_pooled(network, inputs, 1)
    weight, bias = (dict(lesson.named_parameters())[f"_projection.{name}"] for name in ("weight", "bias"))
    distance = ((states @ weight.T + bias).flatten(1) - targets[:, 2:]).square().mean()
    by_hand = soft_label_divergence(logits, targets[:, :2], 2.0) + 0.5 * distance
    assert float(lesson.loss(network, inputs, targets, 1).detach()) == pytest.approx(float(by_hand.detach()), rel=1e-5)


def test_masking() -> None:
    found = functions(200)
    inputs, targets = mask(found, MASK, random.Random(0))
    assert targets.shape[0] == 200 and targets.shape[2] == 2
    for function, (masked,), rows in zip(found, inputs, targets.tolist(), strict=True):
        chosen = [(place, token) for place, token in rows if place]
        assert len(chosen) == max(1, round(SHARE * (len(function) - 2)))
        restored = list(masked.ids)
        for place, token in chosen:
            assert masked.ids[place] == MASK and 0 < place < len(function) - 1
            restored[place] = token
        assert restored == function.ids
        assert masked.ids.count(MASK) == len(chosen)
    again = mask(found, MASK, random.Random(0))
    assert again[0] == inputs and torch.equal(again[1], targets)
    assert mask(found, MASK, random.Random(1))[0] != inputs


def test_masking_keeps_the_data_flow_and_spares_what_has_no_tokens() -> None:
    flow = GraphInput(((1, 3),), ())
    ((function,), (empty,)), targets = mask(
        [FunctionInput([0, 9, 8, 2], flow), FunctionInput([0, 2], GraphInput((), ()))], MASK, random.Random(0)
    )
    assert function.graph == flow and empty.ids == [0, 2]
    assert targets[0, 0, 0] in (1, 2) and targets[1].tolist() == [[0, 0]]
    network = model()
    loss = MaskedTokens(network).loss(network, [(function,), (empty,)], targets, 1)
    assert torch.isfinite(loss)


@pytest.mark.parametrize("task", list(Task))
def test_masked_tokens_are_guessed_at_their_own_places(task: Task) -> None:
    network = model(task)
    lesson = MaskedTokens(network)
    inputs, targets = mask(functions(6), MASK, random.Random(0))
    states = token_states(network, [function for (function,) in inputs], 1)
    own = dict(lesson.named_parameters())
    words = next(p for name, p in network.named_parameters() if name.endswith("word_embeddings.weight"))
    by_hand = 0.0
    for row, pairs in enumerate(targets.tolist()):
        losses = []
        for place, token in (pair for pair in pairs if pair[0]):
            hidden = nn.functional.gelu(own["_dense.weight"] @ states[row, place] + own["_dense.bias"])
            hidden = nn.functional.layer_norm(hidden, (16,), own["_norm.weight"], own["_norm.bias"])
            losses.append(-float(torch.log_softmax(words @ hidden + own["_bias"], -1)[token].detach()))
        by_hand += sum(losses) / len(losses) / 6
    assert float(lesson.loss(network, inputs, targets, 1).detach()) == pytest.approx(by_hand, rel=1e-4)


@pytest.mark.parametrize("kind", ["answers", "transfer", "masked"])
def test_a_batch_in_parts_has_the_gradient_of_the_whole(kind: str) -> None:
    network = model()
    torch.manual_seed(3)
    inputs: list[Encoded]
    if kind == "masked":
        lesson: Lesson = MaskedTokens(network)
        masked, targets = mask(functions(9), MASK, random.Random(0))
        inputs = list(masked)
    else:
        inputs = examples(Task.VULNERABILITY)
        if kind == "answers":
            lesson, targets = Answers(cross_entropy), torch.arange(9) % 2
        else:
            lesson = Transfer(16, 24, 2.0, 0.5)
            targets = transfer_targets(torch.randn(9, 2), torch.randn(9, 2, 24))

    def gradient(size: int) -> Tensor:
        parameters = [*network.parameters(), *lesson.parameters()]
        total: list[Tensor] = [torch.zeros_like(p) for p in parameters]
        for start in range(0, 9, size):
            part = inputs[start : start + size]
            loss = lesson.loss(network, part, targets[start : start + size], 1) * (len(part) / 9)
            for sum_, one in zip(total, torch.autograd.grad(loss, parameters, allow_unused=True), strict=True):
                if one is not None:
                    sum_ += one
        return torch.cat([each.flatten() for each in total])

    whole = gradient(9)
    assert float(whole.norm()) > 0
    assert torch.allclose(gradient(4), whole, atol=1e-6) and torch.allclose(gradient(1), whole, atol=1e-6)


def test_mean_weights() -> None:
    states = [
        {"w": torch.tensor([1.0, 4.0]), "n": torch.tensor(5)},
        {"w": torch.tensor([3.0, 0.0]), "n": torch.tensor(7)},
    ]
    mean = mean_weights(states)
    assert mean["w"].tolist() == [2.0, 2.0] and int(mean["n"]) == 5
    mean["n"] += 1
    assert int(states[0]["n"]) == 5
