"""Settings of a process on a machine that is shared with other programs."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_NICENESS = 10


def yield_when_idle() -> None:
    """Let OpenMP threads sleep while they wait for each other. Call this before torch is imported.

    By default they spin, which is slightly faster on an idle machine. On a laptop with two cores and a browser, though,
    one thread spins while the other is preempted, and training becomes many times slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def give_way() -> None:
    """Let other programs have the processor first, for a process that works for minutes beside pages and searches.

    Alone on the machine it is as fast as before.
    """
    with suppress(AttributeError, OSError):  # no such call on Windows
        os.nice(_NICENESS)
    with suppress(OSError):  # Linux may weigh whole sessions against each other, and a worker has one of its own
        Path("/proc/self/autogroup").write_text(f"{_NICENESS}", "utf-8")
