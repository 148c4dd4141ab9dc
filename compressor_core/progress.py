"""Generators that say how far they are: told as records, stopped when asked to."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

Record = dict[str, Any]
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


def only(work: Generator[Y, None, T], wanted: Callable[[Y], bool]) -> Generator[Y, None, T]:
    """The same loop without the records that are not wanted."""
    while True:
        try:
            record = next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        if wanted(record):
            yield record


def relay(
    steps: Generator[Any, None, T],
    to_record: Callable[[Any], Y] = lambda record: record,
    cancelled: Callable[[], bool] = lambda: False,
) -> Generator[Y, None, T | None]:
    """A record for each step, and what `steps` returns; None if it was cancelled after one of them."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        yield to_record(step)
        if cancelled():
            steps.close()
            return None


def told(steps: Generator[int, None, T], tell: Callable[[int], str]) -> Generator[Record, None, T]:
    """Progress records in the place of numbers: `tell` puts into words how many are done. Returns what `steps` does."""
    while True:
        try:
            done = next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        yield {"type": "progress", "message": tell(done)}


def until_cancelled(
    steps: Generator[Record, None, T], cancelled: Callable[[], bool]
) -> Generator[Record, None, T | None]:
    """The same records, and what `steps` returns; None if it was cancelled between two of them."""
    while True:
        try:
            record = next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        yield record
        if cancelled():
            steps.close()
            return None
