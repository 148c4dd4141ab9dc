"""A run whose config.json is edited by hand while it waits in the queue.

What must hold: it does what the file says when its turn comes; one that cannot be read, or that belongs in another
queue, ends in a sentence; the next run gets its turn.
"""

from __future__ import annotations

import json
from typing import Any

from compressor_core.runs import Run, State, launch
from tests.faults import killed_search
from tests.faults.harness import Bench, slot_taken, until
from tests.faults.killed_search import way

FAULT = "config.json edited while the run is queued"
CONFIG = {**killed_search.CONFIG, "generations": 5}


def make(bench: Bench, times: int) -> None:
    other = launch(bench.store, "search", {**CONFIG, "seed": 7})
    bench.check_over(other)
    for _ in range(times):
        bench.tally.times += 1
        with slot_taken(bench.store):
            runs = [launch(bench.store, "search", CONFIG) for _ in range(4)]
            until(lambda runs=runs: all(run.status().pid for run in runs))  # type: ignore[misc] # each has read its own
            edited, damaged, misplaced, last = runs
            _edit(edited, config={**CONFIG, "seed": 7})
            (damaged.folder / "config.json").write_text('{"kind": "sea')
            _edit(misplaced, kind="distill")
        for run in (edited, last):
            bench.check_over(run)
        bench.tally.check(way(edited) == way(other), "it does what the file says", edited.id)
        for run, words in ((damaged, "no readable config.json"), (misplaced, "another queue")):
            bench.check_over(run, State.FAILED)
            said = run.status().error or ""
            bench.tally.check(words in said and ":" in said, "it ends in a sentence", said)


def _edit(run: Run, **changes: Any) -> None:
    path = run.folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")
