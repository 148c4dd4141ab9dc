"""Files that are read again only once they have changed."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
Mark = tuple[int, int, int]
"""What changes with a file: its place on the disk, its bytes, and when it was written (nanoseconds)."""

SETTLED = 2.0
"""Seconds after which a second change of a file has another time than the first, on any file system in use."""


class Remembered(Generic[T]):
    """What the contents of files say, by `read`; the files that were asked for last, up to `most` bytes in all.

    A file costs one look at its size and time as long as it stays as it is. What is returned is shared: it must not
    be changed by whoever asks. Safe in threads.
    """

    def __init__(self, read: Callable[[bytes], T], most: int) -> None:
        self._read = read
        self._most = most
        self._known: OrderedDict[str, tuple[Mark, T]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __call__(self, path: Path) -> T:
        """What the file says now. Raises OSError as opening it does, and what `read` raises."""
        name = str(path)
        mark = _mark(os.stat(name))
        with self._lock:
            known = self._known.get(name)
            if known is not None and known[0] == mark:
                self._known.move_to_end(name)
                return known[1]
        with open(name, "rb") as file:
            before = os.fstat(file.fileno())
            found = self._read(file.read())
        # A file that was written just now may be written once more without its time telling.
        if before.st_size <= self._most and time.time() - before.st_mtime > SETTLED:
            self._keep(name, _mark(before), found)
        return found

    def _keep(self, name: str, mark: Mark, found: T) -> None:
        with self._lock:
            self._forget(name)
            self._known[name] = mark, found
            self._bytes += mark[1]
            while self._bytes > self._most:
                self._forget(next(iter(self._known)))

    def _forget(self, name: str) -> None:
        known = self._known.pop(name, None)
        if known is not None:
            self._bytes -= known[0][1]


def _mark(stat: os.stat_result) -> Mark:
    return stat.st_ino, stat.st_size, stat.st_mtime_ns
