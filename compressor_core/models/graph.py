"""Model inputs with data flow, as in GraphCodeBERT (Guo et al., ICLR 2021, Section 4).

A function becomes its code tokens, between `<s>` and `</s>`, followed by one node for each occurrence of a variable.
The two differ in

- the position ids: 2, 3, … for code, as in RoBERTa, 0 for every node, 1 for padding;
- the embedding of a node before its position is added: the mean of the word embeddings of its code tokens;
- the graph-guided attention mask: code attends to code, a node and its code tokens attend to each other, a node
  attends to the nodes its value comes from, `<s>` and `</s>` attend to everything.

A function has `max_length + NODES` places, as in the released code: code leaves `NODES` places to the nodes, or as
many as there are nodes, and nodes take the rest. A node whose code token was cut off is kept with an embedding of
zeros, to which only `<s>`, `</s>` and other nodes attend; if it has nothing to attend to, it attends to itself.

The tokens of the syntax tree are joined by single blanks, with none before a token that begins with one, and tokenized
as one text. A byte-level tokenizer without whitespace normalisation, such as an imported one, then gives the same ids
as the released code, which tokenizes each token with a leading blank, so that text in strings is unchanged. The
tokenizer of a student trained here collapses whitespace, in strings too.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from compressor_core.dataflow import extract
from compressor_core.language import Language
from compressor_core.models.card import DATA_FLOW_NODES as NODES
from compressor_core.models.inputs import Batch, FunctionInput, GraphInput

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

INPUTS: Final = ("input_ids", "position_ids", "shares", "attention_mask")
"""Names of the `arrays` of a batch."""
_FORBIDDEN = -1e4
"""Attention bias of masked places: large enough to leave no weight, and representable in half precision."""


_SLACK = 3
"""Places not used by code besides the nodes': `<s>`, `</s>`, and one that the released code also leaves free."""


@dataclass(frozen=True, slots=True)
class _Flow:
    """A function's tokens as one text, their end offsets, and the nodes; compact enough to keep many thousands."""

    text: str
    ends: array[int]
    nodes: array[int]
    edges: tuple[tuple[int, int], ...]


def text_of(code: str, language: Language) -> str:
    """Input text for the tokenizer of a model with data flow: the function's tokens, joined by single blanks."""
    return _flow(code, language).text


def extracting(codes: Iterable[str], language: Language) -> Generator[int, None, int]:
    """Extract the data flow of many functions in advance; yields the number done, returns the total."""
    distinct = dict.fromkeys(codes)
    for done, code in enumerate(distinct):
        if done and done % 512 == 0:
            yield done
        _flow(code, language)
    return len(distinct)


