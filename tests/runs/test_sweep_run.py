"""Sweeps through the program's own worker, and from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from compressor_core.progress import relay
from compressor_core.records import Record, Work
from compressor_core.runs import Run, RunContext, RunStore, State, Status, cancel, launch, resume
from compressor_core.runs.kinds import KINDS
from compressor_core.runs.worker import run_worker
from compressor_core.search import sweep as core
from compressor_core.search.sweep import SweepSettings
from tests.runs.lines import lines_of

ROOT = Path(__file__).resolve().parents[2]
SEARCH = {"budget_mb": 3.0, "population": 10, "generations": 10}


def until_over(run: Run) -> Status:
    deadline = time.monotonic() + 60
    while run.status().live:
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
    return run.status()


def searches(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    drop = ("time", "seconds")
    return [
        {key: value for key, value in record.items() if key not in drop}
        for record in records
        if record["type"] in ("budget-optimum", "swept-search")
    ]


def plain(settings: SweepSettings) -> list[dict[str, Any]]:
    return [record.model_dump(mode="json", exclude_none=True) for record in core.sweep(settings)]


def test_a_sweep_as_a_run(tmp_path: Path) -> None:
    config = SweepSettings.model_validate({"search": SEARCH, "seeds": [0, 1, 2], "operators": ["studio", "paper"]})
    run = launch(RunStore(tmp_path), "sweep", config.model_dump(mode="json"))
    status = until_over(run)
    assert (status.state, status.progress) == (State.FINISHED, 1.0), status.error
    assert status.message == "6 searches, 1 optima"
    records, _ = lines_of(run)
    assert searches(records) == searches(plain(config))
    assert status.result is not None and status.result["searches"] == 6
    assert KINDS["sweep"] and KINDS["sweep"].headline(status.summary).endswith("of 3 searches")


def test_a_cancelled_sweep_keeps_what_is_done_and_resumes_to_the_same_end(tmp_path: Path) -> None:
    config = SweepSettings.model_validate({"search": {**SEARCH, "generations": 150}, "seeds": list(range(5))})
    run = RunStore(tmp_path).create("sweep", config.model_dump(mode="json"))

    def passed(record: Record) -> Record:
        if len(lines_of(run)[0]) == 3:
            cancel(run)
        return record

    def cancelled_in_the_middle(context: RunContext) -> Work[Any]:
        return relay(KINDS["sweep"].work(context), passed)

    run_worker(run.folder, {"sweep": cancelled_in_the_middle})
    status = run.status()
    assert status.state is State.CANCELLED and status.message and status.message.startswith("Stopped: ")
    assert status.result is not None and status.result["cancelled"] is True
    kept = searches(lines_of(run)[0])
    assert 2 <= len(kept) < 6

    resume(run)
    status = until_over(run)
    assert status.state is State.FINISHED
    assert status.result is not None and status.result["searches"] == 5 and not status.result["cancelled"]
    whole = searches(lines_of(run)[0])
    assert whole[: len(kept)] == kept
    assert whole == searches(plain(config))


def test_a_sweep_without_seeds_fails_in_one_sentence(tmp_path: Path) -> None:
    status = until_over(launch(RunStore(tmp_path), "sweep", {"search": SEARCH}))
    assert status.state is State.FAILED and status.error and "at least one seed" in status.error


def sweep(*options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "compressor_core", "sweep", "--json", *map(str, options)],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_the_command_line() -> None:
    small = ("--population", 6, "--generations", 3, "--space", "classroom")
    seeds = json.loads(sweep(*small, "--seeds", 3, "--operators", "paper", "studio").stdout)
    assert {"over", "searches", "groups", "seconds"} <= set(seeds)
    assert {"hits", "nothing_found"} <= set(seeds["groups"][0])
    assert (seeds["over"], seeds["searches"], seeds["groups"][0]["operators"]) == ("seed", 6, "paper")
    budgets = json.loads(sweep(*small, "--over", "budget", "--from-mb", 1, "--to-mb", 4, "--budgets", 3).stdout)
    assert (budgets["over"], budgets["budgets"], budgets["searches"]) == ("budget", 6, 0)
    wrong = sweep("--over", "budget", "--from-mb", 5, "--to-mb", 1)
    assert wrong.returncode == 2 and wrong.stderr.startswith("error: ") and wrong.stderr.count("\n") == 1
