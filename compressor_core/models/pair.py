"""Classifier of pairs of functions: one encoder for both and a head that compares them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn
from transformers import AutoModel, PretrainedConfig

from compressor_core.task import PairFeatures

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class PairClassifier(nn.Module):
    """Encodes each function separately and classifies the pair, with any Hugging Face encoder.

    `PairFeatures.CONCAT` is the paper's clone model: the last states of both functions' `<s>`, concatenated, then
    dense, tanh, out. Its released code reads these states directly: the pooler of `RobertaModel` is in the published
    files and computed, but not used. With `PairFeatures.COMPARE`, the features are [u, v, |u − v|, u · v] of the
    mean-pooled states.
    """

    def __init__(self, encoder: PreTrainedModel, features: PairFeatures, classes: int = 2) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder = encoder
        self.features = features
        self.dense = nn.Linear(width * (2 if features is PairFeatures.CONCAT else 4), width)
        self.out = nn.Linear(width, classes)

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Vectors (batch, hidden) of functions, from token ids and mask (batch, length)."""
        return self.pool({"input_ids": input_ids, "attention_mask": attention_mask}, attention_mask)

    def pool(self, arguments: dict[str, Tensor], mask: Tensor) -> Tensor:
        """`encode` for any arguments of the encoder; `mask` (batch, length) is 1 for the states to average."""
        states: Tensor = self.encoder(**arguments).last_hidden_state
        if self.features is PairFeatures.CONCAT:
            return states[:, 0]
        return mean_state(states, mask)

    def compare(self, u: Tensor, v: Tensor) -> Tensor:
        """Logits (batch, classes) of encoded pairs, each (batch, hidden)."""
        if self.features is PairFeatures.CONCAT:
            joined = torch.cat([u, v], -1)
        else:
            joined = torch.cat([u, v, (u - v).abs(), u * v], -1)
        logits: Tensor = self.out(torch.tanh(self.dense(joined)))
        return logits

    def forward(self, first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> Tensor:
        """Logits (batch, classes) of two batches of (input_ids, attention_mask)."""
        return self.compare(self.encode(*first), self.encode(*second))


def mean_state(states: Tensor, mask: Tensor) -> Tensor:
    """Mean (batch, hidden) of states (batch, length, hidden) where mask (batch, length) is 1."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1)


def encoder_of(config: PretrainedConfig, *, pooler: bool) -> PreTrainedModel:
    """Freshly initialised encoder of a configuration, with a pooler only if `pooler`."""
    encoder: PreTrainedModel = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    return encoder if pooler else without_pooler(encoder)


def without_pooler(encoder: PreTrainedModel) -> PreTrainedModel:
    """Remove the pooler of an encoder in place, and return the encoder."""
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None  # type: ignore[assignment] # as transformers itself writes it
    return encoder


def with_attention(model: nn.Module, implementation: str) -> Callable[[], None]:
    """Set the attention implementation, by its name in transformers; returns a function that undoes this."""
    encoder: Any = model.encoder if isinstance(model, PairClassifier) else model
    before = encoder.config._attn_implementation
    encoder.set_attn_implementation(implementation)
    return lambda: encoder.set_attn_implementation(before)


def whole_model(model: nn.Module) -> PreTrainedModel:
    """Transformers model: the classifier of functions itself, or the encoder inside a classifier of pairs."""
    whole: Any = model.encoder if isinstance(model, PairClassifier) else model
    return cast("PreTrainedModel", whole)


def encoder_config(model: nn.Module) -> PretrainedConfig:
    """Configuration of the encoder inside a classifier of functions or pairs."""
    return whole_model(model).config
