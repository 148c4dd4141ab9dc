"""Generators that say how far they are: told as records, stopped when asked to."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar, overload

T = TypeVar("T")
Y = TypeVar("Y")


def finish(work: Generator[Y, None, T], on_record: Callable[[Y], object] | None = None) -> T:
    """Run a core loop to its end, handing each record to `on_record`; returns what the loop returns."""
    while True:
        try:
            record = next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        if on_record is not None:
            on_record(record)


@overload
def relay(steps: Generator[Any, None, T], to_record: Callable[[Any], Y | None] = ...) -> Generator[Y, None, T]: ...
@overload
def relay(
    steps: Generator[Any, None, T], to_record: Callable[[Any], Y | None] = ..., cancelled: Callable[[], bool] = ...
) -> Generator[Y, None, T | None]: ...
def relay(
    steps: Generator[Any, None, T],
    to_record: Callable[[Any], Y | None] = lambda record: record,
    cancelled: Callable[[], bool] = lambda: False,
) -> Generator[Y, None, T | None]:
    """A record for each step that `to_record` gives one, and what `steps` returns; None if cancelled after a step."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        record = to_record(step)
        if record is not None:
            yield record
        if cancelled():
            steps.close()
            return None
