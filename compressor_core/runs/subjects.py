"""Students that a comparison, exam, probe or export is about."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from compressor_core.errors import DAMAGED, CompressorError
from compressor_core.runs.portable import RUN_ID
from compressor_core.runs.run import Run
from compressor_core.runs.store import RunStore

if TYPE_CHECKING:
    from compressor_core.runs.library import Model


def students_in(run: Run) -> list[str]:
    """Folders of the students that a run's settings name, without its teacher."""
    config = run.config
    named = [config.get("student"), *(config.get("others") or ()), *(config.get("models") or ())[1:]]
    return [str(one) for one in (*named, config.get("model")) if one]


def is_about(run: Run, students: Sequence[Model]) -> bool:
    """Whether a run is about exactly these students, in any order; not if its settings are damaged."""
    with suppress(*DAMAGED):
        return {_place(folder) for folder in students_in(run)} == {_place(one.folder) for one in students}
    return False


def newest_about(store: RunStore, kind: str, students: Sequence[Model]) -> Run | None:
    """Newest run of a kind about these students that is live or has a result; None if there is none."""
    for run in store.list(kind):
        with suppress(CompressorError, *DAMAGED):
            if is_about(run, students) and ((status := run.status()).live or status.summary is not None):
                return run
    return None


def names_in(store: RunStore, run: Run) -> str:
    """Titles of a run's students; the names of their folders if they are gone."""
    from compressor_core.runs.library import students

    titles = {_place(one.folder): one.title for one in students(store)}
    with suppress(*DAMAGED):
        if named := [titles.get(_place(folder), Path(folder).name) for folder in students_in(run)]:
            return " and ".join(named)
    return "other students"


def _place(folder: str | Path) -> str:
    """Folder, from the run on if it is in one: a store may have been moved."""
    found = RUN_ID.search(str(folder))
    return str(folder)[found.start() :] if found else str(folder)
