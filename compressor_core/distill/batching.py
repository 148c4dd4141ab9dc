"""Schedule of a training: data by epoch, batches by length, learning rate by step."""

from __future__ import annotations

import random
from array import array
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from compressor_core.models.encoded import Examples, Items, Joined, lengths_of
from compressor_core.models.inputs import Encoded
from compressor_core.records import Work

Data = tuple[Sequence[Encoded], Tensor]
"""Inputs and, in the same order, their targets."""
EpochData = Callable[[int], Work[Data]]
"""Maps an epoch number to its data, yielding progress records. Every epoch has the same length."""

_BUCKET = 40
"""Batches that are sorted by length together: a compromise between little padding and random order."""
_SHARED = 3
"""Minimum mean number of pairs per function for which batches are drawn so that their pairs share functions."""


def remembered(load: EpochData, draw_of: Callable[[int], int]) -> EpochData:
    """Epoch data that loads each draw once for consecutive epochs with the same draw, as given by `draw_of`."""
    kept: dict[int, Data] = {}

    def epoch_data(epoch: int) -> Work[Data]:
        draw = draw_of(epoch)
        if draw not in kept:
            kept.clear()
            kept[draw] = yield from load(draw)
        return kept[draw]

    return epoch_data


class Batches(Items[list[int]]):
    """Batches of indices in flat arrays; a list per batch would take more memory than the tokens."""

    def __init__(self) -> None:
        self._indices = array("i")
        self._starts = array("q", [0])

    def add(self, batch: Sequence[int]) -> None:
        self._indices.extend(batch)
        self._starts.append(len(self._indices))

    def __len__(self) -> int:
        return len(self._starts) - 1

    def _item(self, index: int) -> list[int]:
        return self._indices[self._starts[index] : self._starts[index + 1]].tolist()


def batches(inputs: Sequence[Encoded], size: int, rng: random.Random) -> Batches:
    """Split the indices of all inputs into ⌈n / size⌉ batches in random order.

    The inputs of a batch have similar length, and those that belong together stay together. If each function occurs in
    several pairs, the pairs of a batch share functions instead.
    """
    if isinstance(inputs, Examples) and len(np.unique(inputs.rows)) * _SHARED <= inputs.rows.size:
        return _sharing(inputs.rows.tolist(), size, rng)
    together = inputs.together if isinstance(inputs, Examples | Joined) else 1
    lengths = lengths_of(inputs).reshape(-1, together).max(1)
    order = array("i", range(len(lengths)))
    rng.shuffle(order)
    found = Batches()
    each = size * _BUCKET // together
    for start in range(0, len(order), each):
        groups = np.array(order[start : start + each])
        groups = groups[np.argsort(lengths[groups], kind="stable")]
        bucket = (groups[:, None] * together + np.arange(together)).ravel()
        cut = [bucket[k : k + size].tolist() for k in range(0, len(bucket), size)]
        rng.shuffle(cut)
        for batch in cut:
            found.add(batch)
    return found


def _sharing(rows: Sequence[Sequence[int]], size: int, rng: random.Random) -> Batches:
    """Batches of pairs that share functions, so that each encoded function serves several pairs.

    A batch starts from a random function and repeatedly adds the function with the most unused pairs with those in it,
    or another random function if there is none.
    """
    left: list[dict[int, list[int]]] = [{} for _ in range(1 + max(map(max, rows)))]
    for index, (first, second) in enumerate(rows):
        left[first].setdefault(second, []).append(index)
        if first != second:
            left[second][first] = left[first][second]
    order = rng.sample(range(len(left)), len(left))
    cut: list[list[int]] = []
    batch: list[int] = []
    inside: set[int] = set()
    gains: Counter[int] = Counter()
    while order:
        function = max(gains, key=gains.__getitem__) if gains else order[-1]
        if not left[function]:
            order.pop()
            continue
        gains.pop(function, None)
        inside.add(function)
        for other, pairs in list(left[function].items()):
            if other not in inside:
                gains[other] += len(pairs)
                continue
            batch += pairs
            del left[function][other]
            left[other].pop(function, None)
        if not gains:
            inside.clear()
        while len(batch) >= size:
            cut.append(batch[:size])
            batch, inside, gains = batch[size:], set(), Counter()
    cut += [batch] if batch else []
    rng.shuffle(cut)
    found = Batches()
    for one in cut:
        found.add(one)
    return found


def schedule(step: int, total: int, warmup: float) -> float:
    """Linear warm-up over the first share of the steps, then linear decay to (almost) zero."""
    rising = max(1.0, warmup * total)
    return min((step + 1) / rising, max(0.0, (total - step) / max(1.0, total - rising)))
