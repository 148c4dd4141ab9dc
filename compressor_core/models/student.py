"""Building a RoBERTa-like model of a given architecture for training from scratch."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers import RobertaConfig, RobertaForSequenceClassification

from compressor_core.architecture import Architecture
from compressor_core.cost import POSITIONS
from compressor_core.models.pair import PairClassifier, encoder_of
from compressor_core.task import PairFeatures, Task


def build(
    architecture: Architecture,
    task: Task = Task.VULNERABILITY,
    pair_features: PairFeatures = PairFeatures.COMPARE,
    *,
    labels: tuple[str, ...] = ("0", "1"),
    dropout: float = 0.0,
) -> nn.Module:
    """Model whose cost `cost.cost` computes, freshly initialised from torch's global generator, in train mode.

    `dropout` applies to embeddings and to each layer's two outputs, for students that see the same code in many
    epochs. Attention has no dropout, which would disable the fused CPU kernel.
    """
    config = RobertaConfig(  # type: ignore[call-arg]
        vocab_size=architecture.vocab_size,
        hidden_size=architecture.hidden_size,
        num_hidden_layers=architecture.num_hidden_layers,
        num_attention_heads=architecture.num_attention_heads,
        intermediate_size=architecture.intermediate_size,
        max_position_embeddings=POSITIONS,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=0.0,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
    )
    model: nn.Module
    if task is Task.VULNERABILITY:
        model = RobertaForSequenceClassification(config)
        initialise(model, model.roberta)
    else:
        encoder = encoder_of(config, pooler=pair_features is PairFeatures.CONCAT)
        model = PairClassifier(encoder, pair_features)
        initialise(model, encoder)
    if dropout:
        set_dropout(model, dropout)
    return model.train()


class QuickDropout(nn.Dropout):
    """Dropout whose random numbers are bytes, drawn eight at a time; the rate is rounded to 1/256.

    On a CPU, drawing them one by one takes a quarter of a small student's training (benchmarks/pairs.py).
    """

    def forward(self, states: Tensor) -> Tensor:
        least = round(self.p * 256)
        if not self.training or not least:
            return states
        drawn = torch.empty(-(-states.numel() // 8), dtype=torch.int64, device=states.device).random_(-(2**63), None)
        kept = drawn.view(torch.uint8)[: states.numel()].view(states.shape) >= least
        return states * (kept.to(states.dtype) * (256 / (256 - least)))


def set_dropout(model: nn.Module, rate: float) -> None:
    """Apply dropout of `rate` to embeddings and to each layer's outputs, in place; attention keeps its own."""
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.Dropout) and not hasattr(parent, "attention_head_size"):
                setattr(parent, name, QuickDropout(rate))


@torch.no_grad()
def initialise(model: nn.Module, encoder: nn.Module) -> None:
    """Initialise in place so that a deep, narrow, post-norm model starts learning within its first hundred steps.

    RoBERTa's default (normal, 0.02) leaves narrow models on a plateau for many steps. Three changes shorten it:
    Glorot-uniform linear layers, since 0.02 is far too small for a width around 100; residual branches scaled by
    1/√(2·layers), so that depth does not drown the input (as in GPT-2); and sinusoidal position embeddings, in which
    "the previous token" is a linear map that need not be learned for each position.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    parts: Any = encoder
    layers = parts.encoder.layer
    for layer in layers:
        for branch in (layer.attention.output.dense, layer.output.dense):
            branch.weight.mul_(1 / math.sqrt(2 * len(layers)))
    positions = parts.embeddings.position_embeddings.weight
    count, width = positions.shape
    angles = torch.outer(torch.arange(count), torch.exp(-math.log(1e4) * torch.arange(0, width, 2) / width))
    # √2 · 0.02: the same root mean square as the word embeddings they are added to.
    positions[:, 0::2] = math.sqrt(2) * 0.02 * torch.sin(angles)
    positions[:, 1::2] = math.sqrt(2) * 0.02 * torch.cos(angles[:, : width // 2])
