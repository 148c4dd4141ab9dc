"""Run folders: what a run is, how it stands, what it has recorded. Reading never writes.

A run folder, readable without this program:

    config.json    kind, name, created (seconds since the epoch), configuration; written by the launcher
    status.json    how the run stands, see `Status`; written by the worker alone
    events.jsonl   the records, one JSON object a line, append-only; written by the worker alone
    worker.log     what the worker and its libraries printed
    launch.json    when the run was last resumed, if ever
    cancel         present once the run was asked to stop
    .lock          held by the worker for as long as it lives
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from filelock import FileLock, Timeout

from compressor_core.errors import RunError
from compressor_core.files import storage_error, write_json

ROOT_VARIABLE = "COMPRESSOR_RUNS"
"""The environment variable that names the folder of all runs; without it, ./runs."""
START_GRACE = 15.0
"""Seconds that a launched worker has to report before its run counts as interrupted."""
STALE_AFTER = 60.0
"""Seconds without a heartbeat after which a worker that still has a process counts as gone."""
START_TOLERANCE = 2.0
"""Seconds by which two readings of one process's start may differ: the boot time is in whole seconds."""
LONGEST_LINE = 1 << 24
"""Bytes; a longer line of events.jsonl is damage, and is skipped without being held in memory."""
LONGEST_NAME = 100

_ID = re.compile(r"\d{8}-\d{6}-[a-z][a-z0-9-]{0,30}-[0-9a-f]{4}")
_KIND = re.compile(r"[a-z][a-z0-9-]{0,30}")


