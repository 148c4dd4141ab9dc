"""A run folder: what was asked for, how it stands, what it has recorded. Reading never writes.

A run folder, readable without this program:

    config.json    kind, name, created (seconds since the epoch), configuration; written by the launcher
    launch.json    when the run was last launched; written by the launcher
    status.json    how the run stands, see `Status`; written by the worker alone
    events.jsonl   the records, one JSON object a line, append-only; written by the worker alone
    worker.log     what the worker and its libraries printed
    cancel         present once the run was asked to stop
    .lock          held by the worker for as long as it lives
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from compressor_core.errors import RunError
from compressor_core.files import storage_error, write_json
from compressor_core.records import Record, read_record
from compressor_core.remembered import Remembered
from compressor_core.runs import events, life
from compressor_core.runs.kinds import kind_of
from compressor_core.runs.portable import packed, unpacked
from compressor_core.runs.reading import number, parse, text
from compressor_core.runs.status import State, Status

START_GRACE = 15.0
"""Seconds that a launched worker has to report before its run counts as interrupted."""
REMEMBERED = 4 << 20
"""Bytes of JSON whose values are kept at most, so that a list of runs need not open every file of every run."""
_LAST_TIME = 253402300800.0
"""The year 10000: a later creation is damage."""


_parsed = Remembered(parse, REMEMBERED)


@dataclass(frozen=True)
class Run:
    """One run: what was asked for, and where its folder is."""

    id: str
    folder: Path
    kind: str
    config: dict[str, Any]
    name: str | None
    created: float

    @property
    def settings(self) -> Any:
        """What was asked for, as the settings of its kind. Raises CompressorError if they are none such."""
        return kind_of(self.kind).read_settings(self.config)

    def summary(self) -> Record | None:
        """What came out of it, if it has come to that. Raises RunError if it was deleted."""
        return self.status().summary

    def status(self) -> Status:
        """How the run stands now; interrupted if its worker is gone. Raises RunError if it was deleted."""
        recorded = self.recorded()
        while True:
            if recorded is not None and recorded.live and recorded.has_worker:
                return recorded
            answered = recorded is not None and recorded.launch == self.launched()
            if recorded is not None and answered and not recorded.live:
                return recorded
            if not answered and self._just_launched():
                return replace(
                    recorded or Status(State.QUEUED), state=State.QUEUED, message=None, finished=None, error=None
                )
            before, recorded = recorded, self.recorded()
            if recorded == before:  # else the worker wrote how it ended, or another came, while this was looked at
                break
        if recorded is not None and not recorded.live:
            return recorded
        return self._left_behind(recorded or Status(State.INTERRUPTED, started=self.created))

    def _left_behind(self, recorded: Status) -> Status:
        """How a run stands whose worker is gone without a last word, or whose last word is lost."""
        record = events.last(self.folder / "events.jsonl")
        if record is not None and record["type"] == "result":
            # A result is the last that a worker records: the work was done.
            result = self._here({key: value for key, value in record.items() if key not in ("type", "time")})
            state = State.CANCELLED if result.get("cancelled") else State.FINISHED
            seconds = number(record.get("time"))
            return replace(recorded, state=state, result=result, seconds=seconds, message=None, error=None)
        return replace(
            recorded,
            state=State.INTERRUPTED,
            message="The process at work on this run ended early; resume it to go on from what it recorded.",
        )

    def events(self, offset: int = 0) -> tuple[list[events.Record], int]:
        """The records from byte `offset` on, and the offset to ask from next, see `events.read`.

        Raises RunError if the run was deleted, StorageError if it cannot be read.
        """
        try:
            return events.read(self.folder / "events.jsonl", offset)
        except FileNotFoundError:
            self._require_folder()
            return [], max(offset, 0)

    def records(self, offset: int = 0) -> tuple[list[Record], int]:
        """As `events`, each record as its class; what cannot be read is skipped."""
        lines, offset = self.events(offset)
        return [record for line in lines if (record := read_record(line)) is not None], offset

    def request_cancel(self) -> None:
        """Ask the worker to stop and keep its best so far; harmless when repeated, or if there is no worker.

        Raises RunError if the run was deleted, StorageError if the disk refuses the marker.
        """
        if not self.status().live:
            return
        try:
            self.cancel_marker.touch()
        except OSError as error:
            self._require_folder()
            raise storage_error(error, self.cancel_marker) from error

    @property
    def cancel_marker(self) -> Path:
        return self.folder / "cancel"

    @property
    def launch_marker(self) -> Path:
        return self.folder / "launch.json"

    def mark_launch(self) -> None:
        """Record that a worker is about to be started. Raises StorageError if the disk refuses."""
        write_json(self.launch_marker, {"at": time.time(), "clock": life.now()})

    def launched(self) -> float:
        """When the run was last launched, in seconds since the epoch; no two launches share it."""
        at = number(self._launch().get("at"))
        return self.created if at is None else at

    def _just_launched(self) -> bool:
        """Whether its worker may still be about to report."""
        clock = number(self._launch().get("clock"))
        if clock is None:
            return abs(time.time() - self.launched()) < START_GRACE
        return 0.0 <= life.now() - clock < START_GRACE

    def recorded(self) -> Status | None:
        """What the worker last wrote of itself, true or not by now; None if nothing can be read."""
        data = self._read("status.json")
        try:
            status = Status.from_dict(data) if isinstance(data, dict) else None
        except ValueError:
            return None
        return status and replace(status, result=self._here(status.result))

    def _here(self, result: Any) -> Any:
        """A result with paths that are true where the run lies now."""
        return unpacked(result, self.folder.parent)

    def write_config(self, folder: Path) -> None:
        """Write its config.json into `folder`. Raises StorageError if the disk refuses."""
        content = {"kind": self.kind, "name": self.name, "created": self.created, "config": packed(self.config)}
        write_json(folder / "config.json", content)

    def _launch(self) -> dict[str, Any]:
        data = self._read("launch.json")
        return data if isinstance(data, dict) else {}

    def _read(self, name: str) -> Any:
        path = self.folder / name
        try:
            return _parsed(path)
        except FileNotFoundError:
            self._require_folder()
            return None
        except OSError as error:
            raise storage_error(error, path, action="read") from error

    def _require_folder(self) -> None:
        if not self.folder.is_dir():
            raise absent(self.id)


def open_run(folder: Path) -> Run:
    """The run in `folder`. Raises RunError if it is not there or its config.json is damaged."""
    data = None
    try:
        data = _parsed(folder / "config.json")
    except OSError as error:
        if not folder.is_dir():
            raise absent(folder.name) from error
    said = data if isinstance(data, dict) else {}
    created, kind, config = number(said.get("created")), said.get("kind"), said.get("config")
    if created is None or not 0 <= created < _LAST_TIME or not isinstance(kind, str) or not isinstance(config, dict):
        raise RunError(f"Run {folder.name} has no readable config.json: delete it and launch another.")
    return Run(folder.name, folder, kind, unpacked(config, folder.parent), text(said.get("name")), created)


@contextmanager
def hold(folder: Path, wait: float = 5.0) -> Iterator[None]:
    """Own the run in `folder`, as its worker does while it lives; the system lets go when the process dies.

    Raises RunError if another process still owns it after `wait` seconds or it was deleted, StorageError if the disk
    refuses.
    """
    if not folder.is_dir():
        raise absent(folder.name)
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=wait)
        if [entry.name for entry in folder.iterdir()] == [".lock"]:
            # Deleted meanwhile: the lock has made the folder anew.
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)
            raise absent(folder.name)
    except Timeout:
        raise busy(folder.name) from None
    except OSError as error:
        if not folder.is_dir():
            raise absent(folder.name) from error
        raise storage_error(error, folder / ".lock") from error
    try:
        yield
    finally:
        lock.release()


def require_idle(folder: Path) -> None:
    """Raise RunError if a worker has the run in hand, or is about to."""
    live = False
    with suppress(RunError):  # damaged: nothing can be at work on it
        live = open_run(folder).status().live
    if live:
        raise busy(folder.name)


def absent(run_id: str) -> RunError:
    return RunError(f"There is no run {run_id}; it may have been deleted: choose another on the Runs page.")


def busy(run_id: str) -> RunError:
    return RunError(f"Run {run_id} is queued or running: cancel it first and wait until it has stopped.")
