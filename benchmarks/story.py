"""Duration of Start's one-button story: `python -m benchmarks.story [--task clone] [--budget 3]`.

A new server with an empty cache and an empty run folder is visited by Chromium on the same machine, which clicks
Compress and leaves the page open, as a user would who watches. Reported are the seconds from the click until each run
has finished, those between the messages of the runs, and the share of the machine's time that the worker, the server
and the browser took. Takes minutes; needs Debian's chromium.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import psutil
from playwright.sync_api import sync_playwright

from benchmarks.serving import Server
from compressor_core.cache import CACHE_VARIABLE
from compressor_core.runs import State
from compressor_core.runs.store import ROOT_VARIABLE, RunStore
from compressor_core.task import Task

MOST = 1800.0
"""Seconds after which a story counts as hanging."""
KINDS = {"runs.worker": "worker", "streamlit run": "server", "chromium": "browser"}
"""What a process is, by a part of its command line."""


def main() -> int:
    parser = argparse.ArgumentParser(description="How long the one-button story takes with an empty cache.")
    parser.add_argument("--task", choices=list(Task), default=Task.VULNERABILITY)
    parser.add_argument("--budget", type=float, default=3.0, help="size budget in MB")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        print("error: chromium is not installed: apt-get install chromium", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        os.environ[ROOT_VARIABLE], os.environ[CACHE_VARIABLE] = f"{folder}/runs", f"{folder}/cache"
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with Server() as server:
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(f"{server.address}/?task={arguments.task}&budget={arguments.budget:g}")
            page.get_by_role("button", name="Compress").click()
            finished = _watch(RunStore(Path(folder) / "runs"))
        browser.close()
    return 0 if finished else 1


def _watch(store: RunStore) -> bool:
    """Print what the three runs say until they have ended, then who took the time; whether all have finished."""
    started, said = time.monotonic(), ""
    spent: dict[str, float] = defaultdict(float)
    before, idle = _times(), psutil.cpu_times().idle
    ended: set[str] = set()
    while len(ended) < 3 and time.monotonic() - started < MOST:
        time.sleep(0.5)
        now = _times()
        for (pid, kind), seconds in now.items():
            spent[kind] += max(seconds - before.get((pid, kind), 0.0), 0.0)
        before = now
        for run in store.list():
            status = run.status()
            at = time.monotonic() - started
            message = re.sub(r"[\d,]+", "", status.message or "")  # one line for all steps of the same work
            if status.live and run.kind != "search" and message not in ("", said):
                print(f"{at:7.1f} s  {run.kind}: {status.message}", flush=True)
                said = message
            if not status.live and run.kind not in ended:
                ended.add(run.kind)
                print(f"{at:7.1f} s  {run.kind} is {status.state}", flush=True)
    seconds = (time.monotonic() - started) * (psutil.cpu_count() or 1)
    spent["idle"] = psutil.cpu_times().idle - idle
    print(", ".join(f"{kind} {share / seconds:.0%}" for kind, share in sorted(spent.items())))
    return [run.status().state for run in store.list()] == [State.FINISHED] * 3


def _times() -> dict[tuple[int, str], float]:
    """Processor seconds of each process of the story, by its id and what it is."""
    found = {}
    for process in psutil.process_iter(["cmdline", "cpu_times"]):
        command, times = " ".join(process.info["cmdline"] or []), process.info["cpu_times"]
        for part, kind in KINDS.items():
            if part in command and times is not None:
                found[process.pid, kind] = times.user + times.system
                break
    return found


if __name__ == "__main__":
    sys.exit(main())
