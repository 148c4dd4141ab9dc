"""What a calibration measures: which architectures, and on which functions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from compressor_core.architecture import GENES, Architecture, SearchSpace
from compressor_core.cost import MEGABYTE, cost
from compressor_core.data.dataset import Split
from compressor_core.data.registry import open_dataset
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import BudgetError, SettingsError
from compressor_core.evaluate.settings import CalibrationSettings
from compressor_core.models.inputs import Encoded, FunctionInput
from compressor_core.search.exact import optimum
from compressor_core.search.fitness import Objective

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Role = Literal["fit", "held-out", "budget"]
VOCABULARIES: Final = (300, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
"""Sizes for which tokenizers are trained; those of the paper's space are drawn for the sample."""
LONGEST: Final = 384
"""Tokens of a function at most, as the students of the bundled teachers read it."""
_CANDIDATES: Final = 400
"""Examples of the test split among which the functions are chosen by their length."""


def sample(settings: CalibrationSettings) -> list[tuple[Architecture, Role]]:
    """The architectures to measure, no two alike, with their roles.

    Raises:
        SettingsError: the paper's space holds too few up to `largest_mb`.
        BudgetError: nothing fits `budget_mb`.
    """
    space = SearchSpace.paper()
    asked: dict[str, Any] = {"task": settings.task, "pair_features": settings.pair_features}
    budget: list[Architecture] = []
    if settings.budget_mb is not None:
        for layers in space.num_hidden_layers:
            layered = replace(space, num_hidden_layers=(layers,))
            try:
                best = optimum(layered, Objective(budget_mb=settings.budget_mb, **asked))
            except BudgetError:
                if not budget:
                    raise
                break  # nor does anything with more layers fit
            budget.append(best.architecture)
    spread = _spread(settings, space, set(budget))
    held_out = set(random.Random(settings.seed).sample(range(len(spread)), settings.held_out))
    roles: list[Role] = ["held-out" if index in held_out else "fit" for index in range(len(spread))]
    roles += ["budget"] * len(budget)
    return list(zip([*spread, *budget], roles, strict=True))


def _spread(settings: CalibrationSettings, space: SearchSpace, taken: set[Architecture]) -> list[Architecture]:
    """Evenly over the logarithms of the genes (a scrambled Halton sequence), snapped to the space."""
    from scipy.stats import qmc

    vocabularies = tuple(size for size in VOCABULARIES if size in space.vocab_size)
    axes = [np.array(getattr(replace(space, vocab_size=vocabularies), gene)) for gene in GENES]
    sequence = qmc.Halton(len(GENES), rng=settings.seed)
    found: dict[Architecture, None] = {}
    for _ in range(100):
        for place in sequence.random(64):
            genes = []
            for axis, share in zip(axes, place, strict=True):
                low, high = np.log(axis[[0, -1]])
                genes.append(int(axis[np.abs(np.log(axis) - (low + share * (high - low))).argmin()]))
            # Every width of the paper's space is a multiple of every number of heads.
            architecture = Architecture(*genes)
            size = cost(architecture, settings.task, settings.pair_features).bytes
            if size <= settings.largest_mb * MEGABYTE and architecture not in taken:
                found[architecture] = None
                if len(found) == settings.architectures:
                    return list(found)
    raise SettingsError(
        f"there are no {settings.architectures} architectures of at most {settings.largest_mb:g} MB to spread over the "
        "paper's space: ask for fewer, or larger ones"
    )


def chosen_queries(settings: CalibrationSettings, vocab_sizes: Sequence[int]) -> dict[int, list[Encoded]]:
    """The same queries, cut by a tokenizer of each vocabulary size, from the shortest to the longest.

    They stand for the test split: at even steps of its distribution of lengths.
    """
    dataset = open_dataset(settings.dataset, None, seed=settings.seed)
    texts = [code for example in dataset.examples(Split.UNLABELLED) for code in example.codes]
    test = [example.codes for example in dataset.examples(Split.TEST)]
    test = random.Random(settings.seed).sample(test, min(_CANDIDATES, len(test)))
    test.sort(key=lambda codes: sum(map(len, codes)))
    places = (np.arange(settings.functions) + 0.5) / settings.functions * len(test)
    codes = [test[int(place)] for place in places]
    queries = {}
    tokenizer: PreTrainedTokenizerFast | None = None
    asked = 0
    for size in sorted(vocab_sizes):
        # One that had no use for all of its vocabulary has none for a larger one either.
        if tokenizer is None or len(tokenizer) == asked:
            tokenizer, asked = train_tokenizer(texts, size), size
        cut = [tokenizer(list(example), truncation=True, max_length=LONGEST)["input_ids"] for example in codes]
        queries[size] = [tuple(map(FunctionInput, example)) for example in cut]
    return queries
