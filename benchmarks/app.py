"""Response times of the app and memory of its server: `python -m benchmarks.app [--rounds 3] [--runs 200]`.

First, a store of real runs is made (takes some minutes; `--store FOLDER` keeps it, or uses an existing one): searches
of 100 generations of 50, tiny students, and comparisons of the bundled student, copied up to the requested number.
Then, in every round, a new server is started and a fresh Chromium visits it:

- first content: from the navigation until Start's heading and first text are painted, and until its search plays on the
  chart: in the moment in which the server starts, which it still gets ready in, and in another Chromium once it waits;
- clicks on every page, see `benchmarks.app_clicks`: from the click until the page has answered and nothing is being
  computed or drawn, with the server's processor time; this includes a search watched live;
- the budget slider on Start: from the end of a drag to the drawn answer;
- a search that is started while a student is trained: from the click until its first offspring is on the stage;
- the server's memory (RSS) after the first visit, and after all of these pages, without running any model.

The rounds run one after the other, so that other load on the machine affects all clicks equally; the minimum over the
rounds is the time on a quiet machine. Needs Debian's chromium.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from benchmarks.app_clicks import PROBE, Click, clicks, live_clicks, milliseconds, played, slid
from benchmarks.app_store import Made, build, live_search, long_training, reopen
from benchmarks.serving import Server
from compressor_core.machine import processor
from compressor_core.runs import Run, cancel
from compressor_core.runs.store import ROOT_VARIABLE

WAIT = 20_000.0
"""Milliseconds after which a click counts as unanswered."""


@dataclass
class Measured:
    """Results of the rounds: seconds, bytes, and for each click its milliseconds and those of the server."""

    first: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    drawn: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    slid: list[float] = field(default_factory=list)
    played: list[float] = field(default_factory=list)
    home: list[int] = field(default_factory=list)
    all_pages: list[int] = field(default_factory=list)
    waited: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    worked: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    unanswered: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description="How soon the app answers, and what its server weighs.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--store", type=Path, help="folder for the runs, which is kept and reused")
    parser.add_argument("--page", help="title of the only page to click on")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        print("error: chromium is not installed: apt-get install chromium", file=sys.stderr)
        return 2
    measured = Measured()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = (arguments.store or Path(folder)).absolute()
        made = reopen(root) if root.is_dir() and any(root.iterdir()) else build(root, arguments.runs)
        os.environ[ROOT_VARIABLE] = str(root)
        for number in range(arguments.rounds):
            print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr, flush=True)
            visit(lambda: launched(playwright, chromium), made, measured, arguments.page)
    show(measured, made.count)
    return 0


def launched(playwright: Playwright, chromium: str) -> Browser:
    return playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])


def opened(browser: Browser, address: str, when: str, measured: Measured) -> Page:
    """Start, opened in a browser that has never seen it, and what that took."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(WAIT)
    page.add_init_script(PROBE)
    page.goto(address)
    page.wait_for_function("probe.read && probe.drawn && probe.settled()")
    measured.first[when].append(page.evaluate("probe.read") / 1e3)
    measured.drawn[when].append(page.evaluate("probe.drawn") / 1e3)
    time.sleep(1)
    return page


def visit(launch: Callable[[], Browser], made: Made, measured: Measured, only: str | None) -> None:
    """One round: a fresh server, its first two visitors, and every click of the second."""
    early, late = launch(), launch()
    with Server() as server, closing(early), closing(late):
        process = server.process
        opened(early, server.address, "as the server starts", measured)
        early.close()
        page = opened(late, server.address, "on a server that waits", measured)
        measured.home.append(process.memory_info().rss)
        measured.slid.append(slid(page) / 1e3)
        for click in clicks(made):
            if only in (None, click.page):
                one(page, click, process, measured)
        time.sleep(1)
        measured.all_pages.append(process.memory_info().rss)
        if only in (None, "Single search"):
            run = live_search(made.store)
            page.goto(f"{server.address}/search?run={run.id}")
            page.wait_for_selector("h1")
            for click in live_clicks():
                one(page, click, process, measured)
            end(run, made)
            training = long_training(made)
            page.goto(f"{server.address}/search")
            page.wait_for_selector("h1")
            measured.played.append(played(page) / 1e3)
            end(training, made)
            end(made.store.list("search")[0], made)


def end(run: Run, made: Made) -> None:
    """End a run and delete it, so that each round finds the same store."""
    if run.status().live:
        cancel(run)
    while run.status().live:
        time.sleep(0.2)
    made.store.delete(run.id)


def one(page: Page, click: Click, process: psutil.Process, measured: Measured) -> None:
    """Make one click and record its cost."""
    name = click.page, click.label
    try:
        waited, worked = milliseconds(page, click, lambda: sum(process.cpu_times()[:2]))
    except PlaywrightError as error:
        measured.unanswered.append(f"{click.page}, {click.label}: {str(error).splitlines()[0]}")
        return
    measured.waited[name].append(waited)
    measured.worked[name].append(worked * 1e3)


def show(measured: Measured, runs: int) -> None:
    """Print Markdown: machine, first content, memory, and a table of the clicks."""
    rounds = len(measured.slid)
    print(f"{processor()}, {os.cpu_count()} cores; {runs} runs; {rounds} rounds, each a fresh server\n")
    for when, seconds in measured.first.items():
        print(f"First content, {when}: {spread(seconds)} s (median; least to most)")
        print(f"Start's chart plays, {when}: {spread(measured.drawn[when])} s")
    print(f"The budget's slider, from the end of a drag to the drawing: {spread(measured.slid)} s")
    if measured.played:
        print(f"A search started beside a training, from the click to its first offspring: {spread(measured.played)} s")
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"Load of the machine at the end (1, 5, 15 minutes): {load}")
    print(f"Server's memory after the first visit: {max(measured.home) / 1e6:.0f} MB", end="")
    print(f"; after all pages without models: {max(measured.all_pages) / 1e6:.0f} MB (the most of all rounds)\n")
    print("| page | click | median, ms | p95, ms | least, ms | server's processor, ms |\n|---|---|---|---|---|---|")
    for (page, label), waited in measured.waited.items():
        worked = statistics.median(measured.worked[page, label])
        print(f"| {page} | {label} {columns(waited)} | {worked:.0f} |")
    by_page: dict[str, list[float]] = defaultdict(list)
    for (page, _), waited in measured.waited.items():
        by_page[page] += waited
    print("\n| all clicks of | clicks | median, ms | p95, ms | least, ms |\n|---|---|---|---|---|")
    for page, waited in {**by_page, "every page": [each for some in by_page.values() for each in some]}.items():
        print(f"| {page} | {len(waited)} {columns(waited)} |")
    for sentence in measured.unanswered:
        print(f"\nunanswered: {sentence}")


def spread(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"


def columns(waited: Sequence[float]) -> str:
    """Median, 95th percentile (nearest rank) and minimum, as table cells."""
    ranked = sorted(waited)
    p95 = ranked[math.ceil(0.95 * len(ranked)) - 1]
    return f"| {statistics.median(ranked):.0f} | {p95:.0f} | {ranked[0]:.0f}"


if __name__ == "__main__":
    sys.exit(main())
