"""Classifier of pairs of functions for plain transformers. Every folder of a pair model has a copy of this file:

    model = AutoModelForSequenceClassification.from_pretrained(FOLDER, trust_remote_code=True)
    model(**tokenizer(one, return_tensors="pt"), second=tokenizer(other, return_tensors="pt")).logits

It needs nothing but torch and transformers, 4.57 to 5.x.
"""

# mypy: disable-error-code="no-untyped-call,arg-type"
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

_OWN = ("model_type", "encoder_type", "pair_features", "pooler", "auto_map", "architectures")


class PairConfig(PretrainedConfig):
    """Configuration of the encoder (of the type `encoder_type`), and how the pair is compared."""

    model_type = "compressor-pair"

    def __init__(
        self, encoder_type: str = "roberta", pair_features: str = "compare", pooler: bool = False, **values: Any
    ) -> None:
        super().__init__(**values)
        self.encoder_type, self.pair_features, self.pooler = encoder_type, pair_features, pooler

    def encoder(self) -> PretrainedConfig:
        """Configuration of the encoder alone."""
        return config_of_encoder(self.to_dict())


class PairForSequenceClassification(PreTrainedModel):
    """One encoder for both functions, and a head that compares them."""

    config_class = PairConfig
    base_model_prefix = "encoder"

    def __init__(self, config: PairConfig) -> None:
        super().__init__(config)
        self.encoder = AutoModel.from_config(config.encoder())
        if not config.pooler:
            self.encoder.pooler = None
        width = self.encoder.config.hidden_size
        self.dense = nn.Linear(width * vectors(config.pair_features), width)
        self.out = nn.Linear(width, config.num_labels)
        self.post_init()

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, second: Mapping[str, Tensor], **_: Any
    ) -> SequenceClassifierOutput:
        """Logits (batch, classes) of pairs: the first functions as usual, `second` as the tokenizer returns them."""
        both = [(input_ids, attention_mask), (second["input_ids"], second["attention_mask"])]
        u, v = (
            pooled(self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state, mask, self.config.pair_features)
            for ids, mask in both
        )
        joined = compared(u, v, self.config.pair_features)
        return SequenceClassifierOutput(logits=self.out(torch.tanh(self.dense(joined))))


def config_of_encoder(values: Mapping[str, Any]) -> PretrainedConfig:
    """Configuration of the encoder, from the values of a pair model's config.json."""
    own = {name: value for name, value in values.items() if name not in _OWN}
    config: PretrainedConfig = AutoConfig.for_model(values["encoder_type"], **own)
    return config


def vectors(features: str) -> int:
    """Number of vectors that the head reads."""
    return 2 if features == "concat" else 4


def pooled(states: Tensor, mask: Tensor, features: str) -> Tensor:
    """Vectors (batch, hidden) of functions, from states (batch, length, hidden) and mask (batch, length).

    `concat`: the first state, that of `<s>`; `compare`: the mean of the states where the mask is 1.
    """
    return states[:, 0] if features == "concat" else mean_state(states, mask)


def mean_state(states: Tensor, mask: Tensor) -> Tensor:
    """Mean (batch, hidden) of states (batch, length, hidden) where mask (batch, length) is 1."""
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1)


def compared(u: Tensor, v: Tensor, features: str) -> Tensor:
    """Features of encoded pairs: [u, v] for `concat`, [u, v, |u − v|, u · v] for `compare`."""
    return torch.cat([u, v] if features == "concat" else [u, v, (u - v).abs(), u * v], -1)
