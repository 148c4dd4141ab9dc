"""Cache of parsed files, which are read again only after a change."""

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
"""Inode, size in bytes and modification time in nanoseconds."""

SETTLED = 2.0
"""Seconds after which a second change of a file gets a different modification time, on any file system in use."""


class Remembered(Generic[T]):
    """Thread-safe LRU cache of parsed files, up to `most` bytes in total.

    While a file is unchanged, a lookup costs one `stat`. The results are shared, so callers must not change them.
    """

    def __init__(self, read: Callable[[bytes], T], most: int) -> None:
        self._read = read
        self._most = most
        self._known: OrderedDict[str, tuple[Mark, T]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __call__(self, path: Path) -> T:
        """Current parsed content of the file. Raises OSError if it cannot be opened, and what `read` raises."""
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
        # A file that was written just now may change again without a new modification time.
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
