"""Report: the whole story of a run as one HTML file that opens without a network."""

from __future__ import annotations

import time
from pathlib import Path

from compressor_core.errors import RunError
from compressor_core.files import checked_path, write_text
from compressor_core.report.material import material
from compressor_core.runs.store import RunStore

__all__ = ["report", "write_report"]


def report(store: RunStore, run_id: str) -> str:
    """Story that ends with a run, as one HTML document of about 6 MB, most of which is Plotly.

    The story is the run and the runs that it builds on: for a comparison, the distillation, its search and the training
    of its teacher. The report states which of them are unfinished, failed or were deleted, and shows the rest.

    Raises:
        RunError: the run does not exist, or there is no report for its kind, see `Kind.told`.
        StorageError: the run cannot be read.
    """
    story = material(store, run_id)
    # Imports Plotly, so only once there is something to draw.
    from compressor_core.report.page import page
    from compressor_core.report.sections import lead, sections, title

    return page(title(story), lead(story), story.missing, sections(story), time.time())


def write_report(store: RunStore, run_id: str, out: Path) -> int:
    """Write `report` to the new file `out` and return its size in bytes.

    Raises RunError also if `out` exists, StorageError if it cannot be written.
    """
    if checked_path(out).exists() or out.is_symlink():
        raise RunError(f"{out} is there already, and a report replaces nothing: choose another file.")
    write_text(out, report(store, run_id))
    return out.stat().st_size
