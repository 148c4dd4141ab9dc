"""The page of several objectives: what its widgets change, and where its pick leads."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from compressor_core.latency_model import LatencyModel
from compressor_core.runs import Run, RunStore, State, cancel, launch
from compressor_core.runs.library import measured_students
from compressor_core.runs.worker import run_worker
from compressor_core.search.quantities import Quantity
from compressor_core.search.tradeoff import TradeoffSettings
from pages.parts import search_views
from tests.pages.studio import Open, until_over
from tests.runs import summaries
from tests.runs.lines import lines_of, replayed
from tests.runs.test_tradeoff import distilled
from tests.search.test_front import MODEL, SPACE
from tests.search.test_pareto import THREE


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    monkeypatch.setenv("COMPRESSOR_RUNS", str(tmp_path / "runs"))
    return RunStore()


def button(at: AppTest, label: str) -> Any:
    return next(one for one in at.button if one.label == label)


def field(widgets: Any, label: str) -> Any:
    return next(one for one in widgets if one.label == label)


def options(at: AppTest) -> list[str]:
    return list(field(at.button_group, "Objectives, two or three").options)


def texts(at: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*at.markdown, *at.caption])


def figure(at: AppTest) -> dict[str, Any]:
    return next(json.loads(one.proto.spec) for one in at.get("plotly_chart"))


def names(at: AppTest) -> list[str]:
    return [trace["name"] for trace in figure(at)["data"]]


def no_traceback(at: AppTest) -> None:
    assert not at.exception, at.exception


def finished(store: RunStore, **settings: Any) -> Run:
    config = TradeoffSettings(**{"population": 12, "generations": 5, "space": SPACE, **settings})
    run = launch(store, "tradeoff", config.model_dump(mode="json"))
    status = until_over(run)
    assert status.state is State.FINISHED, status.error
    return run


def calibrated(store: RunStore, model: LatencyModel = MODEL) -> None:
    run = store.create("calibrate", {}, name="this machine")
    summary = summaries.calibrated(model)
    assert run_worker(run.folder, {"calibrate": lambda _: replayed([summary])}) == 0


def test_from_start_to_the_replay(open_page: Open, store: RunStore) -> None:
    at = open_page("tradeoffs")
    field(at.number_input, "Generations").set_value(4).run()
    field(at.number_input, "Population").set_value(20).run()
    field(at.number_input, "Largest size (MB)").set_value(100.0).run()
    field(at.number_input, "Most parameters (million)").set_value(30.0).run()
    button(at, "Find the front").click().run()
    no_traceback(at)
    (run,) = store.list()
    assert (run.config["generations"], run.config["population"]) == (4, 20)
    assert run.config["limits"] == {"size_mb": 100, "parameters": 30_000_000}
    assert run.config["objectives"] == ["size_mb", "paper_gflops"]
    assert until_over(run).state is State.FINISHED
    at.run()
    no_traceback(at)
    assert len(figure(at)["frames"]) == 5
    assert "of the true front's hypervolume" in texts(at)
    assert "size at most 100.000 MB" in texts(at)
    assert "by looking at every architecture of the space" in texts(at)


def test_only_two_or_three_objectives(open_page: Open, store: RunStore) -> None:
    at = open_page("tradeoffs")
    assert options(at) == ["↓ Size", "↑ Computation", "↓ Parameters"]
    assert "Calibrate this machine to use latency" in [one.label for one in at.page_link]
    field(at.button_group, "Objectives, two or three").set_value(["size_mb"]).run()
    button(at, "Find the front").click().run()
    no_traceback(at)
    assert "two or three different objectives" in at.error[0].value
    assert store.list() == []


def test_latency_is_an_objective_once_this_machine_is_measured(open_page: Open, store: RunStore) -> None:
    calibrated(store)
    at = open_page("tradeoffs")
    assert field(at.selectbox, "Predict latency by").index == 0, "what was measured last predicts"
    assert "↓ Predicted latency" in options(at)
    field(at.button_group, "Objectives, two or three").set_value(["paper_gflops", "latency_ms"]).run()
    field(at.number_input, "Longest latency (ms)").set_value(5.0).run()
    field(at.number_input, "Generations").set_value(2).run()
    button(at, "Find the front").click().run()
    no_traceback(at)
    run = next(run for run in store.list() if run.kind == "tradeoff")
    assert run.config["limits"] == {"latency_ms": 5}
    assert run.config["latency"] == MODEL.to_dict()
    assert until_over(run).state is State.FINISHED
    choice = field(at.run().selectbox, "Predict latency by")
    choice.set_value(None).run()
    no_traceback(at)
    assert "↓ Predicted latency" not in options(at), "an objective that is not known any more is dropped"


def test_accuracy_is_an_objective_once_two_students_are_measured(open_page: Open, store: RunStore) -> None:
    distilled(store, "1000,96,12,8,64", 0.8)
    assert "↑ Measured accuracy" not in options(open_page("tradeoffs"))
    second = distilled(store, "1000,64,3,4,64", 0.7)
    at = open_page("tradeoffs")
    assert "↑ Measured accuracy" in options(at)
    field(at.button_group, "Objectives, two or three").set_value(["size_mb", "accuracy"]).run()
    assert "2 students distilled here" in texts(at)
    field(at.number_input, "Generations").set_value(2).run()
    button(at, "Find the front").click().run()
    no_traceback(at)
    run = next(run for run in store.list() if run.kind == "tradeoff")
    assert run.config["students"][0]["run"] == second.id
    assert until_over(run).state is State.FINISHED
    at.run()
    no_traceback(at)
    assert "by looking at all measured students" in texts(at)
    assert field(at.metric, "Measured accuracy").value in ("80.0 %", "70.0 %")
    assert "↓ Answers that flip" not in options(at)
    for genes in ("2000,64,3,4,64", "1000,96,3,8,64"):
        distilled(store, genes, 0.6, metrics={"flips": 0.02})
    at = open_page("tradeoffs")
    assert "↓ Answers that flip" in options(at)
    field(at.button_group, "Objectives, two or three").set_value(["accuracy", "flips"]).run()
    no_traceback(at)
    assert "Accuracy and flips come from 2 students" in texts(at)


def test_a_walk_along_the_front_leads_to_distillation(open_page: Open, store: RunStore) -> None:
    run = finished(store)
    at = open_page("tradeoffs", run=run.id)
    no_traceback(at)
    slider = at.select_slider[0]
    assert len(slider.options) > 3
    assert at.session_state.architecture == slider.value
    last = [record for record in lines_of(run)[0] if record["type"] == "front-generation"][-1]
    by_id = {each["id"]: each for record in lines_of(run)[0] for each in record.get("individuals", ())}
    largest = by_id[last["front"][-1]]
    genes = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    slider.set_value(",".join(str(largest[gene]) for gene in genes)).run()
    no_traceback(at)
    assert field(at.metric, "Computation").value == f"{largest['paper_gflops']:.3f} GFLOPs"
    assert "picked" in names(at)
    # Also with a choice in the address that is not the first.
    field(at.button_group, "Walk along").set_value("true").run()
    button(at, "Distill this one").click().run()
    no_traceback(at)
    assert at.title[0].value == "Distill"
    assert field(at.text_input, "Architecture of the student").value == ",".join(str(largest[gene]) for gene in genes)


@pytest.mark.parametrize(
    "row", [[1000, 96, 12, 8, 64, 3.0], {str(at): gene for at, gene in enumerate((1000, 96, 12, 8, 64))}]
)
def test_a_click_on_a_point_picks_it(row: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser gives the custom data of a typed array as an object."""

    class State(dict[str, Any]):
        __setattr__ = dict.__setitem__

    chosen = SimpleNamespace(selection=SimpleNamespace(points=[{"customdata": row}]))
    state = State({"front/run": chosen})
    monkeypatch.setattr("streamlit.session_state", state)
    search_views.pick_point("front/run")
    assert state["architecture"] == "1000,96,12,8,64"


