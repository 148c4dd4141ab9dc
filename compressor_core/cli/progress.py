"""How a verb tells how far it is, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

from compressor_core import progress
from compressor_core.records import Record, Work

T = TypeVar("T")


def shown(work: Work[T], on_record: Callable[[Record], object] = lambda record: None) -> T:
    """Run a core loop to its end under a bar, where somebody watches, and hand on its records."""
    with progress.bar(sys.stderr, shown=sys.stderr.isatty()) as show:

        def see(record: Record) -> None:
            show(record)
            on_record(record)

        return progress.finish(work, see)


def finished(work: Work[T | None]) -> T:
    """As `shown`, for a loop that returns None only if it is cancelled, which nobody can here."""
    summary = shown(work)
    assert summary is not None
    return summary
