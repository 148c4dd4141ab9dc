"""Inputs of models: token ids and, for models that read it, data flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class GraphInput:
    """The data-flow nodes of one function, as GraphCodeBERT reads them.

    `spans` has one entry per node: the half-open range of the variable's positions in the function's `ids`, empty if
    they were cut off. `edges` are pairs of nodes: the value of the first comes from the second.
    """

    spans: tuple[tuple[int, int], ...]
    edges: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class FunctionInput:
    """One function: its token ids, including `<s>` and `</s>`, without padding; its length includes nodes."""

    ids: list[int]
    graph: GraphInput | None = None

    def __len__(self) -> int:
        return len(self.ids) + (0 if self.graph is None else len(self.graph.spans))


Encoded = tuple[FunctionInput, ...]
"""One example: one function, or two for the clone task."""


@dataclass(frozen=True)
class Batch:
    """Arguments of an encoder for several functions, padded to the longest of them.

    `code` (functions, longest) is 1 for code tokens and 0 for padding and data-flow nodes.
    """

    arguments: dict[str, Tensor]
    code: Tensor
