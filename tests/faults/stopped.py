"""SIGSTOP and SIGCONT, as of a laptop that sleeps or a debugger: of workers, and of the server.

What must hold: a worker that stands still is at work, not dead: its run is neither resumed nor deleted, and no other
gets its slot; others' runs in another queue go on. While the server stands still, runs go on; afterwards all is as if
nothing had been.
"""

from __future__ import annotations

import signal
import time

from compressor_core.errors import CompressorError
from compressor_core.runs import Run, State, launch, resume
from tests.faults import killed_search
from tests.faults.harness import Bench, of_type, until, worker_of
from tests.faults.killed_distillation import check_same, config_in
from tests.faults.killed_search import way
from tests.faults.session import Session

FAULT = "SIGSTOP and SIGCONT, workers and server"
STANDS = 3.0
"""Seconds: longer than three heartbeats."""


def make(bench: Bench, times: int) -> None:
    config = {**config_in(bench.store.root.parent, 100), "epochs": 2}
    undisturbed = launch(bench.store, "distill", config), launch(bench.store, "search", killed_search.CONFIG)
    for run in undisturbed:
        bench.check_over(run)
    with bench.server() as server:
        for _ in range(times):
            bench.tally.times += 1
            run = launch(bench.store, "distill", config)
            until(lambda run=run: len(of_type(run, "step")) > 5)  # type: ignore[misc]
            worker = worker_of(run)
            assert worker is not None
            worker.send_signal(signal.SIGSTOP)
            next_one = launch(bench.store, "distill", config)
            search = launch(bench.store, "search", killed_search.CONFIG)
            bench.check_over(search)  # it has a queue of its own
            time.sleep(STANDS)
            bench.tally.check(run.status().state is State.RUNNING, "who stands still is not dead", run.status())
            bench.tally.check(next_one.status().state is State.QUEUED, "nobody gets its slot", next_one.status())
            _check_refused(bench, run)
            page = bench.check_page(server, "runs", f"run={run.id}")
            bench.tally.check("running" in page.text.lower(), "the page says so", page.text)
            with Session(server.address) as session:
                session.visit("runs", f"run={run.id}")
                server.process.suspend()
                worker.send_signal(signal.SIGCONT)
                bench.check_over(run)
                bench.check_over(next_one)
                server.process.resume()
                page = session.visit("runs", f"run={run.id}")
                bench.tally.check("finished" in page.text.lower(), "the session goes on", page.text)
            check_same(bench, run, undisturbed[0])
            bench.tally.check(way(search) == way(undisturbed[1]), "the way is that of an undisturbed search", search.id)


def _check_refused(bench: Bench, run: Run) -> None:
    for act in (lambda: resume(run), lambda: bench.store.delete(run.id)):
        try:
            act()
            bench.tally.check(False, "it is neither resumed nor deleted", run.id)
        except CompressorError as error:
            bench.tally.check("cancel it first" in str(error), "it is neither resumed nor deleted", error)
