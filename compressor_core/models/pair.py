"""Classifier of pairs of functions: one encoder for both and a head that compares them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig

from compressor_core.files import write_json, write_text
from compressor_core.models import modeling_pair
from compressor_core.models.folder import WEIGHTS
from compressor_core.models.modeling_pair import (
    PairConfig,
    PairForSequenceClassification,
    compared,
    config_of_encoder,
    pooled,
    vectors,
)
from compressor_core.models.weights import json_object
from compressor_core.task import PairFeatures

if TYPE_CHECKING:
    from transformers import PreTrainedModel


CODE: Final = Path(modeling_pair.__file__)
"""Code that a folder of a pair model carries."""
_CONFIG: Final = "config.json"


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
        self.dense = nn.Linear(width * vectors(features), width)
        self.out = nn.Linear(width, classes)

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Vectors (batch, hidden) of functions, from token ids and mask (batch, length)."""
        return self.pool({"input_ids": input_ids, "attention_mask": attention_mask}, attention_mask)

    def pool(self, arguments: dict[str, Tensor], mask: Tensor) -> Tensor:
        """`encode` for any arguments of the encoder; `mask` (batch, length) is 1 for the states to average."""
        return pooled(self.encoder(**arguments).last_hidden_state, mask, self.features)

    def compare(self, u: Tensor, v: Tensor) -> Tensor:
        """Logits (batch, classes) of encoded pairs, each (batch, hidden)."""
        logits: Tensor = self.out(torch.tanh(self.dense(compared(u, v, self.features))))
        return logits

    def forward(self, first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> Tensor:
        """Logits (batch, classes) of two batches of (input_ids, attention_mask)."""
        return self.compare(self.encode(*first), self.encode(*second))


def encoder_of(config: PretrainedConfig, *, pooler: bool) -> PreTrainedModel:
    """Freshly initialised encoder of a configuration, with a pooler only if `pooler`."""
    encoder: PreTrainedModel = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    return encoder if pooler else without_pooler(encoder)


def without_pooler(encoder: PreTrainedModel) -> PreTrainedModel:
    """Remove the pooler of an encoder in place, and return the encoder."""
    if getattr(encoder, "pooler", None) is not None:
        encoder.pooler = None  # type: ignore[assignment] # as transformers itself writes it
    return encoder


def is_pair(folder: Path | str) -> bool:
    """Whether a folder holds a classifier of pairs, by its config.json."""
    return json_object(Path(folder) / _CONFIG).get("model_type") == PairConfig.model_type


def read_config(folder: Path | str) -> PretrainedConfig:
    """Configuration of the model in a folder; of its encoder, for a classifier of pairs."""
    if is_pair(folder):
        return config_of_encoder(json_object(Path(folder) / _CONFIG))
    config: PretrainedConfig = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return config


def save_pair(model: PairClassifier, folder: Path | str) -> None:
    """Write weights, config.json and the code with which plain transformers loads them (`modeling_pair.py`)."""
    folder = Path(folder)
    config = model.encoder.config
    config.save_pretrained(folder)
    own = {
        "model_type": PairConfig.model_type,
        "encoder_type": config.model_type,
        "pair_features": model.features.value,
        "pooler": getattr(model.encoder, "pooler", None) is not None,
        "architectures": [PairForSequenceClassification.__name__],
        "auto_map": {
            "AutoConfig": f"{CODE.stem}.{PairConfig.__name__}",
            "AutoModelForSequenceClassification": f"{CODE.stem}.{PairForSequenceClassification.__name__}",
        },
    }
    write_json(folder / _CONFIG, {**json_object(folder / _CONFIG), **own})
    write_text(folder / CODE.name, CODE.read_text("utf-8"))
    save_file(model.state_dict(), folder / WEIGHTS, metadata={"format": "pt"})


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
