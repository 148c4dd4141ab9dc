"""Number of tokens for which a model has positions."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from compressor_core.models.card import MAX_TOKENS


def most_tokens(model: nn.Module) -> int:
    """Maximum number of tokens that a model can read, at most `MAX_TOKENS`.

    RoBERTa and similar models number positions from the padding id + 1, so that 514 positions hold 512 tokens if
    padding has the id 1, and 510 if it has 3, as their position table shows.
    """
    for name, part in model.named_modules():
        weight: Any = getattr(part, "weight", None)
        padding: Any = getattr(part, "padding_idx", None)
        if name.endswith("position_embeddings") and isinstance(weight, Tensor):  # not all are an nn.Embedding
            return min(len(weight) - (0 if padding is None else padding + 1), MAX_TOKENS)
    whole: Any = getattr(model, "encoder", model)
    config = getattr(model, "config", None) or whole.config
    return min(int(getattr(config, "max_position_embeddings", None) or MAX_TOKENS), MAX_TOKENS)
