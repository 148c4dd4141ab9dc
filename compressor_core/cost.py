"""Costs of an architecture in closed form: parameters, bytes on disk and FLOPs.

Every formula is written once, over arrays of genes, in exact 64-bit integers; `cost` applies it to one
architecture, the search to populations and to the whole space. There are two sets of formulas:

- the paper's (released code of Compressor, ASE 2022): `paper_parameters`, `paper_flops`. They count a square
  layer of the head twice and charge the head to every token, but the published results are based on them;
- exact ones for the model that would be built: `parameters`, `file_bytes`, `forward_flops`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compressor_core.architecture import GENES, Architecture
from compressor_core.errors import ArchitectureError
from compressor_core.task import PairFeatures, Task

IntArray = NDArray[np.int64]

POSITIONS: Final = 514
"""Position embeddings of every student; two are reserved for padding, so 512 tokens fit."""
MAX_SEQUENCE_LENGTH: Final = POSITIONS - 2
CLASSES: Final = 2
BYTES_PER_PARAMETER: Final = 4
MEGABYTE: Final = 10**6


class Genes(NamedTuple):
    """The genes of many architectures: five integer arrays that broadcast against each other."""

    vocab_size: IntArray
    hidden_size: IntArray
    num_hidden_layers: IntArray
    num_attention_heads: IntArray
    intermediate_size: IntArray

    @classmethod
    def of(cls, architectures: Sequence[Architecture]) -> Genes:
        """Five arrays of shape `[len(architectures)]`."""
        rows = [[getattr(architecture, gene) for gene in GENES] for architecture in architectures]
        return cls(*np.array(rows, dtype=np.int64).reshape(-1, len(GENES)).T)


@dataclass(frozen=True)
class Cost:
    """Costs of one model, by the paper's and the exact formulas. 1 MB is 10^6 bytes, 1 GFLOP is 10^9 operations."""

    parameters: int
    """Exact count for the model that would be built."""
    bytes: int
    """Exact size of its float32 `model.safetensors`."""
    size_mb: float
    paper_parameters: int
    paper_gflops: float
    """One inference on 514 tokens, by the paper's formula."""
    forward_gflops: float
    """Exact count for the matrix products of one forward pass at `sequence_length` (clone task: of both functions)."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def cost(
    architecture: Architecture,
    task: Task = Task.VULNERABILITY,
    pair_features: PairFeatures = PairFeatures.COMPARE,
    sequence_length: int = 400,
) -> Cost:
    """Cost of one model; `pair_features` matters for the clone task only.

    Raises ArchitectureError if `sequence_length` (tokens per function) is not from 1 to 512.
    """
    genes = Genes.of([architecture])
    size = int(file_bytes(genes, task, pair_features)[0])
    return Cost(
        parameters=int(parameters(genes, task, pair_features)[0]),
        bytes=size,
        size_mb=size / MEGABYTE,
        paper_parameters=int(paper_parameters(genes)[0]),
        paper_gflops=int(paper_flops(genes)[0]) / 1e9,
        forward_gflops=int(forward_flops(genes, sequence_length, task, pair_features)[0]) / 1e9,
    )


def paper_parameters(genes: Genes) -> IntArray:
    """Parameters by the paper's formula: no token types, and two square layers in the head instead of one."""
    v, h, l, _, i = genes  # noqa: E741
    layer = 4 * (h * h + h) + 2 * h * i + i + h + 4 * h
    total: IntArray = v * h + POSITIONS * h + 3 * h + l * layer + 2 * (h * h + h) + 2 * h + 2
    return total


def paper_flops(genes: Genes) -> IntArray:
    """Operations of one inference on 514 tokens by the paper's formula (one of the two terms of its fitness)."""
    v, h, l, a, i = genes  # noqa: E741
    s = POSITIONS
    attention = (6 * h * h + 3 * h) + (4 * h * s + 10 * s * a) + (2 * h * h + h) + (5 * h + 5)
    feed_forward = (2 * h * i + 9 * i) + (2 * h * i + h) + (5 * h + 5 * h)
    embeddings = 2 * h * v + 2 * h * (s + 2) + 11 * h
    classifier = 2 * h * h + 15 * h
    total: IntArray = s * (l * (attention + feed_forward) + embeddings + classifier)
    return total


