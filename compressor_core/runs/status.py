"""How a run stands: what its status.json says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import ConfigDict, Field, PlainSerializer, PlainValidator, Strict, ValidationError, WrapValidator

from compressor_core.records import Plain, Record, read_record


class State(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Its worker is gone without a word; what it recorded is there, and it can be resumed."""


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
"""What is damaged in a file reads as None."""
Number = Annotated[float | None, Strict(), Field(allow_inf_nan=False), OrNone]
Text = Annotated[str | None, Strict(), OrNone]


class Status(Plain):
    """How a run stands. `None` is "not yet" or "not known".

    Times are seconds since the epoch and for people to read: nothing is decided by them, for the clock may be set.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    state: State
    pid: Annotated[int | None, Strict(), Field(gt=0, lt=1 << 31), OrNone] = None
    heartbeat: Number = None
    """When the worker last wrote this."""
    seconds: Annotated[float | None, Strict(), Field(ge=0, allow_inf_nan=False), OrNone] = None
    """How long the run had been at work by then, in all its launches together."""
    updated: Number = None
    """When the last record came."""
    started: Number = None
    """When the run first got the slot; a resume keeps it."""
    finished: Number = None
    progress: Annotated[float | None, Strict(), Field(ge=0, le=1), OrNone] = None
    message: Text = None
    summary: Annotated[Any, PlainValidator(_summary), PlainSerializer(_plain)] = Field(None, alias="result")
    """What came out of it; `result` in status.json."""
    error: Text = None
    """One sentence, if the run failed."""

    @property
    def live(self) -> bool:
        """Whether a worker has the run in hand."""
        return self.state in (State.QUEUED, State.RUNNING)

    @property
    def elapsed(self) -> float | None:
        """Seconds at work, in all launches together; None before the start."""
        return None if self.started is None else self.seconds

    def plain(self) -> dict[str, Any]:
        """Plain values, as status.json has them."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @property
    def result(self) -> dict[str, Any] | None:
        """The summary as plain values, as the command line prints it."""
        return None if self.summary is None else self.summary.plain()

    def changed(self, **changes: Any) -> Status:
        """A copy with some fields changed."""
        return self.model_copy(update=changes)

    def queued(self) -> Status:
        """The same run, launched once more."""
        return self.changed(state=State.QUEUED, message=None, finished=None, error=None)
