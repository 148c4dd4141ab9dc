"""Design of a calibration: which architectures to measure, and on which functions."""

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
"""Vocabulary sizes for which tokenizers are trained; the sample draws from those of the paper's space."""
LONGEST: Final = 384
"""Maximum number of tokens per function, as for students of the bundled teachers."""
_CANDIDATES: Final = 400
"""Number of test examples from which the functions are chosen by length."""


def sample(settings: CalibrationSettings) -> list[tuple[Architecture, Role]]:
    """Distinct architectures to measure, with their roles.

    Raises:
        SettingsError: the paper's space has too few architectures up to `largest_mb`.
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
                break  # more layers do not fit either
            budget.append(best.architecture)
    spread = _spread(settings, space, set(budget))
    held_out = set(random.Random(settings.seed).sample(range(len(spread)), settings.held_out))
    roles: list[Role] = ["held-out" if index in held_out else "fit" for index in range(len(spread))]
    roles += ["budget"] * len(budget)
    return list(zip([*spread, *budget], roles, strict=True))


def _spread(settings: CalibrationSettings, space: SearchSpace, taken: set[Architecture]) -> list[Architecture]:
    """Architectures spread evenly over the logarithms of the genes (scrambled Halton sequence), snapped to `space`."""
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
            # In the paper's space, every width is a multiple of every number of heads.
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
    """The same queries, tokenized with each vocabulary size, from the shortest to the longest.

    They represent the test split: evenly spaced quantiles of its distribution of lengths.
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
        # A tokenizer that did not fill its vocabulary would not fill a larger one either.
        if tokenizer is None or len(tokenizer) == asked:
            tokenizer, asked = train_tokenizer(texts, size), size
        cut = [tokenizer(list(example), truncation=True, max_length=LONGEST)["input_ids"] for example in codes]
        queries[size] = [tuple(map(FunctionInput, example)) for example in cut]
    return queries
