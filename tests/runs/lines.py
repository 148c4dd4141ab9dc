"""The records of a run as the plain values that its file holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compressor_core.records import Record, Work
from compressor_core.runs import Run


def lines_of(run: Run, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """As `Run.records`."""
    records, offset = run.records(offset)
    return [record.model_dump(mode="json", exclude_none=True) for record in records], offset


def replayed(records: Sequence[Record]) -> Work[Record | None]:
    """A core loop that yields these records and returns their summary, if they have one."""
    for record in records:
        if record.ends:
            return record
        yield record
    return None
