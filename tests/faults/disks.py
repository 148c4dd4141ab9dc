"""A disk of a test's own: small, so that it can be filled, and one that can be made read-only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.faults.harness import Skipped


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A tmpfs on `folder`. Raises Skipped where this user may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "none", str(folder)]
    done = subprocess.run(["mount", *options], capture_output=True, text=True)
    if done.returncode:
        raise Skipped(f"no tmpfs can be mounted here ({done.stderr.strip().splitlines()[-1:]})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def make_read_only(folder: Path, read_only: bool) -> None:
    """Remount a disk."""
    subprocess.run(["mount", "-o", f"remount,{'ro' if read_only else 'rw'}", str(folder)], check=True)


def fill(folder: Path, leave: int) -> Path:
    """A file that takes all the space of a disk but about so many bytes."""
    filler = folder / "filler"
    space = os.statvfs(folder)
    with suppress(OSError), filler.open("ab") as file:
        file.write(bytes(max(space.f_bavail * space.f_frsize - leave, 0)))
    return filler
