"""A worker that ignores SIGTERM, asks for nothing and hangs in native code, on a server with a limit of time.

What must hold: it is ended soon after its time is over, worker.log says where it hung, and the next run gets the slot.
"""

from __future__ import annotations

import os
import signal

from compressor_core.runs import State, launch
from compressor_core.runs.context import LONGEST_VARIABLE
from tests.faults.harness import Bench, of_type, until, worker_of
from tests.runs.test_jobs import COMMAND

FAULT = "a worker that ignores the limit of time"


def make(bench: Bench, times: int) -> None:
    for _ in range(times):
        os.environ[LONGEST_VARIABLE] = "1"
        try:
            run = launch(bench.store, "hang", {}, command=COMMAND)
        finally:
            del os.environ[LONGEST_VARIABLE]
        bench.tally.times += 1
        following = launch(bench.store, "count", {"steps": 3}, command=COMMAND)
        until(lambda run=run: bool(of_type(run, "step")) or not run.status().live)  # type: ignore[misc]
        if (worker := worker_of(run)) is not None:
            worker.send_signal(signal.SIGTERM)
        bench.check_over(run, State.INTERRUPTED)
        log = (run.folder / "worker.log").read_text()
        bench.tally.check("Timeout" in log and "in hang" in log, "the log says where it hung", log)
        bench.check_over(following)
