"""An export in words: what was measured is said as it is, and what was not is not made up."""

from __future__ import annotations

from typing import Any

import pytest

from compressor_core.figures.cost.export import (
    PURPOSES,
    command,
    export_headline,
    extras,
    form_figures,
    method_sentences,
)
from compressor_core.records import ExportSummary
from compressor_core.runs.kinds import KINDS

FORM = {
    "size_mb": 3.0,
    "inputs": 100,
    "max_abs_difference": 2e-6,
    "examples": 1620,
    "correct": 1478,
    "accuracy": 1478 / 1620,
    "latency": {"median": 1.71, "p90": 3.0, "rounds": 3},
}
RESULT: dict[str, Any] = {
    "type": "export-summary",
    "model": "/student",
    "format": "bundle",
    "size_mb": 6.0,
    "max_abs_difference": 2e-6,
    "parameters": 700_000,
    "seconds": 9.0,
    "task": "vulnerability",
    "files": ["/runs/x/student", "/runs/x/student.zip"],
    "forms": {"model.onnx": FORM, "model.int8.onnx": {**FORM, "size_mb": 0.9, "max_abs_difference": 0.22}},
    "loss_points": 0.0,
    "flagged": False,
    "warning": None,
    "dataset": "classroom-vulnerability",
    "split": "test",
    "labelled": True,
    "examples": 1620,
    "weights_mb": 2.98,
    "machine": {
        **{"runtime": "ONNX Runtime 1", "threads": 1, "processor": "a processor", "system": "Linux"},
        **{"batch_size": 1, "precision": "float32"},
    },
    "contents": {"README.md": 0.004, "predict.py": 0.002, "model.onnx": 3.0},
    "zip_mb": 6.2,
}


def summary(**changes: Any) -> ExportSummary:
    return ExportSummary.model_validate({**RESULT, **changes})


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (0.0, "is as accurate on 1,620 examples"),
        (0.62, "differs by 0.62 points (10 more wrong of 1,620)"),
        (-0.25, "differs by 0.25 points (4 more right of 1,620)"),
        (None, "was not measured"),
    ],
)
def test_the_headline(loss: float | None, words: str) -> None:
    headline = export_headline(summary(loss_points=loss))
    assert headline.startswith("In 8 bits the student takes 0.90 MB instead of 3.00 MB")
    assert words in headline


def test_the_figures_of_each_form() -> None:
    figures = form_figures(summary())
    torch, float32, int8 = figures.values()
    assert torch == [("Size", "2.98 MB")]
    assert float32 == [
        *(("Size", "3.00 MB"), ("Accuracy", "91.23%")),
        *(("Largest difference", "2e-06"), ("Median latency", "1.7 ms")),
    ]
    assert ("Largest difference", "0.22") in int8
    assert set(figures) <= set(PURPOSES)


def test_what_was_not_measured() -> None:
    bare = {**FORM, "accuracy": None, "correct": None, "examples": 100}
    forms = {"model.onnx": bare, "model.int8.onnx": bare}
    found = summary(forms=forms, labelled=False, loss_points=None, warning="It was not.")
    assert ("Accuracy", "–") in form_figures(found)["model.onnx"]
    assert "Accuracy on" in method_sentences(summary()) and "Accuracy on" not in method_sentences(found)


def test_only_files_that_are_there_are_offered() -> None:
    assert extras(summary()) == ["README.md", "predict.py"]
    page = summary(contents={**RESULT["contents"], "index.html": 12.0}, task="clone")
    assert "index.html" in extras(page)
    assert command(page).endswith("predict.py FILE FILE")


def test_the_runs_headline_has_the_flag() -> None:
    assert KINDS["export"].headline(summary()) == "6.2 MB to take away; 0.90 MB in 8 bits"
    assert KINDS["export"].headline(summary(flagged=True)).endswith("(flagged)")
