"""The page Budgets: a study is started, watched, cancelled, and shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from compressor_core.distill.settings import StudySettings
from compressor_core.distill.study import study
from compressor_core.records import Failed
from compressor_core.runs import Run, RunStore, State
from compressor_core.runs.library import bundled_scores
from compressor_core.runs.worker import run_worker
from tests.pages.studio import Open, until_over
from tests.tiny import run_through

Record = dict[str, Any]


def button(at: AppTest, label: str) -> Any:
    return next(one for one in at.button if one.label == label)


def field(widgets: Any, label: str) -> Any:
    return next(one for one in widgets if one.label == label)


def texts(at: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*at.markdown, *at.caption, *at.info, *at.error])


def charts(at: AppTest) -> list[Record]:
    return [json.loads(one.proto.spec) for one in at.get("plotly_chart")]


@pytest.fixture(scope="module")
def records(tiny_study: StudySettings, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Of a real, tiny study."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("compressor_core.distill.study.LATENCY_EXAMPLES", 2)
        return run_through(study(tiny_study, tmp_path_factory.mktemp("students")))


def recorded(monkeypatch: pytest.MonkeyPatch, tiny_study: StudySettings, records: list[Any]) -> Run:
    """A run of the app's store with these records, written by the worker."""
    run = RunStore().create("study", tiny_study.model_dump(mode="json"), name="tiny")
    monkeypatch.setattr("compressor_core.distill.study.study", lambda *_: iter(records))
    run_worker(run.folder)
    return run


def test_a_finished_one_is_drawn_and_can_be_taken_away(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, tiny_study: StudySettings, records: list[Any]
) -> None:
    run = recorded(monkeypatch, tiny_study, records)
    assert run.status().state is State.FINISHED, run.status().error
    at = open_page("study", run=run.id)
    assert not at.exception
    size, latency = charts(at)
    for spec in (size, latency):
        drawn = {trace["name"]: trace for trace in spec["data"]}
        assert drawn["mean ± standard deviation"]["error_y"]["visible"] is True
    budgets, students = (one.value for one in at.dataframe)
    assert list(budgets["Students"]) == [2, 2] and list(students["Seed"]) == [0, 1, 0, 1]
    assert len(at.get("download_button")) == 2
    accuracy = records[-1].teacher_accuracy
    assert field(at.metric, "Teacher's accuracy").value == f"{accuracy:.1%}"
    assert next(one.value for one in at.markdown if one.value.startswith("## ")).endswith("the teacher's accuracy.")


@pytest.mark.parametrize("finished", [0, 1])
def test_a_cancelled_one_says_what_is_kept(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, tiny_study: StudySettings, records: list[Any], finished: int
) -> None:
    students = [record for record in records if record.type == "student"][:finished]
    cut = records[-1].model_copy(update={"students": tuple(students), "budgets": (), "cancelled": True})
    at = open_page("study", run=recorded(monkeypatch, tiny_study, [*students, cut]).id)
    assert not at.exception and f"Cancelled: {finished} of 4 students are kept" in texts(at)
    figure = charts(at)[0]
    if finished:
        assert figure["data"][1]["error_y"]["visible"] is False and len(at.dataframe) == 2
    else:
        assert figure["layout"]["annotations"][0]["text"] == "No student is finished yet" and not at.dataframe


def test_its_students_can_be_compared(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, tiny_study: StudySettings, records: list[Any]
) -> None:
    run = recorded(monkeypatch, tiny_study, records)
    at = open_page("compare")
    choice = field(at.multiselect, "Students")
    assert not at.exception and choice.value == [f"{run.id}/0.19-0"]
    assert [title.split(" · ")[-1].split(" (")[0] for title in choice.options] == [
        f"{budget} MB, seed {seed} of study tiny" for budget in (0.19, 0.2) for seed in (0, 1)
    ]
    choice.set_value([f"{run.id}/0.2-1"]).run()
    button(at, "Compare").click().run()
    assert not at.exception
    comparison = RunStore().list()[0]
    picked = next(one.model for one in records[-1].students if (one.budget_mb, one.seed) == (0.2, 1))
    assert comparison.config["student"] == picked
    status = until_over(comparison)
    assert status.state is State.FINISHED and status.result is not None, status.error
    made = next(one for one in records[-1].students if one.model == picked)
    assert status.result["student"]["accuracy"] == made.accuracy
    assert status.result["teacher"]["accuracy"] == made.teacher_accuracy


