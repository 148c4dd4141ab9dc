"""The true front of a search space: every architecture that no other one beats in all objectives at once.

Found by enumeration. A table over binned objectives remembers the best last objective seen below each bin; one look
at it tells for most architectures that something better in every objective exists. What is left is compared
exactly. Bins are the leading bits of a float, so that binning never reorders two values.
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
"""At most so much of what is minimised, at least so much of what is maximised."""

REFERENCE: Final = 1.1
"""The worst corner that a hypervolume is counted from, on axes where the true front spans 0 to 1."""

_MANTISSA_BITS: Final = 52
_BIN_BITS: Final = {1: 10, 2: 6}
"""By the number of binned objectives: each power of two is cut into 2 to so many bins."""
_MOST_PENDING: Final = 500_000
_BATCH: Final = 20_000
_TINY: Final = 1e-12


@dataclass(frozen=True)
class Front:
    """Architectures that do not beat each other, by rising first objective, no two of the same values."""

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
    """The front of all architectures of `space` within `limits`; exact, and empty if there are none.

    Of architectures with the same values the first by its genes stands for all.
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
    """Indices of the rows, of shape [points, objectives], that no other beats; of equal rows the first.

    They come by rising first objective, then by the next.
    """
    if not len(values):
        return np.empty(0, np.int64)
    at = np.flatnonzero(moocore.is_nondominated(values, maximise=[each.maximised for each in objectives]))
    return at[np.lexsort(values[at].T[::-1])]


def within(values: Mapping[Quantity, FloatArray], limits: Limits) -> NDArray[np.bool_]:
    """Which architectures keep all limits, of the common shape of `values`."""
    fits = np.ones(np.broadcast_shapes(*(column.shape for column in values.values())), bool)
    for quantity, limit in limits.items():
        fits &= values[quantity] >= limit if quantity.maximised else values[quantity] <= limit
    return fits


def _exact(quantity: Quantity, genes: Genes, yardstick: Yardstick) -> FloatArray:
    """Measured a batch at a time: the length of a header takes a thousand bytes an architecture to find out."""
    starts = range(0, max(1, len(genes.vocab_size)), _BATCH)
    parts = [yardstick.measure(quantity, Genes(*(gene[at : at + _BATCH] for gene in genes))) for at in starts]
    return np.concatenate(parts)


class Ruler:
    """Measures hypervolumes: the share of the objectives' space that a front leaves behind it.

    Every axis is logarithmic, as it is drawn, so that a gain of 10% counts the same on a small model and on a large one
    (measured shares are linear). On each, the true front spans 0, the best, to 1, the worst; a point counts if it
    beats the reference, 1.1 on all axes. Where the true front does not extend on an axis, a power of ten spans 1.
    """

    def __init__(self, front: Front) -> None:
        costs = costs_of(front.values, front.objectives)
        self._objectives = front.objectives
        self._best = costs.min(axis=0)
        span = costs.max(axis=0) - self._best
        self._span = np.where(span > 0, span, 1.0)

    def place(self, values: FloatArray) -> FloatArray:
        """Values of shape [points, objectives] on the axes described above; less is better on each."""
        placed: FloatArray = (costs_of(values, self._objectives) - self._best) / self._span
        return placed

    def hypervolume(self, values: FloatArray) -> float:
        """Of points of shape [points, objectives], dominated ones among them or not; 0 for none."""
        return float(moocore.hypervolume(self.place(values), ref=REFERENCE)) if len(values) else 0.0


def costs_of(values: FloatArray, objectives: Sequence[Quantity]) -> FloatArray:
    """Values of shape [points, objectives] as costs: less is better, and all but measured shares are logarithms."""
    columns = []
    for column, objective in zip(values.T, objectives, strict=True):
        cost = column if objective.measured else np.log10(np.maximum(column, _TINY))
        columns.append(-cost if objective.maximised else cost)
    return np.stack(columns, axis=-1)


def thinned(places: FloatArray, most: int) -> IntArray:
    """Indices of at most about `most` points that cover all of them evenly: the best of each objective, one a cell.

    `places` are of shape [points, objectives], see `Ruler.place`.
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
    """Quantities from below and from above, quickly: a file's header lies between those of its depth's extremes."""

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
        """Never above, and never below, what is measured."""
        if quantity is not Quantity.SIZE:
            exact = self._yardstick.measure(quantity, genes)
            return exact, exact
        weights, depth = self._weights(genes), genes.num_hidden_layers
        return (weights + self._headers[0][depth]) / MEGABYTE, (weights + self._headers[1][depth]) / MEGABYTE

    def _weights(self, genes: Genes) -> IntArray:
        return BYTES_PER_PARAMETER * parameters(genes, self._yardstick.task, self._yardstick.pair_features)


class _Bins:
    """The bins of one minimised, not negative objective."""

    def __init__(self, space: SearchSpace, bounds: _Bounds, objective: Quantity, bits: int) -> None:
        self._shift = _MANTISSA_BITS - bits
        ends = [np.array([getattr(space, gene)[0], getattr(space, gene)[-1]]) for gene in GENES]
        floor, ceiling = bounds.of(objective, Genes(*np.meshgrid(*ends, indexing="ij")))
        self._first = int(self._leading(floor).min())
        self.number = int(self._leading(ceiling).max()) - self._first + 1

    def __call__(self, values: FloatArray) -> IntArray:
        """From 0 to `number` - 1; a value in a lower bin is truly less."""
        return np.clip(self._leading(values) - self._first, 0, self.number - 1)

    def _leading(self, values: FloatArray) -> IntArray:
        return np.ascontiguousarray(values, np.float64).view(np.int64) >> self._shift


def _hopeful(space: SearchSpace, bounds: _Bounds, objectives: tuple[Quantity, ...], limits: Limits) -> Genes:
    """A few architectures of the space among which all of its front are."""
    # The last objective needs no bins; the only one that is maximised takes its place.
    ordered = sorted(objectives, key=lambda objective: objective.maximised)
    *binned, last = ordered
    bins = [_Bins(space, bounds, objective, _BIN_BITS[len(binned)]) for objective in binned]
    sign = -1.0 if last.maximised else 1.0
    best_below = np.full([each.number + 1 for each in bins], np.inf)
    """The least of the last objective among what lies in a lower bin of all others."""
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
    """Architectures that nothing seen so far beats for certain: genes, bins, and the last objective."""

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
