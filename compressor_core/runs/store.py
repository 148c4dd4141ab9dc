"""The folder of all runs: creating, listing, renaming, deleting them, and who is next."""

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
"""The environment variable that names the folder of all runs."""
LONGEST_NAME = 100

READY = ASSETS / "runs"
"""Runs that come with the program: finished, of the bundled models, and only read."""

_KIND = re.compile(r"[a-z][a-z0-9-]{0,30}")
_KIND_IN_ID = slice(16, -5)
_DRAFT, _DELETED = ".draft-", ".deleted-"

Runs = list[Run]  # inside the class below, `list` is a method


class RunStore:
    """The folder of all runs. Holds no state: any number of processes may have one open on the same root.

    Runs that are created through it are those of `maker`.
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
        """A new run folder with its config.json, complete from the moment it can be seen; nothing is started.

        `prepare` is given the run while nobody can see it yet.

        Raises RunError for a kind that is not a plain word, StorageError if the disk refuses.
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
        """Every run, or those of some kinds, newest first; a folder without a readable config.json is passed over.

        So is a link to a folder: a run lies where its root is.

        Raises StorageError if the root cannot be read.
        """
        return self._list(kinds=kinds)

    def get(self, run_id: str) -> Run:
        """The run with this id, here or among those that come with the program.

        Raises RunError if the id is not a plain id, or there is no such run; a link is none.
        """
        if RUN_ID.fullmatch(run_id) and (READY / run_id).is_dir():
            return open_run(READY / run_id)
        return open_run(self._folder(run_id))

    def delete(self, run_id: str) -> None:
        """Remove a run for good.

        Raises RunError if it does not exist, or is queued or running; StorageError if the disk refuses.
        """
        folder = self._folder(run_id)
        trash = self.root / f"{_DELETED}{run_id}-{uuid4().hex[:4]}"
        live = False
        with suppress(RunError):  # damaged: its lock alone tells
            live = open_run(folder).status().live
        if live:
            raise busy(run_id)
        with hold(folder):
            try:
                # The rename is one step, the removal is many: a half-removed run is never listed.
                folder.rename(trash)
            except OSError as error:
                raise storage_error(error, folder, action="delete") from error
        for left in (trash, *self.root.glob(f"{_DELETED}*")):  # also what a killed process did not come to remove
            shutil.rmtree(left, ignore_errors=True)

    def rename(self, run_id: str, name: str | None) -> Run:
        """Give a run another name; an empty one takes the name away. Raises RunError, StorageError."""
        run = replace(open_run(self._folder(run_id)), name=_clean(name))
        run.write_config(run.folder)
        return run

    def queue(self, *, quick: bool = False) -> Runs:
        """The runs that wait for the slot, or for that of quick runs, first in first out by creation."""
        waiting = []
        for run in self.list():
            with suppress(RunError):  # deleted since it was listed
                if run.quick is quick and run.status().state is State.QUEUED:
                    waiting.append(run)
        return sorted(waiting, key=_age)

    def is_next(self, run: Run) -> bool:
        """Whether no run that waits for its slot was created before this one, and all that it builds on are over."""
        for other in run.builds_on:
            with suppress(RunError):  # of another store, or deleted: the work will say so
                if self.get(other).status().live:
                    return False
        return all(_age(run) <= _age(waiting) for waiting in self.queue(quick=run.quick))

    def queue_position(self, run: Run) -> int | None:
        """1 for the run that is next; None for one that does not wait."""
        ids = [waiting.id for waiting in self.queue(quick=run.quick)]
        return ids.index(run.id) + 1 if run.id in ids else None

    def _list(self, since: str = "", kinds: Sequence[str] = ()) -> Runs:
        """The runs whose id is not before `since`, and is of one of `kinds`; of the others nothing is read."""
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
        """Now, but after all that wait should the clock have been set back: a run may build on one before it."""
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


def ready_run(kind: str) -> Run | None:
    """The newest run of a kind that comes with the program; None if none does."""
    return next(iter(RunStore(READY).list(kind)), None)


def _stamp(seconds: float) -> str:
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(seconds))


def _age(run: Run) -> tuple[float, str]:
    return run.created, run.id


def _clean(name: str | None) -> str | None:
    return " ".join((name or "").split())[:LONGEST_NAME] or None
