"""Context of the run that a generator of records works for."""

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
"""Environment variable with the time limit of a worker in seconds; there is no limit by default."""


@dataclass
class RunContext:
    """Context of one run for its generator of records.

    A generator calls `cancelled()` at each step. If True, it yields its result, with `"cancelled": True` and the best
    so far, and returns. A generator that has never called it is closed at its next record instead.
    """

    run: Run
    store: RunStore
    resuming: bool
    """Whether the run has worked before and may have checkpoints in its folder."""
    asks: bool = field(default=False, init=False)
    """Whether the generator has ever called `cancelled`, and so handles a cancellation itself."""
    deadline: float = field(default=math.inf, init=False)
    """When the work must stop, by `time.monotonic`."""

    @property
    def config(self) -> dict[str, Any]:
        return self.run.config

    @property
    def folder(self) -> Path:
        return self.run.folder

    def cancelled(self) -> bool:
        """Whether to stop now; cheap enough for every training step. Also True once the folder is deleted."""
        self.asks = True
        return self.stop_requested()

    def stop_requested(self) -> bool:
        """As `cancelled`, for the worker."""
        return self.overtime or os.path.exists(self.run.cancel_marker) or not os.path.exists(self.folder)

    def begin(self) -> None:
        """Start the time limit of `LONGEST_VARIABLE`, if set."""
        with suppress(ValueError):
            self.deadline = time.monotonic() + float(os.environ.get(LONGEST_VARIABLE) or "inf")

    @property
    def seconds_left(self) -> float:
        """Seconds that the work may still take; infinite without a limit."""
        return self.deadline - time.monotonic()

    @property
    def overtime(self) -> bool:
        """Whether the time limit is reached."""
        return time.monotonic() > self.deadline

    def path(self, name: str) -> Path:
        """Path of the file or folder `name` in the run's folder."""
        return self.folder / name

    def dependency(self, run_id: str) -> tuple[Run, Any]:
        """Run that this one builds on, and its summary.

        Does not wait: a run gets its slot only after those that it builds on have ended. A cancelled run counts if it
        kept a summary. Raises RunError if there is no summary.
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
        """Raise RunError if a model belongs to a run of this store that has not finished."""
        for model in models:
            if Path(model).is_relative_to(self.store.root) and (run_id := RUN_ID.search(model)):
                self.dependency(run_id[0])
