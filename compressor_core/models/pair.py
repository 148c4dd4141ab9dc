"""The classifier of pairs of functions: one encoder for both, a head that compares."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import RobertaModel

from compressor_core.task import PairFeatures


class PairClassifier(nn.Module):
    """Encodes each function by itself and classifies the pair.

    With `PairFeatures.CONCAT` it is the paper's clone model: the `<s>` states of both functions, concatenated, then
    dense, tanh, out; the pooler that its encoder has in the published students is counted and never read. With
    `PairFeatures.COMPARE` the features are [u, v, |u − v|, u · v] of the mean-pooled states, for clones that must be
    told apart one by one.
    """

    def __init__(self, encoder: RobertaModel, features: PairFeatures, classes: int = 2) -> None:
        super().__init__()
        width = encoder.config.hidden_size
        self.encoder = encoder
        self.features = features
        self.dense = nn.Linear(width * (2 if features is PairFeatures.CONCAT else 4), width)
        self.out = nn.Linear(width, classes)

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """One vector per function: (batch, length) token ids and mask in, (batch, hidden) out."""
        output = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        if self.features is PairFeatures.CONCAT:
            first: Tensor = output.last_hidden_state[:, 0]
            return first
        states: Tensor = output.last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        return (states * mask).sum(1) / mask.sum(1)

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
