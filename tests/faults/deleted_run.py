"""A run deleted under the page that shows it: the page says so, and the app goes on."""

from __future__ import annotations

import shutil

from compressor_core.runs import Run, launch
from tests.faults import killed_search
from tests.faults.harness import Bench, Server, slot_taken, until, worker_of
from tests.faults.session import Session

FAULT = "a run deleted under an open page"
CONFIG = {**killed_search.CONFIG, "generations": 5}


def make(bench: Bench, times: int) -> None:
    """On the pages Search and Runs, a run that is over; then one that still waits, deleted by hand."""
    with bench.server() as server:
        for number in range(times):
            page = ("search", "runs")[number % 2]
            run = launch(bench.store, "search", CONFIG)
            bench.check_over(run)
            with Session(server.address) as session:
                buttons = open_in(session, bench, page, run)
                bench.store.delete(run.id)
                check_gone(session, bench, page, run, buttons)
            with slot_taken(bench.store), Session(server.address) as session:
                run = launch(bench.store, "search", CONFIG)
                until(lambda run=run: worker_of(run) is not None)  # type: ignore[misc]
                worker = worker_of(run)
                buttons = open_in(session, bench, page, run)
                shutil.rmtree(run.folder.rename(run.folder.with_name(".gone")))
                check_gone(session, bench, page, run, buttons)
                ended = until(lambda worker=worker: worker is None or not worker.is_running())  # type: ignore[misc]
                bench.tally.check(ended, "its worker ends by itself", run.id)
            bench.tally.check(not run.folder.exists(), "nothing of it comes back", run.id)
            check_app(bench, server)


def open_in(session: Session, bench: Bench, name: str, run: Run) -> dict[str, str]:
    """Open a run on a page; returns the buttons that act on it."""
    page = session.visit(name, f"run={run.id}")
    bench.tally.check(not page.exceptions, "the app answers", page.exceptions)
    acting = ("Cancel", "Resume", "Rename", "Yes, delete it")
    return {label: button for label, button in page.buttons.items() if label in acting}


def check_gone(session: Session, bench: Bench, name: str, run: Run, buttons: dict[str, str]) -> None:
    """Check what the page says when it draws itself anew, and when a button of the old one is pressed."""
    bench.tally.times += 1
    pages = [session.visit(name, f"run={run.id}")]
    pages += [session.click(name, f"run={run.id}", button) for button in buttons.values()]
    for page in pages:
        bench.tally.check(not page.exceptions, "the app answers", page.exceptions)
        bench.tally.check("deleted" in page.text, "the page says that the run is gone", page.text)


def check_app(bench: Bench, server: Server) -> None:
    for name in ("", "search", "runs"):
        bench.check_page(server, name)
