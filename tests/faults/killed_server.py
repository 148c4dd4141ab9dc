"""kill -9 of the server at random moments, while a visitor starts a run: the run goes on, a new server shows it."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import Any

from compressor_core.runs import Run, State, resume
from tests.faults.harness import Bench, Server, kill_worker, of_type, until
from tests.faults.session import Session
from tests.runs.lines import lines_of

FAULT = "kill -9, server"


def make(bench: Bench, times: int) -> None:
    with bench.server() as first:
        server: Server = first
        for number in range(times):
            clicks = threading.Thread(target=start_a_search, args=(server,))
            clicks.start()
            # From before the click to the midst of the search.
            if number % 4 != 3:
                until(lambda: bool(live(bench)) or not clicks.is_alive())  # noqa: B023
            time.sleep(bench.rng.uniform(0, 1.0))
            before = {run.id: lines_of(run)[0] for run in bench.store.list()}
            server.kill()
            bench.tally.times += 1
            if bench.rng.random() < 0.3:
                bench.tally.times += sum(kill_worker(run) for run in live(bench))
            clicks.join()
            server = Server(bench.store.root)
            try:
                check(bench, server, before)
            except BaseException:
                server.kill()
                raise
        server.kill()


def start_a_search(server: Server) -> None:
    with suppress(Exception), Session(server.address) as session:  # the server dies in the middle of it
        page = session.visit("search")
        session.click("search", "", page.buttons["Start the search"])


def live(bench: Bench) -> list[Run]:
    return [run for run in bench.store.list() if run.status().live]


def check(bench: Bench, server: Server, before: dict[str, list[dict[str, Any]]]) -> None:
    bench.check_page(server, "runs")
    for run in bench.store.list():
        bench.until_over(run)
        if run.status().state is not State.FINISHED:
            resume(run)  # its worker was killed, or was never started
        bench.check_over(run)
        kept = lines_of(run)[0]
        recorded = before.get(run.id, [])
        bench.tally.check(kept[: len(recorded)] == recorded, "no recorded generation is lost", run.id)
        numbers = [record["generation"] for record in of_type(run, "generation")]
        bench.tally.check(numbers == list(range(101)), "every generation is there, once", numbers)
    newest = bench.store.list()[:1]
    for run in newest:
        page = bench.check_page(server, "search", f"run={run.id}")
        bench.tally.check("finished" in page.text, "another server shows the run", page.text)
