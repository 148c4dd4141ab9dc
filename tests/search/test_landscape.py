"""Landscapes against brute force, and at the edges."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from compressor_core.architecture import GENES, Architecture, SearchSpace
from compressor_core.errors import CompressorError
from compressor_core.latency_model import LatencyModel, Lengths, Runtime
from compressor_core.search.exact import optimum
from compressor_core.search.genetic import SearchSettings
from compressor_core.search.landscape import MOST_CELLS, Landscape, landscape
from compressor_core.task import PairFeatures, Task

SMALL = SearchSpace(
    vocab_size=(400, 1000, 3000),
    hidden_size=(16, 24, 36, 48),
    num_hidden_layers=(1, 2, 5),
    num_attention_heads=(1, 4, 8),
    intermediate_size=(32, 64, 200),
)


def architectures(space: SearchSpace) -> list[Architecture]:
    grid = itertools.product(*(getattr(space, gene) for gene in GENES))
    return [Architecture(*genes) for genes in grid if genes[1] % genes[3] == 0]


def brute_force(config: SearchSettings, x: str, y: str) -> dict[tuple[int, int], float]:
    """The best fitness by values of x and y; NaN where nothing can win."""
    found: dict[tuple[int, int], float] = {}
    for one in config.candidates(architectures(config.space)):
        cell = getattr(one, x), getattr(one, y)
        fitness = one.fitness if config.counts(one) else np.nan
        found[cell] = np.fmax(found.get(cell, np.nan), fitness)
    return found


def by_values(found: Landscape) -> dict[tuple[int, int], float]:
    return {
        (column[0], row[0]): found.fitness[at, across]
        for at, row in enumerate(found.y_cells)
        for across, column in enumerate(found.x_cells)
        if found.exists[at, across]
    }


TIMES = LatencyModel(
    Runtime.ONNX,
    Task.VULNERABILITY,
    PairFeatures.COMPARE,
    Lengths((500, 10_000), (200.0, 100.0), (50_000.0, 15_000.0)),
    (0.2, 0.1, 1e-6, 2e-6, 3e-8, 1e-6, 2e-6),
)
SETTINGS: list[dict[str, Any]] = [
    {"budget_mb": 0.3},
    {"budget_mb": 0.2255},
    {"budget_mb": 0.3, "constraint": "paper"},
    {"budget_mb": 0.4, "goal": "size", "min_gflops": 0.08},
    {"budget_mb": 0.3, "task": "clone"},
    {"budget_mb": 0.4, "goal": "latency", "min_gflops": 0.08, "latency": TIMES},
    {"budget_mb": 0.4, "max_latency_ms": 0.9, "latency": TIMES},
]


def _name(settings: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in settings.items() if key != "latency")


@pytest.mark.parametrize("settings", SETTINGS, ids=_name)
def test_every_pair_of_genes_is_as_brute_force_finds_it(settings: dict[str, Any]) -> None:
    config = SearchSettings(space=SMALL, **settings)
    for x, y in itertools.permutations(GENES, 2):
        found, expected = by_values(landscape(config, x, y)), brute_force(config, x, y)
        assert found.keys() == expected.keys()
        np.testing.assert_array_equal([found[cell] for cell in expected], list(expected.values()), err_msg=f"{x} {y}")


def test_a_budget_to_the_byte_counts_the_header() -> None:
    """Budgets that are exactly the size of a file, and one byte less, on the ridge where the header decides."""
    sizes = sorted(one.size_mb for one in SearchSettings(budget_mb=0.3, space=SMALL).candidates(architectures(SMALL)))
    for size in sizes[5:120:16]:
        for budget in (size, size - 1e-6):
            config = SearchSettings(budget_mb=budget, space=SMALL)
            found, expected = by_values(landscape(config, *GENES[:2])), brute_force(config, *GENES[:2])
            np.testing.assert_array_equal([found[cell] for cell in expected], list(expected.values()))


@pytest.mark.parametrize("settings", SETTINGS, ids=_name)
def test_each_cell_names_an_architecture_that_has_its_fitness(settings: dict[str, Any]) -> None:
    config = SearchSettings(space=SMALL, **settings)
    found = landscape(config, "hidden_size", "intermediate_size")
    feasible = ~np.isnan(found.fitness)
    assert feasible.any()
    named = [Architecture(*(int(gene) for gene in genes)) for genes in found.best[feasible]]
    assert all(config.space.contains(one) for one in named)
    np.testing.assert_array_equal([one.fitness for one in config.candidates(named)], found.fitness[feasible])
    assert not found.best[~feasible].any()


@pytest.mark.parametrize("settings", [{}, {"constraint": "paper"}, {"goal": "size", "min_gflops": 2.0}], ids=_name)
def test_the_top_of_the_papers_space_is_the_optimum(settings: dict[str, Any]) -> None:
    config = SearchSettings(budget_mb=3.0, space="paper", **settings)
    found = landscape(config, "hidden_size", "num_hidden_layers")
    assert found.fitness.shape == (12, 48)
    assert np.nanmax(found.fitness) == optimum(config.space, config).fitness


def test_heads_that_do_not_divide_a_width_are_no_cell() -> None:
    found = landscape(SearchSettings(budget_mb=3.0, space=SMALL), "hidden_size", "num_attention_heads")
    assert found.exists.tolist() == [[True] * 4, [True] * 4, [True, True, False, True]]
    assert not found.infeasible.any()
    tight = landscape(SearchSettings(budget_mb=0.1, space=SMALL), "hidden_size", "num_attention_heads")
    assert tight.infeasible[0].tolist() == [False, True, True, True]


def test_many_values_share_cells_and_each_shows_its_best() -> None:
    space = replace(SMALL, vocab_size=tuple(range(100, 100 + 2 * MOST_CELLS + 1)))
    found = landscape(SearchSettings(budget_mb=0.3, space=space), "vocab_size", "num_hidden_layers")
    assert len(found.x_cells) <= MOST_CELLS
    assert (found.x_cells[0], found.x_cells[-1][1]) == ((100, 102), 100 + 2 * MOST_CELLS)
    alone = landscape(
        SearchSettings(budget_mb=0.3, space=replace(space, vocab_size=(100, 101, 102))),
        "vocab_size",
        "num_hidden_layers",
    )
    np.testing.assert_array_equal(found.fitness[:, 0], alone.fitness.max(axis=1))


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(CompressorError, match="two different genes"):
        landscape(SearchSettings(budget_mb=3.0), "hidden_size", "hidden_size")
    with pytest.raises(CompressorError, match="two different genes"):
        landscape(SearchSettings(budget_mb=3.0), "hidden_size", "size_mb")
    huge = replace(SearchSpace.paper(), vocab_size=tuple(range(1000, 50_001, 10)))
    with pytest.raises(CompressorError, match="1,072,730,880 are too many"):
        landscape(SearchSettings(budget_mb=3.0, space=huge), "hidden_size", "vocab_size")
