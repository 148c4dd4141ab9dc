"""Settings of a process on a machine that is shared with other programs."""

from __future__ import annotations

import gc
import os
from contextlib import suppress
from pathlib import Path

_NEW_OBJECTS = 50_000
"""New objects after which Python looks for cyclic garbage, in place of 700."""
_NICENESS = 10
_SPINS = 5_000
"""Turns that a waiting thread spins before it sleeps; between 1,000 and 100,000 a training is as fast."""


def yield_when_idle() -> None:
    """Let OpenMP threads sleep soon while they wait for each other. Call this before torch is imported.

    By default they spin for long: on a laptop with two cores and a browser, one thread then spins while the other is
    preempted, and training becomes many times slower. If they sleep at once, waking them between the small products of
    a student takes a fifth of the time.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", str(_SPINS))  # of GNU's OpenMP, which PyTorch's CPU builds for Linux use


def give_way() -> None:
    """Let other programs have the processor first, for a process that works for minutes beside pages and searches.

    Alone on the machine it is as fast as before.
    """
    with suppress(AttributeError, OSError):  # no such call on Windows
        os.nice(_NICENESS)
    with suppress(OSError):  # Linux may weigh whole sessions against each other, and a worker has one of its own
        Path("/proc/self/autogroup").write_text(f"{_NICENESS}", "utf-8")


def collect_seldom() -> None:
    """Let Python look for cyclic garbage less often, for a process that holds many objects, such as the app's server.

    Each search goes through the objects of all libraries in the end: a sixth of the processor time of tests of figures.
    """
    gc.set_threshold(_NEW_OBJECTS)
