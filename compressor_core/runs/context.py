"""What a generator of records is given of the run it works for."""

from __future__ import annotations

import math
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compressor_core.errors import RunError
from compressor_core.runs.portable import RUN_ID
from compressor_core.runs.run import Run
from compressor_core.runs.status import State
from compressor_core.runs.store import RunStore

LONGEST_VARIABLE = "COMPRESSOR_LONGEST_RUN"
"""The environment variable with the seconds that a worker may work; without it there is no limit."""


@dataclass
class RunContext:
    """One run, from the inside.

    A generator asks `cancelled()` at each step. Told True, it yields its result, with `"cancelled": True` and
    the best so far, and returns. One that has never asked is closed at its next record instead.
    """

    run: Run
    store: RunStore
    resuming: bool
    """Whether the run has been at work before and may find checkpoints of its own in its folder."""
    asks: bool = field(default=False, init=False)
    """Whether the generator has ever asked, and so will hear of a cancel by itself."""
    deadline: float = field(default=math.inf, init=False)
    """When the work has to stop, by `time.monotonic`."""

    @property
    def config(self) -> dict[str, Any]:
        return self.run.config

    @property
    def folder(self) -> Path:
        return self.run.folder

    def cancelled(self) -> bool:
        """Whether to stop now; cheap enough for every training step. True also once the folder is deleted."""
        self.asks = True
        return self.stop_requested()

    def stop_requested(self) -> bool:
        """As `cancelled`, asked by the worker."""
        return self.overtime or os.path.exists(self.run.cancel_marker) or not os.path.exists(self.folder)

    def begin(self) -> None:
        """Note that the work begins now: the seconds of `LONGEST_VARIABLE`, if it is set, count from here."""
        with suppress(ValueError):
            self.deadline = time.monotonic() + float(os.environ.get(LONGEST_VARIABLE) or "inf")

    @property
    def seconds_left(self) -> float:
        """How long the work may still go on; infinite without a limit."""
        return self.deadline - time.monotonic()

    @property
    def overtime(self) -> bool:
        """Whether the work has taken as long as it may."""
        return time.monotonic() > self.deadline

    def path(self, name: str) -> Path:
        """Where in the run's folder its file or folder `name` lies."""
        return self.folder / name

    def dependency(self, run_id: str) -> tuple[Run, Any]:
        """The run that this one builds on, and its summary.

        There is nothing to wait for: a run gets its slot once those that it builds on are over.
        One that was cancelled counts if it kept a summary. Raises RunError if there is none to build on.
        """
        other = self.store.get(run_id)
        status = other.status()
        if status.summary is not None and status.state in (State.FINISHED, State.CANCELLED):
            return other, status.summary
        reason = f": {status.error}" if status.error else "."
        raise RunError(
            f"This run builds on {run_id}, which is {status.state} without a result{reason} "
            "Resume that one first, then this one."
        )

    def require_made(self, *models: str) -> None:
        """Raise RunError if a model is the work of a run of this store that has not come to its end."""
        for model in models:
            if Path(model).is_relative_to(self.store.root) and (run_id := RUN_ID.search(model)):
                self.dependency(run_id[0])
