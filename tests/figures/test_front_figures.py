"""What the figures of several objectives show, on real records and at the edges."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from compressor_core.architecture import SearchSpace
from compressor_core.figures.search.front import MOST_DRAWN, front_figure, hypervolume_figure
from compressor_core.figures.search.front_info import (
    FrontInfo,
    front_info,
    front_sentence,
    individual_rows,
    pick_label,
    true_front_note,
    true_rows,
)
from compressor_core.runs.kinds import KINDS
from compressor_core.search.pareto import tradeoff
from compressor_core.search.tradeoff import TradeoffSettings
from tests.collect import kept
from tests.search.test_front import MODEL
from tests.search.test_pareto import STUDENTS

THREE = ("size_mb", "paper_gflops", "latency_ms")
LAYERS = SearchSpace.from_dict({**SearchSpace.paper().to_dict(), "num_hidden_layers": [2], "vocab_size": [1000, 2000]})


SETTINGS = TradeoffSettings(population=12, generations=8, space=LAYERS)


def info_of(**changes: Any) -> FrontInfo:
    settings = SETTINGS.replace(**changes)
    return front_info(kept(tradeoff(settings)), settings)


def size(info: FrontInfo) -> int:
    assert info.truth is not None
    return info.truth.size


def trace_of(figure: Any, name: str) -> Any:
    return next(trace for trace in figure.data if trace.name == name)


def x_of(figure: Any, name: str) -> list[float]:
    return [value for value in trace_of(figure, name).x if value is not None]


def draw_all(info: FrontInfo) -> None:
    for x, y in info.planes:
        for replay in (False, True):
            assert json.loads(front_figure(info, x, y, replay=replay).to_json())["layout"]["xaxis"]["title"]["text"]
    assert json.loads(hypervolume_figure(info).to_json())["layout"]["yaxis"]["title"]["text"] == "Hypervolume"


def test_info_keeps_every_individual_and_the_front_of_each_generation() -> None:
    info = info_of()
    assert [generation.generation for generation in info.generations] == list(range(9))
    assert info.last is not None
    ids = [one.id for one in info.individuals]
    assert ids == list(range(info.last.evaluations)), "all that were judged, also those that died at once"
    sizes = [one.size_mb for one in info.front(info.last)]
    assert sizes == sorted(sizes)
    assert all(
        before.share <= after.share for before, after in zip(info.generations, info.generations[1:], strict=False)
    )
    assert size(info) == len(info.true) > 0
    assert info.truth is not None and info.last.hypervolume <= info.truth.hypervolume
    draw_all(info)


def test_two_objectives_are_one_plane_of_two_fronts() -> None:
    info = info_of()
    assert info.planes == [("size_mb", "paper_gflops")]
    figure = front_figure(info, "size_mb", "paper_gflops")
    assert info.last is not None
    assert x_of(figure, "front found") == pytest.approx([one.size_mb for one in info.front(info.last)])
    assert x_of(figure, "true front") == pytest.approx([one.size_mb for one in info.true])
    front = set(info.last.front)
    assert len(x_of(figure, "population")) == sum(one.id not in front for one in info.last.individuals)
    assert x_of(figure, "beyond a limit") == []
    assert tuple(trace_of(figure, "front found").customdata[0][:5]) == info.front(info.last)[0].genes
    assert trace_of(figure, "true front").marker.symbol != trace_of(figure, "front found").marker.symbol


def test_the_third_of_three_objectives_is_colour_and_size_on_any_of_three_planes() -> None:
    info = info_of(objectives=THREE, latency=MODEL)
    assert info.planes == [("size_mb", "paper_gflops"), ("latency_ms", "paper_gflops"), ("size_mb", "latency_ms")]
    assert info.last is not None
    for x, y in info.planes:
        figure = front_figure(info, x, y)
        third = info.third(x, y)
        assert third is not None
        marker = trace_of(figure, "front found").marker
        order = np.argsort([getattr(one, third) for one in info.front(info.last)], kind="stable")
        assert (np.diff(marker.size[order]) >= 0).all() and (np.diff(marker.color[order]) >= 0).all()
        assert marker.size[order[-1]] > marker.size[order[0]], "size repeats what colour says"
        assert third.split("_")[0] in marker.colorbar.title.text.lower().replace("computation", "paper")
    draw_all(info)


def test_the_replay_has_a_frame_for_every_generation() -> None:
    info = info_of(objectives=THREE, latency=MODEL)
    figure = front_figure(info, "size_mb", "paper_gflops", replay=True)
    assert [frame.name for frame in figure.frames] == [str(number) for number in range(9)]
    found = [frame.data[2] for frame in figure.frames]
    assert [len(trace.x) for trace in found] == [len(generation.front) for generation in info.generations]
    assert all(len(trace.marker.color) == len(trace.x) for trace in found)
    assert figure.frames[0].traces == (1, 2, 3)
    names = [figure.data[at].name for at in figure.frames[0].traces]
    assert names == ["population", "beyond a limit", "front found"]


def test_limits_are_lines_and_what_misses_them_are_crosses() -> None:
    info = info_of(limits={"size_mb": 10, "parameters": 2_000_000, "paper_gflops": 1.0})
    figure = front_figure(info, "size_mb", "paper_gflops")
    assert [shape.label.text for shape in figure.layout.shapes] == ["at most 10 MB", "at least 1 GFLOPs"]
    first = info.generations[0]
    beyond = sum(not one.feasible for one in first.individuals)
    assert beyond > 0
    assert len(front_figure(info, "size_mb", "paper_gflops", replay=True).frames[0].data[1].x) == beyond


def test_the_picked_one_is_ringed() -> None:
    info = info_of()
    figure = front_figure(info, "size_mb", "paper_gflops", picked=info.true[3])
    assert x_of(figure, "picked") == pytest.approx([info.true[3].size_mb])
    assert "picked" not in [trace.name for trace in front_figure(info, "size_mb", "paper_gflops").data]


def test_the_hypervolume_has_the_true_front_above_it() -> None:
    info = info_of()
    figure = hypervolume_figure(info)
    goal = trace_of(figure, "true front").y
    assert info.truth is not None and goal[0] == goal[1] == info.truth.hypervolume
    found = trace_of(figure, "front found")
    assert len(found.y) == 9 and max(found.y) <= goal[0]
    assert found.customdata[-1] == pytest.approx(found.y[-1] / goal[0])


def test_accuracies_are_drawn_where_they_were_measured() -> None:
    info = info_of(objectives=("size_mb", "accuracy", "paper_gflops"), students=STUDENTS)
    figure = front_figure(info, "size_mb", "accuracy")
    assert max(trace_of(figure, "true front").y) == pytest.approx(64)
    assert figure.layout.yaxis.type != "log"
    crosses = trace_of(front_figure(info, "size_mb", "paper_gflops"), "not measured or beyond a limit")
    assert len(crosses.x) and "%{customdata[8]" not in crosses.hovertemplate
    assert {row["accuracy"] for row in individual_rows(info)} >= {None, 0.61}
    assert pick_label(info.true[0], ("size_mb", "accuracy")).endswith("59.0 %")
    draw_all(info)


def test_empty() -> None:
    info = front_info([], SETTINGS)
    assert (info.last, info.individuals, info.true, info.truth) == (None, (), (), None)
    assert front_sentence(info) == "The search has not begun yet."
    assert (true_front_note(info), individual_rows(info), true_rows(info)) == ("", [], [])
    draw_all(info)


def test_the_true_front_alone_before_the_first_generation() -> None:
    info = front_info(kept(tradeoff(SETTINGS))[:1], SETTINGS)
    assert front_sentence(info).endswith("Now the search begins.")
    figure = front_figure(info, "size_mb", "paper_gflops")
    assert len(x_of(figure, "true front")) == size(info)
    assert x_of(figure, "front found") == []
    draw_all(info)


def test_a_space_of_one() -> None:
    info = info_of(space=SearchSpace((1000,), (96,), (12,), (8,), (64,)))
    assert front_sentence(info) == (
        "The front found covers 100.00% of the true front's hypervolume; 1 of its 1 point lies on the true front."
    )
    assert "hardly pull against each other" in true_front_note(info)
    draw_all(info)


def test_all_beyond_the_limits() -> None:
    info = info_of(limits={"size_mb": 0.3}, population=2, generations=1)
    assert info.last is not None and not info.last.front, "choose a seed whose random architectures are all too large"
    assert front_sentence(info) == "Nothing within the limits has been found yet."
    assert x_of(front_figure(info, "size_mb", "paper_gflops"), "front found") == []
    draw_all(info)


def test_a_large_front_is_drawn_thinned_and_told() -> None:
    made = info_of(generations=1)
    one, generation, truth = made.individuals[0], made.generations[0], made.truth
    assert truth is not None
    many = tuple(
        one.model_copy(update={"id": at, "size_mb": 1 + at / 1e4, "paper_gflops": 1 + at / 1e4}) for at in range(10_000)
    )
    records = [
        truth.model_copy(update={"points": many[:2_000], "size": 143_340}),
        generation.model_copy(update={"individuals": many, "perished": (), "front": tuple(range(10_000))}),
    ]
    info = front_info(records, SETTINGS)
    assert true_front_note(info).startswith("The true front has 143,340 points.")
    assert "2,000 of them, evenly spread, are drawn" in true_front_note(info)
    figure = front_figure(info, "size_mb", "paper_gflops")
    assert MOST_DRAWN / 2 < len(x_of(figure, "front found")) <= MOST_DRAWN
    assert len(figure.to_json()) < 1_000_000


def test_a_headline_reads_100_percent_only_where_it_is() -> None:
    told = SimpleNamespace(points=1_607, hypervolume_share=0.99988)
    assert KINDS["tradeoff"].headline(told) == "1,607 points, 99.9% of the true hypervolume"
    assert (
        KINDS["tradeoff"]
        .headline(SimpleNamespace(points=2, hypervolume_share=1.0))
        .endswith("100.0% of the true hypervolume")
    )


def test_tables_for_files() -> None:
    info = info_of(latency=MODEL)
    rows = individual_rows(info)
    assert len(rows) == len(info.individuals)
    assert info.last is not None
    assert sum(row["on_front"] for row in rows) == len(info.last.front)
    assert list(rows[0]) == [
        *("id", "parents", "architecture", "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads"),
        *("intermediate_size", "size_mb", "paper_gflops", "latency_ms", "parameters", "feasible", "on_front"),
    ]
    assert [row["size_mb"] for row in true_rows(info)] == [one.size_mb for one in info.true]