def parameters(genes: Genes, task: Task, pair_features: PairFeatures) -> IntArray:
    """Parameters of the model that would be built.

    Vulnerability: `RobertaForSequenceClassification`. Clone: a `RobertaModel` (with pooler for `concat`,
    without for `compare`), then `dense` on the pair's features, tanh, `out`.
    """
    v, h, l, _, i = genes  # noqa: E741
    embeddings = (v + POSITIONS + 1) * h + 2 * h
    layer = 4 * (h * h + h) + 2 * h * i + i + h + 4 * h
    out = CLASSES * h + CLASSES
    if task is Task.VULNERABILITY:
        head = h * h + h + out
    elif pair_features is PairFeatures.CONCAT:
        head = (h * h + h) + (2 * h * h + h) + out
    else:
        head = 4 * h * h + h + out
    total: IntArray = embeddings + l * layer + head
    return total


PARTS: Final = ("vocabulary", "positions", "attention", "feed-forward", "head")
"""Blocks of a model, in the order of the forward pass."""


def parts(architecture: Architecture, task: Task, pair_features: PairFeatures) -> dict[str, int]:
    """Bytes of each of `PARTS` in the model's file. They add up to the file; the header counts as part of the head."""
    genes = Genes.of([architecture])
    v, h, l, _, i = (getattr(architecture, gene) for gene in GENES)  # noqa: E741
    found = {
        "vocabulary": v * h,
        "positions": (POSITIONS + 1) * h + 2 * h,
        "attention": l * (4 * (h * h + h) + 2 * h),
        "feed-forward": l * (2 * h * i + i + h + 2 * h),
    }
    found = {name: BYTES_PER_PARAMETER * count for name, count in found.items()}
    return {**found, "head": int(file_bytes(genes, task, pair_features)[0]) - sum(found.values())}


def forward_flops(genes: Genes, sequence_length: int, task: Task, pair_features: PairFeatures) -> IntArray:
    """Exact operations (two per multiply-add) of the matrix products of one forward pass at batch size 1.

    Embedding look-ups, norms, activations, softmax and the comparison features are not matrix products and
    not counted, as in PyTorch's `FlopCounterMode`. The clone task encodes two functions of `sequence_length`
    tokens each.

    Raises ArchitectureError if `sequence_length` is not from 1 to 512.
    """
    if type(sequence_length) is not int:
        raise ArchitectureError(f"sequence_length must be a whole number, not {sequence_length!r}.")
    if not 1 <= sequence_length <= MAX_SEQUENCE_LENGTH:
        raise ArchitectureError(
            f"sequence_length {sequence_length} does not fit {POSITIONS} positions: "
            f"choose from 1 to {MAX_SEQUENCE_LENGTH} tokens."
        )
    _, h, l, _, i = genes  # noqa: E741
    n = sequence_length
    encoder = l * (2 * n * (4 * h * h + 2 * h * i) + 4 * n * n * h)
    out = 2 * CLASSES * h
    total: IntArray
    if task is Task.VULNERABILITY:
        total = encoder + 2 * h * h + out
    elif pair_features is PairFeatures.CONCAT:
        total = 2 * (encoder + 2 * h * h) + 2 * 2 * h * h + out
    else:
        total = 2 * encoder + 2 * 4 * h * h + out
    return total


def file_bytes(genes: Genes, task: Task, pair_features: PairFeatures) -> IntArray:
    """Exact size in bytes of the float32 `model.safetensors` that transformers' `save_pretrained` writes.

    The file has a length of 8 bytes, a JSON header padded to a multiple of 8, and the parameters. The header's length
    depends on the tensors' names and on the number of digits of their shapes and offsets.
    """
    shape = np.broadcast_shapes(*(gene.shape for gene in genes))
    v, h, l, a, i = (np.broadcast_to(gene, shape).ravel() for gene in genes)  # noqa: E741
    header = np.empty_like(l)
    for layers in np.unique(l):
        at = l == layers
        part = Genes(v[at], h[at], l[at], a[at], i[at])
        header[at] = _header_bytes(part, _layout(int(layers), task, pair_features))
    return header.reshape(shape) + BYTES_PER_PARAMETER * parameters(genes, task, pair_features)


