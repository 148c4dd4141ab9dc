"""A TMPDIR that is full: of workers, which measure and export there, and of the server, which takes uploads in there.

What must hold: runs come to their end in another place, or fail in a sentence that says what to free; an upload that
does not fit is refused with its reason; pages answer, and once there is space an upload arrives.
"""

from __future__ import annotations

import os

from compressor_core.runs import State, launch
from tests.faults import killed_search
from tests.faults.disks import disk, fill
from tests.faults.harness import Bench
from tests.faults.killed_distillation import config_in
from tests.faults.session import Session
from tests.security.test_guard import MB, Uploads

FAULT = "TMPDIR is full"


def make(bench: Bench, times: int) -> None:
    settings = config_in(bench.store.root.parent, 60)
    data = {name: settings[name] for name in ("dataset", "data")}
    for number in range(times):
        with disk(bench.store.root.parent / f"temporary{number}", 8) as folder:
            bench.tally.times += 1
            before, os.environ["TMPDIR"] = os.environ.get("TMPDIR"), str(folder)
            try:
                with bench.server() as server, Session(server.address) as session:
                    session.visit("runs")
                    send = Uploads(server, session.id)
                    bench.tally.check(send("PUT", "before", 3 * MB) == 204, "an upload arrives", "before")
                    filler = fill(folder, 0)
                    told = send("PUT", "meanwhile", 3 * MB)
                    bench.tally.check(told == 507, "an upload that does not fit is refused", told)
                    runs = [
                        launch(bench.store, "search", killed_search.CONFIG),
                        launch(bench.store, "measure", {**data, "models": [settings["teacher"]], "starts": 0}),
                        launch(bench.store, "export", {**data, "model": settings["teacher"], "examples": 4}),
                    ]
                    for run in runs:
                        bench.check_over(run, State.FINISHED, State.FAILED)
                        said = run.status().error
                        bench.tally.check(said is None or "free some space" in said, "it ends well or says why", said)
                    for name in ("", "runs", "search", "teacher"):
                        bench.check_page(server, name)
                    filler.unlink()
                    bench.tally.check(send("PUT", "after", 3 * MB) == 204, "an upload arrives", "after")
            finally:
                os.environ.pop("TMPDIR")
                if before is not None:
                    os.environ["TMPDIR"] = before
