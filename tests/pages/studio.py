"""What the tests of pages share beside fixtures."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from streamlit.testing.v1 import AppTest

from compressor_core.runs import Run, RunStore, Status

APP = Path(__file__).resolve().parents[2] / "app.py"
Open = Callable[..., AppTest]


@dataclass(frozen=True)
class Studio:
    """A store with one finished run of each kind."""

    store: RunStore
    search: Run
    teacher: Run
    distill: Run
    compare: Run


def until_over(run: Run, seconds: float = 120) -> Status:
    deadline = time.monotonic() + seconds
    while (status := run.status()).live:
        assert time.monotonic() < deadline, f"{run.id} is {status.state}: {status.message}"
        time.sleep(0.1)
    return status
