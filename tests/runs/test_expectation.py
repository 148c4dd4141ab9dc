"""What is expected of a student before its training: minutes, milliseconds, and what speaks against it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compressor_core import bundled
from compressor_core.architecture import Architecture
from compressor_core.cost import Genes
from compressor_core.distill import unlabelled
from compressor_core.files import write_json
from compressor_core.runs import Run, RunStore, expectation
from compressor_core.runs.calibrations import predictor
from compressor_core.runs.expectation import EPOCHS_PER_DRAW, expected
from compressor_core.search.experience import warnings
from compressor_core.search.known import known_front
from compressor_core.task import Task
from tests.runs.test_tradeoff import distilled

SMALL, LARGE = (Architecture.parse(text) for text in ("2000,16,1,1,32", "2000,144,3,8,128"))
DATASET = "classroom-vulnerability"


def trained(store: RunStore, *, times: list[float], elapsed: float, first_step: float, dataset: str = DATASET) -> Run:
    """A finished distillation of `LARGE` whose epochs ended at `times`."""
    run = distilled(store, str(LARGE), 0.9, dataset=dataset)
    common = {"loss": 1.0, "epoch": 0}
    steps = [{"type": "step", "step": 1, "learning_rate": 1e-3, **common, "time": first_step}]
    ends = [{"type": "epoch", **common, "epoch": number, "time": time} for number, time in enumerate(times)]
    (run.folder / "events.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in (*steps, *ends)))
    status = json.loads((run.folder / "status.json").read_text())
    status["result"]["architecture"] = LARGE.to_dict()
    write_json(run.folder / "status.json", {**status, "seconds": elapsed})
    return run


def test_minutes_come_from_the_program_until_something_has_finished_here(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    for dataset in (DATASET, "classroom-clone"):
        given = expected(store, LARGE, dataset, "quick")
        assert given is not None and "reference machine" in given.basis
        smoke, small = expected(store, LARGE, dataset, "smoke"), expected(store, SMALL, dataset, "quick")
        assert smoke is not None and small is not None
        assert smoke.seconds < given.seconds and small.seconds < given.seconds
    assert expected(store, LARGE, "file", "quick") is None


def test_the_bundled_minutes_are_those_of_a_machine_of_this_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, of_the_file = RunStore(tmp_path), json.loads(expectation.BUNDLED.read_text("utf-8"))["gflops"]
    found = []
    for times in (1.0, 0.5):
        monkeypatch.setattr(expectation, "matrix_gflops", lambda times=times: times * of_the_file)
        given = expected(store, LARGE, DATASET, "quick")
        assert given is not None
        found.append(given.seconds)
    assert found[1] == pytest.approx(2 * found[0])


def test_only_the_epochs_are_multiplied(tmp_path: Path) -> None:
    """One epoch of 257 s, of which 115 were spent before and after it, is not four epochs of 17 minutes."""
    store = RunStore(tmp_path)
    trained(store, first_step=87.0, times=[229.0], elapsed=257.0, dataset="file")
    one, four = expected(store, LARGE, "file", "smoke"), expected(store, LARGE, "file", "quick", 4)
    assert one is not None and four is not None and one.basis == "by the last one here"
    assert one.seconds == pytest.approx(257.0)
    assert four.seconds == pytest.approx(115.0 + 4 * 142.0)


def test_a_training_predicts_one_of_the_same_length(tmp_path: Path) -> None:
    """In the classroom the teacher labels further draws between the epochs."""
    store = RunStore(tmp_path)
    trained(store, first_step=20.0, times=[70.0, 120.0, 200.0, 250.0], elapsed=260.0)
    four, one = expected(store, LARGE, DATASET, "quick", 4), expected(store, LARGE, DATASET, "smoke")
    assert four is not None and one is not None
    assert four.seconds == pytest.approx(260.0) and one.seconds == pytest.approx(30.0 + 50.0)
    assert EPOCHS_PER_DRAW == unlabelled.EPOCHS_PER_DRAW


def test_a_training_without_readable_times_is_left_out(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    distilled(store, str(LARGE), 0.9, dataset="file")
    assert expected(store, LARGE, "file", "quick") is None


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
