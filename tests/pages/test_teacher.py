"""The page Teacher & data."""

from __future__ import annotations

from pathlib import Path

from compressor_core.data.files import read_file
from compressor_core.runs import RunStore, cancel
from tests.pages.studio import (
    Open,
    Studio,
    button,
    field,
    metric,
    no_traceback,
    until_over,
)


def test_the_classroom_shows_examples_and_split_sizes(open_page: Open) -> None:
    at = open_page("teacher")
    no_traceback(at)
    assert all(int(metric(at, split).replace(",", "")) > 0 for split in ("Train", "Unlabelled", "Test"))
    assert len(at.code) == 3


def test_a_file_is_previewed_and_trained_on(open_page: Open, labelled_file: Path) -> None:
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


def test_a_missing_and_a_broken_file(open_page: Open, tmp_path: Path) -> None:
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


def test_a_finished_training_leads_on_to_distillation(studio: Studio, open_page: Open) -> None:
    at = open_page("teacher", run=studio.teacher.id)
    no_traceback(at)
    result = studio.teacher.status().result or {}
    assert metric(at, "Accuracy, test split") == f"{result['accuracy']:.1%}"
    button(at, "Distill from this teacher").click().run()
    no_traceback(at)
    assert field(at.selectbox, "Teacher").value == result["model"]
