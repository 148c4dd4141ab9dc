"""What a training reads, and in which order: data by epoch, batches by length, the learning rate by step."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Sequence
from typing import Any

from torch import Tensor

from compressor_core.models.inputs import Encoded

Record = dict[str, Any]
Data = tuple[Sequence[Encoded], Tensor]
"""Inputs and, in the same order, their targets."""
EpochData = Callable[[int], Generator[Record, None, Data]]
"""From the number of an epoch to its data; yields progress records on the way. Every epoch has the same length."""

_BUCKET = 40
"""Batches that are sorted by length together: enough for little padding, few enough to stay random."""


def remembered(load: EpochData, draw_of: Callable[[int], int]) -> EpochData:
    """The data of an epoch's draw, loaded once for all epochs in a row that `draw_of` gives the same draw."""
    kept: dict[int, Data] = {}

    def epoch_data(epoch: int) -> Generator[Record, None, Data]:
        draw = draw_of(epoch)
        if draw not in kept:
            kept.clear()
            kept[draw] = yield from load(draw)
        return kept[draw]

    return epoch_data


def batches(inputs: Sequence[Encoded], size: int, rng: random.Random) -> list[list[int]]:
    """Indices of every input once, in ⌈n / size⌉ batches of similar length, in random order."""
    order = list(range(len(inputs)))
    rng.shuffle(order)
    found = []
    for start in range(0, len(order), size * _BUCKET):
        bucket = sorted(order[start : start + size * _BUCKET], key=lambda i: sum(map(len, inputs[i])))
        cut = [bucket[k : k + size] for k in range(0, len(bucket), size)]
        rng.shuffle(cut)
        found += cut
    return found


def schedule(step: int, total: int, warmup: float) -> float:
    """Linear warm-up over the first share of the steps, then linear decay to (almost) zero."""
    rising = max(1.0, warmup * total)
    return min((step + 1) / rising, max(0.0, (total - step) / max(1.0, total - rising)))
