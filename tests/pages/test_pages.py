"""Every page: that it opens, and what its widgets change."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from compressor_core.architecture import Architecture, SearchSpace
from compressor_core.cost import cost
from compressor_core.data.files import read_file
from compressor_core.models.bundled import bundled_student, bundled_teacher
from compressor_core.runs import RunStore, State, cancel, launch
from compressor_core.task import Task
from tests.pages.studio import APP, Open, Studio, until_over

NAMES = (
    "home",
    "teacher",
    "search",
    "tradeoffs",
    "sweeps",
    "latency",
    "distil",
    "study",
    "compare",
    "playground",
    "export",
    "runs",
    "paper",
)


def button(at: AppTest, label: str) -> Any:
    return next(one for one in at.button if one.label == label)


def field(widgets: Any, label: str) -> Any:
    return next(one for one in widgets if one.label == label)


def texts(at: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*at.markdown, *at.caption, *at.info, *at.header])


def metric(at: AppTest, label: str) -> str:
    return str(next(one.value for one in at.metric if one.label == label))


def parameter(at: AppTest, name: str) -> str:
    value = at.query_params[name]  # a list until the page itself has set it
    return value if isinstance(value, str) else value[0]


def charts(at: AppTest) -> list[dict[str, Any]]:
    return [json.loads(one.proto.spec) for one in at.get("plotly_chart")]


def no_traceback(at: AppTest) -> None:
    assert not at.exception, at.exception


@pytest.mark.parametrize("name", NAMES)
def test_a_page_opens_with_nothing_there_and_says_what_to_do_next(open_page: Open, name: str) -> None:
    at = open_page(name)
    no_traceback(at)
    assert len(at.title) == 1
    assert "**Next:**" in at.markdown[0].value or "**Next:**" in at.markdown[1].value


def test_the_first_page_needs_no_torch() -> None:
    program = (
        "import sys; from streamlit.testing.v1 import AppTest;"
        f"at = AppTest.from_file({str(APP)!r}, default_timeout=30).run(); assert not at.exception;"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=APP.parent)
    assert done.stdout.strip().endswith("[]"), done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_run_in_the_link_is_one_sentence(open_page: Open, name: str) -> None:
    at = open_page(name, **{"story" if name == "home" else "run": "../../etc"})
    no_traceback(at)
    assert "is not the id of a run" in at.error[0].value


class TestSearch:
    def test_budget_slider_and_field_move_together(self, open_page: Open) -> None:
        at = open_page("search")
        field(at.number_input, "Exact budget (MB)").set_value(7.5).run()
        assert field(at.slider, "Size budget (MB)").value == 7.5
        field(at.slider, "Size budget (MB)").set_value(12.0).run()
        assert field(at.number_input, "Exact budget (MB)").value == 12.0
        field(at.number_input, "Exact budget (MB)").set_value(400.0).run()
        assert field(at.slider, "Size budget (MB)").value == 50.0
        no_traceback(at)

    def test_settings_survive_a_walk_to_another_page(self, open_page: Open, app: AppTest) -> None:
        at = open_page("search")
        field(at.number_input, "Exact budget (MB)").set_value(7.5).run()
        field(at.number_input, "Seed").set_value(5).run()
        at.switch_page("pages/runs.py").run()
        at.switch_page("pages/search.py").run()
        assert field(at.number_input, "Exact budget (MB)").value == 7.5
        assert field(at.number_input, "Seed").value == 5

    def test_a_search_for_a_model_of_pairs_counts_its_head(self, open_page: Open) -> None:
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
    def test_a_budget_that_nothing_can_meet(self, open_page: Open, budget: float) -> None:
        at = open_page("search")
        field(at.number_input, "Exact budget (MB)").set_value(budget).run()
        button(at, "Start the search").click().run()
        no_traceback(at)
        assert len(at.error) == 1 and "budget" in at.error[0].value
        assert RunStore().list() == []

    def test_an_emptied_budget(self, open_page: Open) -> None:
        at = open_page("search")
        field(at.number_input, "Exact budget (MB)").set_value(None).run()
        button(at, "Start the search").click().run()
        no_traceback(at)
        assert "positive number" in at.error[0].value

    def test_from_start_to_replay(self, open_page: Open) -> None:
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
        population = next(spec for spec in charts(at) if spec.get("frames"))
        assert len(population["frames"]) == 9
        assert metric(at, "Generation") == "8"
        assert "Picked for distillation (the best found)" in texts(at)

    def test_another_space(self, open_page: Open) -> None:
        at = open_page("search")
        assert "10,944,000 architectures" in texts(at)
        field(at.radio, "Search space").set_value("classroom").run()
        assert "2,681,280 architectures" in texts(at)
        field(at.text_input, "Layers").set_value("2").run()
        assert "893,760 architectures" in texts(at)
        field(at.text_input, "Layers").set_value("two").run()
        assert "Layers cannot be 'two'" in at.error[0].value
        button(at, "Start the search").click().run()
        no_traceback(at)
        assert RunStore().list() == []

    def test_a_link_shows_the_run_and_the_pick_goes_to_distillation(self, studio: Studio, open_page: Open) -> None:
        at = open_page("search", run=studio.search.id)
        no_traceback(at)
        result = studio.search.status().result or {}
        assert metric(at, "Best so far: size") == f"{result['best']['size_mb']:.3f} MB"
        button(at, "Distil this one").click().run()
        no_traceback(at)
        assert at.title[0].value == "Distil a student"
        chosen = field(at.text_input, "Architecture of the student").value
        assert chosen.split(",")[1] == str(result["best"]["hidden_size"])

    def test_cancel_and_resume(self, open_page: Open) -> None:
        run = launch(RunStore(), "search", {"budget_mb": 3.0, "generations": 10_000})
        while len(run.events()[0]) < 3:
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

    def test_a_killed_worker_shows_as_interrupted_and_can_be_resumed(self, open_page: Open) -> None:
        run = launch(RunStore(), "search", {"budget_mb": 3.0, "generations": 10_000})
        while len(run.events()[0]) < 5:
            assert run.status().live
        os.kill(run.status().pid or 0, signal.SIGKILL)
        assert until_over(run).state is State.INTERRUPTED
        recorded = len(run.events()[0])
        at = open_page("search", run=run.id)
        no_traceback(at)
        assert "ended early" in at.warning[0].value
        button(at, "Resume").click().run()
        no_traceback(at)
        while len(run.events()[0]) <= recorded:
            assert run.status().live
        cancel(run)
        until_over(run)

    def test_a_disk_that_refuses_is_one_sentence(
        self, open_page: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        at = open_page("search")
        (tmp_path / "file").touch()
        monkeypatch.setenv("COMPRESSOR_RUNS", str(tmp_path / "file" / "runs"))
        button(at, "Start the search").click().run()
        no_traceback(at)
        assert any("Cannot" in error.value for error in at.error)

    def test_a_run_that_is_deleted_while_open(self, studio: Studio, open_page: Open) -> None:
        at = open_page("search", run=studio.search.id)
        studio.store.delete(studio.search.id)
        at.run()
        no_traceback(at)
        assert "may have been deleted" in at.error[0].value

    def test_a_run_of_another_kind(self, studio: Studio, open_page: Open) -> None:
        at = open_page("search", run=studio.compare.id)
        no_traceback(at)
        assert "is a comparison" in at.error[0].value


class TestTeacher:
    def test_the_classroom_shows_examples_and_split_sizes(self, open_page: Open) -> None:
        at = open_page("teacher")
        no_traceback(at)
        assert all(int(metric(at, split).replace(",", "")) > 0 for split in ("Train", "Unlabelled", "Test"))
        assert len(at.code) == 3

    def test_a_file_is_previewed_and_trained_on(self, open_page: Open, labelled_file: Path) -> None:
        at = open_page("teacher")
        field(at.radio, "Dataset").set_value("file").run()
        assert button(at, "Train a teacher").disabled
        field(at.text_input, "Path of a file on this machine").set_value(str(labelled_file)).run()
        no_traceback(at)
        assert len(at.code) == 3
        field(at.number_input, "Epochs").set_value(1).run()
        button(at, "Train a teacher").click().run()
        no_traceback(at)
        (run,) = RunStore().list()
        assert (run.kind, run.config["dataset"], run.config["epochs"]) == ("train-teacher", "file", 1)
        copy = read_file(run.config["data"])
        assert [e.codes for e in copy.everything()] == [e.codes for e in read_file(labelled_file).everything()]
        cancel(run)
        until_over(run)

    def test_a_missing_and_a_broken_file(self, open_page: Open, tmp_path: Path) -> None:
        at = open_page("teacher")
        field(at.radio, "Dataset").set_value("devign").run()
        path = field(at.text_input, "Its files on this machine")
        path.set_value(str(tmp_path / "absent.jsonl")).run()
        assert "there is no file" in at.error[0].value
        broken = tmp_path / "broken.jsonl"
        broken.write_text('{"func": "int f() {}", "target": 1}\n{"func": "int g(')
        field(at.text_input, "Its files on this machine").set_value(str(broken)).run()
        no_traceback(at)
        assert "half-written" in at.error[0].value
        assert button(at, "Train a teacher").disabled

    def test_a_finished_training_leads_on_to_distillation(self, studio: Studio, open_page: Open) -> None:
        at = open_page("teacher", run=studio.teacher.id)
        no_traceback(at)
        result = studio.teacher.status().result or {}
        assert metric(at, "Accuracy, test split") == f"{result['accuracy']:.1%}"
        button(at, "Distil from this teacher").click().run()
        no_traceback(at)
        assert field(at.selectbox, "Teacher").value == result["model"]


class TestDistil:
    def test_the_cost_follows_the_architecture(self, studio: Studio, open_page: Open) -> None:
        at = open_page("distil")
        field(at.text_input, "Architecture of the student").set_value("1000,96,12,8,64").run()
        assert metric(at, "Parameters") == "756,098"
        field(at.text_input, "Architecture of the student").set_value("1000,96,12,7,64").run()
        no_traceback(at)
        assert "does not divide" in at.error[0].value
        assert button(at, "Start distilling").disabled

    def test_a_student_of_pairs_with_the_papers_head(self, open_page: Open) -> None:
        at = open_page("distil")
        assert not [one for one in at.radio if one.label == "How the head compares two functions"]
        field(at.selectbox, "Teacher").set_value(str(bundled_teacher("classroom-clone"))).run()
        field(at.text_input, "Architecture of the student").set_value("1000,96,12,8,64").run()
        compared = metric(at, "Parameters")
        field(at.radio, "How the head compares two functions").set_value("concat").run()
        assert metric(at, "Parameters") == "774,626" != compared
        button(at, "Start distilling").click().run()
        no_traceback(at)
        (run,) = RunStore().list()
        assert run.config["pair_features"] == "concat" and run.config["dataset"] == "classroom-clone"
        cancel(run)
        until_over(run)

    def test_from_start_to_the_result(self, studio: Studio, open_page: Open) -> None:
        at = open_page("distil")
        field(at.selectbox, "Teacher").set_value((studio.teacher.status().result or {})["model"]).run()
        field(at.text_input, "Architecture of the student").set_value("1000,16,1,1,32").run()
        field(at.radio, "Preset").set_value("smoke").run()
        field(at.number_input, "Weight of the teacher's states").set_value(2.0).run()
        field(at.number_input, "Epochs of masked code first").set_value(1).run()
        button(at, "Start distilling").click().run()
        no_traceback(at)
        run = studio.store.list()[0]
        assert run.config["preset"] == "smoke"
        recipe = {"renaming": None, "hidden_weight": 2.0, "masked_epochs": 1, "average": 0, "patience": None}
        assert recipe.items() <= run.config.items()
        assert run.config["data"] == studio.teacher.config["data"]
        assert until_over(run).state is State.FINISHED
        assert "the teacher's states (weight 2), 1 epoch of masked code first, what else is usual" in texts(at)
        at.run()
        no_traceback(at)
        assert "of the teacher's accuracy on the test split" in texts(at)
        button(at, "Compare with the teacher").click().run()
        no_traceback(at)
        comparison = studio.store.list()[0]
        assert comparison.config == {"student_run": run.id}
        assert at.title[0].value == "Compare teacher and student"
        cancel(comparison)
        until_over(comparison)

    def test_a_truncated_teacher_is_one_sentence(self, studio: Studio, open_page: Open) -> None:
        at = open_page("distil")
        folder = Path((studio.teacher.status().result or {})["model"])
        whole = (folder / "model.safetensors").read_bytes()
        try:
            (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
            field(at.selectbox, "Teacher").set_value(str(folder)).run()
            button(at, "Start distilling").click().run()
            run = studio.store.list()[0]
            assert until_over(run).state is State.FAILED
            at.run()
        finally:
            (folder / "model.safetensors").write_bytes(whole)  # the folder is shared with other tests
        no_traceback(at)
        assert "damaged or incomplete" in at.error[0].value

    def test_without_a_teacher_it_says_where_to_get_one(
        self, open_page: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("compressor_core.models.bundled.ASSETS", tmp_path)
        at = open_page("distil")
        no_traceback(at)
        assert "no teacher" in texts(at)
        assert button(at, "Start distilling").disabled


class TestCompare:
    def test_the_result_is_told_in_one_sentence_and_drawn(self, studio: Studio, open_page: Open) -> None:
        at = open_page("compare", run=studio.compare.id)
        no_traceback(at)
        assert at.header[0].value.startswith("The student keeps")
        assert "McNemar" in texts(at) and "95% interval" in texts(at)
        assert len(charts(at)) == 2

    def test_a_student_is_chosen_and_compared(self, studio: Studio, open_page: Open) -> None:
        at = open_page("compare")
        assert field(at.multiselect, "Students").value == [studio.distill.id]
        button(at, "Compare").click().run()
        no_traceback(at)
        run = studio.store.list()[0]
        assert run.config == {"student_run": studio.distill.id}
        assert until_over(run).state is State.FINISHED
        at.run()
        no_traceback(at)
        assert parameter(at, "run") == run.id

    def test_without_a_student_it_says_where_to_get_one(
        self, open_page: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr("compressor_core.models.bundled.ASSETS", tmp_path)
        assert "no student" in texts(open_page("compare"))

    def test_the_bundled_student_can_be_compared_at_once(self, open_page: Open) -> None:
        at = open_page("compare")
        no_traceback(at)
        (chosen,) = field(at.multiselect, "Students").value
        assert chosen == str(bundled_student("classroom-vulnerability"))
        button(at, "Compare").click().run()
        run = RunStore().list()[0]
        cancel(run)
        assert run.config["teacher"] == str(bundled_teacher("classroom-vulnerability"))
        assert (run.config["student"], run.config["dataset"]) == (chosen, "classroom-vulnerability")


class TestRuns:
    def test_the_table_lists_every_run(self, studio: Studio, open_page: Open) -> None:
        at = open_page("runs")
        no_traceback(at)
        table = at.dataframe[0].value
        assert list(table["Kind"]) == ["Comparison", "Distillation", "Teacher", "Search"]
        assert all(table["Result"])

    def test_a_run_is_renamed_and_deleted(self, studio: Studio, open_page: Open) -> None:
        at = open_page("runs", run=studio.search.id)
        no_traceback(at)
        field(at.text_input, "Name").set_value("my first search").run()
        button(at, "Rename").click().run()
        assert studio.store.get(studio.search.id).name == "my first search"
        button(at, "Yes, delete it").click().run()
        no_traceback(at)
        assert studio.search.id not in [run.id for run in studio.store.list()]

    def test_a_run_that_is_deleted_while_open(self, studio: Studio, open_page: Open) -> None:
        at = open_page("runs", run=studio.search.id)
        studio.store.delete(studio.search.id)
        at.run()
        no_traceback(at)
        assert "may have been deleted" in at.error[0].value

    def test_the_filter(self, studio: Studio, open_page: Open) -> None:
        at = open_page("runs")
        at.button_group[0].set_value(["search"]).run()
        no_traceback(at)
        assert list(at.dataframe[0].value["Kind"]) == ["Search"]

    def test_a_live_run_is_cancelled(self, open_page: Open) -> None:
        run = launch(RunStore(), "search", {"budget_mb": 3.0, "generations": 10_000})
        at = open_page("runs", run=run.id)
        button(at, "Cancel").click().run()
        no_traceback(at)
        assert until_over(run).state is State.CANCELLED


class TestHome:
    def test_a_budget_that_nothing_can_meet(self, open_page: Open) -> None:
        at = open_page("home")
        field(at.number_input, "Size budget (MB)").set_value(0.0).run()
        button(at, "Run the whole story").click().run()
        no_traceback(at)
        assert "budget" in at.error[0].value
        assert RunStore().list() == []

    def test_the_story_is_started_and_cancelled(
        self, open_page: Open, tiny_teacher: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("compressor_core.runs.story.bundled_teacher", lambda dataset: tiny_teacher)
        at = open_page("home")
        button(at, "Run the whole story").click().run()
        no_traceback(at)
        runs = RunStore().list()
        assert [run.kind for run in runs] == ["compare", "distill", "search"]
        assert parameter(at, "story") == runs[0].id
        button(at, "Cancel the story").click().run()
        no_traceback(at)
        assert not [run for run in runs if until_over(run).state not in (State.CANCELLED, State.FINISHED, State.FAILED)]

    def test_the_story_of_clone_detection(
        self, open_page: Open, tiny_teacher: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("compressor_core.runs.story.bundled_teacher", lambda dataset: tiny_teacher / dataset)
        at = open_page("home")
        field(at.radio, "Task").set_value("clone").run()
        button(at, "Run the whole story").click().run()
        no_traceback(at)
        compare, distill, search = RunStore().list()
        assert search.config["task"] == "clone" and search.config["space"] == SearchSpace.classroom().to_dict()
        assert distill.config["dataset"] == "classroom-clone"
        assert distill.config["teacher"] == str(tiny_teacher / "classroom-clone")
        for run in (compare, distill, search):
            cancel(run)
        for run in (compare, distill, search):
            until_over(run)

    def test_a_finished_story_tells_its_result(self, studio: Studio, open_page: Open, labelled_file: Path) -> None:
        config = {**studio.distill.config, "search_run": studio.search.id}
        (studio.distill.folder / "config.json").write_text(
            json.dumps({"kind": "distill", "name": None, "created": studio.distill.created, "config": config})
        )
        at = open_page("home", story=studio.compare.id)
        no_traceback(at)
        assert at.header[0].value.startswith("The student keeps")

    def test_a_deleted_story_is_said_once(self, open_page: Open) -> None:
        at = open_page("home", story="20260101-000000-compare-0000")
        no_traceback(at)
        assert "may have been deleted" in at.error[0].value
        at.switch_page("pages/runs.py").run()
        at.query_params.clear()
        at.switch_page("pages/home.py").run()
        assert not at.error
