"""The paper's operators: the same records as ours, other luck."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from compressor_core.architecture import SearchSpace
from compressor_core.search import Constraint, Operators, SearchSettings, evolve
from compressor_core.search.grid import Grid
from compressor_core.search.papers import offspring
from tests.collect import searched

ROOT = Path(__file__).resolve().parents[2]


def test_children_are_crossed_at_one_point_or_redrawn_from_a_gene_on() -> None:
    space = SearchSpace.paper()
    grid, rng = Grid(space), Random(3)
    alphabetical = (1, 4, 3, 2, 0)  # width, feed-forward, heads, layers, vocabulary
    low, high = [0] * 5, [len(axis) - 1 for axis in grid.axes]
    crossed = [child for _ in range(50) for child, _ in offspring([low, high], 2, 1.0, grid, rng)]
    whole = {tuple(child[gene] == 0 for gene in alphabetical) for child in crossed}
    assert len(whole) == 8, "four places to cut, and either parent first"
    assert all(sum(before != after for before, after in itertools.pairwise(pattern)) == 1 for pattern in whole)
    mutated = offspring([low], 200, 0.0, grid, rng)
    for child, parents in mutated:
        assert parents == [0]
        assert child[0] != 0, "the last gene in the alphabet is always redrawn, to another value"


def test_records_keep_their_promises() -> None:
    config = SearchSettings(
        budget_mb=3, space="paper", operators=Operators.PAPER, population=10, generations=20, seed=2
    )
    seen: set[int] = set()
    for number, generation in enumerate(evolve(config)):
        shapes = [each.architecture for each in generation.individuals]
        assert len(set(shapes)) == 10 and all(config.space.contains(shape) for shape in shapes)
        assert generation.evaluations == 10 * (number + 1)
        for each in generation.individuals:
            assert all(parent < each.id for parent in each.parents)
            assert bool(each.parents) == (each.id >= 10)
        seen |= {each.id for each in generation.individuals}
    assert max(seen) < 10 * 21


@pytest.mark.parametrize("constraint", Constraint)
def test_they_do_worse_than_ours_on_the_same_seeds(constraint: Constraint) -> None:
    gaps = {
        operators: [
            searched(
                SearchSettings(budget_mb=3, space="paper", constraint=constraint, seed=seed, operators=operators)
            ).gap
            for seed in range(3)
        ]
        for operators in Operators
    }
    assert gaps[Operators.STUDIO] == [0, 0, 0]
    assert all(gap is not None and gap > 0.01 for gap in gaps[Operators.PAPER])


def test_a_tiny_space_does_not_hang() -> None:
    space = SearchSpace((500, 1000), (20,), (1, 2), (1, 4), (32,))
    config = SearchSettings(budget_mb=5, space=space, operators=Operators.PAPER, generations=5, population=8)
    assert searched(config).gap == 0
    one = SearchSpace((500,), (20,), (1,), (1,), (32,))
    assert searched(SearchSettings(budget_mb=5, space=one, operators=Operators.PAPER, generations=3)).gap == 0


@pytest.mark.parametrize("operators", Operators)
def test_the_same_seed_gives_the_same_trajectory_in_another_process(operators: Operators) -> None:
    program = (
        "import json, sys; from compressor_core.search import SearchSettings, evolve; "
        "search = SearchSettings.model_validate(json.loads(sys.argv[1])); "
        "print(json.dumps([each.model_dump() for each in evolve(search)]))"
    )
    config = SearchSettings(budget_mb=3, space="paper", seed=11, population=20, generations=15, operators=operators)
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program, json.dumps(config.model_dump(mode="json"))],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert json.loads(outputs.pop()) == json.loads(json.dumps([each.model_dump() for each in evolve(config)]))
