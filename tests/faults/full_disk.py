"""A disk that fills up under a search and a distillation: they fail in a sentence, and go on once there is space."""

from __future__ import annotations

from typing import Any

from compressor_core.runs import Run, RunStore, State, launch, resume
from compressor_core.runs.jobs import WORKER
from tests.faults import killed_distillation, killed_search
from tests.faults.disks import disk, fill
from tests.faults.harness import Bench
from tests.faults.killed_distillation import check_same
from tests.faults.killed_search import way
from tests.runs.lines import lines_of

FAULT = "the disk is full"
QUOTA = "the disk is full (a limit of file sizes)"


def make(bench: Bench, times: int) -> None:
    """On a small disk of its own, with the server on it."""
    undisturbed = launch(bench.store, "search", killed_search.CONFIG)
    bench.check_over(undisturbed)
    for _ in range(times):
        with disk(bench.store.root.parent / "disk", 24) as folder:
            small = Bench(RunStore(folder / "runs"), bench.rng, bench.tally)
            # Less than the search needs, which is 5 MB.
            filler = fill(folder, bench.rng.randint(500_000, 3_000_000))
            run = launch(small.store, "search", killed_search.CONFIG)
            bench.tally.times += 1
            check_refused(bench, run)
            kept = lines_of(run)[0]
            with small.server() as server:
                bench.check_page(server)
                bench.check_page(server, "search", f"run={run.id}")
                with_start = server.press("search", "", "Start the search")
                told = " ".join(with_start.errors)
                bench.tally.check("free some space" in told, "a launch is refused in a sentence", told)
                bench.tally.check(not with_start.exceptions, "the app answers", with_start.exceptions)
                bench.tally.check(len(small.store.list()) == 1, "no half a run is left", small.store.list())
            filler.unlink()
            go_on(bench, run, kept)
            bench.tally.check(way(run) == way(undisturbed), "the way is that of an undisturbed search", run.id)


def make_with_quota(bench: Bench, times: int) -> None:
    """Where no disk can be mounted: the largest file that a worker may write is limited, as by a quota."""
    search = launch(bench.store, "search", killed_search.CONFIG)
    bench.check_over(search)
    student = None
    if times > 1:
        student = launch(bench.store, "distill", killed_distillation.config_in(bench.store.root.parent))
        bench.check_over(student)
    for number in range(times):
        # What each writes most of: its records, or its checkpoint.
        undisturbed, file = (
            (search, "events.jsonl") if student is None or number % 2 == 0 else (student, "checkpoint.pt")
        )
        limit = bench.rng.randint(8_000, (undisturbed.folder / file).stat().st_size - 1)
        command = ("prlimit", f"--fsize={limit}", *WORKER)
        run = launch(bench.store, undisturbed.kind, undisturbed.config, command=command)
        bench.tally.times += 1
        check_refused(bench, run)
        go_on(bench, run, lines_of(run)[0])
        if run.kind == "search":
            bench.tally.check(way(run) == way(search), "the way is that of an undisturbed search", run.id)
        else:
            check_same(bench, run, undisturbed)


def check_refused(bench: Bench, run: Run) -> None:
    bench.check_over(run, State.FAILED)
    said = run.status().error or ""
    bench.tally.check("free some space" in said, "the run says what to do", said)


def go_on(bench: Bench, run: Run, kept: list[dict[str, Any]]) -> None:
    """Resume where there is space again, and check that nothing recorded is lost."""
    resume(run)
    bench.check_over(run)
    bench.tally.check(lines_of(run)[0][: len(kept)] == kept, "no record is lost", run.id)
