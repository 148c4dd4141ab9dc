"""Rate at which pages are redrawn while a run is live: every second, and less often the more pages there are."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

import streamlit as st

LEAST, MOST = 1.0, 16.0
"""Shortest and longest interval between two drawings of a page, in seconds."""
SHARE = 0.3
"""Share of one core that all drawings together may use, to leave time for clicks and new pages."""
SLOW = 4.0
"""Interval in seconds from which a run that takes only seconds is drawn no more often than others."""
GONE = 2.5
"""Intervals without a drawing after which a page counts as closed, at least `LEAST_GONE` seconds."""
LEAST_GONE = 5.0


class Pace:
    """Redraw interval from the cost of all visitors' pages, each estimated by its last drawing.

    Thread-safe.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._drawn: dict[str, tuple[float, float]] = {}
        self._every = LEAST
        self._lock = threading.Lock()

    def drawn(self, visitor: str, seconds: float) -> None:
        """Record that a visitor's page was just drawn, in `seconds` of processor time."""
        with self._lock:
            self._drawn[visitor] = self._clock(), seconds

    def every(self) -> float:
        """Interval between drawings of a page in seconds: a power of two, so that it seldom changes."""
        with self._lock:
            past = self._clock() - max(GONE * self._every, LEAST_GONE)
            self._drawn = {visitor: last for visitor, last in self._drawn.items() if last[0] > past}
            wanted = sum(seconds for _, seconds in self._drawn.values()) / SHARE
            self._every = min(2.0 ** math.ceil(math.log2(wanted)), MOST) if wanted > LEAST else LEAST
            return self._every


@st.cache_resource
def pace() -> Pace:
    """Pace shared by all visitors of the server."""
    return Pace()


def redrawn(live: bool, part: Callable[[], bool], *, every: float | None = None) -> None:
    """Draw a part of a page, repeatedly while it is live; rerun the whole page once `part` returns another state.

    A run that takes only seconds may set `every`, a shorter interval in seconds that applies while load is low.
    """
    usual = pace().every()
    every = usual if every is None or usual >= SLOW else every

    @st.fragment(run_every=every if live else None)
    def again() -> None:
        begun = time.thread_time()
        still = part()
        if live:
            pace().drawn(_visitor(), time.thread_time() - begun)
        if still != live or (live and not usual / 4 <= pace().every() <= usual * 2):
            st.rerun()

    again()


def _visitor() -> str:
    """Identifier of this visitor's page, constant while it is open."""
    return str(st.session_state.setdefault("visitor", f"{time.monotonic_ns()}"))
