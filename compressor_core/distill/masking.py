"""Masked-language warm-up: the student learns what code looks like before it learns what the teacher says of it.

It costs no labels: the functions are the unlabelled ones that the student is distilled on.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from compressor_core.distill.batching import Data
from compressor_core.models.encoded import Examples, Flattened
from compressor_core.models.inputs import FunctionInput

SHARE = 0.15
"""Of a function's tokens that are masked (Devlin et al., NAACL 2019, Section 3.1)."""
_CHUNK = 512
"""Functions that are Python objects at the same time."""


def mask(functions: Sequence[FunctionInput], mask_id: int, rng: random.Random) -> Data:
    """The functions with some tokens masked, and what was there: (functions, most masked, 2), place and token.

    Rows with fewer masked tokens end in zeros: place 0 is `<s>`, which is never masked, as `</s>` is not. At least
    one token of each function is masked. All that is chosen becomes `mask_id`: keeping some or drawing others in
    their place gains nothing (Wettig et al., "Should You Mask 15% in Masked Language Modeling?", EACL 2023).
    """
    sizes = [_masked(len(function.ids)) for function in functions]
    targets = torch.zeros(len(functions), max(sizes, default=0), 2, dtype=torch.int32)
    masked = Flattened()
    for start in range(0, len(functions), _CHUNK):
        some = []
        for row, function in enumerate(functions[start : start + _CHUNK], start):
            places = sorted(rng.sample(range(1, len(function.ids) - 1), sizes[row]))
            ids = list(function.ids)
            for place in places:
                ids[place] = mask_id
            if places:
                pairs = [(place, function.ids[place]) for place in places]
                targets[row, : len(pairs)] = torch.tensor(pairs, dtype=torch.int32)
            some.append(replace(function, ids=ids))
        masked.add(some)
    return Examples(masked.done(), np.arange(len(functions), dtype=np.int32)[:, None]), targets


def _masked(length: int) -> int:
    """How many tokens of a function are masked; `length` counts `<s>` and `</s>`, which never are."""
    inner = length - 2
    return min(inner, max(1, round(SHARE * inner)))
