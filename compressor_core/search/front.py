"""The true front of a search space: all architectures that no other one dominates.

The front is found by enumeration. A table over binned objectives stores the best last objective seen below each bin;
one look-up shows for most architectures that they are dominated. The rest is compared exactly. Bins are the leading
bits of a float, so that binning never reorders two values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import moocore
import numpy as np
from numpy.typing import NDArray

from compressor_core.architecture import GENES, SearchSpace
from compressor_core.cost import BYTES_PER_PARAMETER, MEGABYTE, Genes, IntArray, file_bytes, parameters
from compressor_core.search.grid import blocks, take
from compressor_core.search.quantities import FloatArray, Quantity, Yardstick

Limits = Mapping[Quantity, float]
"""Upper limits of minimised quantities, lower limits of maximised ones."""

REFERENCE: Final = 1.1
"""Coordinate of the hypervolume's reference point, on axes where the true front spans 0 to 1."""

_MANTISSA_BITS: Final = 52
_BIN_BITS: Final = {1: 10, 2: 6}
"""Bits by number of binned objectives: each power of two is split into 2^bits bins."""
_MOST_PENDING: Final = 500_000
_BATCH: Final = 20_000
_TINY: Final = 1e-12


@dataclass(frozen=True)
class Front:
    """Architectures that do not dominate each other, by rising first objective, with distinct values."""

    objectives: tuple[Quantity, ...]
    genes: Genes
    """Five arrays of shape [points]."""
    values: FloatArray
    """Of shape [points, objectives], in the units of `Quantity`."""

    def __len__(self) -> int:
        return len(self.values)


def true_front(
    space: SearchSpace, objectives: Sequence[Quantity], yardstick: Yardstick, limits: Limits | None = None
) -> Front:
    """Exact front of all architectures of `space` within `limits`; empty if there are none.

    Among architectures with the same values, only the first in order of genes is kept.
    """
    limits = limits or {}
    genes = _hopeful(space, _Bounds(space, yardstick), tuple(objectives), limits)
    order = np.lexsort(tuple(reversed(genes)))
    genes = Genes(*(gene[order] for gene in genes))
    needed = {quantity: _exact(quantity, genes, yardstick) for quantity in {*objectives, *limits}}
    fits = within(needed, limits)
    values = np.stack([needed[objective] for objective in objectives], axis=-1)
    fitting = np.flatnonzero(fits)
    at = fitting[best_of(values[fitting], objectives)]
    return Front(tuple(objectives), Genes(*(gene[at] for gene in genes)), values[at])


def best_of(values: FloatArray, objectives: Sequence[Quantity]) -> IntArray:
    """Indices of the non-dominated rows of `values` (of shape [points, objectives]); the first of equal rows.

    They are sorted by rising first objective, then by the next.
    """
    if not len(values):
        return np.empty(0, np.int64)
    at = np.flatnonzero(moocore.is_nondominated(values, maximise=[each.maximised for each in objectives]))
    return at[np.lexsort(values[at].T[::-1])]


def within(values: Mapping[Quantity, FloatArray], limits: Limits) -> NDArray[np.bool_]:
    """Mask of the architectures within all limits, in the common shape of `values`."""
    fits = np.ones(np.broadcast_shapes(*(column.shape for column in values.values())), bool)
    for quantity, limit in limits.items():
        fits &= values[quantity] >= limit if quantity.maximised else values[quantity] <= limit
    return fits


def _exact(quantity: Quantity, genes: Genes, yardstick: Yardstick) -> FloatArray:
    """Measure exactly, in batches: computing the length of a header takes a thousand bytes per architecture."""
    starts = range(0, max(1, len(genes.vocab_size)), _BATCH)
    parts = [yardstick.measure(quantity, Genes(*(gene[at : at + _BATCH] for gene in genes))) for at in starts]
    return np.concatenate(parts)


