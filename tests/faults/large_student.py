"""A student of 100 MB, thirty times what the paper asks for, through everything that is done with a student.

What must hold: it is distilled, compared, measured and exported as a small one is, every page about it is whole, and
the server, which loads it to answer, holds no more than a few copies of it in memory.
"""

from __future__ import annotations

from compressor_core.models.card import size_on_disk
from compressor_core.runs import launch
from compressor_core.runs.kinds import KINDS
from tests.faults.harness import Bench
from tests.faults.killed_distillation import config_in

FAULT = "a student of 100 MB"
SHAPE = "2000,512,7,8,2176"
MB = 1_000_000
MOST = 700 * MB
"""Of memory, beside what the server takes without models: torch, and two copies of the student and a half."""


def make(bench: Bench, times: int) -> None:
    settings = {**config_in(bench.store.root.parent, 60), "architecture": SHAPE, "epochs": 1}
    for _ in range(times):
        bench.tally.times += 1
        student = launch(bench.store, "distill", settings)
        bench.check_over(student)
        model = str(student.folder / "model")
        size = size_on_disk(student.folder / "model")
        bench.tally.check(95 * MB < size < 105 * MB, "the student has 100 MB", f"{size / MB:.0f} MB")
        data = {name: settings[name] for name in ("dataset", "data")}
        configs = {
            "compare": {**data, "teacher": settings["teacher"], "student": model, "latency_examples": 2},
            "measure": {**data, "models": [model], "examples": 2, "rounds": 1, "starts": 1, "largest_batch": 2},
            "export": {**data, "model": model, "examples": 4},
        }
        runs = [launch(bench.store, kind, config) for kind, config in configs.items()]
        with bench.server() as server:
            before = server.process.memory_info().rss
            for run in (student, *runs):
                bench.check_over(run)
                bench.check_page(server, KINDS[run.kind].page, f"run={run.id}")
            bench.check_page(server, "playground", "code=def+f(a)%3A+return+a")
            grown = server.process.memory_info().rss - before
            bench.tally.check(grown < MOST, "the memory is bounded", f"{grown / MB:.0f} MB")
