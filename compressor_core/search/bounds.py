"""Branch and bound: the true optimum of spaces too large to enumerate, for the most computation within a size.

For a given width and number of layers, computation and parameters are both linear in the vocabulary and in the
feed-forward width, and the most heads are best, because they add no parameters. The best reachable fitness, with
fractional values allowed, is therefore a fractional knapsack of two items: a bound in closed form. The pairs of width
and layers are opened by falling bound, until the next bound is no better than the best fitness found. No unopened pair
can then win, which certifies the optimum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compressor_core.architecture import Architecture, SearchSpace
from compressor_core.cost import BYTES_PER_PARAMETER, MEGABYTE, Genes, IntArray, paper_flops
from compressor_core.search.fitness import Constraint, Objective
from compressor_core.search.quantities import FloatArray, Quantity

_SLACK = 1e-9
"""Relative slack: bounds are computed in floats and must not fall below the true values."""
_BATCH = 64


def optimum(space: SearchSpace, objective: Objective) -> Architecture | None:
    """The fittest architecture; None if nothing is within the budget. Only for a `plain_goal`."""
    vocab, intermediate = np.array(space.vocab_size), np.array(space.intermediate_size)
    shapes = _shapes(space)
    bound = _bounds(shapes, vocab, intermediate, objective)
    best, best_fitness = None, -np.inf
    for at in np.argsort(-bound, kind="stable"):
        if bound[at] <= best_fitness:
            break
        found = _best_at(_Shape(*(column[at] for column in shapes)), vocab, intermediate, objective, best_fitness)
        if found is not None:
            best, best_fitness = found
    return best


class _Shape(NamedTuple):
    """Widths, their largest number of heads, and layers: arrays of one shape, or single values."""

    hidden_size: IntArray
    heads: IntArray
    layers: IntArray

    def genes(self, vocab: IntArray, intermediate: IntArray) -> Genes:
        return Genes(vocab, self.hidden_size, self.layers, self.heads, intermediate)


def _shapes(space: SearchSpace) -> _Shape:
    heads = {width: max(space.heads_for(width), default=0) for width in space.hidden_size}
    widths = [width for width in space.hidden_size if heads[width]]
    width, layers = (each.ravel() for each in np.meshgrid(widths, space.num_hidden_layers, indexing="ij"))
    return _Shape(width, np.array([heads[each] for each in width.tolist()]), layers)


def _bounds(shapes: _Shape, vocab: IntArray, intermediate: IntArray, objective: Objective) -> FloatArray:
    """Upper bound of the fitness of each shape over all vocabularies and feed-forward widths; -inf if nothing fits."""

    def size(v: int, i: int) -> FloatArray:
        return objective.yardstick.lower_bound(Quantity.SIZE, shapes.genes(np.int64(v), np.int64(i)))  # type: ignore[arg-type]

    def value(v: int, i: int) -> FloatArray:
        gflops: FloatArray = paper_flops(shapes.genes(np.int64(v), np.int64(i))) / 1e9  # type: ignore[arg-type]
        # Below the budget the paper's penalty is linear too, so size adds to the fitness like computation.
        return gflops + (size(v, i) - objective.budget_mb if objective.constraint is Constraint.PAPER else 0)

    v, i = int(vocab[0]), int(intermediate[0])
    least, worth = size(v, i), value(v, i)
    left = objective.budget_mb - least
    reachable = worth
    spans = ((int(vocab[-1]) - v, (v + 1, i)), (int(intermediate[-1]) - i, (v, i + 1)))
    items = [(span, size(*step) - least, value(*step) - worth) for span, step in spans]
    (v_span, v_size, v_value), (i_span, i_size, i_value) = items
    vocab_first = v_value * i_size > i_value * v_size
    for first in (True, False):
        # Take the item with more value for its size first, as much as fits.
        chosen = vocab_first if first else ~vocab_first
        span = np.where(chosen, v_span, i_span)
        weight, gain = np.where(chosen, v_size, i_size), np.where(chosen, v_value, i_value)
        amount = np.clip(left / weight, 0, span)
        reachable = reachable + amount * gain
        left = left - amount * weight
    if objective.constraint is Constraint.PAPER:
        # A shape whose smallest model exceeds the budget only loses by growing in these two genes.
        over = objective.paper_fitness(shapes.genes(np.int64(v), np.int64(i)))  # type: ignore[arg-type]
        reachable = np.where(least > objective.budget_mb, over, reachable)
    else:
        reachable = np.where(least > objective.budget_mb, -np.inf, reachable)
    return reachable + _SLACK * np.abs(np.where(np.isfinite(reachable), reachable, 0))


def _best_at(
    shape: _Shape, vocab: IntArray, intermediate: IntArray, objective: Objective, to_beat: float
) -> tuple[Architecture, float] | None:
    """The fittest architecture of one shape with its fitness, if it beats `to_beat`."""
    swapped = len(vocab) > len(intermediate)
    short, long = (intermediate, vocab) if swapped else (vocab, intermediate)

    def genes(one: IntArray, other: IntArray) -> Genes:
        v, i = (other, one) if swapped else (one, other)
        return Genes(*np.broadcast_arrays(*shape.genes(v, i)))

    if objective.constraint is Constraint.PAPER:
        last = _last_fitting(lambda at: objective.may_fit(genes(short, long[at])), len(short), len(long))
        # The fitness is concave along the axis: its maximum is next to the budget, on one side or the other.
        columns = [np.clip(last + step, 0, len(long) - 1) for step in (0, 1)]
        every = genes(np.tile(short, 2), long[np.concatenate(columns)])
        fitness = objective.paper_fitness(every)
        return _fittest(every, fitness, to_beat)

    # The header never shrinks as a gene grows, so the shortest one is a lower bound for this shape.
    smallest = genes(short[:1], long[:1])
    yardstick = objective.yardstick
    header = yardstick.measure(Quantity.SIZE, smallest) - yardstick.lower_bound(Quantity.SIZE, smallest)
    room = objective.budget_mb - float(header[0]) + BYTES_PER_PARAMETER / MEGABYTE
    last = _last_fitting(
        lambda at: yardstick.lower_bound(Quantity.SIZE, genes(short, long[at])) <= room, len(short), len(long)
    )
    bound = np.where(last >= 0, paper_flops(genes(short, long[np.maximum(last, 0)])) / 1e9, -np.inf)
    falling = np.argsort(-bound, kind="stable")
    best: tuple[Architecture, float] | None = None
    for start in range(0, len(falling), _BATCH):
        batch = falling[start : start + _BATCH]
        if bound[batch[0]] <= to_beat:
            break
        some = short[batch]

        def fits(at: IntArray, some: IntArray = some) -> NDArray[np.bool_]:
            return yardstick.measure(Quantity.SIZE, genes(some, long[at])) <= objective.budget_mb

        exact = _last_fitting(fits, len(batch), len(long))
        every = genes(some, long[np.maximum(exact, 0)])
        fitness = np.where(exact >= 0, paper_flops(every) / 1e9, -np.inf)
        if found := _fittest(every, fitness, to_beat):
            best, to_beat = found, found[1]
    return best


def _fittest(genes: Genes, fitness: FloatArray, to_beat: float) -> tuple[Architecture, float] | None:
    at = int(fitness.argmax())
    if fitness[at] <= to_beat:
        return None
    return Architecture(*(int(gene[at]) for gene in genes)), float(fitness[at])


def _last_fitting(fits: Callable[[IntArray], NDArray[np.bool_]], count: int, length: int) -> IntArray:
    """Last of `length` indices that fits, for each of `count` rows, by bisection; -1 if none does.

    `fits` takes one index for each row; once it is False along a row, it stays False.
    """
    low, high = np.full(count, -1), np.full(count, length - 1)
    while (low < high).any():
        middle = (low + high + 1) // 2
        # An index of -1 never occurs in an open row: the middle is above `low`.
        good = fits(np.maximum(middle, 0))
        low, high = np.where(good, middle, low), np.where(good, high, middle - 1)
    return low