class Ruler:
    """Hypervolumes: the volume of the objective space that a front dominates.

    Every axis is logarithmic, as in the plots, so that a gain of 10% counts the same for small and large models
    (measured shares are linear). On each axis, the true front spans 0 (best) to 1 (worst); the reference point is 1.1
    on all axes. If the true front has no extent along an axis, a power of ten spans 1.
    """

    def __init__(self, front: Front) -> None:
        costs = costs_of(front.values, front.objectives)
        self._objectives = front.objectives
        self._best = costs.min(axis=0)
        span = costs.max(axis=0) - self._best
        self._span = np.where(span > 0, span, 1.0)

    def place(self, values: FloatArray) -> FloatArray:
        """Values of shape [points, objectives] on the scaled axes; less is better on each."""
        placed: FloatArray = (costs_of(values, self._objectives) - self._best) / self._span
        return placed

    def hypervolume(self, values: FloatArray) -> float:
        """Hypervolume of points of shape [points, objectives], which may include dominated ones; 0 without points."""
        return float(moocore.hypervolume(self.place(values), ref=REFERENCE)) if len(values) else 0.0


def costs_of(values: FloatArray, objectives: Sequence[Quantity]) -> FloatArray:
    """Values of shape [points, objectives] as costs: less is better; all but measured shares are logarithms."""
    columns = []
    for column, objective in zip(values.T, objectives, strict=True):
        cost = column if objective.measured else np.log10(np.maximum(column, _TINY))
        columns.append(-cost if objective.maximised else cost)
    return np.stack(columns, axis=-1)


def thinned(places: FloatArray, most: int) -> IntArray:
    """Indices of at most about `most` evenly spread points: one for each grid cell, and the best of each objective.

    `places` has the shape [points, objectives], see `Ruler.place`.
    """
    if len(places) <= most:
        return np.arange(len(places))
    fewest, finest = 1, most
    chosen = np.array([0])
    while fewest <= finest:
        cells = (fewest + finest) // 2
        _, found = np.unique(np.floor(places * cells).astype(np.int64), axis=0, return_index=True)
        if len(found) <= most:
            chosen, fewest = found, cells + 1
        else:
            finest = cells - 1
    return np.unique(np.concatenate([chosen, places.argmin(axis=0)]))


class _Bounds:
    """Fast lower and upper bounds of quantities: a header's length is between those of the extremes at its depth."""

    def __init__(self, space: SearchSpace, yardstick: Yardstick) -> None:
        self._yardstick = yardstick
        depths = np.array(space.num_hidden_layers)
        self._headers = np.zeros((2, depths[-1] + 1), np.int64)
        for row, end in enumerate((0, -1)):
            extremes = {gene: np.array([getattr(space, gene)[end]]) for gene in GENES}
            genes = Genes(**{**extremes, "num_hidden_layers": depths})
            bytes_ = file_bytes(genes, yardstick.task, yardstick.pair_features)
            self._headers[row, depths] = bytes_ - self._weights(genes)

    def of(self, quantity: Quantity, genes: Genes) -> tuple[FloatArray, FloatArray]:
        """Lower and upper bound of the measured quantity."""
        if quantity is not Quantity.SIZE:
            exact = self._yardstick.measure(quantity, genes)
            return exact, exact
        weights, depth = self._weights(genes), genes.num_hidden_layers
        return (weights + self._headers[0][depth]) / MEGABYTE, (weights + self._headers[1][depth]) / MEGABYTE

    def _weights(self, genes: Genes) -> IntArray:
        return BYTES_PER_PARAMETER * parameters(genes, self._yardstick.task, self._yardstick.pair_features)


