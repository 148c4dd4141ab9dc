"""A wall clock that a test can set: Python imports this file by itself in each process with its folder in PYTHONPATH.

The file $COMPRESSOR_TEST_CLOCK holds by how many seconds the clock was set. What the kernel would shift with it, the
boot time, is shifted too; the monotonic clock is not.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from psutil import _pslinux

_time, _boot_time = time.time, _pslinux.boot_time


def jump() -> float:
    with suppress(KeyError, OSError, ValueError):
        return float(Path(os.environ["COMPRESSOR_TEST_CLOCK"]).read_text("utf-8"))
    return 0.0


def install() -> None:
    time.time = lambda: _time() + jump()
    _pslinux.boot_time = lambda: _boot_time() + jump()


if "COMPRESSOR_TEST_CLOCK" in os.environ:
    install()
