"""Running core loops, relaying their records, and showing progress."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, TypeVar, overload

from compressor_core.records import Progress, Record

T = TypeVar("T")
Y = TypeVar("Y")


def finish(work: Generator[Y, None, T], on_record: Callable[[Y], object] | None = None) -> T:
    """Run a core loop to its end, calling `on_record` with each record; return what the loop returns."""
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
    """Yield the record that `to_record` gives for each step, if any; return what `steps` returns, None if cancelled."""
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
    """Function that shows records on a terminal or in a notebook: progress as a bar, other records as lines above it.

    If not `shown`, only the lines are printed.
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
