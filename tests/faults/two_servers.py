"""Two servers on one folder of runs: one slot for both, the same list, and each survives what the other does."""

from __future__ import annotations

import threading
from itertools import pairwise

from compressor_core.runs import Run
from tests.faults.harness import Bench, Server, until
from tests.faults.killed_server import live, start_a_search

FAULT = "two servers on one folder of runs"
STARTS = 2
"""So many searches are started on each server, at the same time."""


def make(bench: Bench, times: int) -> None:
    for _ in range(times):
        with bench.server() as first, bench.server() as second:
            bench.tally.times += 1
            one(bench, first, second)


def one(bench: Bench, first: Server, second: Server) -> None:
    before = {run.id for run in bench.store.list()}
    clicks = [threading.Thread(target=start_a_search, args=(server,)) for server in (first, second) * STARTS]
    for click in clicks:
        click.start()
    together = 0
    while any(click.is_alive() for click in clicks) or live(bench):
        together = max(together, sum(run.status().state == "running" for run in live(bench)))
        until(lambda: False, 0.05)
    runs = [run for run in bench.store.list() if run.id not in before]
    bench.tally.check(len(runs) == 2 * STARTS, "every click starts one run", len(runs))
    bench.tally.check(together == 1, "one run works at a time", together)
    for run in runs:
        bench.check_over(run)
    spans = sorted(map(span, runs))
    bench.tally.check(all(end <= begin for (_, end), (begin, _) in pairwise(spans)), "one run works at a time", spans)
    for server in (first, second):
        page = bench.check_page(server, "search", f"run={runs[0].id}")
        bench.tally.check("finished" in page.text, "each shows the runs of the other", page.text)
    bench.store.delete(runs[0].id)
    first.press("runs", f"run={runs[1].id}", "Yes, delete it")
    page = bench.check_page(second, "search", f"run={runs[1].id}")
    bench.tally.check("deleted" in page.text, "each hears of what the other deletes", page.text)
    first.kill()
    bench.check_page(second)


def span(run: Run) -> tuple[float, float]:
    """From the first record to the end of the work."""
    status = run.recorded()
    assert status is not None and status.heartbeat is not None and status.seconds is not None
    return status.heartbeat - status.seconds, status.heartbeat
