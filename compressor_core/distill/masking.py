"""Masked-language warm-up: the student learns what code looks like before it learns what the teacher says of it.

It costs no labels: the functions are the unlabelled ones that the student is distilled on.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import torch

from compressor_core.distill.batching import Data
from compressor_core.models.inputs import FunctionInput

SHARE = 0.15
"""Of a function's tokens that are masked (Devlin et al., NAACL 2019, Section 3.1)."""


def mask(functions: Sequence[FunctionInput], mask_id: int, rng: random.Random) -> Data:
    """The functions with some tokens masked, and what was there: (functions, most masked, 2), place and token.

    Rows with fewer masked tokens end in zeros: place 0 is `<s>`, which is never masked, as `</s>` is not. At least
    one token of each function is masked. All that is chosen becomes `mask_id`: keeping some or drawing others in
    their place gains nothing (Wettig et al., "Should You Mask 15% in Masked Language Modeling?", EACL 2023).
    """
    masked, found = [], []
    for function in functions:
        inner = range(1, len(function.ids) - 1)
        places = sorted(rng.sample(inner, min(len(inner), max(1, round(SHARE * len(inner))))))
        ids = list(function.ids)
        for place in places:
            ids[place] = mask_id
        masked.append((replace(function, ids=ids),))
        found.append([(place, function.ids[place]) for place in places])
    targets = torch.zeros(len(found), max(map(len, found), default=0), 2, dtype=torch.int32)
    for row, pairs in enumerate(found):
        if pairs:
            targets[row, : len(pairs)] = torch.tensor(pairs, dtype=torch.int32)
    return masked, targets
