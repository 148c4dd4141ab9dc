"""What a batch teaches: how a model's answers to it become a loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from compressor_core.distill.losses import masked_token_loss, pooled_state_distance, soft_label_divergence
from compressor_core.models.inference import forward, forward_pooled, token_states
from compressor_core.models.inputs import Encoded
from compressor_core.models.pair import PairClassifier

Objective = Callable[[Tensor, Tensor], Tensor]
"""From logits (batch, classes) and targets (batch, …) to a scalar: a mean over the batch."""


class Lesson(nn.Module):
    """A loss that may have parameters of its own: they are learned along with the model, and thrown away."""

    def loss(self, model: nn.Module, inputs: Sequence[Encoded], targets: Tensor, pad_id: int) -> Tensor:
        """A scalar, the mean over the examples of the batch; `targets` (batch, …) on any device."""
        raise NotImplementedError


class Answers(Lesson):
    """An objective of the logits alone."""

    def __init__(self, objective: Objective) -> None:
        super().__init__()
        self._objective = objective

    def loss(self, model: nn.Module, inputs: Sequence[Encoded], targets: Tensor, pad_id: int) -> Tensor:
        logits = forward(model, inputs, pad_id)
        return self._objective(logits.float(), targets.to(logits.device))


class Transfer(Lesson):
    """Soft labels, and `weight` times the distance of the pooled states through a learned projection.

    Targets are those of `transfer_targets`: (batch, 2 + 2 · teacher's width).
    """

    def __init__(self, width: int, teacher_width: int, temperature: float, weight: float) -> None:
        super().__init__()
        self._projection = nn.Linear(width, teacher_width)
        self._temperature = temperature
        self._weight = weight

    def loss(self, model: nn.Module, inputs: Sequence[Encoded], targets: Tensor, pad_id: int) -> Tensor:
        logits, states = forward_pooled(model, inputs, pad_id)
        targets = targets.to(logits.device)
        projected = self._projection(states).float().flatten(1)
        soft = soft_label_divergence(logits.float(), targets[:, :2], self._temperature)
        return soft + self._weight * pooled_state_distance(projected, targets[:, 2:])


def transfer_targets(logits: Tensor, states: Tensor) -> Tensor:
    """The teacher's logits (n, 2) and its pooled states (n, 2, width), side by side as `Transfer` wants them.

    The states are centred, each of their dimensions by itself, and divided by one number, so that their distance to
    anything constant is 1 whatever the teacher: a weight means the same for all.
    """
    targets = torch.empty(len(states), logits.shape[1] + states[0].numel())
    targets[:, : logits.shape[1]] = logits
    # In place: of a million functions each copy of the states takes gigabytes.
    vectors = targets[:, logits.shape[1] :].view(states.shape).copy_(states)
    vectors -= vectors.mean((0, 1))
    vectors /= (torch.linalg.vector_norm(vectors) / vectors.numel() ** 0.5).clamp(min=1e-6)
    return targets


class MaskedTokens(Lesson):
    """Guessing masked tokens from their surroundings, with the word embeddings as output layer (as RoBERTa does).

    Inputs and targets are those of `masking.mask`; the encoder and its word embeddings are the model's own.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        words = _words(model)
        vocabulary, width = words.shape
        self._dense = nn.Linear(width, width)
        self._norm = nn.LayerNorm(width)
        self._bias = nn.Parameter(torch.zeros(vocabulary))

    def loss(self, model: nn.Module, inputs: Sequence[Encoded], targets: Tensor, pad_id: int) -> Tensor:
        states = token_states(model, [function for (function,) in inputs], pad_id)
        targets = targets.to(states.device, torch.long)
        owners, slots = (targets[..., 0] > 0).nonzero(as_tuple=True)
        places, tokens = targets[owners, slots].unbind(-1)
        guesses = self._norm(F.gelu(self._dense(states[owners, places])))
        logits = F.linear(guesses, _words(model), self._bias)
        return masked_token_loss(logits.float(), tokens, owners, len(inputs))


def _words(model: nn.Module) -> Tensor:
    """The word embeddings (vocabulary, width)."""
    encoder: Any = model.encoder if isinstance(model, PairClassifier) else model
    weight: Tensor = encoder.get_input_embeddings().weight
    return weight