def test_what_is_picked_elsewhere_is_kept_when_the_other_front_is_walked(open_page: Open, store: RunStore) -> None:
    run = finished(store, generations=1)
    at = open_page("tradeoffs", run=run.id)
    field(at.button_group, "Walk along").set_value("true").run()
    no_traceback(at)
    assert len(at.select_slider[0].options) == until_over(run).result["true_front_size"]  # type: ignore[index]
    at.session_state.architecture = "2000,768,12,8,3040"  # clicked, or typed on another page
    at.run()
    no_traceback(at)
    assert "is not on this front" in texts(at)
    assert at.session_state.architecture == "2000,768,12,8,3040"


def test_three_objectives_have_three_planes(open_page: Open, store: RunStore) -> None:
    run = finished(store, objectives=THREE, latency=MODEL)
    at = open_page("tradeoffs", run=run.id)
    assert figure(at)["layout"]["yaxis"]["title"]["text"].startswith("Computation")
    assert "shown by colour and size" in texts(at)
    field(at.button_group, "Draw").set_value("latency_ms-size_mb").run()
    no_traceback(at)
    assert figure(at)["layout"]["yaxis"]["title"]["text"] == "Size (MB)"


def test_a_link_names_plane_and_front(open_page: Open, store: RunStore) -> None:
    run = finished(store, objectives=THREE, latency=MODEL)
    at = open_page("tradeoffs", run=run.id, walk="The true front", plane="Computation against predicted latency")
    no_traceback(at)
    assert figure(at)["layout"]["xaxis"]["title"]["text"] == "Predicted latency (ms)"
    assert field(at.button_group, "Walk along").value == "true"