def test_who_could_not_be_made_is_told(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, tiny_study: StudySettings, records: list[Any]
) -> None:
    failed = Failed(budget_mb=0.5, seed=3, message="the loss is no number at step 7")
    at = open_page("study", run=recorded(monkeypatch, tiny_study, [failed, *records]).id)
    assert not at.exception and len(charts(at)) == 2
    assert [one.value for one in at.warning] == ["0.5 MB, seed 3, could not be made: the loss is no number at step 7"]


def test_the_papers_students_stand_beside_those_of_its_dataset(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, tiny_study: StudySettings, records: list[Any]
) -> None:
    devign = tiny_study.replace(dataset="devign")
    at = open_page("study", run=recorded(monkeypatch, devign, records).id)
    assert not at.exception
    titles = [trace["name"] for trace in charts(at)[0]["data"]]
    assert titles[-2:] == ["paper, CodeBERT", "paper, GraphCodeBERT"]
    assert "published students" in texts(at)


def test_it_is_started_from_its_form_and_cancelled(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, tiny_teacher: Path
) -> None:
    monkeypatch.setattr("compressor_core.runs.library.bundled_teacher", lambda dataset: tiny_teacher)
    at = open_page("study")
    assert field(at.text_input, "Budgets (MB)").value == "0.5, 1, 3, 10"
    field(at.text_input, "Budgets (MB)").set_value("1, many").run()
    button(at, "Start the study").click().run()
    assert not at.exception and "write megabytes such as 0.5, 1, 3, 10" in at.error[0].value
    field(at.text_input, "Budgets (MB)").set_value("1, 0.5").run()
    field(at.number_input, "Seeds").set_value(3).run()
    button(at, "Start the study").click().run()
    assert not at.exception and not at.error
    (run,) = RunStore().list()
    assert (run.kind, run.name) == ("study", "0.5 to 1 MB, 6 students")
    assert (run.config["budgets"], run.config["seeds"]) == ([0.5, 1.0], [0, 1, 2])
    assert at.query_params["run"] in (run.id, [run.id])
    button(at, "Cancel").click().run()
    assert until_over(run).state is State.CANCELLED
    at.run()
    assert not at.exception and button(at, "Resume")


def test_the_fastest_needs_a_calibration(open_page: Open) -> None:
    at = open_page("study")
    field(at.radio, "Best is").set_value("latency").run()
    assert not at.exception and "the fastest is the smallest architecture" in texts(at)
    field(at.number_input, "Least computation (GFLOPs)").set_value(0.5).run()
    assert not at.exception and "the fastest is the smallest architecture" not in texts(at)
    button(at, "Start the study").click().run()
    assert "calibrate this machine first" in at.error[0].value and RunStore().list() == []


def test_before_any_study_the_bundled_students_are_drawn(open_page: Open) -> None:
    at = open_page("study")
    (figure,) = charts(at)
    scores = bundled_scores("classroom-vulnerability")
    assert scores and len(figure["data"][0]["x"]) == len(scores)
    assert "(and written by hand), precomputed: " in texts(at) and len(figure["data"]) == 2
    lines = [line["text"] for line in figure["layout"]["annotations"]]
    assert len(lines) == 2 and lines[1].startswith("teacher, written by hand")
    at.session_state.task = "clone"
    assert len(charts(at.run())) == 1