class _Bins:
    """Bins of one minimised, non-negative objective."""

    def __init__(self, space: SearchSpace, bounds: _Bounds, objective: Quantity, bits: int) -> None:
        self._shift = _MANTISSA_BITS - bits
        ends = [np.array([getattr(space, gene)[0], getattr(space, gene)[-1]]) for gene in GENES]
        floor, ceiling = bounds.of(objective, Genes(*np.meshgrid(*ends, indexing="ij")))
        self._first = int(self._leading(floor).min())
        self.number = int(self._leading(ceiling).max()) - self._first + 1

    def __call__(self, values: FloatArray) -> IntArray:
        """Bin of each value, from 0 to `number` - 1; a value in a lower bin is strictly less."""
        return np.clip(self._leading(values) - self._first, 0, self.number - 1)

    def _leading(self, values: FloatArray) -> IntArray:
        return np.ascontiguousarray(values, np.float64).view(np.int64) >> self._shift


def _hopeful(space: SearchSpace, bounds: _Bounds, objectives: tuple[Quantity, ...], limits: Limits) -> Genes:
    """A small subset of the space that contains its whole front."""
    # The last objective needs no bins; this is the only maximised one, if any.
    ordered = sorted(objectives, key=lambda objective: objective.maximised)
    *binned, last = ordered
    bins = [_Bins(space, bounds, objective, _BIN_BITS[len(binned)]) for objective in binned]
    sign = -1.0 if last.maximised else 1.0
    best_below = np.full([each.number + 1 for each in bins], np.inf)
    """Least last objective among architectures in a lower bin of all other objectives."""
    kept: list[_Pending] = []
    pending = 0
    for block in blocks(space):
        shape = np.broadcast_shapes(*(gene.shape for gene in block))
        needed = {quantity: bounds.of(quantity, block) for quantity in {*objectives, *limits}}
        may, must = np.ones((2, *shape), bool)
        for quantity, limit in limits.items():
            low, high = needed[quantity]
            may &= high >= limit if quantity.maximised else low <= limit
            must &= low >= limit if quantity.maximised else high <= limit
        floors = [
            np.broadcast_to(find(needed[objective][0]), shape) for find, objective in zip(bins, binned, strict=True)
        ]
        final = np.broadcast_to(sign * needed[last][0], shape)
        at = np.flatnonzero(may & (best_below[tuple(floors)] > final))
        if not len(at):
            continue
        some = _Pending(
            take(block, at),
            tuple(floor.flat[at] for floor in floors),
            final.flat[at],
        )
        sure = must.flat[at]
        ceilings = tuple(
            np.broadcast_to(find(needed[objective][1]), shape).flat[at][sure] + 1
            for find, objective in zip(bins, binned, strict=True)
        )
        highest = np.broadcast_to(sign * needed[last][1], shape).flat[at][sure]
        np.minimum.at(best_below, ceilings, highest)
        for axis in range(best_below.ndim):
            np.minimum.accumulate(best_below, axis=axis, out=best_below)
        kept.append(some)
        pending += len(at)
        if pending > _MOST_PENDING:
            kept = [_Pending.joined(kept).still_hopeful(best_below)]
            pending = 0
    return _Pending.joined(kept).still_hopeful(best_below).genes


@dataclass(frozen=True)
class _Pending:
    """Architectures not certainly dominated so far: genes, bins, and the last objective."""

    genes: Genes
    floors: tuple[IntArray, ...]
    final: FloatArray

    @classmethod
    def joined(cls, parts: Sequence[_Pending]) -> _Pending:
        if not parts:
            none = np.empty(0, np.int64)
            return cls(Genes(*[none] * len(GENES)), (), np.empty(0))
        genes = Genes(*map(np.concatenate, zip(*(part.genes for part in parts), strict=True)))
        floors = tuple(map(np.concatenate, zip(*(part.floors for part in parts), strict=True)))
        return cls(genes, floors, np.concatenate([part.final for part in parts]))

    def still_hopeful(self, best_below: FloatArray) -> _Pending:
        if not len(self.final):
            return self
        at = np.flatnonzero(best_below[self.floors] > self.final)
        return _Pending(
            Genes(*(gene[at] for gene in self.genes)), tuple(floor[at] for floor in self.floors), self.final[at]
        )
