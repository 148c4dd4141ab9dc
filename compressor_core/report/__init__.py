"""A report: the whole story of a run as one HTML file, for a colleague or a student, that opens without a network."""

from __future__ import annotations

import time
from pathlib import Path

from compressor_core.errors import RunError
from compressor_core.files import checked_path, write_text
from compressor_core.report.material import material
from compressor_core.runs.store import RunStore

__all__ = ["report", "write_report"]


def report(store: RunStore, run_id: str) -> str:
    """The story that a run ended, as one HTML document of about 6 MB, most of which is what draws its figures.

    The story is the run and what it builds on: of a comparison the distillation, its search and its teacher's
    training. What is not over, failed or was deleted is said in the report, and the rest is there.

    Raises:
        RunError: there is no such run, or it is of a kind that tells no story, see `Kind.told`.
        StorageError: it cannot be read.
    """
    story = material(store, run_id)
    # Plotly, not before there is something to draw.
    from compressor_core.report.page import page
    from compressor_core.report.sections import lead, sections, title

    return page(title(story), lead(story), story.missing, sections(story), time.time())


def write_report(store: RunStore, run_id: str, out: Path) -> int:
    """`report` as the new file `out`; bytes written. Raises RunError also if `out` exists, StorageError."""
    if checked_path(out).exists() or out.is_symlink():
        raise RunError(f"{out} is there already, and a report replaces nothing: choose another file.")
    write_text(out, report(store, run_id))
    return out.stat().st_size
