"""The process that does a run's work: `python -m compressor_core.runs.worker RUN_FOLDER`."""

from __future__ import annotations

import faulthandler
import math
import os
import random
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from compressor_core.errors import CompressorError, RunError, StorageError
from compressor_core.files import DISK_REFUSALS, overwrite, storage_error, to_json, write_text
from compressor_core.logs import rotate
from compressor_core.progress import finish
from compressor_core.records import Progress, Record
from compressor_core.records import Work as Loop
from compressor_core.runs.context import RunContext
from compressor_core.runs.events import EventLog
from compressor_core.runs.kinds import KINDS
from compressor_core.runs.lock import NAME, hold
from compressor_core.runs.run import LOG, Run, open_run
from compressor_core.runs.status import State, Status
from compressor_core.runs.store import RunStore
from compressor_core.threads import give_way, yield_when_idle

Work = Mapping[str, Callable[[RunContext], Loop[Record | None]]]

HEARTBEAT = 1.0
"""Seconds between writes of status.json while nothing happens."""
STATUS_INTERVAL = 0.5
"""Seconds between writes of status.json while records arrive."""
_OVERTIME = "It was stopped after as long as a run may take on this server; what it had by then is kept."
MOST_GRACE = 600.0
"""Seconds that a run has after its time limit to save its results."""
POLL = 0.3
"""Seconds between checks of the slot while queued."""


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: python -m compressor_core.runs.worker RUN_FOLDER", file=sys.stderr)
        return 2
    return run_worker(Path(arguments[0]), own_process=True)


def run_worker(folder: Path, work: Work | None = None, *, own_process: bool = False) -> int:
    """Wait for the slot, do the run's work and record the outcome; returns the exit status of the process.

    `work` maps each kind of run to its core loop; the default is the program's own. Progress records are shown but not
    kept; all others are kept. The summary returned by the loop is kept and shown as the result of the run. A training
    in a process of its own lets other programs go first.
    """
    folder = folder.absolute()
    try:
        with hold(folder):
            return _Worker(open_run(folder), work, own_process).run()
    except CompressorError as error:
        print(error, file=sys.stderr)
        return 1


class _Worker:
    def __init__(self, run: Run, work: Work | None, own_process: bool) -> None:
        self._run = run
        self._work = work
        self._own_process = own_process
        self._store = RunStore(run.folder.parent)
        recorded = run.recorded()
        self._report = _Report(run, recorded)
        self._context = RunContext(run, self._store, resuming=recorded is not None and recorded.started is not None)

    def run(self) -> int:
        slot = FileLock(self._run.slot)
        state, error = State.FAILED, None
        self._clear()
        self._report.start()
        try:
            state = self._do() if self._claim(slot) else State.CANCELLED
        except CompressorError as problem:
            error = str(problem)
        except Exception as problem:
            traceback.print_exc()
            if isinstance(problem, OSError) and problem.errno in DISK_REFUSALS:
                error = str(storage_error(problem, Path(str(problem.filename or self._run.folder))))
            else:
                error = (
                    f"The work stopped on an unexpected {type(problem).__name__}: see "
                    f"{self._run.folder / LOG} for the details, then resume it or launch another."
                )
        # The final status is written before the slot is released, so that the next run sees this one as ended.
        self._report.end(state, error)
        slot.release()
        return 1 if state is State.FAILED else 0

    def _clear(self) -> None:
        """Remove temporary files left behind by an earlier worker that was killed."""
        for path in self._run.folder.glob(".*"):
            # The launcher may be writing config.json right now, to rename the run.
            if path.name == NAME or path.name.startswith(".config.json."):
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink()

    def _claim(self, slot: FileLock) -> bool:
        """Wait for the slot, first in, first out; False if the run is stopped before that."""
        while not self._context.stop_requested():
            try:
                slot.acquire(blocking=False)
            except Timeout:
                pass
            except OSError as error:
                raise storage_error(error, self._run.slot) from error
            else:
                if self._store.is_next(self._run):
                    return True
                slot.release()
            time.sleep(POLL * random.uniform(0.8, 1.2))
        return False

    def _as_asked_now(self) -> Run:
        """Run as in config.json now, which may have been edited while it waited. Raises RunError if it is damaged."""
        run = open_run(self._run.folder)
        if run.slot != self._run.slot:
            raise RunError(
                f"config.json of {run.id} asks for a {run.kind} now, which waits in another queue than the "
                f"{self._run.kind} that was launched: restore it, or launch another run."
            )
        return run

    def _do(self) -> State:
        self._run = self._context.run = self._as_asked_now()
        if self._run.kind not in (known := KINDS if self._work is None else self._work):
            raise RunError(f"Nothing here knows how to do {self._run.kind!r}: choose from {', '.join(known)}.")
        if self._work is None:
            # Only after claiming the slot: this may import torch, and a queued worker should use little memory.
            kind = KINDS[self._run.kind]
            yield_when_idle()
            if kind.trains and self._own_process:
                give_way()
            work = kind.work
        else:
            work = self._work[self._run.kind]
        with EventLog(self._run.folder / "events.jsonl", self._report.seconds) as log:
            self._report.begin(log.seconds)
            self._context.begin()
            loop = work(self._context)
            _end_after(self._context.seconds_left)

            def keep(record: Record) -> None:
                self._keep(record, log)
                if self._context.stop_requested() and not self._context.asks:
                    raise _Stopped

            try:
                summary = finish(loop, keep)
            except _Stopped:
                loop.close()
                summary = None
            finally:
                faulthandler.cancel_dump_traceback_later()
            if summary is not None:
                self._keep(summary, log)
        complete = summary is not None and not getattr(summary, "cancelled", False)
        if complete or not self._context.stop_requested():  # finished even if told to stop after everything was done
            return State.FINISHED
        if self._context.overtime:
            self._report.update(message=_OVERTIME)
        return State.CANCELLED

    def _keep(self, record: Record, log: EventLog) -> None:
        if not isinstance(record, Progress):
            log.append(record)
            self._report.update(**({"summary": record} if record.ends else {}))
        elif record.fraction is None:  # a message without a fraction: the bar stays where it is
            self._report.update(message=record.message)
        else:
            self._report.update(message=record.message, progress=min(max(record.fraction, 0.0), 1.0))


