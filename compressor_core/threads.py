"""How this program's threads behave on a machine that others use too."""

from __future__ import annotations

import os
from typing import Final

from compressor_core.errors import SettingsError
from compressor_core.kinds import is_whole

MOST_THREADS: Final = 1024
"""That can be asked for: the libraries take more for a number that they cannot hold, or stop the process."""


def check_threads(count: int | None) -> None:
    """Raise SettingsError unless so many threads can be asked for; None leaves the number to the machine."""
    if count is not None and not is_whole(count, 1, MOST_THREADS):
        raise SettingsError(f"threads must be a whole number from 1 to {MOST_THREADS}, not {count!r}")


def yield_when_idle() -> None:
    """Let OpenMP's threads sleep while they wait for each other; to be called before torch is imported.

    By default they spin, which is a little faster on an idle machine; but on a laptop with two cores and a browser,
    a thread that was put aside makes the other one spin for it, and training becomes many times slower.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
