"""The bundled fronts: that they are those of the spaces, and that they tell the optimum of every budget."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from compressor_core.architecture import SPACES
from compressor_core.assets import ASSETS
from compressor_core.search import Objective, optimum
from compressor_core.search.known import LARGEST_MB, computed, known_front
from compressor_core.task import Task


def test_the_bundled_front_is_that_of_the_space() -> None:
    bundled = json.loads((ASSETS / "fronts.json").read_text("utf-8"))
    assert {*bundled} == {*SPACES} and all({*tasks} == {*Task} for tasks in bundled.values())
    found = computed(SPACES["classroom"](), Task.CLONE)
    assert [tuple(genes) for genes in bundled["classroom"]["clone"]] == found


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("budget_mb", [0.25, 3.0, 11.0])
def test_the_optimum_of_a_budget_is_the_one_that_a_search_is_held_against(space: str, budget_mb: float) -> None:
    found = [one for one in known_front(space, Task.VULNERABILITY) if one.size_mb <= budget_mb]
    assert found[-1].paper_gflops == optimum(SPACES[space](), Objective(budget_mb=budget_mb)).paper_gflops


def test_the_ends_of_a_front() -> None:
    front = known_front("classroom", Task.VULNERABILITY)
    assert front[0].size_mb > 0.01 and front[-1].size_mb <= LARGEST_MB
    assert all(a.size_mb < b.size_mb and a.paper_gflops < b.paper_gflops for a, b in pairwise(front))
