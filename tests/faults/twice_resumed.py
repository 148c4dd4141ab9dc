"""Several resumes of one run at once, as from two servers and a shell.

What must hold: one of them starts a worker, the others are refused in a sentence; nothing is recorded twice.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from compressor_core.errors import CompressorError
from compressor_core.runs import Run, launch, resume
from tests.faults import killed_search
from tests.faults.harness import Bench, kill_worker, of_type, until
from tests.faults.killed_search import way

FAULT = "several resumes of one run at once"
AT_ONCE = 4


def make(bench: Bench, times: int) -> None:
    undisturbed = launch(bench.store, "search", killed_search.CONFIG)
    bench.check_over(undisturbed)
    for _ in range(times):
        run = launch(bench.store, "search", killed_search.CONFIG)
        until(lambda run=run: len(of_type(run, "generation")) > 10)  # type: ignore[misc]
        kill_worker(run)
        bench.tally.times += 1
        with ThreadPoolExecutor(AT_ONCE) as pool:
            told = list(pool.map(_resumed, [run] * AT_ONCE))
        bench.tally.check(told.count(None) == 1, "one resume starts a worker", told)
        refused = [words for words in told if words]
        said = all("running" in words or "already" in words or "finished" in words for words in refused)
        bench.tally.check(said, "the others are refused in a sentence", refused)
        bench.check_over(run)
        bench.tally.check(way(run) == way(undisturbed), "the way is that of an undisturbed search", run.id)


def _resumed(run: Run) -> str | None:
    """What the resume was refused with; None if it was not."""
    try:
        resume(run)
    except CompressorError as error:
        return str(error)
    return None
