"""A study of budgets through the program's own worker, and from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import pytest

from compressor_core.progress import relay
from compressor_core.records import Record, Student, Work
from compressor_core.runs import Run, RunContext, RunStore, State, Status, cancel, launch, resume
from compressor_core.runs.kinds import KINDS
from compressor_core.runs.library import measured_students
from compressor_core.runs.worker import run_worker
from tests.runs.lines import lines_of

ROOT = Path(__file__).resolve().parents[2]


def until_over(run: Run) -> Status:
    deadline = time.monotonic() + 300
    while run.status().live:
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return run.status()


@pytest.fixture(scope="module")
def settings(tiny_teacher: Path, labelled_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    data = tmp_path_factory.mktemp("study") / "functions.jsonl"
    data.write_text("".join(labelled_file.read_text("utf-8").splitlines(keepends=True)[:120]), "utf-8")
    whole = {"teacher": str(tiny_teacher), "dataset": "file", "data": str(data), "preset": "smoke", "threads": 1}
    return {**whole, "budgets": [0.19, 0.2], "seeds": [0, 1]}


def students(run: Run) -> list[dict[str, Any]]:
    return [record for record in lines_of(run)[0] if record["type"] == "student"]


def test_a_study_is_cancelled_and_resumed_and_trains_nothing_twice(settings: dict[str, Any], tmp_path: Path) -> None:
    run = RunStore(tmp_path).create("study", settings)

    def cancelled_after_the_first(context: RunContext) -> Any:
        def cancel_after_it(record: Record) -> Record:
            if isinstance(record, Student):
                cancel(run)
            return record

        return relay(cast(Work[Any], KINDS["study"].work(context)), cancel_after_it)

    run_worker(run.folder, {"study": cancelled_after_the_first})
    status = run.status()
    assert status.state is State.CANCELLED and status.message and status.message.startswith("Stopped: ")
    kept = students(run)
    assert status.result is not None and status.result["cancelled"] is True and 1 <= len(kept) < 4
    weights = run.folder / "students" / "0.19-0" / "model.safetensors"
    written = weights.stat().st_mtime_ns

    resume(run)
    status = until_over(run)
    assert (status.state, status.progress, status.message) == (State.FINISHED, 1.0, "4 students"), status.error
    assert students(run)[: len(kept)] == kept and weights.stat().st_mtime_ns == written
    assert [(one["budget_mb"], one["seed"]) for one in students(run)] == [(0.19, 0), (0.2, 0), (0.19, 1), (0.2, 1)]
    result = status.result
    assert result is not None and [one["students"] for one in result["budgets"]] == [2, 2]
    assert KINDS["study"] and " at 0.19 MB to " in KINDS["study"].headline(status.summary)
    assert KINDS["study"].headline(status.summary.model_copy(update={"budgets": ()})) == "no student yet"

    at_hand = measured_students(RunStore(tmp_path))[f"file, {settings['data']}"]
    assert [(one.run, one.accuracy) for one in at_hand] == [(run.id, one["accuracy"]) for one in result["students"]]


def test_a_study_of_nothing_fails_in_one_sentence(settings: dict[str, Any], tmp_path: Path) -> None:
    status = until_over(launch(RunStore(tmp_path), "study", {**settings, "budgets": [0.001]}))
    assert status.state is State.FAILED and status.error and "0.001 MB" in status.error


def study(settings: dict[str, Any], out: Path, *options: object) -> subprocess.CompletedProcess[str]:
    named = [f"--{name}={settings[name]}" for name in ("teacher", "dataset", "data", "preset", "threads")]
    return subprocess.run(
        [sys.executable, "-m", "compressor_core", "study", "--json", *named, "--out", str(out), *map(str, options)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_command_line(settings: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "students"
    done = study(settings, out, "--budgets", 0.19, "--seeds", 0, 1)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert {"teacher_accuracy", "students", "budgets", "seconds"} <= set(result)
    assert [one["seed"] for one in result["students"]] == [0, 1] and len(result["budgets"]) == 1
    assert done.stderr.count("0.19 MB, seed ") == 2
    assert sorted(path.name for path in out.iterdir()) == ["0.19-0", "0.19-0.json", "0.19-1", "0.19-1.json"]

    (out / "0.2-0").mkdir()
    (out / "0.2-0" / "thesis.txt").write_text("dear to somebody")
    wrong = study(settings, out, "--budgets", 0.2, "--seeds", 0)
    assert wrong.returncode == 2 and wrong.stderr.startswith("error: ") and wrong.stderr.count("\n") == 1
    assert (out / "0.2-0" / "thesis.txt").exists()
