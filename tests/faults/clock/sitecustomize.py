"""A wall clock that a test can set: Python imports this file by itself in each process with its folder in PYTHONPATH.

The file $COMPRESSOR_TEST_CLOCK holds by how many seconds the clock was set. The monotonic clock is not shifted.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

_time = time.time


def jump() -> float:
    with suppress(KeyError, OSError, ValueError):
        return float(Path(os.environ["COMPRESSOR_TEST_CLOCK"]).read_text("utf-8"))
    return 0.0


def install() -> None:
    time.time = lambda: _time() + jump()


if "COMPRESSOR_TEST_CLOCK" in os.environ:
    install()
