"""kill -9 of a distillation's worker at random moments: it goes on from its checkpoint to the same weights."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from compressor_core.runs import Run, State, launch, resume
from tests.faults.harness import Bench, kill_worker, of_type, timeless, until, worker_of
from tests.runs.lines import lines_of
from tests.tiny import TINY, train_tiny, write_functions

FAULT = "kill -9, worker of a distillation"
CHECKPOINT_STEPS = 3
"""So many steps are learned again at most after a kill."""


def make(bench: Bench, times: int) -> None:
    config = {**config_in(bench.store.root.parent), "seed": bench.rng.randrange(1000)}
    undisturbed = launch(bench.store, "distill", config)
    bench.check_over(undisturbed)
    total = max(record["step"] for record in of_type(undisturbed, "step"))
    while bench.tally.times < times:
        run = launch(bench.store, "distill", config)
        for _ in range(min(bench.rng.randint(2, 4), times - bench.tally.times)):
            if run.status().state is State.FINISHED:
                break
            kill_and_resume(bench, run, total)
        bench.check_over(run)
        check_same(bench, run, undisturbed)


def config_in(folder: Path, count: int = 150) -> dict[str, Any]:
    """The settings of a distillation that is over in seconds, with its data and its teacher in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    data = write_functions(folder / "functions.jsonl", count)
    teacher = train_tiny(data, folder / "teacher", epochs=1)
    return {
        **{"teacher": str(teacher), "architecture": TINY, "dataset": "file", "data": str(data)},
        **{"epochs": 5, "batch_size": 4, "threads": 1, "checkpoint_steps": CHECKPOINT_STEPS},
    }


def kill_and_resume(bench: Bench, run: Run, total: int) -> None:
    """Kill the worker at any moment, while it starts, learns or measures; check what is kept, and resume."""
    until(lambda: worker_of(run) is not None or not run.status().live)
    offset = lines_of(run)[1]
    if not bench.while_it_starts:
        steps, more = 0, bench.rng.randint(1, total // 2)
        while steps < more and run.status().live:
            time.sleep(0.005)
            fresh, offset = lines_of(run, offset)
            steps += sum(record["type"] == "step" for record in fresh)
    time.sleep(bench.rng.uniform(0, 0.05))
    recorded = lines_of(run)[0]
    if not kill_worker(run):
        return
    bench.tally.times += 1
    bench.tally.check(until(lambda: not run.status().live, 20), "no run hangs", run.status())
    kept = lines_of(run)[0]
    bench.tally.check(kept[: len(recorded)] == recorded, "no recorded step is lost", run.id)
    last = max((record["step"] for record in kept if record["type"] == "step"), default=0)
    if run.status().state is State.FINISHED:
        return
    resume(run)
    until(lambda: len(lines_of(run)[0]) > len(kept) or not run.status().live)
    first = next((record for record in lines_of(run)[0][len(kept) :] if record["type"] == "step"), None)
    if first is not None:
        bench.tally.check(
            last - CHECKPOINT_STEPS < first["step"] <= last + 1, "it goes on from its checkpoint", (last, first)
        )


def check_same(bench: Bench, run: Run, undisturbed: Run) -> None:
    """Check that every step, every epoch and all weights are those of the undisturbed run."""
    for kind in ("step", "epoch"):
        found, expected = ({one[kind]: timeless(one) for one in of_type(each, kind)} for each in (run, undisturbed))
        bench.tally.check(found == expected, f"every {kind} is that of an undisturbed run", sorted(found))
    weights = [(each.folder / "model" / "model.safetensors").read_bytes() for each in (run, undisturbed)]
    bench.tally.check(weights[0] == weights[1], "the weights are the same, bit for bit", run.id)
    left = [path.name for path in run.folder.glob(".*") if path.name != ".lock"]
    bench.tally.check(not left, "no half-written file is left", left)