def encode(
    tokenizer: PreTrainedTokenizerBase, codes: Sequence[str], language: Language, max_length: int
) -> list[FunctionInput]:
    """Inputs of each function; extracted data flow is cached within this process."""
    if not codes:
        return []
    flows = [_flow(code, language) for code in codes]
    encoded = tokenizer(
        [flow.text for flow in flows],
        add_special_tokens=False,
        return_offsets_mapping=True,
        truncation=True,
        max_length=max_length + NODES - _SLACK,
    )
    start, end = _special_ids(tokenizer)
    places = max_length + NODES
    inputs = []
    for flow, ids, offsets in zip(flows, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        ids = ids[: places - _SLACK - min(len(flow.nodes), NODES)]
        graph = _graph(flow, [stop for _, stop in offsets], len(ids), places - 2 - len(ids))
        inputs.append(FunctionInput([start, *ids, end], graph))
    return inputs


def token_places(tokenizer: PreTrainedTokenizerBase, code: str, language: Language, count: int) -> list[int]:
    """Start offsets in `code` of the first `count` tokens that `encode` puts between `<s>` and `</s>`."""
    flow, tokens = _flow(code, language), extract(code, language).tokens
    offsets = tokenizer(flow.text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)[
        "offset_mapping"
    ][:count]
    places = []
    for start, stop in offsets:
        at = bisect_left(flow.ends, stop)
        beginning = flow.ends[at] - len(tokens[at].text)
        places.append(tokens[at].start + max(0, start - beginning))
    return places


def arrays(functions: Sequence[FunctionInput], pad_id: int, shortest: int = 0) -> dict[str, NDArray[Any]]:
    """One padded batch of length `shortest` or more, by the input names of an ONNX file.

    `input_ids` (functions, longest code); `position_ids` (functions, longest); `shares` (functions, longest, longest
    code), the weights of the word embeddings whose mean is each embedding; and `attention_mask` (functions, longest,
    longest), True where the first place attends to the second.
    """
    size, length = len(functions), max(shortest, *map(len, functions))
    longest_code = max(len(function.ids) for function in functions)
    ids = np.full((size, longest_code), pad_id, np.int64)
    positions = np.full((size, length), pad_id, np.int64)
    shares = np.zeros((size, length, longest_code), np.float32)
    allowed = np.zeros((size, length, length), bool)
    for row, function in enumerate(functions):
        code = len(function.ids)
        ids[row, :code] = function.ids
        positions[row, :code] = np.arange(pad_id + 1, pad_id + 1 + code)
        positions[row, code : len(function)] = 0
        shares[row, range(code), range(code)] = 1
        allowed[row, :code, :code] = True
        allowed[row, (0, code - 1), : len(function)] = True
        if function.graph is not None:
            for node, (first, stop) in enumerate(function.graph.spans, start=code):
                if stop > first:
                    shares[row, node, first:stop] = 1 / (stop - first)
                    allowed[row, node, first:stop] = True
                    allowed[row, first:stop, node] = True
            for node, source in function.graph.edges:
                allowed[row, code + node, code + source] = True
            for node in range(code, len(function)):
                if not allowed[row, node].any():
                    allowed[row, node, node] = True
    return dict(zip(INPUTS, (ids, positions, shares, allowed), strict=True))


def batch(embeddings: nn.Module, functions: Sequence[FunctionInput], pad_id: int, shortest: int = 0) -> Batch:
    """One padded batch of length `shortest` or more on the model's device, see `encoder_arguments`."""
    weight: Any = embeddings.weight
    made = arrays(functions, pad_id, shortest)
    ids, positions, shares, allowed = (torch.from_numpy(made[name]).to(weight.device) for name in INPUTS)
    return encoder_arguments(embeddings, pad_id, ids, positions, shares.to(weight.dtype), allowed)


def encoder_arguments(
    embeddings: nn.Module, pad_id: int, ids: Tensor, positions: Tensor, shares: Tensor, allowed: Tensor
) -> Batch:
    """Arguments of an encoder from the `arrays` of a batch, using tensor operations only: `inputs_embeds` (functions,
    longest, hidden), `position_ids`, and a float `attention_mask` (functions, 1, longest, longest) that is added to the
    attention scores."""
    arguments = {
        "inputs_embeds": torch.bmm(shares, embeddings(ids)),
        "attention_mask": (~allowed).to(shares.dtype).mul(_FORBIDDEN).unsqueeze(1),
        "position_ids": positions,
    }
    return Batch(arguments, (positions > pad_id).long())


@lru_cache(maxsize=65536)
def _flow(code: str, language: Language) -> _Flow:
    found = extract(code, language)
    parts: list[str] = []
    ends, length = array("i"), 0
    for token in found.tokens:
        part = token.text if not parts or token.text.startswith(" ") else f" {token.text}"
        parts.append(part)
        length += len(part)
        ends.append(length)
    edges = tuple((index, edge.source) for index, node in enumerate(found.nodes) for edge in node.edges)
    return _Flow("".join(parts), ends, array("i", [node.token for node in found.nodes]), edges)


def _graph(flow: _Flow, stops: Sequence[int], code: int, places: int) -> GraphInput:
    """The first `places` nodes, with their spans among the first `code` tokens of the model; `stops` are the end
    offsets of the tokens in the text."""
    spans: dict[int, tuple[int, int]] = {}
    for place, stop in enumerate(stops, start=1):  # after `<s>`
        token = bisect_left(flow.ends, stop)
        first, _ = spans.get(token, (place, place))
        spans[token] = (first, place + 1)
    whole = {token: span for token, span in spans.items() if span[1] <= code + 1}
    kept = flow.nodes[:places]
    return GraphInput(
        tuple(whole.get(token, (0, 0)) for token in kept),
        tuple((node, source) for node, source in flow.edges if max(node, source) < len(kept)),
    )


def _special_ids(tokenizer: PreTrainedTokenizerBase) -> tuple[int, int]:
    start: Any = tokenizer.cls_token_id
    end: Any = tokenizer.sep_token_id
    return int(start), int(end)
