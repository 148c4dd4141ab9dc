"""Records of searches that the tests of figures draw."""

from __future__ import annotations

from typing import Any

import numpy as np

from compressor_core.figures.search.info import SearchInfo, search_info
from compressor_core.records import Generation, Individual
from compressor_core.search.genetic import SearchSettings, search
from tests.collect import kept

SETTINGS = SearchSettings(budget_mb=3.0, space="paper", population=12, generations=8)


def searched(stop: int | None = None, *, everyone: bool = False, **changes: Any) -> SearchInfo:
    """A small search; of its first `stop` records only, as a cancelled one leaves them."""
    settings = SETTINGS.replace(**changes)
    return search_info(kept(search(settings))[:stop], settings, everyone=everyone)


def many(population: int = 1_000, generations: int = 50) -> list[Generation]:
    """A search in which everyone survives, made up quickly: as many candidates as a large one leaves."""
    rng = np.random.default_rng(0)
    records: list[Generation] = []
    best: Individual | None = None
    for number in range(generations + 1):
        individuals = [
            Individual(
                id=number * population + at,
                parents=(at + (number - 1) * population,) if number else (),
                vocab_size=1_000 * (1 + at % 50),
                hidden_size=16 * (1 + at % 48),
                num_hidden_layers=1 + at % 12,
                num_attention_heads=1,
                intermediate_size=32 * (1 + at % 95),
                size_mb=float(weight),
                paper_gflops=float(weight) * 0.7,
                parameters=int(weight * 250_000),
                fitness=float(weight),
                feasible=bool(weight <= 3.0),
            )
            for at, weight in enumerate(rng.lognormal(1.0, 1.0, population))
        ]
        fitting = [one for one in [*individuals, *([best] if best else [])] if one.feasible]
        best = max(fitting, key=lambda one: one.fitness, default=None)
        records.append(
            Generation(
                generation=number,
                individuals=tuple(individuals),
                best=best,
                mean_fitness=1.0,
                diversity=0.5,
                evaluations=(number + 1) * population,
            )
        )
    return records


ALL_INFEASIBLE: dict[str, Any] = {"budget_mb": 0.2, "generations": 1, "population": 2, "seed": 1}
"""A search whose architectures are all too large."""
