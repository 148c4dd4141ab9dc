"""A run deleted under the page that shows it: the page says so, and the app goes on."""

from __future__ import annotations

import shutil

from compressor_core.runs import Run, launch
from tests.faults import killed_search
from tests.faults.harness import Bench, Server, kill_worker, of_type, until
from tests.faults.session import Session

FAULT = "a run deleted under an open page"


def make(bench: Bench, times: int) -> None:
    with bench.server() as server:
        for number in range(times):
            page = ("search", "runs", "report")[number % 3]
            for live in (False, True):
                bench.tally.times += 1
                one(bench, server, page, live)


def one(bench: Bench, server: Server, name: str, live: bool) -> None:
    run = launch(bench.store, "search", {**killed_search.CONFIG, "generations": 20_000 if live else 5})
    if live:
        until(lambda: len(of_type(run, "generation")) > 0)
    else:
        bench.check_over(run)
    page = "search" if name == "report" else name
    with Session(server.address) as session:
        before = session.visit(page, f"run={run.id}")
        bench.tally.check(not before.exceptions, "the app answers", before.exceptions)
        delete(bench, run, live)
        after = session.visit(page, f"run={run.id}")  # as when the page draws itself anew
        bench.tally.check(not after.exceptions, "the app answers", f"{after.exceptions} {server.said()}")
        bench.tally.check("deleted" in after.text, "the page says that the run is gone", after.text)
        for label, button in before.buttons.items():
            if label in ("Cancel", "Resume", "Rename", "Yes, delete it"):
                pressed = session.click(page, f"run={run.id}", button)
                bench.tally.check(not pressed.exceptions, "a button of a run that is gone", (label, pressed.exceptions))
    bench.check_page(server, "runs")
    bench.check_page(server, page)


def delete(bench: Bench, run: Run, live: bool) -> None:
    """By another visitor or, where it is at work, by hand: its worker ends by itself."""
    if not live:
        bench.store.delete(run.id)
        return
    status = run.recorded()
    assert status is not None
    shutil.rmtree(run.folder.rename(run.folder.with_name(".gone")))
    bench.tally.check(until(lambda: not status.has_worker, 30), "its worker ends", run.id)
    kill_worker(run) if run.folder.exists() else None
