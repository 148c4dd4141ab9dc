"""The page Export: one button, and what it made, with everything that has to be said of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compressor_core.runs import Run, RunStore
from compressor_core.runs.library import export_of, students
from compressor_core.runs.worker import run_worker
from tests.pages.studio import Open, Studio, button, no_traceback, parameter, texts, until_over


def downloads(at: object) -> list[str]:
    return [one.proto.label for one in at.get("download_button")]  # type: ignore[attr-defined]


def test_without_a_student_it_says_what_to_do(open_page: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("compressor_core.bundled.ASSETS", tmp_path)
    at = open_page("export")
    no_traceback(at)
    assert "no student to export" in texts(at)


def test_a_student_is_exported_and_offered(open_page: Open, studio: Studio) -> None:
    at = open_page("export")
    button(at, "Export").click().run()
    no_traceback(at)
    run = studio.store.get(parameter(at, "run"))
    status = until_over(run, 400)  # it fetches what a page for the browser needs, where there is a network
    assert status.result is not None, status.error
    # The rows that neither model learned from, as for a comparison.
    assert (status.result["dataset"], status.result["split"], status.result["labelled"]) == ("file", "test", True)
    assert status.result["model"] == studio.distill.status().result["model"]  # type: ignore[index]
    assert Path(status.result["files"][1]).is_file()

    at = open_page("export", run=run.id)
    no_traceback(at)
    shown = texts(at)
    assert "In 8 bits the student takes" in shown and "python predict.py FILE" in at.code[0].value
    for form in status.result["forms"].values():
        assert f"Accuracy: **{form['accuracy']:.2%}**" in shown
    assert [label for label in downloads(at) if label.startswith("Bundle")]
    assert {"README.md", "model.onnx", "model.int8.onnx", "model.safetensors"} <= set(downloads(at))
    assert [one.value for one in at.warning] == [one for one in [status.result.get("warning")] if one]
    flagged(run, "The int8 file loses 0.60 points of accuracy.")
    assert [one.value for one in open_page("export", run=run.id).warning] == [
        "The int8 file loses 0.60 points of accuracy."
    ]


def flagged(run: Run, words: str) -> None:
    path = run.folder / "status.json"
    status = json.loads(path.read_text("utf-8"))
    status["result"] |= {"flagged": True, "warning": words, "loss_points": 0.6}
    path.write_text(json.dumps(status), "utf-8")


def test_a_run_of_another_kind_is_shown_on_its_own_page(open_page: Open, studio: Studio) -> None:
    at = open_page("export", run=studio.search.id)
    no_traceback(at)
    assert "has a page of its own" in at.error[0].value


def test_the_bundled_student_needs_no_run_of_its_own() -> None:
    store = RunStore()
    student = next(model for model in students(store) if model.run is None)
    run = store.create("export", {**export_of(student), "examples": 100})
    run_worker(run.folder)
    status = run.status()
    assert status.result is not None, status.error
    assert (status.result["model"], status.result["dataset"]) == (str(student.folder), student.dataset)
