"""Thread settings for a machine that is shared with other programs."""

from __future__ import annotations

import os


def yield_when_idle() -> None:
    """Let OpenMP threads sleep while they wait for each other. Call this before torch is imported.

    By default they spin, which is slightly faster on an idle machine. On a laptop with two cores and a browser, though,
    one thread spins while the other is preempted, and training becomes many times slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
