"""Core loops: run to their end, relayed, and shown while they work."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, TypeVar, overload

from compressor_core.records import Progress, Record

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


@contextmanager
def bar(stream: TextIO, *, shown: bool) -> Iterator[Callable[[Record], None]]:
    """What shows records on a terminal or in a notebook: how far the work is as a bar, all else as lines above it.

    Not `shown`, there are only the lines.
    """
    from tqdm.auto import tqdm

    form = "{percentage:3.0f}%|{bar}| {elapsed} {desc}"
    with tqdm(total=1.0, file=stream, bar_format=form, disable=not shown, leave=False) as drawn:

        def show(record: Record) -> None:
            if isinstance(record, Progress):
                drawn.n = drawn.n if record.fraction is None else min(record.fraction, 1.0)
                drawn.set_description_str(record.message)
            elif record.line is not None:
                drawn.write(record.line, file=stream)

        yield show
