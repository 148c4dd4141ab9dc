"""Core loops run to their ends."""

from __future__ import annotations

from typing import TypeVar

from compressor_core.progress import finish
from compressor_core.records import Notice, Progress, Record, SearchSummary, Work
from compressor_core.search.genetic import SearchSettings, search

T = TypeVar("T")


def collected(work: Work[T]) -> tuple[list[Record], T]:
    """What a loop yields and what it returns."""
    records: list[Record] = []
    summary = finish(work, records.append)
    return records, summary


def kept(work: Work[T]) -> list[Record]:
    """What a loop yields, without what is only shown."""
    return [record for record in collected(work)[0] if not isinstance(record, Progress | Notice)]


def searched(settings: SearchSettings) -> SearchSummary:
    """What came out of a search."""
    return finish(search(settings))
