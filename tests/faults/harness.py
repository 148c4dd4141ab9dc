"""What every fault needs: a place of its own, the real server, real workers, and a tally of what was checked."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock

from benchmarks.serving import Server as AppServer
from compressor_core.runs import Run, RunStore, State, cancel
from compressor_core.runs.lock import is_held
from compressor_core.runs.store import ROOT_VARIABLE
from tests.faults.session import Page, Session
from tests.runs.lines import lines_of

PATIENCE = 120.0
"""Seconds to wait for what must come, on a machine that has much else to do."""


class Skipped(Exception):
    """A fault that cannot be made on this machine, and why."""


@dataclass
class Tally:
    """How often a fault was made, what was checked after it, and what did not hold."""

    fault: str
    times: int = 0
    checks: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    skipped: str | None = None
    seconds: float = 0.0

    def check(self, holds: bool, what: str, detail: object = "") -> bool:
        """Count a check; one that does not hold is kept with its detail."""
        self.checks[what] += 1
        if not holds:
            self.failures.append(f"{what}: {detail}")
        return holds


@dataclass
class Bench:
    """A fault's own folder of runs, its random numbers and its tally."""

    store: RunStore
    rng: random.Random
    tally: Tally

    @contextmanager
    def server(self) -> Iterator[Server]:
        """The real server on these runs, for as long as the block takes."""
        server = Server(self.store.root)
        try:
            yield server
        finally:
            server.kill()

    @property
    def while_it_starts(self) -> bool:
        """Whether the next kill is to strike a worker before it works: one in five, the second one first."""
        return self.tally.times % 5 == 1

    def check_over(self, run: Run, *states: State) -> None:
        """Check that a run comes to its end, in one of these states, and that no worker is left."""
        self.until_over(run)
        status = run.status()
        self.tally.check(until(lambda: worker_of(run) is None), "no worker is left", run.id)
        self.tally.check(
            status.state in (states or (State.FINISHED,)), "the run is over", f"{run.id} {status.state} {status.error}"
        )

    def until_over(self, run: Run) -> None:
        """Wait until a run is not live any more; a run that hangs is a failure of its own."""
        self.tally.check(until(lambda: not run.status().live), "no run hangs", run.status())

    def check_page(self, server: Server, name: str = "runs", query: str = "") -> Page:
        """Check that a page is drawn to its end, and without a traceback."""
        page = server.visit(name, query)
        self.tally.check(not page.exceptions, "the app answers", f"{name}?{query}: {page.exceptions} {server.said()}")
        return page


class Server(AppServer):
    """The real app on a folder of runs, with visitors."""

    def __init__(self, root: Path) -> None:
        super().__init__(**{ROOT_VARIABLE: str(root)})

    def visit(self, name: str = "", query: str = "") -> Page:
        with Session(self.address) as session:
            return session.visit(name, query)

    def press(self, name: str, query: str, button: str) -> Page:
        """Open a page and press one of its buttons."""
        with Session(self.address) as session:
            page = session.visit(name, query)
            if button not in page.buttons:
                raise RuntimeError(f"{name}?{query} has no button {button}: {page.buttons} {page.text}")
            return session.click(name, query, page.buttons[button])


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Wait until something holds; False if it never did."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def slot_taken(store: RunStore) -> Iterator[None]:
    """Let every run wait for its turn: it is live, its worker beats, and nothing is computed."""
    store.root.mkdir(parents=True, exist_ok=True)
    with FileLock(store.root / ".slot"), FileLock(store.root / ".quick-slot"):
        yield


def worker_of(run: Run) -> psutil.Process | None:
    """The process at work on a run, or about to be, if there is one."""
    with suppress(psutil.Error):
        recorded = run.recorded()
        if recorded is not None and recorded.pid is not None and is_held(run.folder):
            return psutil.Process(recorded.pid)
        for child in psutil.Process().children():  # it may not have reported yet
            if child.cmdline()[-1:] == [str(run.folder)]:
                return child
    return None


def kill_worker(run: Run) -> bool:
    """kill -9 of the worker, and wait until it is gone; False if there was none any more."""
    worker = worker_of(run)
    if worker is None:
        return False
    with suppress(psutil.NoSuchProcess):
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait(10)
    until(lambda: not is_held(run.folder), 10)  # the system lets go a moment later
    return True


def of_type(run: Run, *types: str) -> list[dict[str, Any]]:
    """The records of some types, in the order of the file."""
    return [record for record in lines_of(run)[0] if record["type"] in types]


def timeless(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without what no two trainings share: when it was made, and how fast."""
    return {key: value for key, value in record.items() if key not in ("time", "seconds", "examples_per_second")}


def stop_all(store: RunStore) -> None:
    """Leave nothing behind that works."""
    with suppress(Exception):
        for run in store.list():
            if run.status().live:
                cancel(run)
                kill_worker(run)
