"""Bundled runs of the bundled models of a task: python -m benchmarks.ready

Replaces the comparison, the exam and the probe of the teacher and its largest student in assets/runs, so that the pages
have something to show before the first run. Takes about three minutes on two cores.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from compressor_core.evaluate.settings import TEACHER, CompareSettings, ExamSettings, ProbeSettings
from compressor_core.files import to_json, write_json
from compressor_core.models.bundled import bundled_students, bundled_teacher
from compressor_core.runs import Run, RunStore, State, launch
from compressor_core.runs.portable import packed
from compressor_core.runs.store import READY
from compressor_core.settings import Settings

DATASET = "classroom-vulnerability"


def wanted() -> Iterator[tuple[str, Settings]]:
    """Kind and settings of each run, with the defaults of the pages' forms."""
    teacher, student = bundled_teacher(DATASET), bundled_students(DATASET)[-1]
    names = TEACHER, "Student"
    yield "compare", CompareSettings(teacher=teacher, student=student, dataset=DATASET, beside_codebert=True)
    yield "exam", ExamSettings(models=(teacher, student), names=names, dataset=DATASET)
    yield "probe", ProbeSettings(models=(teacher, student), names=names, dataset=DATASET)


def made(store: RunStore, kind: str, settings: Settings) -> Run:
    """Launch a run and wait for it. Raises RuntimeError with its error if it does not finish."""
    run = launch(store, kind, settings, name="the bundled teacher of vulnerable Python and its largest student")
    while (status := run.status()).live:
        time.sleep(1)
    if status.state is not State.FINISHED:
        raise RuntimeError(f"the {kind} {status.state}: {status.error or status.message}")
    return run


def keep(run: Run) -> Path:
    """Copy the parts of a run that pages read, with models by name instead of by path."""
    place = READY / run.id
    place.mkdir(parents=True)
    for name in ("config.json", "status.json"):
        write_json(place / name, packed(json.loads((run.folder / name).read_text())))
    with (place / "events.jsonl").open("w") as file:
        for line in (run.folder / "events.jsonl").read_text().splitlines():
            file.write(to_json(packed(json.loads(line))) + "\n")
    return place


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(folder)
        runs = [made(store, kind, settings) for kind, settings in wanted()]
        shutil.rmtree(READY, ignore_errors=True)
        for run in runs:
            print(keep(run))


if __name__ == "__main__":
    main()
