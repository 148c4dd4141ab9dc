"""Launching a run in a separate process, resuming it, cancelling it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from compressor_core.errors import CompressorError, RunError
from compressor_core.files import storage_error
from compressor_core.runs.lock import VARIABLE, acquire
from compressor_core.runs.run import LOG, Run
from compressor_core.runs.status import State, Status
from compressor_core.runs.store import RunStore
from compressor_core.settings import Settings

WORKER = (sys.executable, "-m", "compressor_core.runs.worker")
_IMPORT_ROOT = Path(__file__).resolve().parents[2]


def launch(
    store: RunStore,
    kind: str,
    settings: Settings | Mapping[str, Any],
    *,
    name: str | None = None,
    command: Sequence[str] = WORKER,
) -> Run:
    """Create a run and start its worker, which outlives this process.

    `command` is the worker's command, to which the run's folder is appended.
    Raises RunError for an invalid kind or if no process can be started, StorageError if writing fails; then no run is
    left behind.
    """
    config = settings.model_dump(mode="json") if isinstance(settings, Settings) else settings
    locks: list[int] = []

    def prepare(run: Run) -> None:
        locks.append(acquire(run.folder))
        run.record(Status(state=State.QUEUED))

    try:
        run = store.create(kind, config, name, prepare)
        try:
            _start(run, command, locks[0])
        except CompressorError:
            shutil.rmtree(run.folder, ignore_errors=True)
            raise
    finally:
        for lock in locks:
            os.close(lock)
    return run


def resume(run: Run, *, command: Sequence[str] = WORKER) -> Run:
    """Start another worker on a run that is interrupted, cancelled or failed; new records are appended.

    Raises RunError if it is live, finished or deleted, StorageError if writing fails.
    """
    _require_resumable(run, run.status())
    lock = acquire(run.folder)
    try:
        before = run.recorded()
        _require_resumable(run, run.status(owned=True))  # it may have been resumed elsewhere
        try:
            run.cancel_marker.unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(error, run.cancel_marker, action="remove") from error
        run.record((before or Status(state=State.QUEUED)).queued())
        try:
            _start(run, command, lock)
        except CompressorError:
            if before is not None:
                run.record(before)
            raise
    finally:
        os.close(lock)
    return run


def cancel(run: Run) -> None:
    """Ask a run to stop and keep its best so far, see `Run.request_cancel`."""
    run.request_cancel()


def _require_resumable(run: Run, status: Status) -> None:
    if status.live:
        raise RunError(f"Run {run.id} is {status.state} already: cancel it first, or let it end.")
    if status.state is State.FINISHED:
        raise RunError(f"Run {run.id} is finished, there is nothing to resume: launch another.")


def _start(run: Run, command: Sequence[str], lock: int) -> None:
    """Start a worker, which inherits the lock."""
    paths = [str(_IMPORT_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    path = run.folder / LOG
    try:
        log = path.open("ab")
    except OSError as error:
        raise storage_error(error, path) from error
    with log:
        try:
            process = subprocess.Popen(
                [*command, str(run.folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1", VARIABLE: str(lock)},
                pass_fds=(lock,),
            )
        except OSError as error:
            raise RunError(
                f"The system did not start a process for this run ({error.strerror}): "
                "close other programs and try again."
            ) from error
    # A long-lived server must wait for its child processes, or they would stay zombies.
    threading.Thread(target=process.wait, name=f"reap-{run.id}", daemon=True).start()
