"""Expected duration of a distillation, from finished ones on this machine, else from a bundled measurement."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from statistics import median
from typing import Final

from compressor_core.architecture import Architecture
from compressor_core.assets import ASSETS
from compressor_core.cost import Genes, paper_flops
from compressor_core.distill.settings import Preset
from compressor_core.errors import DAMAGED, CompressorError
from compressor_core.machine import matrix_gflops
from compressor_core.remembered import Remembered
from compressor_core.runs import events
from compressor_core.runs.store import RunStore

OVERHEAD_GFLOPS: Final = 0.32
"""Fixed cost of a step for any student, in the paper's GFLOPs, fitted to students of 0.29, 0.52 and 1.29."""
NEWEST: Final = 5
"""Number of newest finished distillations considered."""
BUNDLED: Final = ASSETS / "pace.json"
EPOCHS_PER_DRAW: Final = 2
"""Epochs that learn from one draw of a classroom dataset, which the teacher labels first (`distill/unlabelled.py`)."""
LABELLING: Final = 0.6
"""Time of a further draw and its labels, in epochs."""
_MOST: Final = 256 << 20
"""Total size in bytes of the records of trainings whose times are cached."""


@dataclass(frozen=True)
class Expected:
    """Seconds from the start of a distillation to its model, and a description of their source."""

    seconds: float
    basis: str


@dataclass(frozen=True)
class _Pace:
    """Time of a distillation: `fixed` seconds before and after its epochs, `epoch` seconds per epoch and GFLOP."""

    fixed: float
    epoch: float


def expected(
    store: RunStore, architecture: Architecture, dataset: str, preset: str, epochs: int | None = None
) -> Expected | None:
    """Expected training time of a student of a dataset; None if there is no measurement for the dataset.

    The time of the epochs grows with their number and with the student's computation. What comes before them (the data,
    the first labels) and after them (the test) does not. The bundled measurement is scaled by the speed of matrix
    products here and on its machine, which is where most of the time goes.
    """
    work = _epochs(epochs or Preset(preset).epochs, dataset) * _work(architecture)
    if here := list(_measured(store, dataset)):
        seconds = median(pace.fixed for pace in here) + work * median(pace.epoch for pace in here)
        return Expected(seconds, f"by {len(here)} finished here" if len(here) > 1 else "by the last one here")
    given = json.loads(BUNDLED.read_text("utf-8"))
    if (known := given["datasets"].get(dataset)) is None:
        return None
    pace = known["epoch_seconds"] / _work(Architecture.parse(known["architecture"]))
    slower = given["gflops"] / matrix_gflops()
    return Expected(
        slower * (known["fixed_seconds"] + work * pace),
        f"by {given['machine']} and the speed of this one; none has finished here yet",
    )


def _measured(store: RunStore, dataset: str) -> Iterator[_Pace]:
    """Pace of the newest finished distillations."""
    for run in [run for run in store.list("distill") if run.config.get("dataset") == dataset][:NEWEST]:
        with suppress(CompressorError, OSError, *DAMAGED):
            status = run.status()
            made = status.summary
            if made is None or made.cancelled or run.config.get("masked_epochs"):
                continue
            first_step, ends = _times(run.folder / "events.jsonl")
            learning = ends[-1] - first_step
            work = _epochs(len(ends), dataset) * _work(made.architecture.architecture)
            yield _Pace(max((status.elapsed or made.seconds) - learning, 0.0), learning / work)


def _read_times(content: bytes) -> tuple[float, list[float]]:
    """Time of the first step and of the end of each epoch. Raises IndexError if there is none."""
    lines = content.splitlines()
    first = next((line for line in lines if b'"type": "step"' in line), b"")
    ends = {}
    for line in lines:
        if b'"type": "epoch"' in line:
            record = events.parse(line)
            ends[record["epoch"]] = float(record["time"])
    return float(events.parse(first)["time"]), [ends[epoch] for epoch in sorted(ends)]


_times = Remembered(_read_times, _MOST)


def _epochs(epochs: int, dataset: str) -> float:
    """Time from the first step to the end of the last epoch, in epochs: with labels for further draws."""
    draws = -(-epochs // EPOCHS_PER_DRAW) if dataset.startswith("classroom-") else 1
    return epochs + LABELLING * (draws - 1)


def _work(architecture: Architecture) -> float:
    """Of an epoch."""
    return float(paper_flops(Genes.of([architecture]))[0]) / 1e9 + OVERHEAD_GFLOPS
