"""Cache of the records of recently viewed runs, which reads only new records."""

from __future__ import annotations

import threading
from collections import OrderedDict

from compressor_core.records import Record
from compressor_core.runs.run import Run

MOST = 6 << 20
"""Cache limit in bytes of events.jsonl; the records take about four times as much memory."""


class Following:
    """Records of the most recently requested runs. Thread-safe."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: OrderedDict[str, tuple[list[Record], int]] = OrderedDict()
        self._lock = threading.Lock()
        self._here = threading.local()

    def records(self, run: Run) -> list[Record]:
        """All records of a run so far, as a shared list.

        Each thread keeps its last result, so that a page that needs the same records in several places reads them only
        once, regardless of other threads.

        Raises RunError if the run was deleted, StorageError if it cannot be read.
        """
        place = str(run.folder)
        last, known, read = getattr(self._here, "last", ("", [], -1))
        if last != place or read != run.recorded_bytes():
            known, read = self._shared(place, run)
            self._here.last = place, known, read
        return known

    def _shared(self, place: str, run: Run) -> tuple[list[Record], int]:
        with self._lock:
            known, offset = self._known.pop(place, ([], 0))
            fresh, offset = run.records(offset)
            known = known + fresh if fresh else known
            self._known[place] = known, offset
            while len(self._known) > 1 and sum(size for _, size in self._known.values()) > self._most:
                self._known.popitem(last=False)
        return known, offset
