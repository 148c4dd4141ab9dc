"""Start: the whole story with one button."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from filelock import FileLock

from compressor_core.architecture import SearchSpace
from compressor_core.bundled import java_student
from compressor_core.runs import RunStore, State, cancel
from compressor_core.shipped import shipped
from tests.pages.studio import (
    PATHS,
    Open,
    Studio,
    button,
    field,
    no_traceback,
    parameter,
    texts,
    until_over,
)


def test_a_budget_that_nothing_can_meet(open_page: Open) -> None:
    at = open_page("start")
    at.session_state.budget_mb = 0.01
    button(at, "Compress").click().run()
    no_traceback(at)
    assert "budget" in at.error[0].value
    assert RunStore().list() == []


def test_the_story_is_started_and_cancelled(
    open_page: Open, tiny_teacher: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compressor_core.runs.story.bundled_teacher", lambda dataset: tiny_teacher)
    at = open_page("start")
    root = RunStore().root
    root.mkdir(parents=True)
    with FileLock(root / ".slot"):  # another training is at work
        button(at, "Compress").click().run()
        no_traceback(at)
        runs = RunStore().list()
        assert [run.kind for run in runs] == ["compare", "distill", "search"]
        assert parameter(at, "story") == runs[0].id
        assert "The training is number 1 in the queue and takes about **" in texts(at)
    button(at, "Cancel the story").click().run()
    no_traceback(at)
    assert not [run for run in runs if until_over(run).state not in (State.CANCELLED, State.FINISHED, State.FAILED)]


def test_the_story_of_clone_detection(open_page: Open, tiny_teacher: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compressor_core.runs.story.bundled_teacher", lambda dataset: tiny_teacher / dataset)
    at = open_page("start")
    field(at.radio, "Task").set_value("clone").run()
    button(at, "Compress").click().run()
    no_traceback(at)
    compare, distill, search = RunStore().list()
    assert search.config["task"] == "clone" and search.config["space"] == SearchSpace.classroom().to_dict()
    assert distill.config["dataset"] == "classroom-clone"
    assert distill.config["teacher"] == str(tiny_teacher / "classroom-clone")
    for run in (compare, distill, search):
        cancel(run)
    for run in (compare, distill, search):
        until_over(run)


def test_a_finished_story_tells_its_result(studio: Studio, open_page: Open, labelled_file: Path) -> None:
    config = {**studio.distill.config, "search_run": studio.search.id}
    (studio.distill.folder / "config.json").write_text(
        json.dumps({"kind": "distill", "name": None, "created": studio.distill.created, "config": config})
    )
    at = open_page("start", story=studio.compare.id)
    no_traceback(at)
    assert at.subheader[0].value.startswith("The student keeps")


def test_a_deleted_story_is_said_once(open_page: Open) -> None:
    at = open_page("start", story="20260101-000000-compare-0000")
    no_traceback(at)
    assert "may have been deleted" in at.error[0].value
    at.switch_page(PATHS["runs"]).run()
    at.query_params.clear()
    at.switch_page(PATHS["start"]).run()
    assert not at.error


def test_clones_in_java_are_a_task_once_their_student_is_bundled(
    open_page: Open, tiny_teacher: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page("start")
    if java_student() is None:
        assert len(field(at.radio, "Task").options) == 2
    folder = tiny_teacher.parent / "codebert-bigclonebench-3mb"
    monkeypatch.setattr("compressor_core.bundled.java_student", lambda: folder)
    at.run()
    field(at.radio, "Task").set_value("java").run()
    no_traceback(at)
    assert at.session_state.task == "clone" and "Compress" not in [one.label for one in at.button]
    (figure,) = (one for one in shipped() if one.name == folder.name)
    assert figure.sentence in "".join(one.value for one in at.markdown)
    at.run()
    assert field(at.radio, "Task").value == "java"  # what is drawn anew is not another choice
    field(at.radio, "Task").set_value("vulnerability").run()
    no_traceback(at)
    assert at.session_state.task == "vulnerability" and button(at, "Compress")
