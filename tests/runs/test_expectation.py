"""What is expected of a student before its training: minutes, milliseconds, and what speaks against it."""

from __future__ import annotations

from pathlib import Path

import pytest

from compressor_core.architecture import Architecture
from compressor_core.cost import Genes
from compressor_core.distill.settings import Preset
from compressor_core.models import bundled
from compressor_core.runs import RunStore
from compressor_core.runs.calibrations import predictor
from compressor_core.runs.expectation import expected
from compressor_core.search.experience import warnings
from compressor_core.search.known import known_front
from compressor_core.task import Task
from tests.runs.test_tradeoff import distilled

SMALL, LARGE = (Architecture.parse(text) for text in ("2000,16,1,1,32", "2000,144,3,8,128"))
DATASET = "classroom-vulnerability"


def test_minutes_are_reckoned_from_what_came_along_until_something_has_finished_here(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    given = expected(store, LARGE, DATASET, "quick")
    assert given is not None and "reference machine" in given.basis
    smoke, small = expected(store, LARGE, DATASET, "smoke"), expected(store, SMALL, DATASET, "quick")
    assert smoke is not None and small is not None
    assert given.seconds == pytest.approx(Preset.QUICK.epochs * smoke.seconds) and small.seconds < given.seconds / 2
    assert expected(store, LARGE, "file", "quick") is None

    run = distilled(store, str(LARGE), 0.9)
    elapsed = run.status().elapsed
    here = expected(store, run.summary().architecture.architecture, DATASET, "full")
    assert here is not None and elapsed is not None and here.basis == "by the last one here"
    assert here.seconds == pytest.approx((elapsed or run.summary().seconds) * Preset.FULL.epochs / Preset.QUICK.epochs)


def test_twelve_thin_layers_and_a_small_vocabulary_are_warned_of(tmp_path: Path) -> None:
    latency = predictor(RunStore(tmp_path), Task.VULNERABILITY)
    assert latency.where == "on a reference machine"
    slow, few = warnings(Architecture.parse("1000,96,12,8,32"), Task.VULNERABILITY, latency.model)
    assert slow.startswith("Slow for its size") and few.startswith("Few tokens")
    assert warnings(LARGE, Task.VULNERABILITY, latency.model) == []


@pytest.mark.parametrize("task", Task)
def test_the_fastest_space_is_faster_at_every_size(tmp_path: Path, task: Task) -> None:
    model = predictor(RunStore(tmp_path), task).model
    for budget_mb in (0.25, 1, 3, 10):
        best = [
            next(one for one in reversed(known_front(space, task)) if one.size_mb <= budget_mb)
            for space in ("fastest", "classroom")
        ]
        fast, usual = (float(model.predict(Genes.of([one.architecture]))[0]) for one in best)
        assert fast < 0.8 * usual


def test_bundled_students_by_size_and_apart_from_those_of_benchmarks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundled, "ASSETS", tmp_path)
    for name in (
        f"{DATASET}-3mb",
        f"{DATASET}-0.25mb",
        f"{DATASET}-1mb",
        "classroom-clone-1mb",
        "codebert-bigclonebench-3mb",
    ):
        (tmp_path / "students" / name).mkdir(parents=True)
    assert [one.name.removeprefix(DATASET) for one in bundled.bundled_students(DATASET)] == ["-0.25mb", "-1mb", "-3mb"]
    largest = tmp_path / "students" / f"{DATASET}-3mb"
    assert bundled.bundled_student(DATASET) == bundled.model_folder(f"students/{DATASET}") == largest
    assert [one.name for one in bundled.bundled_benchmark_students()] == ["codebert-bigclonebench-3mb"]
