"""Training objectives, which are pure functions of logits and targets, and the lessons that use them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from compressor_core.distill.batching import Data
from compressor_core.models.encoded import Examples, Flattened
from compressor_core.models.inference import forward, forward_pooled, token_states
from compressor_core.models.inputs import Encoded, FunctionInput
from compressor_core.models.pair import PairClassifier

Objective = Callable[[Tensor, Tensor], Tensor]
"""Maps logits (batch, classes) and targets (batch, …) to a scalar, the mean over the batch."""
SHARE = 0.15
"""Share of a function's tokens that are masked (Devlin et al., NAACL 2019, Section 3.1)."""
_CHUNK = 512
"""Number of functions held as Python objects at a time."""


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy, over both logits. Shapes: logits (batch, classes), labels (batch,) of class numbers."""
    return F.cross_entropy(logits, labels)


def soft_label_divergence(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """T² · KL(teacher ‖ student) of the softened distributions, mean over the batch.

    Both (batch, classes). The factor T² keeps the size of the gradient the same at every temperature
    (Hinton et al., "Distilling the Knowledge in a Neural Network", 2015, Section 2); Compressor uses this loss
    alone, on unlabelled code (ASE 2022, Section 3.3).
    """
    student = F.log_softmax(student_logits / temperature, dim=-1)
    teacher = F.log_softmax(teacher_logits / temperature, dim=-1)
    return temperature**2 * F.kl_div(student, teacher, reduction="batchmean", log_target=True)


def pooled_state_distance(student_states: Tensor, teacher_states: Tensor) -> Tensor:
    """Mean squared error of the student's projected pooled states, mean over batch and width.

    Both (batch, width), with `width` twice the teacher's: two states per example. This is TinyBERT's hidden-state loss
    (Jiao et al., Findings of EMNLP 2020, Equation 8), applied to whole functions instead of single tokens, because the
    tokenizers of teacher and student split code differently.
    """
    return F.mse_loss(student_states, teacher_states)


def masked_token_loss(logits: Tensor, tokens: Tensor, owners: Tensor, batch: int) -> Tensor:
    """Cross-entropy of masked tokens: mean over those of one function, then over the functions of the batch.

    logits (masked, vocabulary), tokens (masked,) the original tokens, owners (masked,) the function 0 … batch−1 of
    each. This is the masked-language objective (Devlin et al., NAACL 2019, Section 3.1) with equal weight for every
    function, so that a batch learned in parts has the same loss as the whole.
    """
    counts = owners.bincount(minlength=batch).clamp(min=1)
    each = F.cross_entropy(logits, tokens, reduction="none")
    return (each / counts[owners]).sum() / batch


class Lesson(nn.Module):
    """A loss that may have its own parameters, which are trained with the model and then discarded."""

    def loss(self, model: nn.Module, inputs: Sequence[Encoded], targets: Tensor, pad_id: int) -> Tensor:
        """A scalar, the mean over the examples of the batch; `targets` (batch, …) on any device."""
        raise NotImplementedError


class Answers(Lesson):
    """An objective that depends on the logits only."""

    def __init__(self, objective: Objective) -> None:
        super().__init__()
        self._objective = objective

    def loss(self, model: nn.Module, inputs: Sequence[Encoded], targets: Tensor, pad_id: int) -> Tensor:
        logits = forward(model, inputs, pad_id)
        return self._objective(logits.float(), targets.to(logits.device))


class Transfer(Lesson):
    """Soft-label loss plus `weight` times the distance of the pooled states through a learned projection.

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
    """Concatenate the teacher's logits (n, 2) and pooled states (n, 2, width) as targets for `Transfer`.

    Each dimension of the states is centred, and all are divided by one number, so that the distance to their mean is 1
    for every teacher and a weight has the same meaning.
    """
    targets = torch.empty(len(states), logits.shape[1] + states[0].numel())
    targets[:, : logits.shape[1]] = logits
    # In place: for a million functions, each copy of the states takes gigabytes.
    vectors = targets[:, logits.shape[1] :].view(states.shape).copy_(states)
    vectors -= vectors.mean((0, 1))
    vectors /= (torch.linalg.vector_norm(vectors) / vectors.numel() ** 0.5).clamp(min=1e-6)
    return targets


class MaskedTokens(Lesson):
    """Predicting masked tokens from their context, with the word embeddings as output layer (as in RoBERTa).

    Inputs and targets are those of `mask`; the encoder and its word embeddings are the model's own.
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


def mask(functions: Sequence[FunctionInput], mask_id: int, rng: random.Random) -> Data:
    """Mask some tokens; returns the functions and the positions and original tokens (functions, max masked, 2).

    Rows with fewer masked tokens are padded with zeros: position 0 is `<s>`, which is never masked, nor is `</s>`. At
    least one token of each function is masked. Every chosen token becomes `mask_id`: keeping some or replacing them
    with random ones gains nothing (Wettig et al., "Should You Mask 15% in Masked Language Modeling?", EACL 2023).
    """
    sizes = [_masked(len(function.ids)) for function in functions]
    targets = torch.zeros(len(functions), max(sizes, default=0), 2, dtype=torch.int32)
    masked = Flattened()
    for start in range(0, len(functions), _CHUNK):
        some = []
        for row, function in enumerate(functions[start : start + _CHUNK], start):
            places = sorted(rng.sample(range(1, len(function.ids) - 1), sizes[row]))
            ids = list(function.ids)
            for place in places:
                ids[place] = mask_id
            if places:
                pairs = [(place, function.ids[place]) for place in places]
                targets[row, : len(pairs)] = torch.tensor(pairs, dtype=torch.int32)
            some.append(replace(function, ids=ids))
        masked.add(some)
    return Examples(masked.done(), np.arange(len(functions), dtype=np.int32)[:, None]), targets


def _masked(length: int) -> int:
    """Number of masked tokens of a function; `length` includes `<s>` and `</s>`, which are never masked."""
    inner = length - 2
    return min(inner, max(1, round(SHARE * inner)))


def _words(model: nn.Module) -> Tensor:
    """Word embeddings (vocabulary, width)."""
    encoder: Any = model.encoder if isinstance(model, PairClassifier) else model
    weight: Tensor = encoder.get_input_embeddings().weight
    return weight
