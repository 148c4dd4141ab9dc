"""A folder of runs whose path has 250 characters with quotes, blanks, signs and emoji, on a machine of the locale C.

What must hold: every kind of run comes to its end there, its page is whole, and the command line lists it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from compressor_core.runs import RunStore, launch
from compressor_core.runs.kinds import KINDS
from compressor_core.runs.store import ROOT_VARIABLE
from tests import released
from tests.faults.harness import Bench
from tests.faults.killed_distillation import config_in
from tests.test_utf8 import POSIX

FAULT = "a folder of runs with an odd name, locale C"
LENGTH = 250
ODD = 'it\'s a "run" folder; 100% [größe] 搜索 🎉 & $HOME '


def make(bench: Bench, times: int) -> None:
    before = {name: os.environ.get(name) for name in POSIX}
    os.environ.update(POSIX)
    try:
        for number in range(times):
            bench.tally.times += 1
            parent = bench.store.root.parent / f"{number}"
            room = LENGTH - len(str(parent)) - len(ODD) - 2
            odd = Bench(RunStore(parent / ODD / ("x" * room)), bench.rng, bench.tally)
            bench.tally.check(len(str(odd.store.root)) == LENGTH, "the path is long", odd.store.root)
            _every_kind(odd, parent)
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _every_kind(bench: Bench, folder: Path) -> None:
    settings = config_in(folder / 'the "data" 数据', 80)
    data: dict[str, Any] = {name: settings[name] for name in ("dataset", "data")}
    search = {"budget_mb": 3.0, "population": 10, "generations": 3}
    student = launch(bench.store, "distill", {**settings, "epochs": 1})
    bench.check_over(student)
    model = str(student.folder / "model")
    checkpoint, tokenizer = released.write(folder)
    configs: dict[str, dict[str, Any]] = {
        "search": search,
        "tradeoff": {"population": 10, "generations": 3},
        "sweep": {"search": search, "seeds": [0, 1]},
        "train-teacher": {**data, "architecture": settings["architecture"], "epochs": 1, "threads": 1},
        "compare": {**data, "teacher": settings["teacher"], "student": model, "latency_examples": 2},
        "export": {**data, "model": model, "examples": 4},
        "measure": {**data, "models": [model], "examples": 2, "rounds": 1, "starts": 1, "largest_batch": 2},
        "exam": {"models": [model], "functions": 5, "baselines": False},
        "probe": {"models": [model], "examples": 5},
        "calibrate": {"architectures": 3, "held_out": 1, "functions": 1, "rounds": 1, "largest_mb": 1.0},
        "study": {**data, "teacher": settings["teacher"], "budgets": [0.2], "seeds": [0], "preset": "smoke"},
        "reproduce": {
            **{"checkpoint": str(checkpoint), "tokenizer": str(tokenizer), "teacher": "codebert"},
            **{"task": "vulnerability", "dataset": "classroom-vulnerability", "latency_examples": 2, "heads": 2},
        },
    }
    missing = KINDS.keys() - configs.keys() - {"distill"}
    bench.tally.check(not missing, "every kind of run is tried", missing)
    runs = [launch(bench.store, kind, config) for kind, config in configs.items()]
    with bench.server() as server:
        for run in (student, *runs):
            bench.check_over(run)
            bench.check_page(server, KINDS[run.kind].page, f"run={run.id}")
    listed = subprocess.run(
        [sys.executable, "-m", "compressor_core", "runs", "list", "--json"],
        env={**os.environ, ROOT_VARIABLE: str(bench.store.root)},
        capture_output=True,
    )
    found = json.loads(listed.stdout or b"{}")
    bench.tally.check(len(found.get("runs", [])) == 1 + len(runs), "the command line lists them", listed.stderr[-300:])
