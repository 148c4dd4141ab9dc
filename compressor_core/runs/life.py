"""Whether a process lives, told by clocks that nobody sets: a jump of the wall clock ends no run."""

from __future__ import annotations

import time

import psutil

STALE_AFTER = 60.0
"""Seconds without a heartbeat after which a worker that still has a process counts as gone."""
_TOLERANCE = 2.0
"""Seconds by which two readings of one process's start may differ: the boot time is in whole seconds."""


def now() -> float:
    """Seconds by a clock that all processes of this machine share; a restart of the machine begins it anew."""
    return time.monotonic()


def process_started(pid: int) -> float:
    """How many seconds after the machine's start the process began. Raises psutil.Error if it is gone."""
    while True:
        # The system tells both times by the wall clock, so that their difference is free of it.
        boot = psutil.boot_time()
        started = float(psutil.Process(pid).create_time()) - boot
        if psutil.boot_time() == boot:  # else the clock was set in between
            return started


def lives(pid: int, started: float, beat: float) -> bool:
    """Whether the process `pid` that began at `started` is there, and has shown it lately: at `beat`, see `now`."""
    if not 0.0 <= now() - beat <= STALE_AFTER:
        return False
    try:
        if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process_started(pid) - started) < _TOLERANCE
    except psutil.Error:
        return False
