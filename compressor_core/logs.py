"""Logs that stay small: a log beyond its size is moved to `NAME.1`, while the processes that write it hold it open."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

VARIABLE: Final = "COMPRESSOR_LOG"
"""Environment variable with the path of the server's log, for the server to rotate it."""
LARGEST: Final = 10_000_000
"""Size in bytes beyond which a log is rotated; with the one before, it takes at most twice as much."""


def rotate(path: Path, largest: int = LARGEST) -> bool:
    """Move the text of a log of more than `largest` bytes to `NAME.1`, in place of what was there; says if it did.

    The file itself stays and is emptied, so that writers that opened it to append go on at its beginning; a line that
    comes between the copy and the emptying is lost. On a full disk the log is emptied alone. Raises nothing: a log
    that cannot be rotated must not stop the work it tells of.
    """
    with suppress(OSError):
        if path.stat().st_size > largest:
            with suppress(OSError):
                shutil.copyfile(path, path.with_name(f"{path.name}.1"))
            os.truncate(path, 0)
            return True
    return False


def write_to(path: Path) -> None:
    """Append what this process, and any that it becomes or starts, prints to `path`; also names it for its server.

    Raises OSError if the file cannot be opened.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for printed in (1, 2):
        os.dup2(descriptor, printed)
    os.close(descriptor)
    os.environ[VARIABLE] = str(path.absolute())
