"""Which of many points no other one beats, and how much space they leave behind them; two or three costs each.

Both go over the points by rising first cost and keep a staircase of the others: steps to the right of which,
and above which, everything is beaten. A point costs one look-up and, if it is kept, one insertion.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np

from compressor_core.cost import IntArray
from compressor_core.search.quantities import FloatArray


def nondominated(costs: FloatArray) -> IntArray:
    """Indices of the rows of `costs`, of shape [points, 2 or 3], that no other beats; of equal rows the first.

    Less is better. They come by rising first cost, then by the next.
    """
    costs = _in_three(costs)
    order = np.lexsort(costs.T[::-1])
    stairs = _Staircase()
    # What would beat a row, or equals it, comes before it.
    kept = [at for at, (_, x, y) in zip(order.tolist(), costs[order].tolist(), strict=True) if stairs.add(x, y)]
    return np.array(kept, np.int64)


def hypervolume(costs: FloatArray, reference: float) -> float:
    """The volume that points of shape [points, 2 or 3] dominate below `reference` on every axis."""
    costs = costs[(costs < reference).all(axis=1)]
    deep = costs.shape[1] == 3
    costs = _in_three(costs)
    # The third dimension of two is a slab of thickness one.
    end = reference if deep else 1.0
    stairs, volume, before = _Staircase(reference), 0.0, 0.0
    for depth, x, y in costs[np.argsort(costs[:, 0], kind="stable")].tolist():
        volume += stairs.area * (depth - before)
        before = depth
        stairs.add(x, y)
    return volume + stairs.area * (end - before)


def _in_three(costs: FloatArray) -> FloatArray:
    """With a first cost that is the same for all where there are only two."""
    return costs if costs.shape[1] == 3 else np.column_stack([np.zeros(len(costs)), costs])


class _Staircase:
    """Points that do not beat each other in two costs, by rising x and falling y, and the area they dominate."""

    def __init__(self, reference: float = 0.0) -> None:
        self._xs: list[float] = []
        self._ys: list[float] = []
        self._reference = reference
        self.area = 0.0

    def add(self, x: float, y: float) -> bool:
        """Take in a point unless one that is here is no worse in both costs; returns whether it was taken in."""
        xs, ys = self._xs, self._ys
        at = bisect_right(xs, x)
        if at and ys[at - 1] <= y:
            return False
        first = bisect_left(xs, x)
        last = first
        left, height = x, ys[first - 1] if first else self._reference
        while last < len(xs) and ys[last] >= y:
            self.area += (xs[last] - left) * (height - y)
            left, height = xs[last], ys[last]
            last += 1
        self.area += ((xs[last] if last < len(xs) else self._reference) - left) * (height - y)
        xs[first:last] = [x]
        ys[first:last] = [y]
        return True
