"""Folder of all runs: creating, listing, renaming and deleting runs, and the queue."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from compressor_core.assets import ASSETS
from compressor_core.cache import own_folder
from compressor_core.errors import RunError
from compressor_core.files import storage_error
from compressor_core.runs.lock import absent, busy, hold
from compressor_core.runs.portable import RUN_ID
from compressor_core.runs.run import Maker, Run, open_run
from compressor_core.runs.status import State

ROOT_VARIABLE = "COMPRESSOR_RUNS"
"""Environment variable with the folder of all runs."""
LONGEST_NAME = 100

READY = ASSETS / "runs"
"""Bundled runs: finished, of the bundled models, and read-only."""

_KIND = re.compile(r"[a-z][a-z0-9-]{0,30}")
_KIND_IN_ID = slice(16, -5)
_DRAFT, _DELETED = ".draft-", ".deleted-"

Runs = list[Run]  # inside the class below, `list` is a method


class RunStore:
    """Folder of all runs. Stateless: any number of processes may use the same root.

    Runs created through it belong to `maker`.
    """

    def __init__(self, root: Path | str | None = None, maker: Maker | None = None) -> None:
        self.maker = maker
        self.root = Path(root).absolute() if root else own_folder("runs", ROOT_VARIABLE)

    def create(
        self,
        kind: str,
        config: Mapping[str, Any],
        name: str | None = None,
        prepare: Callable[[Run], object] = lambda run: None,
    ) -> Run:
        """Create a run folder with its config.json atomically, without starting anything.

        `prepare` is called with the run before it becomes visible.

        Raises RunError for a kind that is not a plain word, StorageError if writing fails.
        """
        if not _KIND.fullmatch(kind):
            raise RunError(f"{kind!r} is no kind of run: use lower-case letters, digits and hyphens.")
        created = self._next_creation()
        stamp = _stamp(created)
        while (folder := self.root / f"{stamp}-{kind}-{uuid4().hex[:4]}").exists():
            pass
        run = Run(folder.name, folder, kind, dict(config), _clean(name), created, self.maker)
        draft = self.root / f"{_DRAFT}{uuid4().hex}"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            draft.mkdir()
            run.write_config(draft)
            prepare(replace(run, folder=draft))
            draft.rename(folder)
        except OSError as error:
            raise storage_error(error, self.root) from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return run

    def list(self, *kinds: str) -> Runs:
        """All runs, or those of some kinds, newest first.

        Folders without a readable config.json and links to folders are skipped.

        Raises StorageError if the root cannot be read.
        """
        return self._list(kinds=kinds)

    def get(self, run_id: str) -> Run:
        """Run with this id, in this store or among the bundled runs.

        Raises RunError if the id is invalid or there is no such run; links do not count.
        """
        if RUN_ID.fullmatch(run_id) and (READY / run_id).is_dir():
            return open_run(READY / run_id)
        return open_run(self._folder(run_id))

    def delete(self, run_id: str) -> None:
        """Delete a run permanently.

        Raises RunError if it does not exist, or is queued or running; StorageError if deleting fails.
        """
        folder = self._folder(run_id)
        trash = self.root / f"{_DELETED}{run_id}-{uuid4().hex[:4]}"
        live = False
        with suppress(RunError):  # damaged: only its lock counts
            live = open_run(folder).status().live
        if live:
            raise busy(run_id)
        with hold(folder):
            try:
                # Renamed first, in one step, so that a partly deleted run is never listed.
                folder.rename(trash)
            except OSError as error:
                raise storage_error(error, folder, action="delete") from error
        for left in (trash, *self.root.glob(f"{_DELETED}*")):  # also leftovers of killed processes
            shutil.rmtree(left, ignore_errors=True)

    def rename(self, run_id: str, name: str | None) -> Run:
        """Rename a run; an empty name removes the name. Raises RunError, StorageError."""
        run = replace(open_run(self._folder(run_id)), name=_clean(name))
        run.write_config(run.folder)
        return run

    def queue(self, *, quick: bool = False) -> Runs:
        """Runs that wait for the slot, or for that of quick runs, oldest first."""
        waiting = []
        for run in self.list():
            with suppress(RunError):  # deleted since it was listed
                if run.quick is quick and run.status().state is State.QUEUED:
                    waiting.append(run)
        return sorted(waiting, key=_age)

    def is_next(self, run: Run) -> bool:
        """Whether this is the oldest run waiting for its slot, and all runs that it builds on have ended."""
        for other in run.builds_on:
            with suppress(RunError):  # of another store, or deleted: the work will fail with an error
                if self.get(other).status().live:
                    return False
        return all(_age(run) <= _age(waiting) for waiting in self.queue(quick=run.quick))

    def queue_position(self, run: Run) -> int | None:
        """Position in the queue, from 1; None for a run that is not waiting."""
        ids = [waiting.id for waiting in self.queue(quick=run.quick)]
        return ids.index(run.id) + 1 if run.id in ids else None

    def _list(self, since: str = "", kinds: Sequence[str] = ()) -> Runs:
        """Runs whose id is not before `since` and of one of `kinds`; others are not read."""
        try:
            names = [entry.name for entry in os.scandir(self.root) if not entry.is_symlink()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise storage_error(error, self.root, action="read") from error
        runs = []
        for name in names:
            if name >= since and RUN_ID.fullmatch(name) and (not kinds or name[_KIND_IN_ID] in kinds):
                with suppress(RunError):
                    runs.append(open_run(self.root / name))
        return sorted(runs, key=_age, reverse=True)

    def _next_creation(self) -> float:
        """Current time, or later than all live runs if the clock was set back: a run may build on an earlier one."""
        created = time.time()
        for run in self._list(since=_stamp(created)):
            with suppress(RunError):  # deleted since it was listed
                if run.created >= created and run.status().live:
                    created = run.created + 0.001
        return created

    def _folder(self, run_id: str) -> Path:
        if not RUN_ID.fullmatch(run_id):
            raise RunError(f"{run_id[:80]!r} is not the id of a run: the Runs page lists the ids.")
        folder = self.root / run_id
        if folder.is_symlink() or not folder.is_dir():  # a link would lead out of the root
            raise absent(run_id)
        return folder


def ready_run(kind: str, **settings: object) -> Run | None:
    """Newest bundled run of a kind with these settings; None if there is none."""
    runs = RunStore(READY).list(kind)
    return next(
        (run for run in runs if all(getattr(run.settings, name) == value for name, value in settings.items())), None
    )


def _stamp(seconds: float) -> str:
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(seconds))


def _age(run: Run) -> tuple[float, str]:
    return run.created, run.id


def _clean(name: str | None) -> str | None:
    return " ".join((name or "").split())[:LONGEST_NAME] or None
