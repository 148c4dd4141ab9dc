"""events.jsonl: records are appended whole, and read with whatever has happened to the file since."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from compressor_core.files import storage_error, to_json
from compressor_core.records import Record, read_record

LONGEST_LINE = 1 << 24
"""Bytes; a longer line of events.jsonl is damage, and is skipped without being held in memory."""
_TAIL = 1 << 16
"""Bytes at the end of the file that are looked through for the last record, at first."""

_LONGEST = 1e11
"""Seconds; a longer time at work is damage."""


def read(path: Path, offset: int = 0) -> tuple[list[Record], int]:
    """The records from byte `offset` on, and the offset to ask from next.

    A last line that is still being written waits for the next call; a damaged line is skipped.
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
    """The last record that can be read; None if there is none, or no such file."""
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
    """The JSON in `data`; None if it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _record(line: bytes) -> Record | None:
    values = parse(line)
    record = read_record(values) if isinstance(values, dict) else None
    return None if record is None or not 0 <= (record.time or 0.0) < _LONGEST else record


class EventLog:
    """The file of the worker that writes it: each record is handed to the system whole, so that no kill can lose it.

    `seconds` is how long the run has been at work in earlier launches; the time of its records goes on from there.
    """

    def __init__(self, path: Path, seconds: float = 0.0) -> None:
        self._path = path
        # A worker that was killed may have recorded more since it last wrote its status.
        before = last(path)
        self._origin = time.monotonic() - max(seconds, before.time or 0.0 if before else 0.0)
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
            size = os.lseek(self._descriptor, 0, os.SEEK_END)
            if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
                # The last worker died in the middle of a line; the next record must not be glued to it.
                os.write(self._descriptor, b"\n")
        except OSError as error:
            raise storage_error(error, path) from error

    def __enter__(self) -> EventLog:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    @property
    def seconds(self) -> float:
        """How long the run has been at work so far."""
        return time.monotonic() - self._origin

    def append(self, record: Record) -> None:
        """Write one line. Raises StorageError if the disk refuses."""
        values = record.model_dump(mode="json", exclude_none=True) | {"time": round(self.seconds, 3)}
        line = (to_json(values) + "\n").encode("utf-8", "backslashreplace")
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError as error:
            raise storage_error(error, self._path) from error
