"""A store of many runs for measuring the app: a few real runs of every kind, and copies of their folders."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compressor_core.bundled import bundled_student, bundled_teacher
from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.dataset import Split
from compressor_core.files import write_json
from compressor_core.progress import relay
from compressor_core.records import Work
from compressor_core.runs import Run, RunContext, RunStore, State, launch
from compressor_core.runs.jobs import WORKER
from compressor_core.runs.library import comparison_of, models_of
from compressor_core.runs.work import search
from compressor_core.runs.worker import run_worker

CLASSROOM = "classroom-vulnerability"
TEACHER, STUDENT = "400,32,2,2,64", "1000,16,1,1,32"
"""Tiny architectures, trained to fill the curves of the pages."""
SEARCH = {"population": 50, "generations": 100}
PACE = 0.2
"""Seconds between generations of the search that is watched live."""
PACED = (sys.executable, "-m", "benchmarks.app_store")
"""Command of a worker that searches at the pace of a lesson, as an alternative to WORKER."""


@dataclass(frozen=True)
class Made:
    """Newest run of each kind; `sweep` is over seeds."""

    store: RunStore
    newest: Mapping[str, Run]
    count: int


def build(root: Path, count: int) -> Made:
    """Make `count` finished runs in `root`, the newest of which are real ones."""
    store = RunStore(root)
    real = dict(_real(store))
    copies = count - len(store.list())
    # A realistic mix: mostly searches, then students and their comparisons.
    turns = ("search", "search", "search", "distill", "compare", "tradeoff", "sweep", "calibrate", "train-teacher")
    kinds = [*turns, "search", "distill", "compare", "study", "export", "measure"]
    for number in range(copies):
        _copy(real[kinds[number % len(kinds)]], store, number)
    return Made(store, real, len(store.list()))


def reopen(root: Path) -> Made:
    """Open a store that `build` made before."""
    store = RunStore(root)
    runs = store.list()
    newest: dict[str, Run] = {}
    for run in runs:
        newest.setdefault(run.kind, run)
    return Made(store, newest, len(runs))


def live_search(store: RunStore) -> Run:
    """Start a search of the usual size, with one generation every `PACE` seconds."""
    return launch(store, "search", {"budget_mb": 3.0, **SEARCH}, name="live", command=PACED)


def long_training(made: Made) -> Run:
    """A distillation at work that outlasts any measurement."""
    run = launch(
        made.store, "distill", {**made.newest["distill"].config, "epochs": 10_000}, name="long", command=WORKER
    )
    while run.status().state is State.QUEUED:
        time.sleep(0.1)
    return run


def _real(store: RunStore) -> Iterator[tuple[str, Run]]:
    """Runs by real workers: searches of 100 × 50, tiny students of a file, comparisons of the bundled student."""
    store.root.mkdir(parents=True, exist_ok=True)
    data = store.root / "functions.jsonl"
    examples = ClassroomVulnerability().examples(Split.TEST)[:300]
    rows = [{"func": one.codes[0], "label": one.label, "group": one.group} for one in examples]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    file = {"dataset": "file", "data": str(data)}

    def work(kind: str, name: str, **config: Any) -> Run:
        run = launch(store, kind, config, name=name, command=WORKER)
        while (status := run.status()).live:
            time.sleep(0.1)
        if status.state is not State.FINISHED:
            raise SystemExit(f"error: the {kind} of the benchmark ended {status.state}: {status.error}")
        return run

    def result(run: Run) -> Mapping[str, Any]:
        return run.status().result or {}

    trained = work("train-teacher", "a teacher", **file, architecture=TEACHER, epochs=8, threads=1)
    teacher = str(result(trained)["model"])
    yield "train-teacher", trained
    for seed in range(3):
        work("search", f"3 MB, seed {seed}", budget_mb=3.0, seed=seed, **SEARCH)
    searched = work("search", "the story", budget_mb=0.2, seed=7, **SEARCH)
    tiny = {**file, "teacher": teacher, "preset": "smoke", "threads": 1}
    distilled = work("distill", "a student", **tiny, architecture=STUDENT, epochs=8)
    yield "distill", distilled
    told = work("distill", "the story", **tiny, search_run=searched.id)
    work("compare", "the story", **comparison_of(store, models_of(told)), latency_examples=5)
    yield "study", work("study", "a study", **tiny, budgets=[0.19, 0.2], seeds=[0, 1])
    whole = {"budget_mb": 3.0, **SEARCH}
    work(
        "sweep", "budgets", search={**whole, "budget_mb": 50.0}, over="budget", seeds=[0], budgets=[1, 2, 3, 10, 25, 50]
    )
    yield "sweep", work("sweep", "seeds", search=whole, seeds=list(range(10)), operators=["studio", "paper"])
    yield (
        "tradeoff",
        work("tradeoff", "a front", objectives=["size_mb", "paper_gflops"], **{**SEARCH, "population": 100}),
    )
    small = {"architectures": 6, "held_out": 2, "functions": 2, "rounds": 1, "largest_mb": 3.0, "budget_mb": 1.0}
    yield "calibrate", work("calibrate", "this machine", **small)
    bundled = {"teacher": str(bundled_teacher(CLASSROOM)), "student": str(bundled_student(CLASSROOM))}
    yield "export", work("export", "the bundled student", model=bundled["student"])
    few = {"dataset": CLASSROOM, "examples": 4, "rounds": 2, "starts": 1, "largest_batch": 4, "energy_seconds": 0.1}
    both = {"models": list(bundled.values()), "names": list(bundled)}
    yield "measure", work("measure", "both", **both, **few)
    yield "probe", work("probe", "both", dataset=CLASSROOM, **both, examples=10)
    yield "compare", work("compare", "the bundled student", dataset=CLASSROOM, **bundled, latency_examples=20)
    yield "search", work("search", "3 MB, seed 3", budget_mb=3.0, seed=3, **SEARCH)


def _copy(run: Run, store: RunStore, number: int) -> None:
    """Copy the folder of a run under a new id, as if it had ended some hours earlier."""
    created = run.created - 3600.0 * (number + 1)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(created))
    copy = replace(run, folder=store.root / f"{stamp}-{run.kind}-{number:04x}", name=f"{run.name}, {number}")
    shutil.copytree(run.folder, copy.folder, copy_function=os.link, ignore=shutil.ignore_patterns("*.pt", ".lock"))
    write_json(
        copy.folder / "config.json",
        {"kind": copy.kind, "name": copy.name, "created": created, "config": copy.config},
        durable=False,
    )


def _paced(context: RunContext) -> Work[Any]:
    def shown(record: Any) -> Any:
        if record.type == "generation":
            time.sleep(PACE)
        return record

    return relay(search(context), shown)


if __name__ == "__main__":
    sys.exit(run_worker(Path(sys.argv[1]), {"search": _paced}))