class _Layout(NamedTuple):
    """Tensors of a file in stored order, with their dimensions as rows of `_dimensions`."""

    rows: IntArray
    columns: IntArray
    text: int
    """Bytes of the header without the digits of its numbers."""


_ROW: Final = {name: row for row, name in enumerate(("1", "2", "h", "2h", "4h", "v", "i", "positions"))}


def _dimensions(genes: Genes) -> IntArray:
    v, h, _, _, i = genes
    one = np.ones_like(h)
    return np.stack([one, CLASSES * one, h, 2 * h, 4 * h, v, i, POSITIONS * one])


def _header_bytes(genes: Genes, layout: _Layout) -> IntArray:
    dimensions = _dimensions(genes)
    sizes = dimensions[layout.rows] * dimensions[layout.columns]
    ends = BYTES_PER_PARAMETER * np.cumsum(sizes, axis=0)
    digits = _digits(dimensions)
    # A vector's shape is one number: its column dimension is not written.
    shapes = digits[layout.rows].sum(axis=0) + digits[layout.columns][layout.columns != _ROW["1"]].sum(axis=0)
    # Every tensor ends where the next begins; the first begins at 0.
    offset_digits = _digits(ends)
    offsets = 1 + 2 * offset_digits[:-1].sum(axis=0) + offset_digits[-1]
    unpadded = layout.text + shapes + offsets
    padded: IntArray = (unpadded + 7) // 8 * 8
    return 8 + padded


_POWERS_OF_TEN: Final = 10 ** np.arange(1, 19, dtype=np.int64)


def _digits(numbers: IntArray) -> IntArray:
    return np.searchsorted(_POWERS_OF_TEN, numbers, side="right") + 1


@lru_cache(maxsize=1024)
def _layout(layers: int, task: Task, pair_features: PairFeatures) -> _Layout:
    tensors = sorted(_tensors(layers, task, pair_features).items())
    text = len('{"__metadata__":{"format":"pt"}}')
    for name, shape in tensors:
        commas = len(shape) - 1
        text += len(f',"{name}":{{"dtype":"F32","shape":[],"data_offsets":[,]}}') + commas
    # Vectors get the column "1", which no matrix of a student has.
    rows = [_ROW[shape[0]] for _, shape in tensors]
    columns = [_ROW[shape[1]] if len(shape) == 2 else _ROW["1"] for _, shape in tensors]
    return _Layout(np.array(rows), np.array(columns), text)


def _tensors(layers: int, task: Task, pair_features: PairFeatures) -> dict[str, tuple[str, ...]]:
    """Name and symbolic shape of every tensor of the model; dimensions are keys of `_ROW`."""
    tensors: dict[str, tuple[str, ...]] = {}

    def linear(name: str, inputs: str, outputs: str) -> None:
        tensors[f"{name}.weight"] = (outputs, inputs)
        tensors[f"{name}.bias"] = (outputs,)

    def norm(name: str) -> None:
        tensors[f"{name}.weight"] = tensors[f"{name}.bias"] = ("h",)

    root = "roberta" if task is Task.VULNERABILITY else "encoder"
    tensors[f"{root}.embeddings.word_embeddings.weight"] = ("v", "h")
    tensors[f"{root}.embeddings.position_embeddings.weight"] = ("positions", "h")
    tensors[f"{root}.embeddings.token_type_embeddings.weight"] = ("1", "h")
    norm(f"{root}.embeddings.LayerNorm")
    for index in range(layers):
        layer = f"{root}.encoder.layer.{index}"
        for part in ("query", "key", "value"):
            linear(f"{layer}.attention.self.{part}", "h", "h")
        linear(f"{layer}.attention.output.dense", "h", "h")
        norm(f"{layer}.attention.output.LayerNorm")
        linear(f"{layer}.intermediate.dense", "h", "i")
        linear(f"{layer}.output.dense", "i", "h")
        norm(f"{layer}.output.LayerNorm")
    if task is Task.VULNERABILITY:
        linear("classifier.dense", "h", "h")
        linear("classifier.out_proj", "h", "2")
    elif pair_features is PairFeatures.CONCAT:
        linear("encoder.pooler.dense", "h", "h")
        linear("dense", "2h", "h")
        linear("out", "h", "2")
    else:
        linear("dense", "4h", "h")
        linear("out", "h", "2")
    return tensors
