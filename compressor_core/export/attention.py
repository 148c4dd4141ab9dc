"""Attention as one operator of ONNX Runtime, instead of a matrix product, a sum, a softmax and another product.

In separate steps, attention stores a weight for each head and each pair of tokens, and reads and writes all of them at
each step; for hundreds of tokens they do not fit in a processor's cache. ONNX Runtime's operator `MultiHeadAttention`
(domain com.microsoft, also in onnxruntime-web) processes one tile at a time, as FlashAttention does (Dao et al.,
NeurIPS 2022), but on a CPU only without a mask. The mask therefore becomes part of the keys: each query gets an
additional 1, and each key an additional entry with the value to add to the scores.
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
"""Added to the scores of padding, which gives a weight of 2e-22 and changes no float32. Not lower, since weights below
1e-38 are denormal numbers, which are many times slower to compute with."""


class _Attention(torch.autograd.Function):
    """Maps queries, keys and values (batch, length, heads · width) to attended values of the same shape."""

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
    """Attention function for transformers, from (batch, heads, length, width) to (batch, length, heads, width)."""
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
    """Reshape (batch, length, heads · width) to (batch, length, heads, width)."""
    return states.view(*states.shape[:2], heads, -1)


AttentionInterface.register(NAME, _fused)
AttentionMaskInterface.register(NAME, eager_mask)
