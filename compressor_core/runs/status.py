"""How a run stands: what its status.json says."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from compressor_core.records import Record, read_record
from compressor_core.runs import life
from compressor_core.runs.reading import number, text


class State(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Its worker is gone without a word; what it recorded is there, and it can be resumed."""


@dataclass(frozen=True)
class Status:
    """How a run stands. `None` is "not yet" or "not known".

    Times are seconds since the epoch and for people to read: the wall clock may jump. What is decided, is decided by
    `process_started`, `beat` and `seconds`, which do not depend on it.
    """

    state: State
    pid: int | None = None
    process_started: float | None = None
    """Seconds after the machine's start, see `life.process_started`."""
    heartbeat: float | None = None
    """When the worker last showed that it lives."""
    beat: float | None = None
    """The same moment by `life.now`."""
    seconds: float | None = None
    """How long the run had been at work by then, in all its launches together."""
    updated: float | None = None
    """When the last record came."""
    started: float | None = None
    """When the run first got the slot; a resume keeps it."""
    finished: float | None = None
    progress: float | None = None
    """0 to 1."""
    message: str | None = None
    result: dict[str, Any] | None = None
    """The last result record, without its type."""
    error: str | None = None
    """One sentence, if the run failed."""
    launch: float | None = None
    """Which launch the worker answers to: the time in launch.json, or else the run's creation."""

    @property
    def summary(self) -> Record | None:
        """The result as its class; None without one, or if it is damaged."""
        return None if self.result is None else read_record(self.result)

    @property
    def live(self) -> bool:
        """Whether a worker has the run in hand, or is about to."""
        return self.state in (State.QUEUED, State.RUNNING)

    @property
    def has_worker(self) -> bool:
        """Whether the process that wrote this is still there."""
        if self.pid is None or self.process_started is None or self.beat is None:
            return False
        return life.lives(self.pid, self.process_started, self.beat)

    @property
    def elapsed(self) -> float | None:
        """Seconds at work, in all launches together, until now or to the end; None before the start."""
        if self.started is None:
            return None
        if self.seconds is not None:
            since = life.now() - self.beat if self.state is State.RUNNING and self.beat is not None else 0.0
            return self.seconds + max(since, 0.0)
        # A run of an earlier version told times by the wall clock alone.
        end = time.time() if self.live else self.finished or self.heartbeat or self.started
        return max(0.0, end - self.started)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Status:
        """Inverse of `to_dict`; a field of the wrong type reads as None. ValueError for an unknown state."""
        result = data.get("result")
        pid = data.get("pid")
        progress = number(data.get("progress"))
        times = ("process_started", "heartbeat", "beat", "seconds", "updated", "started", "finished", "launch")
        return cls(
            state=State(str(data.get("state"))),
            pid=pid if isinstance(pid, int) and 0 < pid < 1 << 31 else None,
            progress=None if progress is None else min(max(progress, 0.0), 1.0),
            message=text(data.get("message")),
            result=result if isinstance(result, dict) else None,
            error=text(data.get("error")),
            **{name: number(data.get(name)) for name in times},
        )
