"""Each loss against a computation by hand."""

from __future__ import annotations

import math

import pytest
import torch

from compressor_core.distill.lessons import masked_token_loss, pooled_state_distance, soft_label_divergence


def softmax(logits: list[float], temperature: float) -> list[float]:
    weights = [math.exp(x / temperature) for x in logits]
    return [weight / sum(weights) for weight in weights]


@pytest.mark.parametrize("temperature", [1.0, 2.0, 10.0])
def test_against_a_hand_computation(temperature: float) -> None:
    student, teacher = [[0.3, -1.2], [2.0, 0.5]], [[1.5, -0.5], [-1.0, 3.0]]
    by_hand = 0.0
    for s, t in zip(student, teacher, strict=True):
        p, q = softmax(t, temperature), softmax(s, temperature)
        by_hand += sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)) / 2
    by_hand *= temperature**2
    loss = soft_label_divergence(torch.tensor(student), torch.tensor(teacher), temperature)
    assert float(loss) == pytest.approx(by_hand, rel=1e-5)


def test_the_factor_keeps_gradients_of_one_size() -> None:
    """For small logits the gradient tends to (student − teacher) / classes, whatever the temperature."""
    sizes = []
    for temperature in (1.0, 10.0, 100.0):
        student = torch.tensor([[0.01, -0.02]], requires_grad=True)
        soft_label_divergence(student, torch.tensor([[-0.03, 0.02]]), temperature).backward()  # type: ignore[no-untyped-call]
        assert student.grad is not None
        sizes.append(float(student.grad.norm()))
    assert sizes == pytest.approx([sizes[0]] * 3, rel=0.02)


def test_equal_logits_cost_nothing() -> None:
    logits = torch.randn(4, 2)
    assert float(soft_label_divergence(logits, logits + 3.0, 2.0)) == pytest.approx(0.0, abs=1e-6)


def test_pooled_states_by_hand() -> None:
    student, teacher = [[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]], [[0.0, -1.0, 0.5], [2.0, 3.0, -1.0]]
    squares = [(s - t) ** 2 for a, b in zip(student, teacher, strict=True) for s, t in zip(a, b, strict=True)]
    loss = pooled_state_distance(torch.tensor(student), torch.tensor(teacher))
    assert float(loss) == pytest.approx(sum(squares) / 6)


def test_masked_tokens_by_hand() -> None:
    """Every function counts the same, however many of its tokens are masked; one without any adds nothing."""
    logits = [[2.0, 0.0, -1.0], [0.5, 0.5, 0.0], [-1.0, 1.0, 3.0]]
    tokens, owners = [0, 2, 1], [0, 2, 2]
    each = [-math.log(softmax(row, 1.0)[token]) for row, token in zip(logits, tokens, strict=True)]
    loss = masked_token_loss(torch.tensor(logits), torch.tensor(tokens), torch.tensor(owners), 3)
    assert float(loss) == pytest.approx((each[0] + (each[1] + each[2]) / 2) / 3, rel=1e-5)


def test_nothing_masked_costs_nothing() -> None:
    none = torch.empty(0, dtype=torch.long)
    loss = masked_token_loss(torch.empty(0, 3, requires_grad=True), none, none, 2)
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0.0
