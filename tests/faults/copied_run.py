"""Run folders copied by hand: one that is finished, one while its worker is at it, one under a name of a person's own.

What must hold: a copy of a finished run is a run with a model of its own, also once the original is deleted; that of a
live run is interrupted, never at work, and resumes to the same end beside the original; a folder that is not named as a
run is none, and disturbs nobody.
"""

from __future__ import annotations

import shutil

from compressor_core.models.classifier import load
from compressor_core.runs import Run, State, launch, resume
from compressor_core.runs.kinds import MODEL
from compressor_core.runs.library import models_of
from tests.faults import killed_search
from tests.faults.harness import Bench, of_type, until
from tests.faults.killed_distillation import config_in
from tests.faults.killed_search import way

FAULT = "a run folder copied by hand"


def make(bench: Bench, times: int) -> None:
    student = launch(bench.store, "distill", {**config_in(bench.store.root.parent, 60), "epochs": 1})
    bench.check_over(student)
    for _ in range(times):
        bench.tally.times += 1
        live = launch(bench.store, "search", {**killed_search.CONFIG, "generations": 300})
        until(lambda live=live: len(of_type(live, "generation")) > 20)  # type: ignore[misc]
        copy = copied(bench, live)
        bench.tally.check(
            copy.status().state is State.INTERRUPTED, "a copy of a live run is interrupted", copy.status()
        )
        resume(copy)
        for run in (live, copy):
            bench.check_over(run)
        bench.tally.check(way(live) == way(copy), "both come to the same end", copy.id)
        bench.store.delete(copy.id)
    made = copied(bench, student)
    named = shutil.copytree(student.folder, bench.store.root / "my best student (copy)")
    with bench.server() as server:
        listed = {run.id for run in bench.store.list()}
        bench.tally.check({student.id, made.id} <= listed, "the copy is listed", listed)
        bench.tally.check(named.name not in listed, "a folder of another name is no run", listed)
        bench.store.delete(student.id)
        bench.tally.check(made.status().state is State.FINISHED, "a copy of a finished run is finished", made.status())
        load(made.folder / MODEL)
        models = [model.folder for model in models_of(made)]
        bench.tally.check(models == [made.folder / MODEL], "its model is its own", models)
        for name in ("runs", "distill", "compare", "playground", "export"):
            bench.check_page(server, name, f"run={made.id}")


def copied(bench: Bench, run: Run) -> Run:
    """A copy under the id of another second."""
    another = f"{run.id[:-4]}{(int(run.id[-4:], 16) + 1) % 0x10000:04x}"
    shutil.copytree(run.folder, bench.store.root / another)
    return bench.store.get(another)
