"""Rate at which pages are redrawn while a run is live: every second, and less often the more pages there are."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

import streamlit as st
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

LEAST, MOST = 1.0, 16.0
"""Shortest and longest interval between two drawings of a page, in seconds."""
SHARE = 0.3
"""Share of one core that all drawings together may use, to leave time for clicks and new pages."""
SLOW = 4.0
"""Interval in seconds from which a run that takes only seconds is drawn no more often than others."""
GONE = 40.0
"""Seconds without a drawing after which a page counts as closed, even if its visitor is still there."""


class Pace:
    """Redraw interval from the cost of all visitors' pages, each estimated by its last drawing.

    `there` tells whether a visitor is still connected. Thread-safe.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, there: Callable[[str], bool] = lambda _: True
    ) -> None:
        self._clock, self._there = clock, there
        self._drawn: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def drawn(self, visitor: str, seconds: float) -> None:
        """Record that a visitor's page was just drawn, in `seconds` of processor time."""
        with self._lock:
            self._drawn[visitor] = self._clock(), seconds

    def every(self) -> float:
        """Interval between drawings of a page in seconds: a power of two, so that it seldom changes."""
        with self._lock:
            past = self._clock() - GONE
            self._drawn = {
                visitor: last for visitor, last in self._drawn.items() if last[0] > past and self._there(visitor)
            }
            wanted = sum(seconds for _, seconds in self._drawn.values()) / SHARE
        return min(max(2.0 ** math.ceil(math.log2(wanted)), LEAST), MOST) if wanted > LEAST else LEAST


@st.cache_resource
def pace() -> Pace:
    """Pace shared by all visitors of the server."""
    return Pace(there=get_instance().is_active_session) if exists() else Pace()


def redrawn(live: bool, part: Callable[[], bool], *, every: float | None = None) -> None:
    """Draw a part of a page, repeatedly while it is live; rerun the whole page once `part` returns another state.

    A run that takes only seconds may set `every`, a shorter interval in seconds that applies while load is low, and a
    second up to `SLOW`.
    """
    usual = pace().every()
    if every is None or usual >= SLOW:
        every = usual
    elif usual > LEAST:
        every = LEAST

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
    """Identifier of this visitor's session."""
    context = get_script_run_ctx()
    return context.session_id if context else ""
