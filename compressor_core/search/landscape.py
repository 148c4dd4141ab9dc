"""Fitness landscape: for every pair of values of two genes, the best fitness over the other three genes.

The result is exact: the whole space is enumerated, which takes a fraction of a second for the paper's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from compressor_core.architecture import GENES, SearchSpace
from compressor_core.cost import Genes, IntArray
from compressor_core.errors import CompressorError
from compressor_core.search.fitness import Goal, Objective
from compressor_core.search.genetic import SearchSettings
from compressor_core.search.grid import Grid, blocks, take
from compressor_core.search.quantities import FloatArray, Quantity

MOST_CELLS: Final = 200
"""Largest number of cells along one gene. With more values, neighbours share a cell, which shows the best of them."""

_BLOCK_AXIS: Final = {
    "hidden_size": 0,
    "num_attention_heads": 0,
    "num_hidden_layers": 1,
    "vocab_size": 2,
    "intermediate_size": 3,
}
"""Axis of the arrays of `blocks` along which each gene varies."""


@dataclass(frozen=True)
class Landscape:
    """Best fitness of each cell. A cell is one value, or a run of neighbouring values, of gene `x` and of gene `y`."""

    x: str
    y: str
    x_cells: tuple[tuple[int, int], ...]
    """The smallest and the largest value of gene `x` in each column."""
    y_cells: tuple[tuple[int, int], ...]
    fitness: FloatArray
    """`[rows, columns]`: the best fitness of each cell; NaN if nothing is feasible."""
    best: IntArray
    """`[rows, columns, 5]`: the genes of an architecture with that fitness; 0 if there is none."""
    exists: NDArray[np.bool_]
    """`[rows, columns]`: whether the cell has any architecture; the number of heads must divide the width."""

    @property
    def infeasible(self) -> NDArray[np.bool_]:
        """`[rows, columns]`: cells that have architectures but no feasible one."""
        return self.exists & np.isnan(self.fitness)


def landscape(settings: SearchSettings, x: str, y: str) -> Landscape:
    """The best fitness over the other three genes for every pair of values of genes `x` and `y`.

    In `paper` mode every architecture counts, within the budget or not, because fitness alone decides.

    Raises CompressorError if `x` and `y` are not two different genes, or if the space is too large to enumerate.
    """
    if x == y or {x, y} - set(GENES):
        raise CompressorError(f"A landscape is over two different genes of {', '.join(GENES)}, not {x!r} and {y!r}.")
    if not settings.space.enumerable:
        raise CompressorError(
            f"A landscape looks at every architecture, and {settings.space.size:,} are too many: use larger steps or "
            "narrower ranges of the genes."
        )
    slack = _longest_header(settings.space, settings)
    best = _Best(settings.space, x, y)
    kept = sorted({_BLOCK_AXIS[x], _BLOCK_AXIS[y]})
    doubtful = []
    for block in blocks(settings.space):
        upper = settings.upper_bound(block)
        certain = _certain(upper, block, settings, slack)
        winners = _argmax(certain, kept)
        best.offer(certain.flat[winners], take(block, winners))
        # The rest depends on the length of the file's header, which is expensive to compute.
        doubt = np.flatnonzero(upper > certain)
        doubtful.append(best.hopeful(upper.flat[doubt], take(block, doubt)))
    for bound, genes in doubtful:
        _, genes = best.hopeful(bound, genes)
        scores = settings.evaluate(genes)
        best.offer(np.where(scores.feasible, scores.fitness, -np.inf), genes)
    return best.landscape()


class _Best:
    """The fittest architecture of every cell so far."""

    def __init__(self, space: SearchSpace, x: str, y: str) -> None:
        values = dict(zip(GENES, Grid(space).axes, strict=True))
        self.x, self.y = x, y
        self.x_cells, self.y_cells = _cells(values[x]), _cells(values[y])
        size = len(self.x_cells) * len(self.y_cells)
        self.fitness = np.full(size, -np.inf)
        self.genes = np.zeros((size, len(GENES)), np.int64)
        self.exists = np.zeros(size, np.bool_)

    def cell(self, genes: Genes) -> IntArray:
        """The cell of every architecture; broadcasts like the genes."""
        column = np.searchsorted([last for _, last in self.x_cells], getattr(genes, self.x))
        row = np.searchsorted([last for _, last in self.y_cells], getattr(genes, self.y))
        shape = np.broadcast_shapes(*(gene.shape for gene in genes))
        return np.broadcast_to(row * len(self.x_cells) + column, shape)

    def hopeful(self, bounds: FloatArray, genes: Genes) -> tuple[FloatArray, Genes]:
        """Architectures whose upper bounds exceed the best of their cells; the arrays have the same length."""
        at = np.flatnonzero(bounds > self.fitness[self.cell(genes)])
        return bounds[at], Genes(*(gene[at] for gene in genes))

    def offer(self, fitness: FloatArray, genes: Genes) -> None:
        """Store each architecture that is fitter than the best of its cell; the arrays have the same length."""
        cells = self.cell(genes)
        self.exists[cells] = True
        order = np.lexsort((fitness, cells))
        last = order[np.flatnonzero(np.diff(cells[order], append=-1))]  # the fittest of each cell
        last = last[fitness[last] > self.fitness[cells[last]]]
        self.fitness[cells[last]] = fitness[last]
        self.genes[cells[last]] = np.stack(genes, axis=-1)[last]

    def landscape(self) -> Landscape:
        shape = (len(self.y_cells), len(self.x_cells))
        return Landscape(
            x=self.x,
            y=self.y,
            x_cells=self.x_cells,
            y_cells=self.y_cells,
            fitness=np.where(np.isfinite(self.fitness), self.fitness, np.nan).reshape(shape),
            best=self.genes.reshape(*shape, len(GENES)),
            exists=self.exists.reshape(shape),
        )


def _cells(values: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    width = -(-len(values) // MOST_CELLS)
    runs = (values[start : start + width] for start in range(0, len(values), width))
    return tuple((run[0], run[-1]) for run in runs)


def _longest_header(space: SearchSpace, objective: Objective) -> float:
    """Largest difference in MB between an architecture's size and its lower bound."""
    largest = Genes(*(np.array([max(getattr(space, gene))]) for gene in GENES))
    yardstick = objective.yardstick
    return float((yardstick.measure(Quantity.SIZE, largest) - yardstick.lower_bound(Quantity.SIZE, largest))[0])


def _certain(upper: FloatArray, block: Genes, objective: Objective, slack: float) -> FloatArray:
    """Lower bound of each architecture's fitness for any header length; -inf if it may not fit."""
    if slack == 0:  # the paper's size formula has no header
        return upper
    sure = objective.yardstick.lower_bound(Quantity.SIZE, block) + slack < objective.budget_mb
    return np.where(sure, upper - slack if objective.goal is Goal.SIZE else upper, -np.inf)


def _argmax(values: FloatArray, kept: list[int]) -> IntArray:
    """Flat indices of the largest values along all axes but the `kept` ones."""
    order = [*kept, *(axis for axis in range(values.ndim) if axis not in kept)]
    rows = int(np.prod([values.shape[axis] for axis in kept]))
    places = np.arange(values.size).reshape(values.shape).transpose(order).reshape(rows, -1)
    at = values.transpose(order).reshape(rows, -1).argmax(axis=1)
    return np.asarray(places[np.arange(rows), at])
