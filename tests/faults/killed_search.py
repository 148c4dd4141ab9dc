"""kill -9 of a search's worker at random moments: every generation is there, once, and the same as undisturbed."""

from __future__ import annotations

import time
from typing import Any

from compressor_core.runs import Run, launch, resume
from tests.faults.harness import Bench, kill_worker, of_type, timeless, until, worker_of

FAULT = "kill -9, worker of a search"
CONFIG: dict[str, Any] = {"budget_mb": 3.0, "population": 60, "generations": 150, "operators": "studio"}
WAY = ("optimum", "uncertified", "generation")
"""The types of the records that make up the way of a search."""


def make(bench: Bench, times: int) -> None:
    config = {**CONFIG, "seed": bench.rng.randrange(1000)}
    undisturbed = launch(bench.store, "search", config)
    bench.check_over(undisturbed)
    expected = way(undisturbed)
    while bench.tally.times < times:
        run = launch(bench.store, "search", config)
        # Not more often in one run than it has moments for.
        for _ in range(min(bench.rng.randint(1, 3), times - bench.tally.times)):
            recorded = kill_at_any_moment(bench, run)
            kept = of_type(run, *WAY)
            bench.tally.check(kept[: len(recorded)] == recorded, "no recorded generation is lost", run.id)
            if not run.status().live and run.status().state != "finished":
                resume(run)
        bench.check_over(run)
        found = way(run)
        bench.tally.check(found == expected, "the way is that of an undisturbed search", difference(found, expected))
        left = [path.name for path in run.folder.glob(".*") if path.name != ".lock"]
        bench.tally.check(not left, "no half-written file is left", left)


def kill_at_any_moment(bench: Bench, run: Run) -> list[dict[str, Any]]:
    """Kill the worker at work, or now and then while it starts; returns what had been recorded just before."""
    until(lambda: worker_of(run) is not None or not run.status().live)
    before = len(of_type(run, *WAY))
    if not bench.while_it_starts:
        wanted = before + bench.rng.randint(1, 60)
        until(lambda: len(of_type(run, *WAY)) >= wanted or not run.status().live)
    time.sleep(bench.rng.uniform(0, 0.05))
    recorded = of_type(run, *WAY)
    if kill_worker(run):
        bench.tally.times += 1
        bench.tally.check(until(lambda: not run.status().live, 20), "no run hangs", run.status())
    return recorded


def way(run: Run) -> list[dict[str, Any]]:
    return [timeless(record) for record in of_type(run, *WAY)]


def difference(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> str:
    return f"{len(found)} records for {len(expected)}; generations {[one.get('generation') for one in found][:200]}"
