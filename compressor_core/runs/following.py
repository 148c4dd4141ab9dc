"""The records of runs that are being looked at: of those asked for last, only what is new is read again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from compressor_core.runs.run import Run

MOST = 6 << 20
"""Bytes of events.jsonl whose records are kept at most; they take about four times as much in memory."""


class Following:
    """The records of the runs that were asked for last, however many ask. Safe in threads."""

    def __init__(self, most: int = MOST, read: Callable[[Run, int], tuple[list[Any], int]] = Run.events) -> None:
        self._most, self._read = most, read
        self._known: OrderedDict[str, tuple[list[Any], int]] = OrderedDict()
        self._lock = threading.Lock()

    def records(self, run: Run) -> list[Any]:
        """All records of a run so far; the records themselves are shared and must not be changed.

        Raises RunError if the run was deleted, StorageError if it cannot be read.
        """
        place = str(run.folder)
        with self._lock:
            known, offset = self._known.pop(place, ([], 0))
            fresh, offset = self._read(run, offset)
            known = known + fresh if fresh else known
            self._known[place] = known, offset
            while len(self._known) > 1 and sum(size for _, size in self._known.values()) > self._most:
                self._known.popitem(last=False)
        return known
