"""A folder of runs that nobody may write to: everything can be seen, and what would write says so in a sentence."""

from __future__ import annotations

import functools
from collections.abc import Callable

from compressor_core.errors import CompressorError
from compressor_core.runs import RunStore, State, launch, resume
from tests.faults import killed_search
from tests.faults.disks import disk, make_read_only
from tests.faults.harness import Bench, kill_worker, of_type, until, worker_of
from tests.runs.lines import lines_of

FAULT = "a read-only folder of runs"


def make(bench: Bench, times: int) -> None:
    for _ in range(times):
        with disk(bench.store.root.parent / "disk", 64) as folder:
            store = RunStore(folder / "runs")
            finished = launch(store, "search", {**killed_search.CONFIG, "generations": 20})
            stopped = launch(store, "search", {**killed_search.CONFIG, "generations": 2000})
            until(lambda run=stopped: len(of_type(run, "generation")) > 5)  # type: ignore[misc]
            kill_worker(stopped)
            until(lambda run=finished: worker_of(run) is None)  # type: ignore[misc] # its log is open until it is gone
            before = {run.id: lines_of(run)[0] for run in store.list()}
            make_read_only(folder, True)
            bench.tally.times += 1
            with Bench(store, bench.rng, bench.tally).server() as server:
                for name, query in (("", ""), ("runs", ""), ("search", f"run={finished.id}"), ("distill", "")):
                    bench.check_page(server, name, query)
                page = server.press("search", "", "Start the search")
                refused(bench, "a launch is refused in a sentence", page.errors, page.exceptions)
                page = server.press("search", f"run={stopped.id}", "Resume")
                refused(bench, "a resume is refused in a sentence", page.errors, page.exceptions)
                for button in ("Rename", "Resume", "Yes, delete it"):
                    page = server.press("runs", f"run={stopped.id}", button)
                    refused(bench, "Runs refuses in a sentence", page.errors, page.exceptions)
            acts: dict[str, Callable[[], object]] = {
                "launch": functools.partial(launch, store, "search", killed_search.CONFIG),
                "resume": functools.partial(resume, stopped),
                "rename": functools.partial(store.rename, stopped.id, "another"),
                "delete": functools.partial(store.delete, stopped.id),
            }
            for what, act in acts.items():
                try:
                    act()
                    bench.tally.check(False, "the core refuses in a sentence", what)
                except CompressorError as error:
                    bench.tally.check("Cannot" in str(error), "the core refuses in a sentence", f"{what}: {error}")
            now = {run.id: lines_of(run)[0] for run in store.list()}
            bench.tally.check(now == before, "no record is lost", [len(records) for records in now.values()])
            make_read_only(folder, False)
            bench.tally.check(stopped.status().state is State.INTERRUPTED, "no run hangs", stopped.status())


def refused(bench: Bench, what: str, errors: list[str], exceptions: list[str]) -> None:
    bench.tally.check(bool(errors) and not exceptions, what, f"{errors} {exceptions}")
