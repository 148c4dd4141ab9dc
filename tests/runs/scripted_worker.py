"""A worker with quick kinds of its own, which the tests start as a process with a run folder."""

from __future__ import annotations

import itertools
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from compressor_core.errors import DataError
from compressor_core.files import write_json
from compressor_core.runs.context import RunContext
from compressor_core.runs.worker import run_worker

Records = Iterator[dict[str, Any]]


def count(context: RunContext) -> Records:
    """Count to config["steps"], from its checkpoint if resuming; asks at each step whether to stop."""
    checkpoint = context.path("checkpoint.json")
    step = int(checkpoint.read_text()) if context.resuming and checkpoint.exists() else 0
    steps = context.config["steps"]
    yield {"type": "begin", "at": time.monotonic(), "resuming": context.resuming}
    while step < steps:
        if context.cancelled():
            yield {"type": "result", "best": step, "cancelled": True}
            return
        time.sleep(context.config.get("pause", 0.01))
        step += 1
        write_json(checkpoint, step, durable=False)
        yield {"type": "step", "step": step}
        yield {"type": "progress", "fraction": step / steps, "message": f"step {step}"}
    yield {"type": "result", "best": step, "at": time.monotonic()}


def deaf(context: RunContext) -> Records:
    """Never asks whether to stop."""
    try:
        for step in itertools.count(1):
            time.sleep(0.02)
            yield {"type": "step", "step": step}
    finally:
        context.path("closed").touch()


def refuse(context: RunContext) -> Records:
    yield {"type": "step"}
    raise DataError("The file is empty: choose another")


def crash(context: RunContext) -> Records:
    yield {"type": "step", "loss": float("nan")}
    raise ZeroDivisionError("a secret detail")


def fill_disk(context: RunContext) -> Records:
    """Records until the system refuses to let events.jsonl grow."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    while True:
        yield {"type": "step", "text": "x" * 900}


def spill(context: RunContext) -> Records:
    """A file of its own that grows until the system refuses."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    yield {"type": "step"}
    context.path("weights").write_bytes(bytes(30_000))


def build_on(context: RunContext) -> Records:
    other, result = context.dependency(context.config["count_run"])
    yield {"type": "result", "other": other.id, "best": result["best"]}


def stream(context: RunContext) -> Records:
    """config["steps"] records as fast as they go; the result counts how often status.json was replaced."""
    seen = set()
    for step in range(context.config["steps"]):
        yield {"type": "step", "step": step}
        seen.add(os.stat(context.path("status.json")).st_ino)
    yield {"type": "result", "statuses": len(seen)}


WORK = {
    "count": count,
    "deaf": deaf,
    "refuse": refuse,
    "crash": crash,
    "fill-disk": fill_disk,
    "spill": spill,
    "build-on": build_on,
    "stream": stream,
}

if __name__ == "__main__":
    sys.exit(run_worker(Path(sys.argv[1]), WORK))
