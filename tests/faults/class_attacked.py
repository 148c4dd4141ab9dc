"""A class at work while one in ten attacks: floods of uploads, runs, costly messages and costly files, all at once.

What must hold: the others lose nothing (each sees every page whole, and the own search comes to its end), the attackers
get no more than their quota, the server's memory stays bounded; and of a whole class nobody waits longer than `SOON`.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg

from compressor_core.classroom.record import Classroom, ClassSettings, Forecast, Participant
from compressor_core.runs import Run
from pages.parts.data import INFO
from pages.parts.guard import MOST_IN_MEMORY
from pages.parts.sharing import MOST_OWN
from tests.faults.harness import PATIENCE, Bench, Server
from tests.faults.session import Session
from tests.security.test_guard import MB, Uploads

FAULT = "a class at work, one in ten attacks"
WHOLE = 30
SOON, LASTS = 5.0, 120.0
"""Seconds that a page may take for a whole class, and that its attack goes on."""
BRIEFLY = 6.0
"""Seconds that the attack goes on in the reduced form."""
PAGES = ("board", "search", "runs", "playground", "compare", "start")
Headers = dict[str, str]
Wait = tuple[float, str, float]
"""Seconds that a page took, which page it was, and when it was asked for, in seconds from the first."""


def make(bench: Bench, sessions: int) -> None:
    whole = sessions >= WHOLE
    room = Classroom(bench.store.root)
    record = room.open(ClassSettings(name="A class"))
    people = [room.join(f"visitor {number}") for number in range(sessions)]
    for person in people:
        room.commit(person.id, Forecast(accuracy=0.7, size_mb=1.0))
    attackers = max(1, sessions // 10)

    def headers(number: int) -> Headers:
        token = record.token(people[number])
        return {"X-Forwarded-For": f"203.0.113.{number}", "Cookie": f"compressor-class={token}"}

    with bench.server() as server, ThreadPoolExecutor(sessions + 3 * attackers) as pool:
        before = server.process.memory_info().rss
        over = threading.Event()
        deeds = (_upload_much, _start_much, _send_costly, _read_costly)
        # One attacker alone does everything; several share it.
        attacks = [
            pool.submit(_again, over, deed, server, headers(sessions - 1 - place))
            for place in range(attackers)
            for deed in (deeds if attackers == 1 else deeds[place % 3 :: 3])
        ]
        until = time.monotonic() + (LASTS if whole else BRIEFLY)
        working = [
            pool.submit(_work, server, headers(number), until, random.Random(f"{number}"))
            for number in range(sessions - attackers)
        ]
        waits = []
        for one in working:
            bench.tally.times += 1
            longest, wrong = one.result()
            waits.append(longest)
            bench.tally.check(not wrong, "every page is whole", wrong[:3])
        grown = server.process.memory_info().rss - before
        over.set()
        done = sum(attack.result() for attack in attacks)
        bench.tally.check(done > 0, "the attack went on", done)
        bench.tally.check(grown < MOST_IN_MEMORY + 300 * MB, "the memory is bounded", f"{grown / MB:.0f} MB")
        for person in people[: sessions - attackers]:
            runs = _runs_of(bench, person)
            bench.tally.check(len(runs) == 1, "every participant's search is there", len(runs))
            for run in runs:
                bench.check_over(run)
        bench.check_page(server, "board")
        worst = [f"{wait:.1f} for {name} after {at:.0f}" for wait, name, at in sorted(waits)[-5:]]
        print(f"    longest waits, in seconds: {', '.join(worst)}")
        if whole:
            bench.tally.check(max(waits)[0] <= SOON, f"nobody waits longer than {SOON:g} s", worst[-1])


def _runs_of(bench: Bench, person: Participant) -> list[Run]:
    return [run for run in bench.store.list() if run.maker is not None and run.maker.participant == person.id]


def _work(server: Server, headers: Headers, until: float, rng: random.Random) -> tuple[Wait, list[str]]:
    """Start a search, and go from page to page as people do: the longest wait, and what went wrong."""
    longest, wrong, started = (0.0, "", 0.0), [], False
    first = time.monotonic()
    with Session(server.address, headers) as session:
        while time.monotonic() < until or not started:
            name = "search" if not started else rng.choice(PAGES)
            begun = time.monotonic()
            page = session.visit("" if name == "start" else name)
            longest = max(longest, (time.monotonic() - begun, name, begun - first))
            wrong += page.exceptions
            if not started:
                pressed = session.click("search", "", page.buttons["Start the search"])
                wrong += pressed.exceptions
                started = not pressed.errors  # the server may be at its limit of runs, and says so
                if not started and time.monotonic() > until + PATIENCE:
                    return longest, [*wrong, *pressed.errors]
            time.sleep(rng.uniform(1, 4))
    return longest, wrong


def _again(over: threading.Event, deed: Callable[[Server, Headers], Any], server: Server, headers: Headers) -> int:
    """Attack until it is over: how often."""
    times = 0
    while not over.is_set():
        with suppress(Exception):  # whatever it is refused with
            deed(server, headers)
        times += 1
    return times


def _upload_much(server: Server, headers: Headers) -> None:
    with Session(server.address, headers) as session:
        session.visit("runs")
        send = Uploads(server, session.id)
        for number in range(8):
            send("PUT", f"invented-{number}", 40 * MB)


def _start_much(server: Server, headers: Headers) -> None:
    """As many searches as come through, each from a new session."""
    for _ in range(2 * MOST_OWN):
        with Session(server.address, headers) as session:
            page = session.visit("search")
            session.click("search", "", page.buttons["Start the search"])


def _send_costly(server: Server, headers: Headers) -> None:
    with Session(server.address, headers) as session:
        page = session.visit("search")
        for number in page.numbers[:3]:
            message = BackMsg()
            message.rerun_script.page_name = "search"
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.string_value = number, "x" * MB
            session.send(message)
        session.visit("sweeps", "runs=" + "x," * 500_000)


@cache
def _rows() -> bytes:
    """Rows of a CSV of 25 MB, which take long to read."""
    return b"".join(b'"int f%d(int a) { return a + %d; }",%d\n' % (row, row, row % 2) for row in range(550_000))


def _read_costly(server: Server, headers: Headers) -> None:
    """A file of one's own that takes long to read, with another content each time."""
    own = f"{time.monotonic_ns()}"
    with Session(server.address, headers) as session:
        page = session.visit("teacher")
        chosen = BackMsg()
        chosen.rerun_script.page_name = "teacher"
        state = chosen.rerun_script.widget_states.widgets.add()
        state.id, state.string_value = page.fields["Dataset"], INFO["file"].title
        page = session.send(chosen)
        content = f"func,label\n{own},0\n".encode() + _rows()
        Uploads(server, session.id)("PUT", own, content=content)
        state = chosen.rerun_script.widget_states.widgets.add()
        state.id = page.fields["Upload a file"]
        file = state.file_uploader_state_value.uploaded_file_info.add()
        file.file_id, file.name, file.size = own, "rows.csv", len(content)
        session.send(chosen)
