"""How often pages are drawn anew while a run is at work: every second, and less often the more of them there are."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

import streamlit as st

LEAST, MOST = 1.0, 16.0
"""Seconds between two drawings of a page."""
SHARE = 0.3
"""Of one core: what all drawings together may take, so that there is time for whoever clicks or opens a page."""
GONE = 40.0
"""Seconds after which a page that was not drawn again counts as closed."""


class Pace:
    """What the drawings of all visitors cost, each by the part drawn last, and how far apart they have to be.

    Safe in threads.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._drawn: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def drawn(self, visitor: str, seconds: float) -> None:
        """Note that a visitor's page was drawn just now, which took so many seconds of processor time."""
        with self._lock:
            self._drawn[visitor] = self._clock(), seconds

    def every(self) -> float:
        """Seconds from one drawing of a page to the next: a power of two, so that it does not change all the time."""
        with self._lock:
            past = self._clock() - GONE
            self._drawn = {visitor: last for visitor, last in self._drawn.items() if last[0] > past}
            wanted = sum(seconds for _, seconds in self._drawn.values()) / SHARE
        return min(max(2.0 ** math.ceil(math.log2(wanted)), LEAST), MOST) if wanted > LEAST else LEAST


@st.cache_resource
def pace() -> Pace:
    """That of the server."""
    return Pace()


def redrawn(live: bool, part: Callable[[], bool], *, every: float | None = None) -> None:
    """Draw a part of a page, again and again while it is live; the whole page once `part` says that it is otherwise.

    What takes only seconds may be looked at more often: `every` so many, while few look.
    """
    usual = pace().every()
    every = usual if every is None or usual > LEAST else every

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
    """A name for this visitor's page, the same as long as it is open."""
    return str(st.session_state.setdefault("visitor", f"{time.monotonic_ns()}"))
