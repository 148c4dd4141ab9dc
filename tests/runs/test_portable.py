"""Runs whose program, or whose own folder, was moved since."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compressor_core.bundled import bundled_student, bundled_teacher
from compressor_core.runs import RunStore
from compressor_core.runs.library import Model, teachers
from tests.runs import summaries

NAME = "classroom-vulnerability"


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


def test_bundled_models_are_recorded_by_name(store: RunStore) -> None:
    config = {
        "teacher": str(bundled_teacher(NAME)),
        "others": [{"student": str(bundled_student(NAME))}],
        "data": str(bundled_teacher(NAME) / "config.json"),
        "seed": 3,
    }
    run = store.create("compare", config)
    written = json.loads((run.folder / "config.json").read_text())["config"]
    assert written["teacher"] == f"bundled:teachers/{NAME}"
    assert written["others"] == [{"student": f"bundled:students/{NAME}-3mb"}]
    assert (written["data"], written["seed"]) == (config["data"], 3)
    assert store.get(run.id) == run and run.config == config
    assert store.rename(run.id, "x").config == config


@pytest.mark.parametrize(
    "text", ["bundled:teachers/../..", "bundled:pages/x", "bundled:", "teachers/x", "/a\0/assets/b"]
)
def test_other_texts_stay_as_they_are(store: RunStore, text: str) -> None:
    assert store.get(store.create("compare", {"data": text}).id).config["data"] == text


def test_a_run_of_a_program_that_was_moved_finds_its_bundled_teacher(store: RunStore) -> None:
    run = store.create("distill", {"teacher": f"/gone/assets/teachers/{NAME}", "data": "/gone/assets/teachers/none"})
    assert store.get(run.id).config == {"teacher": str(bundled_teacher(NAME)), "data": "/gone/assets/teachers/none"}


def test_what_runs_have_made_is_found_where_the_runs_are_now(store: RunStore, tiny_teacher: Path) -> None:
    run = store.create("train-teacher", {})
    model = run.folder / "model"
    model.symlink_to(tiny_teacher)
    result = summaries.taught(model, 0.5).model_dump(mode="json", exclude_none=True)
    (run.folder / "status.json").write_text(json.dumps({"state": "finished", "result": result}))
    student = store.create("distill", {"teacher": str(model)})
    store.root.rename(moved := store.root.with_name("moved"))
    here = RunStore(moved)
    assert here.get(student.id).config["teacher"] == str(moved / run.id / "model")
    assert made(here) == [moved / run.id / "model"]
    (moved / run.id / "status.json").unlink()
    (moved / run.id / "events.jsonl").write_text(json.dumps(result) + "\n")
    assert made(here) == [moved / run.id / "model"]


def made(store: RunStore) -> list[Path]:
    found: list[Model] = teachers(store)
    return [teacher.folder for teacher in found if teacher.run is not None]
