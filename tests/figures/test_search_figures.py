"""What the figures of a search show, on real records and at the edges."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from compressor_core.figures.search.genes import genes_figure
from compressor_core.figures.search.info import (
    MOST_ROWS,
    SearchInfo,
    candidate_rows,
    diversity_figure,
    fitness_figure,
    gap_sentence,
    individual_rows,
    search_info,
)
from compressor_core.figures.search.lineage import lineage_figure
from compressor_core.figures.search.parallel import parallel_figure, parallel_info
from compressor_core.figures.search.plane import choices, limits_sentence
from compressor_core.figures.search.population import population_figure
from compressor_core.figures.search.replay import MOST_FRAMES
from compressor_core.records import Uncertified
from compressor_core.search.genetic import search
from tests.collect import kept
from tests.figures.records import SETTINGS, many, searched


def x_of(figure: Any, name: str) -> list[float]:
    trace = next(trace for trace in figure.data if trace.name == name)
    return [value for value in trace.x if value is not None]


def draw_all(info: SearchInfo) -> None:
    for figure in (
        population_figure(info),
        population_figure(info, replay=True),
        fitness_figure(info),
        diversity_figure(info),
    ):
        assert json.loads(figure.to_json())["layout"]["xaxis"]["title"]["text"]


def test_info_counts_every_candidate_once() -> None:
    info = searched()
    assert [generation.generation for generation in info.generations] == list(range(9))
    ids = [one.id for one in info.candidates]
    assert len(ids) == len(set(ids))
    assert info.last is not None and info.seen[-1] == len(ids)
    assert list(info.seen) == sorted(info.seen)
    assert info.best is not None and info.best.feasible
    assert info.gap is not None and info.gap >= 0
    draw_all(info)


def test_the_latest_generation_apart_from_those_before_it() -> None:
    info = searched()
    assert info.last is not None
    figure = population_figure(info)
    shown = len(x_of(figure, "within budget")) + len(x_of(figure, "over budget"))
    assert shown == len(info.last.individuals)
    assert len(x_of(figure, "seen so far")) == info.seen[-1]
    assert x_of(figure, "budget, 3 MB") == [3.0, 3.0]
    assert len(x_of(figure, "true optimum")) == len(x_of(figure, "best so far")) == 1


def test_the_replay_has_a_frame_for_every_generation() -> None:
    info = searched()
    figure = population_figure(info, replay=True)
    assert [frame.name for frame in figure.frames] == [str(number) for number in range(9)]
    assert [len(frame.data[0].x) for frame in figure.frames] == list(info.seen)
    assert [step.label for step in figure.layout.sliders[0].steps] == [frame.name for frame in figure.frames]
    assert {button.label for button in figure.layout.updatemenus[0].buttons} >= {"Play", "Pause"}


def test_a_long_search_is_replayed_in_strides_up_to_its_end() -> None:
    info = searched(population=4, generations=2 * MOST_FRAMES + 1)
    frames = population_figure(info, replay=True).frames
    assert len(frames) <= MOST_FRAMES + 1
    assert frames[-1].name == str(2 * MOST_FRAMES + 1)


def test_hover_tells_all_genes() -> None:
    info = searched()
    best = info.best
    assert best is not None
    trace = next(trace for trace in population_figure(info).data if trace.name == "best so far")
    assert tuple(trace.customdata[0][:5]) == best.genes


def test_empty() -> None:
    info = search_info([], SETTINGS)
    assert (info.last, info.best, info.gap, info.candidates) == (None, None, None, ())
    assert gap_sentence(info) == "The search has not begun yet."
    assert candidate_rows(info) == []
    draw_all(info)


def test_one_generation_of_one_candidate() -> None:
    info = search_info(many(population=1, generations=0), SETTINGS.replace(constraint="paper"))
    assert info.best is None, "it is too large for a cap"
    best = info.candidates[0]
    info = search_info([info.generations[0].model_copy(update={"best": best})], SETTINGS)
    assert gap_sentence(info) == "The true optimum is not known yet."
    assert [row["Architecture"] for row in candidate_rows(info)] == ["1000,16,1,1,32"]
    draw_all(info)


def test_all_infeasible() -> None:
    info = searched(budget_mb=0.2, generations=1, population=2, seed=1)
    assert info.best is None, "choose a seed whose first random architectures are all too large"
    assert gap_sentence(info) == "Nothing within the budget has been found yet."
    assert x_of(population_figure(info), "within budget") == []
    draw_all(info)


def test_the_papers_soft_penalty_ranks_by_fitness_alone() -> None:
    info = searched(constraint="paper")
    fitness = [row["Fitness"] for row in candidate_rows(info)]
    assert fitness == sorted(fitness, reverse=True)
    assert fitness_figure(info).layout.yaxis.title.text == "Fitness: GFLOPs − |MB − budget|"


def test_under_a_cap_those_that_fit_come_first() -> None:
    fits = [row["Within budget"] for row in candidate_rows(searched(generations=1))]
    assert fits == sorted(fits, reverse=True)


@pytest.mark.parametrize(("gap", "words"), [(0.0, "found the true optimum"), (0.0345, "3.45% below the true optimum")])
def test_the_gap_in_words(gap: float, words: str) -> None:
    info = searched(generations=1)
    assert info.optimum is not None
    optimum = info.optimum.model_copy(update={"fitness": 1.0})
    best = info.candidates[0].model_copy(update={"fitness": 1.0 - gap})
    last = info.generations[-1].model_copy(update={"best": best})
    assert words in gap_sentence(replace(info, generations=(last,), optimum=optimum))


def test_other_axes_in_their_units() -> None:
    info = searched()
    assert choices(info) == ["size_mb", "paper_gflops", "parameters"]
    figure = population_figure(info, "parameters", "size_mb", replay=True)
    assert info.best is not None
    (x,), (y,) = x_of(figure, "best so far"), next(one.y for one in figure.data if one.name == "best so far")
    assert (x, y) == pytest.approx((info.best.parameters / 1e6, info.best.size_mb))
    assert figure.layout.xaxis.title.text == "Parameters in millions"
    budget = next(one for one in figure.data if one.name == "budget, 3 MB")
    assert list(budget.y) == [3.0, 3.0], "the budget lies across, where the size goes upwards"


def test_the_region_within_the_limits_is_shaded_where_they_are_on_the_axes() -> None:
    info = searched(min_gflops=0.5, generations=2)
    (region,) = population_figure(info).layout.shapes
    assert (region.x1, region.y0, region.label.text) == (3.0, 0.5, "within the limits")
    assert limits_sentence(info, "size_mb", "paper_gflops") == ""
    assert not population_figure(info, "parameters", "parameters").layout.shapes
    assert limits_sentence(info, "parameters", "paper_gflops").startswith("Not on these axes: budget, 3 MB.")


def test_a_search_as_it_stood_before() -> None:
    info = searched()
    assert len(x_of(population_figure(info.until(3)), "seen so far")) == info.seen[3]
    assert info.until(99) == info.until(None) == info


def test_what_is_picked_is_marked_in_every_view() -> None:
    info = searched()
    one = info.candidates[3]
    for figure in (
        population_figure(info, picked=one),
        lineage_figure(info, picked=one),
        genes_figure(info, picked=one),
        parallel_figure(parallel_info(info), info, picked=one),
    ):
        assert any(trace.name == "picked" for trace in figure.data)


def test_those_who_perished_are_shown_on_request() -> None:
    survived, everyone = searched(), searched(everyone=True)
    assert len(everyone.candidates) == 12 * 9 > len(survived.candidates)
    assert everyone.last is not None and everyone.seen[-1] == everyone.last.evaluations
    assert (everyone.born == [one.id // 12 for one in everyone.candidates]).all()
    draw_all(everyone)


def test_a_row_for_every_individual() -> None:
    info = searched(everyone=True)
    rows = individual_rows(info)
    assert [row["id"] for row in rows] == list(range(108))
    assert [row["generation"] for row in rows] == [each // 12 for each in range(108)]
    assert sum(row["survived"] for row in rows) == len(searched().candidates)
    assert list(rows[0]) == [
        "generation", "id", "parents", "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
        "intermediate_size", "size_mb", "paper_gflops", "parameters", "fitness", "feasible", "survived",
    ]  # fmt: skip
    assert {row["parents"] for row in rows[:12]} == {""}
    assert all(int(parent) < row["id"] for row in rows[12:] for parent in row["parents"].split())


def test_cancelled_after_the_first_generation() -> None:
    info = searched(stop=2)
    assert [generation.generation for generation in info.generations] == [0]
    assert not population_figure(info, replay=True).frames
    draw_all(info)


def test_a_goal_to_be_minimised() -> None:
    info = searched(goal="size", min_gflops=1.0, generations=3)
    figure = fitness_figure(info)
    assert info.best is not None and info.gap is not None and info.gap > 0
    assert figure.layout.yaxis.title.text == "Size (MB)"
    best = next(one for one in figure.data if one.name == "best so far")
    assert best.y[-1] == pytest.approx(info.best.size_mb)
    assert "above the true optimum" in gap_sentence(info)


def test_an_optimum_that_cannot_be_known_is_said() -> None:
    generations = kept(search(SETTINGS))[1:3]
    info = search_info([Uncertified(reason="Too many."), *generations], SETTINGS.replace(budget_mb=25.0))
    assert info.optimum is None and (info.best is None or gap_sentence(info) == "Too many.")
    draw_all(info)


def test_fifty_thousand_points_stay_small() -> None:
    info = search_info(many(population=1_000, generations=50), SETTINGS)
    assert len(info.candidates) == 51_000
    figure = population_figure(info, replay=True)
    assert {one.type for one in figure.data} == {"scattergl"} and len(figure.frames) == 51
    assert len(figure.data[0].x) == 51_000
    text = figure.to_json()
    assert len(text) < 4_000_000
    assert len(candidate_rows(info)) == MOST_ROWS
    by_card = population_figure(search_info(many(population=100, generations=49), SETTINGS), replay=True)
    assert {one.type for one in by_card.data} == {"scatter"}
    assert by_card.data[0].name == "one in 3 candidates" and len(by_card.data[0].x) == 1_667


@pytest.mark.parametrize(("population", "generations"), [(20, 10), (100, 49), (300, 40), (1_000, 125)])
def test_every_point_of_a_generation_tells_its_genes(population: int, generations: int) -> None:
    """Itself, or where the cloud has all points, the one of the cloud that it lies on."""
    figure = population_figure(search_info(many(population, generations), SETTINGS), replay=True)
    cloud, fits = figure.data[0], figure.data[1]
    for x, custom in zip(fits.x, fits.customdata if fits.customdata is not None else fits.x, strict=True):
        if fits.hoverinfo == "skip":
            assert x in cloud.x and not cloud.name.startswith("one in")
        else:
            assert len(custom) == 6


def test_very_many_points_are_thinned() -> None:
    info = search_info(many(population=1_000, generations=125), SETTINGS)
    figure = population_figure(info, replay=True)
    assert figure.data[0].name == "one in 3 candidates" and len(figure.data[0].x) == 42_000
    assert len(figure.frames) <= 101 and figure.frames[-1].name == "125"
