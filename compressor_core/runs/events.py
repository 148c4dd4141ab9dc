"""The records in events.jsonl: appended as whole lines, and read even if the file was damaged since."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from compressor_core.files import storage_error, to_json
from compressor_core.records import Record, read_record

LONGEST_LINE = 1 << 24
"""Maximum line length in bytes; a longer line is considered damaged and skipped without loading it."""
_TAIL = 1 << 16
"""Bytes at the end of the file that are searched first for the last record."""

_LONGEST = 1e11
"""Maximum working time in seconds; a longer one means damage."""


def read(path: Path, offset: int = 0) -> tuple[list[Record], int]:
    """Records from byte `offset` on, and the next offset.

    An incomplete last line is left for the next call; a damaged line is skipped.
    Raises FileNotFoundError if there is no such file, StorageError if it cannot be read.
    """
    offset = max(offset, 0)
    records: list[Record] = []
    try:
        with path.open("rb") as file:
            position = file.seek(offset)
            overlong = False
            while line := file.readline(LONGEST_LINE):
                position += len(line)
                if not line.endswith(b"\n"):
                    overlong = True
                    continue
                offset = position
                record = None if overlong else _record(line)
                overlong = False
                if record is not None:
                    records.append(record)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise storage_error(error, path, action="read") from error
    return records, offset


def last(path: Path) -> Record | None:
    """Last readable record; None if there is none, or no such file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            for length in (_TAIL, LONGEST_LINE):
                file.seek(max(size - length, 0))
                lines = file.read().splitlines()
                for line in reversed(lines if length >= size else lines[1:]):
                    if (record := _record(line)) is not None:
                        return record
                if length >= size:
                    break
    except OSError:
        pass
    return None


def parse(data: bytes) -> Any:
    """Parsed JSON in `data`; None if invalid."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _record(line: bytes) -> Record | None:
    values = parse(line)
    record = read_record(values) if isinstance(values, dict) else None
    return None if record is None or not 0 <= (record.time or 0.0) < _LONGEST else record


class EventLog:
    """Writer of events.jsonl: each record is written in one system call, so that no kill can lose it.

    `seconds` is the working time of earlier launches, from which the times of the records continue.
    """

    def __init__(self, path: Path, seconds: float = 0.0) -> None:
        self._path = path
        # A killed worker may have recorded more after its last status.
        before = last(path)
        self._origin = time.monotonic() - max(seconds, before.time or 0.0 if before else 0.0)
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            size = os.lseek(self._descriptor, 0, os.SEEK_END)
            if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
                # The last worker died in the middle of a line: start the next record on a new line.
                os.write(self._descriptor, b"\n")
        except OSError as error:
            raise storage_error(error, path) from error

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    @property
    def seconds(self) -> float:
        """Working time of the run so far, in seconds."""
        return time.monotonic() - self._origin

    def append(self, record: Record) -> None:
        """Write one line. Raises StorageError if writing fails."""
        values = record.model_dump(mode="json", exclude_none=True) | {"time": round(self.seconds, 3)}
        line = (to_json(values) + "\n").encode("utf-8", "backslashreplace")
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError as error:
            raise storage_error(error, self._path) from error
