"""Launching a run in a process of its own, resuming it, cancelling it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from compressor_core.errors import RunError, StorageError
from compressor_core.files import storage_error, write_json
from compressor_core.runs.store import Run, RunStore, State, hold

WORKER = (sys.executable, "-m", "compressor_core.runs.worker")
_IMPORT_ROOT = Path(__file__).resolve().parents[2]


def launch(
    store: RunStore,
    kind: str,
    config: Mapping[str, Any],
    *,
    name: str | None = None,
    command: Sequence[str] = WORKER,
) -> Run:
    """Create a run and start its worker, which outlives this process.

    `command` is what to start, with the run's folder as its last argument.
    Raises RunError for a bad kind; StorageError if the disk refuses, and then leaves no run behind.
    """
    run = store.create(kind, config, name)
    try:
        _start(run, command)
    except StorageError:
        shutil.rmtree(run.folder, ignore_errors=True)
        raise
    return run


def resume(run: Run, *, command: Sequence[str] = WORKER) -> Run:
    """Start another worker on a run that is interrupted, cancelled or failed; its records are appended to.

    Raises RunError if it is live, finished or deleted, StorageError if the disk refuses.
    """
    with hold(run.folder):
        status = run.status()
        if status.live:
            raise RunError(f"Run {run.id} is {status.state} already: cancel it first, or let it end.")
        if status.state is State.FINISHED:
            raise RunError(f"Run {run.id} is finished, there is nothing to resume: launch another.")
        marker = run.folder / "launch.json"
        try:
            run.cancel_marker.unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(error, run.cancel_marker, action="remove") from error
        write_json(marker, {"at": time.time()})
        try:
            _start(run, command)
        except StorageError:
            marker.unlink(missing_ok=True)
            raise
    return run


def cancel(run: Run) -> None:
    """Ask a run to stop and keep its best so far, see `Run.request_cancel`."""
    run.request_cancel()


def _start(run: Run, command: Sequence[str]) -> None:
    paths = [str(_IMPORT_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    log = run.folder / "worker.log"
    try:
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*command, str(run.folder)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            )
    except OSError as error:
        raise storage_error(error, log) from error
    # A server that lives for days must collect its children, or each would stay a zombie.
    threading.Thread(target=process.wait, name=f"reap-{run.id}", daemon=True).start()
