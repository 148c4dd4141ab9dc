"""Status of a run, as in its status.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field, PlainSerializer, PlainValidator, Strict, ValidationError, WrapValidator

from compressor_core.records import Plain, Record, read_record


class State(StrEnum):
    """State of a run."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """The worker is gone without a final status; its records are kept, and the run can be resumed."""


def _or_none(value: Any, validate: Callable[[Any], Any]) -> Any:
    try:
        return validate(value)
    except ValidationError:
        return None


def _summary(value: Any) -> Record | None:
    return value if isinstance(value, Record) else read_record(value) if isinstance(value, Mapping) else None


def _plain(summary: Record | None) -> dict[str, Any] | None:
    return None if summary is None else summary.model_dump(mode="json", exclude_none=True)


OrNone = WrapValidator(_or_none)
"""Reads damaged values as None."""
Number = Annotated[float | None, Strict(), Field(allow_inf_nan=False), OrNone]
Text = Annotated[str | None, Strict(), OrNone]


class Status(Plain):
    """Status of a run. `None` means "not yet" or "unknown".

    Times are seconds since the epoch, for display only: no decision depends on them, since the clock may be changed.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    state: State
    pid: Annotated[int | None, Strict(), Field(gt=0, lt=1 << 31), OrNone] = None
    heartbeat: Number = None
    """When the worker last wrote this."""
    seconds: Annotated[float | None, Strict(), Field(ge=0, allow_inf_nan=False), OrNone] = None
    """Working time of the run by then, over all launches."""
    updated: Number = None
    """Time of the last record."""
    started: Number = None
    """When the run first got the slot; unchanged by a resume."""
    finished: Number = None
    progress: Annotated[float | None, Strict(), Field(ge=0, le=1), OrNone] = None
    message: Text = None
    summary: Annotated[Any, PlainValidator(_summary), PlainSerializer(_plain)] = Field(None, alias="result")
    """Result of the run; `result` in status.json."""
    error: Text = None
    """One sentence, if the run failed."""

    @property
    def live(self) -> bool:
        """Whether a worker is in charge of the run."""
        return self.state in (State.QUEUED, State.RUNNING)

    @property
    def elapsed(self) -> float | None:
        """Working time in seconds over all launches; None before the start."""
        return None if self.started is None else self.seconds

    def plain(self) -> dict[str, Any]:
        """Plain values, as in status.json."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @property
    def result(self) -> dict[str, Any] | None:
        """Summary as plain values, as printed by the command line."""
        return None if self.summary is None else self.summary.plain()

    def changed(self, **changes: Any) -> Status:
        """Copy with some fields changed."""
        return self.model_copy(update=changes)

    def queued(self) -> Status:
        """Status of the same run, launched once more."""
        return self.changed(state=State.QUEUED, message=None, finished=None, error=None)
