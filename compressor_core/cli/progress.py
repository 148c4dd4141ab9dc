"""Progress of a verb on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from compressor_core import progress
from compressor_core.records import Record, Work

T = TypeVar("T")


def shown(work: Work[T], on_record: Callable[[Record], object] = lambda record: None) -> T:
    """Run a core loop to its end with a progress bar, if standard error is a terminal; passes on its records."""
    with progress.bar(sys.stderr, shown=sys.stderr.isatty()) as show:

        def see(record: Record) -> None:
            show(record)
            on_record(record)

        return progress.finish(work, see)


def finished(work: Work[T | None]) -> T:
    """As `shown`, for a loop that returns None only if cancelled, which is impossible here."""
    summary = shown(work)
    assert summary is not None
    return summary
