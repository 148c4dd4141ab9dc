"""Lock of a run: its holder owns the run's folder, and a run is alive while its worker holds the lock.

The launcher acquires it and passes it to the worker that it starts, so the run always has an owner. The system releases
it when the last process that has it open ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from compressor_core.errors import RunError
from compressor_core.files import storage_error

NAME: Final = ".lock"
VARIABLE: Final = "COMPRESSOR_RUN_LOCK"
"""Environment variable with the file descriptor of the lock passed to a worker."""
_POLL = 0.02


def is_held(folder: Path) -> bool:
    """Whether a process owns the run. Checking takes a shared lock for a moment, which does not disturb others."""
    try:
        descriptor = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # never launched, or deleted
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def acquire(folder: Path, wait: float = 5.0) -> int:
    """Acquire the lock of the run; returns a descriptor for the caller to close.

    Raises RunError if another process still owns the run after `wait` seconds or it was deleted, StorageError if the
    lock file cannot be opened.
    """
    deadline = time.monotonic() + wait
    try:
        descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise storage_error(error, folder / NAME) if folder.is_dir() else absent(folder.name) from error
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise busy(folder.name) from None
                time.sleep(_POLL)
        if not _is_lock_of(descriptor, folder):  # deleted in the meantime
            raise absent(folder.name)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def hold(folder: Path, wait: float = 5.0) -> Iterator[None]:
    """Own the run during the block, with the lock passed by the launcher or a new one.

    Raises as `acquire`.
    """
    handed = os.environ.pop(VARIABLE, "")
    if handed.isdigit() and _is_lock_of(int(handed), folder):
        descriptor = int(handed)
        os.set_inheritable(descriptor, False)
    else:
        descriptor = acquire(folder, wait)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _is_lock_of(descriptor: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(folder / NAME))
    except OSError:
        return False


def absent(run_id: str) -> RunError:
    return RunError(f"There is no run {run_id}; it may have been deleted: choose another on the Runs page.")


def busy(run_id: str) -> RunError:
    return RunError(f"Run {run_id} is queued or running: cancel it first and wait until it has stopped.")
