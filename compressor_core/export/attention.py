"""Attention as one operator of ONNX Runtime, in the place of a matrix product, a sum, a softmax and another product.

Written down step by step, attention holds a weight for each head and each pair of tokens, reads and writes all of
them at each step, and for hundreds of tokens they do not fit a processor's cache. ONNX Runtime's own operator
`MultiHeadAttention` (domain com.microsoft, also in onnxruntime-web) takes a tile of them at a time, as FlashAttention
does (Dao et al., NeurIPS 2022), but on a CPU only where it is given no mask. So the mask becomes part of the keys: each
query has a 1 as one number more, and each key has there what is to be added to the scores.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

NAME: Final = "onnxruntime-fused"
"""For `set_attn_implementation`."""
_HIDDEN: Final = -50.0
"""Added to the score of what is padding: a weight of 2e-22, which changes no float32. Not less, because weights below
1e-38 are denormal numbers, with which a processor computes many times more slowly."""


class _Attention(torch.autograd.Function):
    """(batch, length, heads · width) of queries, keys and values to the same of values."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, heads: int, scale: float) -> Tensor:
        queries, keys, values = (_apart(x, heads).transpose(1, 2) for x in (query, key, value))
        weights = torch.softmax(queries @ keys.transpose(2, 3) * scale, -1)
        attended: Tensor = (weights @ values).transpose(1, 2).flatten(2)
        return attended

    @staticmethod
    def symbolic(graph: Any, query: Any, key: Any, value: Any, heads: int, scale: float) -> Any:
        attended = graph.op("com.microsoft::MultiHeadAttention", query, key, value, num_heads_i=heads, scale_f=scale)
        return attended.setType(value.type())


def _fused(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """As transformers calls it: (batch, heads, length, width) in, (batch, length, heads, width) out."""
    heads, width = query.shape[1], query.shape[3]
    scale = width**-0.5 if scaling is None else scaling
    query, key, value = (x.transpose(1, 2) for x in (query, key, value))
    if attention_mask is not None:  # (batch, 1, length, length), the same for each query
        added = attention_mask[:, 0, -1].clamp(min=_HIDDEN) / scale
        key = torch.cat([key, added[:, :, None, None].expand(-1, -1, heads, -1)], -1)
        query = torch.cat([query, torch.ones_like(query[..., :1])], -1)
    flat = [x.flatten(2) for x in (query, key, value)]
    attended: Tensor = _Attention.apply(*flat, int(heads), float(scale))  # type: ignore[no-untyped-call]
    return _apart(attended, int(heads)), None


def _apart(states: Tensor, heads: int) -> Tensor:
    """(batch, length, heads · width) to (batch, length, heads, width)."""
    return states.view(*states.shape[:2], heads, -1)


AttentionInterface.register(NAME, _fused)
AttentionMaskInterface.register(NAME, eager_mask)
