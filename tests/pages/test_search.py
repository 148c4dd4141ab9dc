"""The page Search: what its widgets change, and what a finished search shows."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from compressor_core.architecture import Architecture
from compressor_core.cost import cost
from compressor_core.runs import RunStore, State, cancel, launch
from compressor_core.task import Task
from tests.pages.studio import (
    PATHS,
    Open,
    Studio,
    button,
    field,
    metric,
    no_traceback,
    parameter,
    texts,
    until_over,
)
from tests.runs.lines import lines_of


def test_a_budget_beyond_the_ends_of_the_slider_stays_what_it_is(open_page: Open) -> None:
    at = open_page("search")
    for value in (400.0, 0.1):
        field(at.number_input, "Exact budget (MB)").set_value(value).run()
        no_traceback(at)
        assert field(at.number_input, "Exact budget (MB)").value == at.session_state.budget_mb == value


def test_settings_survive_a_walk_to_another_page(open_page: Open, app: AppTest) -> None:
    at = open_page("search")
    field(at.number_input, "Exact budget (MB)").set_value(7.5).run()
    field(at.number_input, "Seed").set_value(5).run()
    at.switch_page(PATHS["runs"]).run()
    at.switch_page(PATHS["search"]).run()
    assert field(at.number_input, "Exact budget (MB)").value == 7.5
    assert field(at.number_input, "Seed").value == 5


def test_a_search_for_a_model_of_pairs_counts_its_head(open_page: Open) -> None:
    at = open_page("search")
    field(at.radio, "The student's task").set_value("clone").run()
    field(at.number_input, "Generations").set_value(2).run()
    button(at, "Start the search").click().run()
    no_traceback(at)
    (run,) = RunStore().list()
    status = until_over(run)
    assert run.config["task"] == "clone" and status.result is not None
    best = status.result["best"]
    priced = cost(Architecture.from_dict(best), Task.CLONE)
    assert best["size_mb"] == pytest.approx(priced.size_mb)


@pytest.mark.parametrize("budget", [0.0, -3.0, 0.01])
def test_a_budget_that_nothing_can_meet(open_page: Open, budget: float) -> None:
    at = open_page("search")
    field(at.number_input, "Exact budget (MB)").set_value(budget).run()
    button(at, "Start the search").click().run()
    no_traceback(at)
    assert len(at.error) == 1 and "budget" in at.error[0].value
    assert RunStore().list() == []


def test_an_emptied_budget(open_page: Open) -> None:
    at = open_page("search")
    field(at.number_input, "Exact budget (MB)").set_value(None).run()
    button(at, "Start the search").click().run()
    no_traceback(at)
    assert "budget_mb must be a number above 0" in at.error[0].value


def test_from_start_to_replay(open_page: Open) -> None:
    at = open_page("search")
    field(at.number_input, "Generations").set_value(8).run()
    field(at.number_input, "Population").set_value(10).run()
    button(at, "Start the search").click().run()
    no_traceback(at)
    (run,) = RunStore().list()
    assert (run.config["generations"], run.config["population"]) == (8, 10)
    assert parameter(at, "run") == run.id
    assert until_over(run).state is State.FINISHED
    at.run()
    no_traceback(at)
    assert metric(at, "Generation") == "8"
    assert "Picked (the best found)" in texts(at) and "Training takes about" in texts(at)


def test_another_space(open_page: Open) -> None:
    at = open_page("search")
    assert "2,681,280 architectures" in texts(at)
    field(at.radio, "Search space").set_value("paper").run()
    assert "10,944,000 architectures" in texts(at)
    field(at.text_input, "Layers").set_value("2").run()
    assert "912,000 architectures" in texts(at)
    field(at.text_input, "Layers").set_value("two").run()
    assert "Layers cannot be 'two'" in at.error[0].value
    button(at, "Start the search").click().run()
    no_traceback(at)
    assert RunStore().list() == []


def test_a_link_shows_the_run_and_the_pick_goes_to_distillation(studio: Studio, open_page: Open) -> None:
    at = open_page("search", run=studio.search.id)
    no_traceback(at)
    result = studio.search.status().result or {}
    assert metric(at, "Best so far: size") == f"{result['best']['size_mb']:.3f} MB"
    button(at, "Distill this one").click().run()
    no_traceback(at)
    assert at.title[0].value == "Distill"
    chosen = field(at.text_input, "Architecture of the student").value
    assert chosen.split(",")[1] == str(result["best"]["hidden_size"])
    pick = at.session_state.picked
    assert (str(pick.architecture), pick.search_run, pick.budget_mb) == (chosen, studio.search.id, 3.0)
    assert pick.space == "paper"


def test_cancel_and_resume(open_page: Open) -> None:
    run = launch(RunStore(), "search", {"budget_mb": 3.0, "generations": 10_000})
    while len(lines_of(run)[0]) < 3:
        assert run.status().live
    at = open_page("search", run=run.id)
    button(at, "Cancel").click().run()
    no_traceback(at)
    assert until_over(run).state is State.CANCELLED
    at.run()
    button(at, "Resume").click().run()
    no_traceback(at)
    assert run.status().live
    cancel(run)
    until_over(run)


def test_a_killed_worker_shows_as_interrupted_and_can_be_resumed(open_page: Open) -> None:
    run = launch(RunStore(), "search", {"budget_mb": 3.0, "generations": 10_000})
    while len(lines_of(run)[0]) < 5:
        assert run.status().live
    os.kill(run.status().pid or 0, signal.SIGKILL)
    assert until_over(run).state is State.INTERRUPTED
    recorded = len(lines_of(run)[0])
    at = open_page("search", run=run.id)
    no_traceback(at)
    assert "ended early" in at.warning[0].value
    button(at, "Resume").click().run()
    no_traceback(at)
    while len(lines_of(run)[0]) <= recorded:
        assert run.status().live
    cancel(run)
    until_over(run)


def test_a_disk_that_refuses_is_one_sentence(open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page("search")
    (tmp_path / "file").touch()
    monkeypatch.setenv("COMPRESSOR_RUNS", str(tmp_path / "file" / "runs"))
    button(at, "Start the search").click().run()
    no_traceback(at)
    assert any("Cannot" in error.value for error in at.error)


def test_a_run_that_is_deleted_while_open(studio: Studio, open_page: Open) -> None:
    at = open_page("search", run=studio.search.id)
    studio.store.delete(studio.search.id)
    at.run()
    no_traceback(at)
    assert "may have been deleted" in at.error[0].value


def test_a_run_of_another_kind(studio: Studio, open_page: Open) -> None:
    at = open_page("search", run=studio.compare.id)
    no_traceback(at)
    assert "is a comparison" in at.error[0].value
