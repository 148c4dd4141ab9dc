"""Order of a training: data by epoch, batches by length, the learning rate by step."""

from __future__ import annotations

import random
from array import array
from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from compressor_core.models.encoded import Items, lengths_of
from compressor_core.models.inputs import Encoded
from compressor_core.records import Work

Data = tuple[Sequence[Encoded], Tensor]
"""Inputs and, in the same order, their targets."""
EpochData = Callable[[int], Work[Data]]
"""From the number of an epoch to its data; yields progress records on the way. Every epoch has the same length."""

_BUCKET = 40
"""Batches that are sorted by length together: enough for little padding, few enough to stay random."""


def remembered(load: EpochData, draw_of: Callable[[int], int]) -> EpochData:
    """The data of an epoch's draw, loaded once for all epochs in a row that `draw_of` gives the same draw."""
    kept: dict[int, Data] = {}

    def epoch_data(epoch: int) -> Work[Data]:
        draw = draw_of(epoch)
        if draw not in kept:
            kept.clear()
            kept[draw] = yield from load(draw)
        return kept[draw]

    return epoch_data


class Batches(Items[list[int]]):
    """Batches of indices, kept flat: a list for each would take more memory than the tokens."""

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
    """Indices of every input once, in ⌈n / size⌉ batches of similar length, in random order."""
    lengths = lengths_of(inputs)
    order = array("i", range(len(lengths)))
    rng.shuffle(order)
    found = Batches()
    for start in range(0, len(order), size * _BUCKET):
        bucket = np.array(order[start : start + size * _BUCKET])
        bucket = bucket[np.argsort(lengths[bucket], kind="stable")]
        cut = [bucket[k : k + size].tolist() for k in range(0, len(bucket), size)]
        rng.shuffle(cut)
        for batch in cut:
            found.add(batch)
    return found


def schedule(step: int, total: int, warmup: float) -> float:
    """Linear warm-up over the first share of the steps, then linear decay to (almost) zero."""
    rising = max(1.0, warmup * total)
    return min((step + 1) / rising, max(0.0, (total - step) / max(1.0, total - rising)))
