"""What the figures of a search show, on real records and at the edges."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compressor_core.figures.population import population_figure
from compressor_core.figures.replay import MOST_FRAMES
from compressor_core.figures.search import (
    SearchInfo,
    candidate_rows,
    diversity_figure,
    fitness_figure,
    gap_sentence,
    search_info,
)
from compressor_core.search.genetic import SearchConfig, search_records


def info_of(**settings: Any) -> SearchInfo:
    config = SearchConfig(**{"budget_mb": 3.0, "population": 12, "generations": 8, **settings})
    return search_info(search_records(config), config.budget_mb, soft=config.constraint == "paper")


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
    info = info_of()
    assert [generation.number for generation in info.generations] == list(range(9))
    ids = [one["id"] for one in info.candidates]
    assert len(ids) == len(set(ids))
    assert info.last is not None and info.last.seen == len(ids)
    assert all(before.seen <= after.seen for before, after in zip(info.generations, info.generations[1:], strict=False))
    assert info.best is not None and info.best["feasible"]
    assert info.gap is not None and info.gap >= 0
    draw_all(info)


def test_the_latest_generation_apart_from_those_before_it() -> None:
    info = info_of()
    assert info.last is not None
    figure = population_figure(info)
    shown = len(x_of(figure, "within budget")) + len(x_of(figure, "over budget"))
    assert shown == len(info.last.individuals)
    assert len(x_of(figure, "earlier")) == info.generations[-2].seen
    assert x_of(figure, "budget, 3 MB") == [3.0, 3.0]
    assert len(x_of(figure, "true optimum")) == len(x_of(figure, "best so far")) == 1


def test_the_replay_has_a_frame_for_every_generation() -> None:
    info = info_of()
    figure = population_figure(info, replay=True)
    assert [frame.name for frame in figure.frames] == [str(number) for number in range(9)]
    assert len(figure.frames[0].data[0].x) == 0, "nothing is earlier than the first generation"
    assert len(figure.frames[5].data[0].x) == info.generations[4].seen
    assert [step.label for step in figure.layout.sliders[0].steps] == [frame.name for frame in figure.frames]
    assert {button.label for button in figure.layout.updatemenus[0].buttons} >= {"Play", "Pause"}


def test_a_long_search_is_replayed_in_strides_up_to_its_end() -> None:
    info = info_of(population=4, generations=2 * MOST_FRAMES + 1)
    frames = population_figure(info, replay=True).frames
    assert len(frames) <= MOST_FRAMES + 1
    assert frames[-1].name == str(2 * MOST_FRAMES + 1)


def test_hover_tells_all_genes() -> None:
    info = info_of()
    best = info.best
    assert best is not None
    trace = next(trace for trace in population_figure(info).data if trace.name == "best so far")
    genes = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    assert list(trace.customdata[0][:5]) == [best[gene] for gene in genes]


def test_empty() -> None:
    info = search_info([], 3.0)
    assert (info.last, info.best, info.gap, info.candidates) == (None, None, None, ())
    assert gap_sentence(info) == "The search has not begun yet."
    assert candidate_rows(info) == []
    draw_all(info)


def test_one_generation_of_one_candidate() -> None:
    one = {
        "id": 0, "vocab_size": 1000, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1,
        "intermediate_size": 32, "size_mb": 0.1, "paper_gflops": 0.2, "fitness": 0.2, "feasible": True, "parents": [],
    }  # fmt: skip
    record = {
        "type": "generation", "generation": 0, "individuals": [one], "best": one, "mean_fitness": 0.2,
        "diversity": 0.0, "evaluations": 1,
    }  # fmt: skip
    info = search_info([record], 3.0)
    assert gap_sentence(info) == "The true optimum is not known yet."
    assert [row["Architecture"] for row in candidate_rows(info)] == ["1000,16,1,1,32"]
    draw_all(info)


def test_all_infeasible() -> None:
    info = info_of(budget_mb=0.2, generations=1, population=2, seed=1)
    assert info.best is None, "choose a seed whose first random architectures are all too large"
    assert gap_sentence(info) == "Nothing within the budget has been found yet."
    assert x_of(population_figure(info), "within budget") == []
    draw_all(info)


def test_the_papers_soft_penalty_ranks_by_fitness_alone() -> None:
    info = info_of(constraint="paper")
    fitness = [row["Fitness"] for row in candidate_rows(info)]
    assert fitness == sorted(fitness, reverse=True)
    assert fitness_figure(info).layout.yaxis.title.text == "Fitness: GFLOPs − |MB − budget|"


def test_under_a_cap_those_that_fit_come_first() -> None:
    fits = [row["Within budget"] for row in candidate_rows(info_of(generations=1))]
    assert fits == sorted(fits, reverse=True)


@pytest.mark.parametrize(("gap", "words"), [(0.0, "found the true optimum"), (0.0345, "3.45% below the true optimum")])
def test_the_gap_in_words(gap: float, words: str) -> None:
    info = info_of(generations=1)
    optimum = {**(info.optimum or {}), "fitness": 1.0}
    last = info.generations[-1]
    best = {**info.candidates[0], "fitness": 1.0 - gap}
    changed = SearchInfo(
        info.budget_mb, info.soft, (type(last)(**{**last.__dict__, "best": best}),), info.candidates, optimum
    )
    assert words in gap_sentence(changed)
