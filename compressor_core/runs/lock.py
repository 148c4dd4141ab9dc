"""The lock of a run: whoever holds it owns the run's folder, and a run lives while its worker holds it.

The launcher takes it and hands it on to the worker that it starts, so there is no moment without an owner. The system
lets go when the last process that has it open is gone.
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
"""The environment variable that tells a worker which of its descriptors is the lock it was handed."""
_POLL = 0.02


def is_held(folder: Path) -> bool:
    """Whether a process owns the run. Asking disturbs nobody: askers share the lock for a moment."""
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
    """Own the run, by a descriptor that is to be closed.

    Raises RunError if another process still owns it after `wait` seconds or it was deleted, StorageError if the disk
    refuses.
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
        if not _is_lock_of(descriptor, folder):  # deleted meanwhile
            raise absent(folder.name)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def hold(folder: Path, wait: float = 5.0) -> Iterator[None]:
    """Own the run for as long as the block takes, with the lock that the launcher handed on or another one.

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