class State(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Its worker is gone without a word; what it recorded is there, and it can be resumed."""


@dataclass(frozen=True)
class Status:
    """How a run stands. Times are seconds since the epoch; `None` is "not yet" or "not known"."""

    state: State
    pid: int | None = None
    process_started: float | None = None
    heartbeat: float | None = None
    """When the worker last showed that it lives."""
    updated: float | None = None
    """When the last record came."""
    started: float | None = None
    """When the run first got the slot; a resume keeps it."""
    finished: float | None = None
    progress: float | None = None
    """0 to 1."""
    message: str | None = None
    result: dict[str, Any] | None = None
    """The last result record, without its type."""
    error: str | None = None
    """One sentence, if the run failed."""
    launch: float | None = None
    """Which launch the worker answers to: the time in launch.json, or else the run's creation."""

    @property
    def live(self) -> bool:
        """Whether a worker has the run in hand, or is about to."""
        return self.state in (State.QUEUED, State.RUNNING)

    @property
    def elapsed(self) -> float | None:
        """Seconds from the first start to the end or to now; None before the start."""
        if self.started is None:
            return None
        end = time.time() if self.live else self.finished or self.heartbeat or self.started
        return max(0.0, end - self.started)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Status:
        """Inverse of `to_dict`; a field of the wrong type reads as None. ValueError for an unknown state."""
        result = data.get("result")
        pid = data.get("pid")
        progress = _number(data.get("progress"))
        return cls(
            state=State(str(data.get("state"))),
            pid=pid if isinstance(pid, int) and 0 < pid < 1 << 31 else None,
            process_started=_number(data.get("process_started")),
            heartbeat=_number(data.get("heartbeat")),
            updated=_number(data.get("updated")),
            started=_number(data.get("started")),
            finished=_number(data.get("finished")),
            progress=None if progress is None else min(max(progress, 0.0), 1.0),
            message=_text(data.get("message")),
            result=result if isinstance(result, dict) else None,
            error=_text(data.get("error")),
            launch=_number(data.get("launch")),
        )


@dataclass(frozen=True)
class Run:
    """One run: what was asked for, and where its folder is."""

    id: str
    folder: Path
    kind: str
    config: dict[str, Any]
    name: str | None
    created: float

    def status(self) -> Status:
        """How the run stands now; interrupted if its worker is gone. Raises RunError if it was deleted."""
        recorded = self.recorded()
        for _ in range(2):  # a worker that is gone may have written how it ended just after the first reading
            if recorded is not None and recorded.live:
                if _has_worker(recorded):
                    return recorded
                recorded = self.recorded()
        launch = self.launched()
        if (recorded is None or recorded.launch != launch) and abs(time.time() - launch) < START_GRACE:
            return replace(
                recorded or Status(State.QUEUED), state=State.QUEUED, message=None, finished=None, error=None
            )
        if recorded is not None and not recorded.live:
            return recorded
        return replace(
            recorded or Status(State.INTERRUPTED),
            state=State.INTERRUPTED,
            message="The process at work on this run ended early; resume it to go on from what it recorded.",
        )

    def events(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """The records from byte `offset` on, and the offset to ask from next.

        A last line that is still being written waits for the next call; a damaged line is skipped.
        Raises RunError if the run was deleted, StorageError if it cannot be read.
        """
        offset = max(offset, 0)
        records: list[dict[str, Any]] = []
        path = self.folder / "events.jsonl"
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
                    record = None if overlong else _parse(line)
                    overlong = False
                    if isinstance(record, dict):
                        records.append(record)
        except FileNotFoundError:
            self._require_folder()
        except OSError as error:
            raise storage_error(error, path, action="read") from error
        return records, offset

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

    def launched(self) -> float:
        """When the run was last launched, in seconds since the epoch; no two launches share it."""
        data = self._read("launch.json")
        at = _number(data.get("at")) if isinstance(data, dict) else None
        return self.created if at is None else at

    def recorded(self) -> Status | None:
        """What the worker last wrote of itself, true or not by now; None if nothing can be read."""
        data = self._read("status.json")
        try:
            return Status.from_dict(data) if isinstance(data, dict) else None
        except ValueError:
            return None

    def _read(self, name: str) -> Any:
        path = self.folder / name
        try:
            return _parse(path.read_bytes())
        except FileNotFoundError:
            self._require_folder()
            return None
        except OSError as error:
            raise storage_error(error, path, action="read") from error

    def _require_folder(self) -> None:
        if not self.folder.is_dir():
            raise _absent(self.id)


Runs = list[Run]  # inside the class below, `list` is a method


class RunStore:
    """The folder of all runs. Holds no state: any number of processes may have one open on the same root."""

    def __init__(self, root: Path | str | None = None) -> None:
        self.root = Path(root or os.environ.get(ROOT_VARIABLE) or "runs").absolute()

    def create(self, kind: str, config: Mapping[str, Any], name: str | None = None) -> Run:
        """A new run folder with its config.json, complete from the moment it can be seen; nothing is started.

        Raises RunError for a kind that is not a plain word, StorageError if the disk refuses.
        """
        if not _KIND.fullmatch(kind):
            raise RunError(f"{kind!r} is no kind of run: use lower-case letters, digits and hyphens.")
        created = time.time()
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(created))
        while (folder := self.root / f"{stamp}-{kind}-{uuid4().hex[:4]}").exists():
            pass
        run = Run(folder.name, folder, kind, dict(config), _clean(name), created)
        draft = self.root / f".draft-{uuid4().hex}"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            draft.mkdir()
            _write_config(draft, run)
            draft.rename(folder)
        except OSError as error:
            raise storage_error(error, self.root) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return run

    def list(self) -> Runs:
        """Every run, newest first; a folder without a readable config.json is passed over.

        Raises StorageError if the root cannot be read.
        """
        try:
            names = [entry.name for entry in os.scandir(self.root)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise storage_error(error, self.root, action="read") from error
        runs = []
        for name in names:
            if _ID.fullmatch(name):
                with suppress(RunError):
                    runs.append(open_run(self.root / name))
        return sorted(runs, key=_age, reverse=True)

    def get(self, run_id: str) -> Run:
        """The run with this id. Raises RunError if the id is not a plain id, or no such run is here."""
        return open_run(self._folder(run_id))

    def delete(self, run_id: str) -> None:
        """Remove a run for good.

        Raises RunError if it does not exist, or is queued or running; StorageError if the disk refuses.
        """
        folder = self._folder(run_id)
        trash = self.root / f".deleted-{run_id}-{uuid4().hex[:4]}"
        _require_idle(folder)
        with hold(folder):
            _require_idle(folder)  # it may have been resumed meanwhile
            try:
                # The rename is one step, the removal is many: a half-removed run is never listed.
                folder.rename(trash)
            except OSError as error:
                raise storage_error(error, folder, action="delete") from error
        shutil.rmtree(trash, ignore_errors=True)

    def rename(self, run_id: str, name: str | None) -> Run:
        """Give a run another name; an empty one takes the name away. Raises RunError, StorageError."""
        run = replace(self.get(run_id), name=_clean(name))
        _write_config(run.folder, run)
        return run

    def queue(self) -> Runs:
        """The runs that wait for the slot, first in first out by creation."""
        waiting = []
        for run in self.list():
            with suppress(RunError):  # deleted since it was listed
                if run.status().state is State.QUEUED:
                    waiting.append(run)
        return sorted(waiting, key=_age)

    def is_next(self, run: Run) -> bool:
        """Whether no run that waits was created before this one."""
        return all(_age(run) <= _age(waiting) for waiting in self.queue())

    def queue_position(self, run: Run) -> int | None:
        """1 for the run that is next; None for one that does not wait."""
        ids = [waiting.id for waiting in self.queue()]
        return ids.index(run.id) + 1 if run.id in ids else None

    def _folder(self, run_id: str) -> Path:
        if not _ID.fullmatch(run_id):
            raise RunError(f"{run_id[:80]!r} is not the id of a run: the Runs page lists the ids.")
        folder = self.root / run_id
        if not folder.is_dir():
            raise _absent(run_id)
        return folder


def open_run(folder: Path) -> Run:
    """The run in `folder`. Raises RunError if it is not there or its config.json is damaged."""
    path = folder / "config.json"
    try:
        data = _parse(path.read_bytes())
    except OSError as error:
        if not folder.is_dir():
            raise _absent(folder.name) from error
        data = None
    created = _number(data.get("created")) if isinstance(data, dict) else None
    if created is not None and isinstance(data["kind"], str) and isinstance(data["config"], dict):
        return Run(folder.name, folder, data["kind"], data["config"], _text(data.get("name")), created)
    raise RunError(f"Run {folder.name} has no readable config.json: delete it and launch another.")


@contextmanager
def hold(folder: Path, wait: float = 2.0) -> Iterator[None]:
    """Own the run in `folder`, as its worker does while it lives; the system lets go when the process dies.

    Raises RunError if another process still owns it after `wait` seconds, StorageError if the disk refuses.
    """
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        raise _busy(folder.name) from None
    except OSError as error:
        if not folder.is_dir():
            raise _absent(folder.name) from error
        raise storage_error(error, folder / ".lock") from error
    try:
        yield
    finally:
        lock.release()


def process_started(pid: int) -> float:
    """When the process began, in seconds since the epoch. Raises psutil.Error if it is gone."""
    return float(psutil.Process(pid).create_time())


def _require_idle(folder: Path) -> None:
    live = False
    with suppress(RunError):  # damaged: nothing can be at work on it
        live = open_run(folder).status().live
    if live:
        raise _busy(folder.name)


def _has_worker(status: Status) -> bool:
    if status.pid is None or status.process_started is None or status.heartbeat is None:
        return False
    if time.time() - status.heartbeat > STALE_AFTER:
        return False
    try:
        if psutil.Process(status.pid).status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process_started(status.pid) - status.process_started) < START_TOLERANCE
    except psutil.Error:
        return False


def _age(run: Run) -> tuple[float, str]:
    return run.created, run.id


def _write_config(folder: Path, run: Run) -> None:
    content = {"kind": run.kind, "name": run.name, "created": run.created, "config": run.config}
    write_json(folder / "config.json", content)


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    with suppress(OverflowError):
        if math.isfinite(value):
            return float(value)
    return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _clean(name: str | None) -> str | None:
    return " ".join((name or "").split())[:LONGEST_NAME] or None


def _absent(run_id: str) -> RunError:
    return RunError(f"There is no run {run_id}; it may have been deleted: choose another on the Runs page.")


def _busy(run_id: str) -> RunError:
    return RunError(f"Run {run_id} is queued or running: cancel it first and wait until it has stopped.")
