"""What each of the two processes of `test_processes` does: all cases in one start, since starting takes seconds.

torchrun --nproc_per_node 2 -m tests.distill.together FOLDER

FOLDER/cases.json lists trainings by name; each process writes their records to FOLDER/NAME.RANK.json.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from compressor_core.distill import processes
from compressor_core.distill.distillation import distill
from compressor_core.distill.fine_tuning import train_teacher
from compressor_core.distill.learner import Diverged
from compressor_core.distill.lessons import cross_entropy
from compressor_core.distill.settings import DistillSettings, TeacherSettings
from compressor_core.distill.trainer import fit
from compressor_core.errors import CompressorError, SettingsError
from compressor_core.progress import finish
from compressor_core.records import Work
from tests.distill.test_trainer import CONFIG, Small, diverge, epochs, fresh, stop_after, task
from tests.tiny import run_through

Record = dict[str, Any]
SECOND = os.environ.get("RANK") == "1"


def training(folder: Path, name: str, case: dict[str, Any]) -> list[Record]:
    """The records of a whole training; `stop_after` is said to the second process alone."""
    cancelled: Callable[[], bool] = lambda: False  # noqa: E731
    if SECOND and "stop_after" in case:
        cancelled = stop_after(case["stop_after"])
    # Processes on several machines have no folder in common: the checkpoint is that of the first.
    checkpoint = (folder / "absent" if SECOND else folder) / f"{case.get('checkpoint', name)}.pt"
    out = folder / "models" / name
    if case["kind"] == "teacher":
        settings = TeacherSettings(**case["config"])
        return written(train_teacher(settings, out, checkpoint=checkpoint, cancelled=cancelled))
    return written(distill(DistillSettings(**case["config"]), out, checkpoint=checkpoint, cancelled=cancelled))


def written(work: Work[Any]) -> list[Record]:
    return [record.model_dump(mode="json", exclude_none=True) for record in run_through(work)]


def loop(model: Any, **settings: Any) -> list[Record]:
    """The records of the loop alone, on sequences of numbers; and at the end the sum of the weights."""
    records: list[Record] = []
    work = fit(model, 1, CONFIG.replace(**settings), epochs, task(64, 99), cross_entropy)
    finish(work, lambda record: records.append(record.model_dump(mode="json", exclude_none=True)))
    return [*records, {"type": "weights", "sum": float(sum(p.double().abs().sum() for p in model.parameters()))}]


def too_small() -> list[Record]:
    """The second machine can hold three examples at once, the first all."""
    model = fresh()
    machine = Small(model, 3 if SECOND else 1000, MemoryError, "")
    return [*loop(model), {"type": "sizes", "sizes": machine.sizes}]


def diverging() -> list[Record]:
    model = fresh()
    if SECOND:
        diverge(model, 20)
    try:
        loop(model)
    except Diverged as error:
        return [{"type": "error", "message": str(error), "best_epoch": error.outcome.best_epoch}]
    return []


def disagreeing() -> list[Record]:
    try:
        loop(fresh(), epochs=4 if SECOND else 3)
    except SettingsError as error:
        return [{"type": "error", "message": str(error)}]
    return []


def main(folder: Path) -> None:
    cases = json.loads((folder / "cases.json").read_text())
    loops: dict[str, Callable[[], list[Record]]] = {
        "too small": too_small,
        "diverging": diverging,
        "disagreeing": disagreeing,
        "plain": lambda: loop(fresh()),
    }
    with processes.joined("cpu"):
        for name, case in cases.items():
            if name == "full" and not SECOND:
                resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
            records = training(folder, name, case) if isinstance(case, dict) else loops[name]()
            (folder / f"{name}.{os.environ['RANK']}.json").write_text(json.dumps(records))


if __name__ == "__main__":
    torch.set_num_threads(1)
    try:
        main(Path(sys.argv[1]))
    except CompressorError as error:
        sys.exit(processes.report(2, f"error: {error}"))
