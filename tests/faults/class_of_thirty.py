"""A class of thirty at one server: everybody sits at the board, one search ends, and everybody sees its point."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, as_completed

from compressor_core.classroom.record import Classroom, ClassSettings, Forecast
from compressor_core.runs import RunStore, launch
from tests.faults import killed_search
from tests.faults.harness import PATIENCE, Bench, until
from tests.faults.session import Session

FAULT = "30 participants at the board of a class"
WHOLE = 30
"""Sessions of the whole class, for which the time counts; fewer are for a machine that has much else to do."""
SOON = 5.0
"""Seconds from the end of a run until it is on everybody's board."""


def make(bench: Bench, sessions: int) -> None:
    room = Classroom(bench.store.root)
    record = room.open(ClassSettings(name="A class of thirty"))
    people = [room.join(f"visitor {number}") for number in range(sessions)]
    room.commit(people[0].id, Forecast(accuracy=0.7, size_mb=1.0))
    with bench.server() as server, ThreadPoolExecutor(sessions + 1) as pool:
        stranger = Session(server.address, {"X-Forwarded-For": "203.0.113.250"})
        with stranger as refused:
            page = refused.visit("board")
            bench.tally.check("Join the class" in page.text and record.settings.name not in page.text, "the gate asks")

        def sit(number: int) -> tuple[float, list[str]]:
            """Sit at the board until the point is there: when it was, and what went wrong."""
            # Behind a proxy, as far as the server can tell: all from addresses of their own.
            headers = {
                "X-Forwarded-For": f"203.0.113.{number}",
                "Cookie": f"compressor-class={record.token(people[number])}",
            }
            with Session(server.address, headers) as session:
                page = session.visit("board")
                seated.append(number)
                page = session.watch("board", page, "searches: 1", PATIENCE)
                return time.monotonic(), [
                    *page.errors,
                    *page.exceptions,
                    *([] if "searches: 1" in page.text else ["none"]),
                ]

        seated: list[int] = []
        watching = [pool.submit(sit, number) for number in range(sessions)]
        until(lambda: len(seated) == sessions)
        run = launch(RunStore(bench.store.root, record.maker(people[0], "203.0.113.0")), "search", killed_search.CONFIG)
        bench.until_over(run)
        over = time.monotonic()
        for one in as_completed(watching):
            bench.tally.times += 1
            seen, wrong = one.result()
            bench.tally.check(not wrong, "everybody sees the point, without an error", wrong)
            if sessions >= WHOLE:
                bench.tally.check(seen - over <= SOON, f"within {SOON:g} s", f"{seen - over:.1f} s")
        bench.check_page(server, "board")