def test_a_front_of_one_point(open_page: Open, store: RunStore) -> None:
    run = finished(store, objectives=("size_mb", "parameters"), generations=30)
    at = open_page("tradeoffs", run=run.id)
    no_traceback(at)
    assert not at.select_slider
    assert "hardly pull against each other" in texts(at)
    assert "Picked for distillation" in texts(at)


def test_a_run_that_met_nothing_within_its_limits(open_page: Open, store: RunStore) -> None:
    run = launch(store, "tradeoff", {"limits": {"size_mb": 0.2}, "population": 2, "generations": 1})
    assert until_over(run).state is State.FINISHED
    at = open_page("tradeoffs", run=run.id)
    no_traceback(at)
    assert "Nothing within the limits has been found yet." in texts(at)
    assert not at.select_slider


def test_limits_that_cannot_be_met_are_one_sentence(open_page: Open, store: RunStore) -> None:
    run = launch(store, "tradeoff", {"limits": {"size_mb": 0.001}})
    assert until_over(run).state is State.FAILED
    at = open_page("tradeoffs", run=run.id)
    no_traceback(at)
    assert "loosen the limits" in at.error[0].value


def test_a_cancelled_run_shows_what_it_found(open_page: Open, store: RunStore) -> None:
    run = launch(store, "tradeoff", {"generations": 10_000, "population": 20})
    while len(lines_of(run)[0]) < 4:
        time.sleep(0.01)
    cancel(run)
    assert until_over(run).state is State.CANCELLED
    at = open_page("tradeoffs", run=run.id)
    no_traceback(at)
    assert at.select_slider and "of the true front's hypervolume" in texts(at)


def test_measured_students_lead_back_to_their_runs(open_page: Open, store: RunStore) -> None:
    for genes, accuracy in (("1000,64,3,4,64", 0.59), ("1000,96,12,8,64", 0.61), ("2000,160,6,8,512", 0.64)):
        distilled(store, genes, accuracy)
    students = measured_students(store)["classroom-vulnerability"]
    run = finished(store, objectives=(Quantity.SIZE, Quantity.ACCURACY), students=students, generations=30)
    at = open_page("tradeoffs", run=run.id)
    at.select_slider[0].set_value("2000,160,6,8,512").run()
    no_traceback(at)
    assert "The student that reached 64.0%" in [one.proto.label for one in at.get("page_link")]
