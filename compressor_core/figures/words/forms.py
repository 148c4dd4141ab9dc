"""Text that forms show and read: values of a gene, durations, states of runs, CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from compressor_core.errors import ArchitectureError
from compressor_core.literal import cell

if TYPE_CHECKING:
    pass

SYMBOLS: Final[Mapping[str, str]] = {
    "queued": "○",
    "running": "▶",
    "finished": "✔",
    "cancelled": "■",
    "failed": "✖",
    "interrupted": "△",
}
"""Symbol of each state of a run."""

_RANGE = re.compile(r"\s*(\d+)\s*to\s*(\d+)\s*by\s*(\d+)\s*")


def gene_text(values: Mapping[str, int] | Sequence[int]) -> str:
    """Text of the values of one gene from `SearchSpace.to_dict`: `16 to 768 by 16` or `1, 2, 4, 8`."""
    if isinstance(values, Mapping):
        return f"{values['from']} to {values['to']} by {values['step']}"
    return ", ".join(str(value) for value in values)


def gene_values(title: str, text: str) -> dict[str, int] | list[int]:
    """Inverse of `gene_text`, for `SearchSpace.from_dict`. Raises ArchitectureError for any other text."""
    try:
        if match := _RANGE.fullmatch(text):
            first, last, step = (int(number) for number in match.groups())
            return {"from": first, "to": last, "step": step}
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ArchitectureError(
            f"{title} cannot be {text!r}: write whole numbers such as 1, 2, 4 or a range such as 16 to 768 by 16."
        ) from None


def duration(seconds: float | None) -> str:
    """Human-readable duration: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def minutes(seconds: float) -> str:
    """Rough duration for what has not begun: `1 minute`, `4 minutes`, `2 hours`."""
    count, unit = round(seconds / 60), "minute"
    if count >= 120:
        count, unit = round(seconds / 3600), "hour"
    return f"{max(count, 1)} {unit}{'s' if count > 1 else ''}"


def state_text(state: str) -> str:
    """State of a run with its symbol."""
    return f"{SYMBOLS.get(state, '?')} {state}"


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows with the same keys as CSV with a header line; empty without rows.

    A text that a spreadsheet would take for a formula gets an apostrophe in front, which makes it plain text there.
    """
    if not rows:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    # Column names may come from outside too.
    writer.writerow({key: cell(key) for key in rows[0]})
    writer.writerows({key: cell(value) for key, value in row.items()} for row in rows)
    return out.getvalue()
