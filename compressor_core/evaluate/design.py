"""What a calibration measures: which architectures, and on which functions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from compressor_core.architecture import GENES, Architecture, SearchSpace
from compressor_core.cost import MEGABYTE, cost
from compressor_core.data.dataset import Split
from compressor_core.data.registry import open_dataset
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import BudgetError, SettingsError
from compressor_core.kinds import is_whole
from compressor_core.models.inputs import Encoded, FunctionInput
from compressor_core.search.exact import optimum
from compressor_core.search.fitness import Objective
from compressor_core.task import PairFeatures, Task
from compressor_core.threads import check_threads

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

VOCABULARIES: Final = (300, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
"""Sizes for which tokenizers are trained; those of the paper's space are drawn for the sample."""
LONGEST: Final = 384
"""Tokens at which a function is cut: what the students of the bundled teachers read."""
_CANDIDATES: Final = 400
"""Examples of the test split among which the functions are chosen by their length."""


@dataclass(frozen=True)
class CalibrationSettings:
    """What is measured, and how carefully.

    Of `architectures`, spread over the paper's space up to `largest_mb`, `held_out` are measured and not fitted to.
    At `budget_mb`, the architecture with the most GFLOPs of each number of layers that fits is measured beside them;
    with None, no such one is. Each is timed on `functions` queries in each of `rounds` passes over all architectures.

    Raises SettingsError for a value out of range.
    """

    task: str = Task.VULNERABILITY.value
    pair_features: str = PairFeatures.COMPARE.value
    seed: int = 0
    architectures: int = 40
    held_out: int = 12
    budget_mb: float | None = 3.0
    largest_mb: float = 50.0
    functions: int = 12
    rounds: int = 5
    threads: int = 1

    def __post_init__(self) -> None:
        for name, kind in (("task", Task), ("pair_features", PairFeatures)):
            if getattr(self, name) not in set(kind):
                raise SettingsError(f"{name} cannot be {getattr(self, name)!r}: choose from {', '.join(kind)}")
        lowest = {"architectures": 2, "held_out": 1, "functions": 1, "rounds": 1}
        for name, low in lowest.items():
            value = getattr(self, name)
            if not is_whole(value, low):
                raise SettingsError(f"{name} must be a whole number of at least {low}, not {value!r}")
        check_threads(self.threads)
        if self.held_out >= self.architectures:
            raise SettingsError(
                f"{self.held_out} of {self.architectures} architectures cannot be held out: leave some to fit to"
            )
        if not self.largest_mb > 0 or (self.budget_mb is not None and not self.budget_mb > 0):
            raise SettingsError("largest_mb and budget_mb must be above 0")

    @property
    def dataset(self) -> str:
        """The dataset whose functions are read."""
        return f"classroom-{self.task}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def sample(config: CalibrationSettings) -> list[tuple[Architecture, str]]:
    """The architectures to measure, no two alike, with their roles.

    Raises:
        SettingsError: the paper's space holds too few up to `largest_mb`.
        BudgetError: nothing fits `budget_mb`.
    """
    task, features = Task(config.task), PairFeatures(config.pair_features)
    space = SearchSpace.paper()
    budget: list[Architecture] = []
    if config.budget_mb is not None:
        for layers in space.num_hidden_layers:
            layered = replace(space, num_hidden_layers=(layers,))
            try:
                best = optimum(layered, Objective(budget_mb=config.budget_mb, task=task, pair_features=features))
            except BudgetError:
                if not budget:
                    raise
                break  # nor does anything with more layers fit
            budget.append(best.architecture)
    spread = _spread(config, space, set(budget))
    held_out = set(random.Random(config.seed).sample(range(len(spread)), config.held_out))
    designed = [(one, "held-out" if index in held_out else "fit") for index, one in enumerate(spread)]
    return designed + [(one, "budget") for one in budget]


def _spread(config: CalibrationSettings, space: SearchSpace, taken: set[Architecture]) -> list[Architecture]:
    """Evenly over the logarithms of the genes (a scrambled Halton sequence), snapped to the space."""
    from scipy.stats import qmc

    vocabularies = tuple(size for size in VOCABULARIES if size in space.vocab_size)
    axes = [np.array(getattr(replace(space, vocab_size=vocabularies), gene)) for gene in GENES]
    sequence = qmc.Halton(len(GENES), rng=config.seed)
    found: dict[Architecture, None] = {}
    for _ in range(100):
        for place in sequence.random(64):
            genes = []
            for axis, share in zip(axes, place, strict=True):
                low, high = np.log(axis[[0, -1]])
                genes.append(int(axis[np.abs(np.log(axis) - (low + share * (high - low))).argmin()]))
            # Every width of the paper's space is a multiple of every number of heads.
            architecture = Architecture(*genes)
            size = cost(architecture, Task(config.task), PairFeatures(config.pair_features)).bytes
            if size <= config.largest_mb * MEGABYTE and architecture not in taken:
                found[architecture] = None
                if len(found) == config.architectures:
                    return list(found)
    raise SettingsError(
        f"there are no {config.architectures} architectures of at most {config.largest_mb:g} MB to spread over the "
        "paper's space: ask for fewer, or larger ones"
    )


def chosen_queries(config: CalibrationSettings, vocab_sizes: Sequence[int]) -> dict[int, list[Encoded]]:
    """The same queries, cut by a tokenizer of each vocabulary size, from the shortest to the longest.

    They stand for the test split: at even steps of its distribution of lengths.
    """
    dataset = open_dataset(config.dataset, None, seed=config.seed)
    texts = [code for example in dataset.examples(Split.UNLABELLED) for code in example.codes]
    test = [example.codes for example in dataset.examples(Split.TEST)]
    test = random.Random(config.seed).sample(test, min(_CANDIDATES, len(test)))
    test.sort(key=lambda codes: sum(map(len, codes)))
    places = (np.arange(config.functions) + 0.5) / config.functions * len(test)
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
