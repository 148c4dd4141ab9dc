"""The page Search: its views and their links, what it lets one ask for, what it lets one take away."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from compressor_core.architecture import SearchSpace
from compressor_core.latency_model import LatencyModel, Lengths, Runtime
from compressor_core.records import CalibrationSummary, Work
from compressor_core.runs import Run, RunStore, launch
from compressor_core.runs.worker import run_worker
from compressor_core.search.genetic import SearchSettings, search
from compressor_core.search.replica import replica
from compressor_core.task import PairFeatures, Task
from tests.collect import kept
from tests.pages.studio import Open, Studio, until_over
from tests.runs import summaries

MODEL = LatencyModel(
    Runtime.ONNX,
    Task.VULNERABILITY,
    PairFeatures.COMPARE,
    Lengths((500, 10_000), (200.0, 100.0), (50_000.0, 15_000.0)),
    (0.2, 0.1, 1e-6, 2e-6, 3e-8, 1e-6, 2e-6),
)


def named(widgets: Any, label: str) -> Any:
    return next(one for one in widgets if one.label == label)


def texts(at: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*at.markdown, *at.caption, *at.info, *at.success])


def figures(at: AppTest) -> list[dict[str, Any]]:
    return [json.loads(one.proto.spec) for one in at.get("plotly_chart")]


def kinds(at: AppTest) -> list[set[str]]:
    return [{trace["type"] for trace in figure["data"]} for figure in figures(at)]


def fine(at: AppTest) -> AppTest:
    assert not at.exception, at.exception
    assert not at.error, at.error[0].value
    return at


@pytest.mark.parametrize(
    ("view", "expected", "words"),
    [
        ("Population", [], "Training takes about"),
        ("Other axes", [{"scatter"}], "The population of one generation"),
        ("Lineage", [{"scatter"}], "in the first generation"),
        ("Genes", [{"heatmap", "scatter"}, {"scatter"}], "A row appears"),
        ("Parallel coordinates", [{"scatter"}], "Drag along an axis"),
        ("Landscape", [{"heatmap", "scatter"}], "cells (81%) are shaded grey"),
    ],
)
def test_only_the_view_of_the_link_is_drawn(
    studio: Studio, open_page: Open, view: str, expected: list[set[str]], words: str
) -> None:
    at = fine(open_page("search", run=studio.search.id, view=view))
    assert kinds(at) == expected
    assert words in texts(at)
    assert "The address of this page links to this view" in texts(at)


def test_axes_and_generation_are_in_the_link(studio: Studio, open_page: Open) -> None:
    link = {"view": "Other axes", "across": "Parameters (million)", "at": "3"}
    at = fine(open_page("search", run=studio.search.id, **link))
    early = figures(at)[0]
    assert early["layout"]["xaxis"]["title"]["text"] == "Parameters in millions"
    at.query_params["at"] = "12"
    late = figures(fine(at.run()))[0]
    assert _points(early) < _points(late)


def _points(figure: dict[str, Any]) -> int:
    """Bytes of what was seen until the generation on show."""
    return len(next(one for one in figure["data"] if one["name"] == "seen so far")["x"]["bdata"])


def test_a_pick_of_the_address_is_marked_and_a_budget_that_it_does_not_fit_is_said(
    studio: Studio, open_page: Open
) -> None:
    at = fine(open_page("search", run=studio.search.id, view="Other axes", pick="2000,480,1,8,128"))
    assert "2000,480,1,8,128" in texts(at) and "picked" in {one["name"] for one in figures(at)[0]["data"]}
    assert "It does not fit" in at.warning[0].value
    named(at.number_input, "Exact budget (MB)").set_value(25.0).run()
    assert "It does not fit" not in "".join(one.value for one in fine(at).warning)
    assert "This population belongs to the search at 3 MB" in texts(at)


def test_the_landscape_of_two_other_genes(studio: Studio, open_page: Open) -> None:
    at = fine(open_page("search", run=studio.search.id, view="Landscape", gene_x="Vocabulary", gene_y="Heads"))
    axes = figures(at)[0]["layout"]
    assert (axes["xaxis"]["title"]["text"], axes["yaxis"]["title"]["text"]) == ("Vocabulary", "Heads")
    named(at.selectbox, "Gene upwards").set_value("vocab_size").run()
    assert "Choose two different genes." in texts(fine(at)) and not figures(at)


def test_a_space_that_is_too_large_has_no_landscape_and_says_so(open_page: Open) -> None:
    space = {**SearchSpace.paper().to_dict(), "vocab_size": {"from": 1000, "to": 50_000, "step": 10}}
    run = launch(RunStore(), "search", {"budget_mb": 3.0, "generations": 2, "population": 5, "space": space})
    status = until_over(run)
    assert status.error is None
    at = fine(open_page("search", run=run.id, view="Landscape"))
    assert "are too many to enumerate" in texts(at) and not figures(at)


def test_those_who_perished_are_drawn_on_request(studio: Studio, open_page: Open) -> None:
    at = fine(open_page("search", run=studio.search.id, view="Parallel coordinates"))
    few = _lines(at)
    named(at.toggle, "Show discarded candidates").set_value(True).run()
    assert _lines(fine(at)) == 10 * 13 > few


def _lines(at: AppTest) -> int:
    """Lines of parallel coordinates: one along each axis is no candidate."""
    paths = [trace for trace in figures(at)[0]["data"] if trace["mode"] == "lines" and "name" not in trace]
    return sum(len(trace["y"]["bdata"]) * 3 // 4 // 4 for trace in paths) // 9


def test_brushes_are_kept_by_the_session_until_they_are_let_go(studio: Studio, open_page: Open) -> None:
    at = open_page("search", run=studio.search.id, view="Parallel coordinates")
    brushes = f"parallel/{studio.search.id}/brushes"
    at.session_state[brushes] = {"feasible": (0.5, 1.0)}
    fine(at.run())
    assert "lines pass: vocabulary" in texts(at) and "fits yes." in texts(at)
    named(at.button, "Clear filters").click().run()
    assert "lines pass" not in texts(fine(at)) and brushes not in at.session_state


@pytest.mark.parametrize("settings", [{"generations": 1, "population": 2, "budget_mb": 0.2, "seed": 1}])
@pytest.mark.parametrize("view", ["Population", "Lineage", "Genes", "Parallel coordinates", "Landscape"])
def test_a_search_without_a_winner_has_every_view(open_page: Open, settings: dict[str, Any], view: str) -> None:
    run = RunStore().create("search", settings)
    run_worker(run.folder)
    at = fine(open_page("search", run=run.id, view=view))
    assert "Nothing within the budget has been found yet." in texts(at)
    assert bool(figures(at)) is (view != "Population")


def test_a_goal_limits_and_operators_reach_the_run(open_page: Open) -> None:
    at = open_page("search")
    named(at.radio, "Goal within the limits").set_value("size").run()
    named(at.number_input, "Least computation (GFLOPs)").set_value(1.0).run()
    named(at.radio, "Operators").set_value("paper").run()
    named(at.number_input, "Generations").set_value(2).run()
    fine(named(at.button, "Start the search").click().run())
    (run,) = RunStore().list()
    config = SearchSettings.model_validate(run.config)
    assert (config.goal, config.min_gflops, config.operators) == ("size", 1.0, "paper")
    until_over(run)
    assert "the smallest with at most 3 MB and at least 1 GFLOPs" in texts(fine(at.run()))


def test_the_papers_penalty_sets_goal_and_limits_aside(open_page: Open) -> None:
    at = open_page("search")
    named(at.number_input, "Least computation (GFLOPs)").set_value(1.5).run()
    named(at.radio, "Budget rule").set_value("paper").run()
    assert named(at.number_input, "Least computation (GFLOPs)").disabled
    named(at.number_input, "Generations").set_value(1).run()
    fine(named(at.button, "Start the search").click().run())
    (run,) = RunStore().list()
    assert (run.config["constraint"], run.config["min_gflops"]) == ("paper", None)
    until_over(run)


def test_the_papers_search_is_one_switch_away_and_back(open_page: Open) -> None:
    at = fine(open_page("search"))
    named(at.toggle, "Exactly as in the paper").set_value(True).run()
    named(at.number_input, "Generations").set_value(1).run()
    assert named(at.radio, "Search space").value == "paper" and at.toggle[0].value
    fine(named(at.button, "Start the search").click().run())
    (run,) = RunStore().list()
    assert (run.config["constraint"], run.config["operators"]) == ("paper", "paper")
    assert run.config["space"] == SearchSpace.paper().to_dict()
    until_over(run)
    named(at.radio, "Operators").set_value("studio").run()
    assert not named(at.toggle, "Exactly as in the paper").value
    named(at.radio, "Operators").set_value("paper").run()
    named(at.toggle, "Exactly as in the paper").set_value(False).run()
    fine(at)
    names = ("Search space", "Budget rule", "Operators")
    assert [named(at.radio, name).value for name in names] == ["classroom", "cap", "studio"]


def test_without_a_calibration_there_is_no_latency(open_page: Open) -> None:
    at = fine(open_page("search"))
    assert "Predict latency by" not in [one.label for one in at.selectbox]
    assert named(at.number_input, "Longest latency (ms)").disabled
    assert "Calibrate this machine to use latency" in [one.label for one in at.page_link]


def loop(summary: CalibrationSummary) -> Work[CalibrationSummary]:
    return summary
    yield


def calibrated(monkeypatch: pytest.MonkeyPatch) -> Run:
    run = RunStore().create("calibrate", {}, name="my laptop")
    monkeypatch.setattr(
        "compressor_core.evaluate.calibration.calibrate", lambda *_, **__: loop(summaries.calibrated(MODEL))
    )
    run_worker(run.folder)
    return run


def test_the_fastest_by_a_calibration_at_hand(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    calibration = calibrated(monkeypatch)
    at = fine(open_page("search"))
    choice = named(at.selectbox, "Predict latency by")
    assert choice.options == ["my laptop, onnxruntime"]
    assert choice.value == f"{calibration.id}/onnxruntime", "what was measured last predicts"
    choice.set_value(None).run()
    assert named(at.number_input, "Longest latency (ms)").disabled
    named(at.selectbox, "Predict latency by").set_value(f"{calibration.id}/onnxruntime").run()
    named(at.radio, "Goal within the limits").set_value("latency").run()
    named(at.number_input, "Longest latency (ms)").set_value(5.0).run()
    named(at.number_input, "Generations").set_value(3).run()
    fine(named(at.button, "Start the search").click().run())
    run = next(one for one in RunStore().list() if one.kind == "search")
    assert SearchSettings.model_validate(run.config).latency == MODEL
    until_over(run)
    at.query_params["view"] = "Other axes"
    at.session_state["view"] = "axes"
    at.run()
    named(at.selectbox, "Across").set_value("latency_ms").run()
    assert "the fastest with at most 3 MB and at most 5 ms" in texts(at)
    population = figures(fine(at))[0]
    assert "limit, 5 ms" in [trace["name"] for trace in population["data"]]
    assert population["layout"]["shapes"][0]["x1"] == 5.0


@pytest.mark.parametrize(
    ("vocabulary", "goal", "words"),
    [
        ("1000 to 50000 by 1000", "gflops", "2,736,000 architectures: few enough to enumerate"),
        ("1000 to 50000 by 10", "gflops", "branch and bound finds the true optimum and proves it"),
        ("1000 to 50000 by 10", "size", "cannot be certified"),
    ],
)
def test_the_space_says_how_its_optimum_will_be_known(open_page: Open, vocabulary: str, goal: str, words: str) -> None:
    at = open_page("search")
    named(at.text_input, "Vocabulary").set_value(vocabulary).run()
    named(at.radio, "Goal within the limits").set_value(goal).run()
    assert words in texts(fine(at))


def written(**settings: Any) -> dict[str, Any]:
    config = SearchSettings(**{"budget_mb": 7.0, "population": 6, "generations": 3, "seed": 9, **settings})
    return json.loads(replica(config, kept(search(config))).model_dump_json())  # type: ignore[no-any-return]


def opened(at: AppTest, content: bytes) -> AppTest:
    return at.file_uploader[0].set_value(("search.json", content, "application/json")).run()


def test_a_search_from_its_json_goes_the_same_way(open_page: Open) -> None:
    values = written()
    at = fine(opened(open_page("search"), json.dumps(values).encode()))
    assert "seed 9 · 4 generations recorded" in texts(at)
    fine(named(at.button, "Start this search again").click().run())
    (run,) = RunStore().list()
    until_over(run)
    assert SearchSettings.model_validate(run.config) == SearchSettings.model_validate(values["config"])
    assert "has the same trajectory" in texts(fine(at.run()))


def test_a_search_that_went_another_way_is_told(open_page: Open) -> None:
    at = fine(opened(open_page("search"), json.dumps({**written(), "trajectory": "0" * 64}).encode()))
    named(at.button, "Start this search again").click().run()
    until_over(RunStore().list()[0])
    at.run()
    assert "trajectory of this run differs" in at.warning[0].value


def test_its_settings_can_be_filled_in(open_page: Open) -> None:
    at = fine(opened(open_page("search"), json.dumps(written(goal="size", min_gflops=2.0, operators="paper")).encode()))
    fine(named(at.button, "Fill in its settings").click().run())
    assert named(at.number_input, "Exact budget (MB)").value == 7.0
    assert named(at.number_input, "Seed").value == 9
    assert named(at.number_input, "Least computation (GFLOPs)").value == 2.0
    assert named(at.radio, "Operators").value == "paper"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x00not json", "is not JSON"),
        (b"{}", "the JSON of a search needs config"),
        (b"[1]", "the JSON of a search cannot be read"),
    ],
)
def test_another_file_is_one_sentence(open_page: Open, content: bytes, words: str) -> None:
    at = opened(open_page("search"), content)
    assert not at.exception and words in at.error[0].value


def test_the_format_of_pictures_is_for_every_figure(studio: Studio, open_page: Open) -> None:
    at = fine(open_page("search", run=studio.search.id, view="Genes"))
    named(at.segmented_control, "Pictures").set_value("svg").run()
    configs = [json.loads(one.proto.config) for one in fine(at).get("plotly_chart")]
    assert {config["toImageButtonOptions"]["format"] for config in configs} == {"svg"}
    names = [config["toImageButtonOptions"]["filename"] for config in configs]
    assert len(set(names)) == 2 and all(studio.search.id in name for name in names)
