"""The runs that the program comes with: python -m benchmarks.ready [KIND …]

A comparison, an exam and a probe of the bundled teacher of a task and its largest student, a calibration, a trade-off
and two sweeps take the place of those in assets/runs, so that the pages have something to show before anybody has
started a run. Takes about five minutes on two idle cores. After a change of the bundled models, `compare exam probe`
are enough.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from compressor_core.bundled import bundled_students, bundled_teacher
from compressor_core.evaluate.settings import TEACHER, CalibrationSettings, CompareSettings, ExamSettings, ProbeSettings
from compressor_core.files import to_json, write_json
from compressor_core.runs import Run, RunStore, State, launch
from compressor_core.runs.portable import packed
from compressor_core.runs.store import READY
from compressor_core.search.genetic import Operators, SearchSettings
from compressor_core.search.sweep import Over, SweepSettings, budgets_between
from compressor_core.search.tradeoff import TradeoffSettings
from compressor_core.settings import Settings

DATASET = "classroom-vulnerability"


def wanted() -> Iterator[tuple[str, str, Settings]]:
    """Kind, name and settings of each run: those that the forms of the pages propose."""
    teacher, student = bundled_teacher(DATASET), bundled_students(DATASET)[-1]
    names = TEACHER, "Student"
    both = "the bundled teacher of vulnerable Python and its largest student"
    yield "compare", both, CompareSettings(teacher=teacher, student=student, dataset=DATASET, beside_codebert=True)
    yield "exam", both, ExamSettings(models=(teacher, student), names=names, dataset=DATASET)
    yield "probe", both, ProbeSettings(models=(teacher, student), names=names, dataset=DATASET)
    settings = CalibrationSettings()
    yield "calibrate", f"{settings.architectures} architectures of all sizes", settings
    # Half of what the form proposes, in both, for a quarter of the records.
    yield "tradeoff", "size against GFLOPs", TradeoffSettings(population=50, generations=50)
    both_operators = tuple(Operators)
    seeds = SweepSettings(search=SearchSettings(budget_mb=3.0), seeds=tuple(range(20)), operators=both_operators)
    yield "sweep", "20 seeds, 3 MB", seeds
    budgets = SweepSettings(
        search=SearchSettings(budget_mb=100.0),
        over=Over.BUDGET,
        seeds=(0,),
        budgets=budgets_between(1.0, 100.0),
        operators=both_operators,
    )
    yield "sweep", "1 to 100 MB", budgets


def made(store: RunStore, kind: str, name: str, settings: Settings) -> Run:
    """The finished run. Raises RuntimeError with what it says if it ended otherwise."""
    run = launch(store, kind, settings, name=name)
    while (status := run.status()).live:
        time.sleep(1)
    if status.state is not State.FINISHED:
        raise RuntimeError(f"the {kind} {status.state}: {status.error or status.message}")
    return run


def keep(run: Run) -> Path:
    """Copy what a page reads of a run, with its models by name instead of by their place on this machine."""
    place = READY / run.id
    place.mkdir(parents=True)
    for name in ("config.json", "status.json"):
        write_json(place / name, packed(json.loads((run.folder / name).read_text())))
    with (place / "events.jsonl").open("w") as file:
        for line in (run.folder / "events.jsonl").read_text().splitlines():
            file.write(to_json(packed(json.loads(line))) + "\n")
    return place


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="kinds of run to make; the default is all")
    kinds = parser.parse_args().kinds
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(folder)
        runs = [made(store, *each) for each in wanted() if not kinds or each[0] in kinds]
        for kind in {run.kind for run in runs}:
            for old in READY.glob(f"*-{kind}-*"):
                shutil.rmtree(old)
        for run in runs:
            print(keep(run))


if __name__ == "__main__":
    main()
