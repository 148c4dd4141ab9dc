"""A worker with quick kinds of its own, which the tests start as a process with a run folder."""

from __future__ import annotations

import itertools
import json
import os
import re
import resource
import signal
import sys
import time
from pathlib import Path

from compressor_core.errors import DataError
from compressor_core.files import write_json
from compressor_core.records import Notice, Progress, SearchSummary, Step, Work
from compressor_core.runs.context import RunContext
from compressor_core.runs.worker import run_worker

Loop = Work[SearchSummary | None]


def step_of(number: int) -> Step:
    return Step(step=number, epoch=0, loss=0.5, learning_rate=0.1)


def summary_of(best: int, *, cancelled: bool = False) -> SearchSummary:
    """A summary whose seconds are the moment it was made."""
    return SearchSummary(evaluations=best, seconds=time.monotonic(), cancelled=cancelled)


def count(context: RunContext) -> Loop:
    """Count to config["steps"], from its checkpoint if resuming; asks at each step whether to stop."""
    checkpoint = context.path("checkpoint.json")
    step = int(checkpoint.read_text()) if context.resuming and checkpoint.exists() else 0
    steps = context.config["steps"]
    yield Notice(message=json.dumps({"at": time.monotonic(), "resuming": context.resuming}))
    while step < steps:
        if context.cancelled():
            return summary_of(step, cancelled=True)
        time.sleep(context.config.get("pause", 0.01))
        step += 1
        write_json(checkpoint, step, durable=False)
        yield step_of(step)
        yield Progress(fraction=step / steps, message=f"step {step}")
    return summary_of(step)


def deaf(context: RunContext) -> Loop:
    """Never asks whether to stop."""
    try:
        for step in itertools.count(1):
            time.sleep(0.02)
            yield step_of(step)
    finally:
        context.path("closed").touch()
    return None


def hang(context: RunContext) -> Loop:
    """Native code that takes for ever, in a process that will not be told."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield step_of(1)
    re.match("(a+)+$", "a" * 64 + "b")
    return None


def refuse(context: RunContext) -> Loop:
    yield step_of(1)
    raise DataError("The file is empty: choose another")


def crash(context: RunContext) -> Loop:
    yield Notice(message="about to crash")
    raise ZeroDivisionError("a secret detail")


def fill_disk(context: RunContext) -> Loop:
    """Records until the system refuses to let events.jsonl grow."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    while True:
        yield Notice(message="x" * 900)


def spill(context: RunContext) -> Loop:
    """A file of its own that grows until the system refuses."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    yield step_of(1)
    context.path("weights").write_bytes(bytes(30_000))
    return None


def build_on(context: RunContext) -> Loop:
    other, found = context.dependency(context.config["count_run"])
    yield Notice(message=other.id)
    return summary_of(found.evaluations)


def stream(context: RunContext) -> Loop:
    """config["steps"] records as fast as they go; the summary counts how often status.json was replaced."""
    seen = set()
    for step in range(context.config["steps"]):
        yield step_of(step)
        seen.add(os.stat(context.path("status.json")).st_ino)
    return summary_of(len(seen))


def chatter(context: RunContext) -> Loop:
    """A library that prints and prints, until its log was rotated."""
    yield step_of(1)
    while not context.path("worker.log.1").exists():
        print("a warning of a library " * 40_000, flush=True)
        time.sleep(0.02)
    return None


WORK = {
    "chatter": chatter,
    "count": count,
    "deaf": deaf,
    "hang": hang,
    "refuse": refuse,
    "crash": crash,
    "fill-disk": fill_disk,
    "spill": spill,
    "build-on": build_on,
    "stream": stream,
}

if __name__ == "__main__":
    sys.exit(run_worker(Path(sys.argv[1]), WORK))
