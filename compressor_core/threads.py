"""How this program's threads behave on a machine that others use too."""

from __future__ import annotations

import os


def yield_when_idle() -> None:
    """Let OpenMP's threads sleep while they wait for each other; to be called before torch is imported.

    By default they spin, which is a little faster on an idle machine; but on a laptop with two cores and a browser,
    a thread that was put aside makes the other one spin for it, and training becomes many times slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
