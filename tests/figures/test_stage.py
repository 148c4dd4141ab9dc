"""What the stage plays: the line of each generation, what the view shows, and what an architecture is made of."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from compressor_core.architecture import Architecture, SearchSpace
from compressor_core.cost import PARTS, cost
from compressor_core.figures.search.anatomy import anatomy
from compressor_core.figures.search.info import SearchInfo, search_info
from compressor_core.figures.search.moments import CHANGE, EVENT, NOTHING, moments
from compressor_core.figures.search.stage import LIVE_POINTS, MOST_MARKS, stage, view
from compressor_core.records import Generation
from compressor_core.search import SearchSettings, search
from compressor_core.search.known import known_front
from compressor_core.search.quantities import Yardstick
from compressor_core.task import PairFeatures, Task

FRONT = known_front("classroom", Task.VULNERABILITY)


@cache
def played(population: int = 20, generations: int = 40) -> SearchInfo:
    settings = SearchSettings(
        budget_mb=3.0, space=SearchSpace.classroom(), population=population, generations=generations
    )
    return search_info(list(search(settings)), settings)


def test_every_generation_has_a_line_that_its_records_bear_out() -> None:
    info = played()
    told = moments(info)
    assert [one.generation for one in told] == list(range(41))
    first = info.generations[0]
    fit = sum(each.feasible for each in first.individuals)
    assert told[0].said == f"Generation 0: 20 random architectures, {fit or 'none'} of them within the budget."
    for before, one, moment in zip(info.generations, info.generations[1:], told[1:], strict=False):
        better = one.best is not None and (before.best is None or one.best.id != before.best.id)
        newcomers = {each.id for each in one.individuals} - {each.id for each in before.individuals}
        assert moment.event or not better
        if better and before.best is None:
            assert "the first that fits" in moment.said
        if not moment.event:
            assert moment.seconds == (CHANGE if newcomers else NOTHING)
            assert ("newcomer survives" in moment.said) is not bool(newcomers)
        else:
            assert moment.seconds == EVENT


def test_the_line_at_the_optimum_names_who_carries_its_width() -> None:
    info = played(50, 60)
    assert info.gap is not None and info.gap <= 1e-12
    (moment,) = [one for one in moments(info) if "the optimum;" in one.said]
    one = info.generations[moment.generation]
    assert one.best is not None
    carry = sum(each.hidden_size == one.best.hidden_size for each in one.individuals)
    assert f"{carry} of 50 carr" in moment.said and moment.said.endswith(f"its width, {one.best.hidden_size}.")


def test_what_is_played_is_what_was_recorded() -> None:
    info = played()
    found = stage(info, FRONT, budget_mb=3.0)
    assert json.loads(json.dumps(found)) is not None
    genes = found["individuals"]["genes"]
    assert len(found["generations"]) == len(info.generations)
    for shown, one in zip(found["generations"], info.generations, strict=True):
        assert [genes[at] for at in shown["members"]] == [each.short_form for each in one.individuals]
        assert (genes[shown["best"]] == one.best.short_form) if one.best else shown["best"] == -1
        x0, x1, y0, y1 = shown["view"]
        for at in shown["members"]:
            assert 10**x0 <= found["individuals"]["x"][at] <= 10**x1
            assert 10**y0 <= found["individuals"]["y"][at] <= 10**y1
    widths = [shown["view"][1] - shown["view"][0] for shown in found["generations"]]
    assert widths[-1] < widths[0] / 4, "the view zooms as the population contracts"
    assert len({tuple(shown["view"]) for shown in found["generations"]}) < len(widths) / 2, "and not all the time"


def test_of_a_large_and_long_search_a_part_is_played_with_all_that_happens() -> None:
    info = played()
    one = info.generations[-1]
    crowd = tuple(
        each.model_copy(update={"id": number}) for number, each in enumerate(one.individuals * (3 * MOST_MARKS // 20))
    )
    long = tuple(
        Generation(**{**dict(one), "generation": number, "individuals": crowd, "perished": ()}) for number in range(900)
    )
    found = stage(replace(info, generations=long), FRONT, budget_mb=3.0)
    assert len(found["generations"]) < 400 and found["generations"][-1]["generation"] == 899
    assert all(len(shown["members"]) <= MOST_MARKS for shown in found["generations"])
    sent = stage(replace(info, generations=long), FRONT, budget_mb=3.0, live=True)["generations"]
    assert sum(len(shown["members"]) for shown in sent) < 1.5 * LIVE_POINTS and sent[-1]["generation"] == 899


@pytest.mark.parametrize(
    ("asked", "by_front"),
    [({}, True), ({"constraint": "paper"}, False), ({"goal": "size"}, False), ({"min_gflops": 0.5}, False)],
)
def test_the_optimum_is_that_of_the_search_and_its_front_tells_it_for_gflops_within_a_cap_alone(
    asked: dict[str, Any], by_front: bool
) -> None:
    settings = SearchSettings(budget_mb=3.0, space=SearchSpace.classroom(), population=4, generations=1, **asked)
    info = search_info(list(search(settings)), settings)
    assert info.optimum is not None
    data = stage(info, FRONT, budget_mb=3.0)
    best = [one for one in FRONT if one.size_mb <= 3.0][-1]
    assert data["optimum"][2] == info.optimum.short_form and data["by_front"] is by_front
    assert (info.optimum.short_form == best.short_form) or not by_front


def test_without_a_search_there_is_the_front() -> None:
    found = stage(None, FRONT, budget_mb=3.0)
    assert found["generations"] == [] and len(found["front"]["x"]) == len(FRONT)
    assert view([]) == pytest.approx((-0.08, 1.08, -0.08, 1.08))


@pytest.mark.parametrize(
    ("task", "features"),
    [(Task.VULNERABILITY, PairFeatures.COMPARE), (Task.CLONE, PairFeatures.COMPARE), (Task.CLONE, PairFeatures.CONCAT)],
)
def test_the_blocks_of_a_model_add_up_to_its_file(task: Task, features: PairFeatures) -> None:
    one = Architecture(2000, 144, 3, 8, 128)
    found = anatomy(one, Yardstick(task, features), SearchSpace.classroom())
    assert tuple(found.parts) == PARTS and min(found.parts.values()) > 0
    assert sum(found.parts.values()) == pytest.approx(cost(one, task, features).size_mb, abs=1e-9)
    assert found.size_mb == cost(one, task, features).size_mb
    assert {step.gene: step.to for step in found.steps} == {
        "vocab_size": 3000, "hidden_size": 160, "intermediate_size": 160,
        "num_hidden_layers": 2, "num_attention_heads": 4,  # one less, as the space has no more
    }  # fmt: skip
    for step in found.steps:
        after = cost(replace(one, **{step.gene: step.to}), task, features)
        assert step.size_mb == pytest.approx(after.size_mb - found.size_mb, abs=1e-6)
        assert step.paper_gflops == pytest.approx(after.paper_gflops - found.paper_gflops, abs=1e-6)
