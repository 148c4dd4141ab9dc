"""A search space as axes and arrays: genomes are indices, and enumeration works in blocks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from compressor_core.architecture import GENES, Architecture, SearchSpace
from compressor_core.cost import Genes, IntArray

Genome = list[int]
"""Five indices into the sorted values of the space, in the order of `GENES`."""

HEADS: Final = GENES.index("num_attention_heads")
WIDTH: Final = GENES.index("hidden_size")
_BLOCK: Final = 2**16


class Grid:
    """A search space as five axes; a genome has an index on each."""

    def __init__(self, space: SearchSpace) -> None:
        self.axes: tuple[tuple[int, ...], ...] = tuple(
            # A width that is divisible by no number of heads has no architecture.
            tuple(width for width in space.hidden_size if space.heads_for(width))
            if gene == "hidden_size"
            else getattr(space, gene)
            for gene in GENES
        )
        self.arrays = [np.array(axis, dtype=np.int64) for axis in self.axes]

    def architecture(self, genome: Sequence[int]) -> Architecture:
        """Architecture of a genome."""
        return Architecture(*(axis[index] for axis, index in zip(self.axes, genome, strict=True)))

    def along(self, genome: Sequence[int], gene: int) -> Genes:
        """The genome's architecture with every value of one gene, as arrays that broadcast."""
        return Genes(
            *(
                array if index == gene else array[genome[index] : genome[index] + 1]
                for index, array in enumerate(self.arrays)
            )
        )

    def settle_heads(self, genome: Genome) -> None:
        """Move the heads to the nearest number that divides the width, the smaller one of two equally near."""
        width, heads = self.axes[WIDTH][genome[WIDTH]], self.axes[HEADS]
        if width % heads[genome[HEADS]]:
            legal = (index for index, number in enumerate(heads) if width % number == 0)
            genome[HEADS] = min(legal, key=lambda index: (abs(index - genome[HEADS]), index))


def blocks(space: SearchSpace) -> Iterator[Genes]:
    """Blocks of the space of about 65,536 architectures, small enough for the processor's cache.

    The axes are the legal pairs of width and heads, layers, vocabulary, and feed-forward width; the arrays broadcast
    to four dimensions.
    """
    shapes = [(width, heads) for width in space.hidden_size for heads in space.heads_for(width)]
    layers = np.array(space.num_hidden_layers).reshape(1, -1, 1, 1)
    per_block = _BLOCK // layers.size
    tiles = []
    for axis in (space.intermediate_size, space.vocab_size, shapes):
        step = max(1, min(len(axis), per_block))
        tiles.append([axis[start : start + step] for start in range(0, len(axis), step)])
        per_block //= step
    for intermediate, vocab, pairs in itertools.product(*tiles):
        width, heads = np.array(pairs).T.reshape(2, -1, 1, 1, 1)
        yield Genes(
            vocab_size=np.array(vocab).reshape(1, 1, -1, 1),
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=np.array(intermediate),
        )


def take(block: Genes, at: IntArray) -> Genes:
    """Architectures of a block at flat indices `at`, as five arrays in the shape of `at`."""
    shape = np.broadcast_shapes(*(gene.shape for gene in block))
    return Genes(*(np.broadcast_to(gene, shape).flat[at] for gene in block))