def _end_after(seconds: float) -> None:
    """End this process, even if it hangs, after `seconds` of work and a grace period as long, at most `MOST_GRACE`.

    This is done by a thread that does not need Python and that writes a traceback to worker.log.
    """
    if math.isfinite(seconds):
        last = max(seconds, 0.0) + min(max(seconds, 0.1), MOST_GRACE)
        faulthandler.dump_traceback_later(last, exit=True, file=sys.__stderr__ or 2)


class _Stopped(Exception):
    """Closes a loop that never checks whether to stop."""


class _Report:
    """The run's status.json, and the thread that updates its heartbeat."""

    def __init__(self, run: Run, recorded: Status | None) -> None:
        self._path = run.folder / "status.json"
        self._status = (recorded or Status(state=State.QUEUED)).queued().changed(pid=os.getpid())
        self._lock = threading.Lock()
        self._written = 0.0
        self._origin: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._write()
        self._thread.start()

    @property
    def seconds(self) -> float:
        """Seconds that the run worked in earlier launches, according to its status."""
        return self._status.seconds or 0.0

    def begin(self, seconds: float) -> None:
        """Switch to running, after `seconds` of work in earlier launches."""
        with self._lock:
            self._origin = time.monotonic() - seconds
            self._status = self._status.changed(state=State.RUNNING, started=self._status.started or time.time())
        self._write()

    def update(self, **changes: Any) -> None:
        """Update the status; cheap, because the file is written at most every `STATUS_INTERVAL`."""
        with self._lock:
            self._status = self._status.changed(updated=time.time(), **changes)
        if time.monotonic() - self._written >= STATUS_INTERVAL:
            self._write()

    def end(self, state: State, error: str | None) -> None:
        self._stop.set()
        self._thread.join()
        changes: dict[str, Any] = {"state": state, "finished": time.time(), "error": error}
        if error is not None:
            changes["message"] = error
        if state is State.FINISHED:
            changes["progress"] = 1.0
        self._status = self._status.changed(**changes)
        self._write(durable=True)

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT):
            self._write()
            rotate(self._path.with_name(LOG))

    def _write(self, *, durable: bool = False) -> None:
        with self._lock:
            self._written = time.monotonic()
            seconds = self._status.seconds if self._origin is None else self._written - self._origin
            self._status = self._status.changed(heartbeat=time.time(), seconds=seconds)
            text = to_json(self._status.plain(), indent=2) + "\n"
            try:
                write_text(self._path, text, durable=durable)
            except StorageError:
                # A failed write must not stop the work; if the disk is full, writing the records will fail too.
                with suppress(StorageError):
                    overwrite(self._path, text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
