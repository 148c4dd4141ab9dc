"""The program's own kinds of runs, done by the program's own worker."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from compressor_core.runs import Run, RunStore, State, Status, cancel, launch, resume
from compressor_core.runs.worker import run_worker
from tests.runs.lines import lines_of

SEARCH = {"budget_mb": 3.0, "seed": 7, "population": 20, "generations": 60}


def until_over(run: Run) -> Status:
    deadline = time.monotonic() + 60
    while run.status().live:
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return run.status()


def untimed(run: Run) -> list[dict[str, Any]]:
    drop = ("time", "seconds")
    records = [record for record in lines_of(run)[0] if not record["type"].endswith("-summary")]
    return [{key: value for key, value in record.items() if key not in drop} for record in records]


def test_a_search_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = launch(RunStore("runs"), "search", SEARCH)
    status = until_over(run)
    assert status.state is State.FINISHED and str(status.message).startswith("Generation 60 of 60"), status.error
    records, _ = lines_of(run)
    assert [record["type"] for record in records] == ["optimum"] + ["generation"] * 61 + ["search-summary"]
    assert status.result is not None
    assert status.result["best"]["size_mb"] <= 3
    assert status.result["gap"] >= 0
    assert status.result["seconds"] > 0


def test_a_cancelled_search_keeps_its_best_and_resumes_to_the_same_end(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    whole, broken = (
        launch(store, "search", SEARCH),
        launch(store, "search", {**SEARCH, "generations": 10_000}),
    )
    until_over(whole)
    while len(lines_of(broken)[0]) < 5:
        time.sleep(0.01)
    cancel(broken)
    status = until_over(broken)
    assert status.state is State.CANCELLED
    assert status.result is not None and status.result["cancelled"] is True and status.result["best"]

    before = untimed(broken)
    resume(broken)
    while len(lines_of(broken)[0]) < len(before) + 5:
        time.sleep(0.01)
    cancel(broken)
    until_over(broken)
    numbers = [record["generation"] for record in untimed(broken) if record["type"] == "generation"]
    assert numbers == list(range(len(numbers)))
    assert untimed(broken)[:5] == untimed(whole)[:5]


def test_a_search_with_an_impossible_budget_fails_in_one_sentence(tmp_path: Path) -> None:
    run = launch(RunStore(tmp_path), "search", {"budget_mb": -1})
    status = until_over(run)
    assert status.state is State.FAILED
    assert status.error and "-1" in status.error
    assert "Traceback" not in (run.folder / "worker.log").read_text()


def test_a_training_lets_pages_and_searches_go_first_and_a_search_does_not(tmp_path: Path, labelled_file: Path) -> None:
    store, usual = RunStore(tmp_path), psutil.Process().nice()
    training = launch(store, "train-teacher", {"dataset": "file", "data": str(labelled_file), "epochs": 1_000})
    search = launch(store, "search", {**SEARCH, "generations": 100_000})
    for run, more in ((search, 0), (training, 10)):
        while run.status().state is not State.RUNNING:
            time.sleep(0.05)
        assert psutil.Process(run.status().pid).nice() == min(usual + more, 19)
    for run in (search, training):
        cancel(run)
        until_over(run)
    here = store.create("train-teacher", {"dataset": "file", "data": str(tmp_path / "none")})
    assert run_worker(here.folder) == 1  # in this process, which has other things to do
    assert psutil.Process().nice() == usual
