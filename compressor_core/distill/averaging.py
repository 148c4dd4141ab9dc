"""The mean of the weights of several epochs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def mean_weights(states: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each floating-point tensor; of others, such as counts, the first one's.

    Epochs at the end of one training lie in one basin, and their mean is often flatter and better than each of them
    (Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", UAI 2018, Section 3).
    """
    return {
        name: torch.stack([state[name] for state in states]).mean(0) if value.is_floating_point() else value.clone()
        for name, value in states[0].items()
    }
