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
from compressor_core.runs.store import RunStore

OVERHEAD_GFLOPS: Final = 0.32
"""Fixed cost of a step for any student, in the paper's GFLOPs, fitted to students of 0.29, 0.52 and 1.29."""
NEWEST: Final = 5
"""Number of newest finished distillations considered."""
BUNDLED: Final = ASSETS / "pace.json"


@dataclass(frozen=True)
class Expected:
    """Seconds from the start of a distillation to its model, and a description of their source."""

    seconds: float
    basis: str


def expected(
    store: RunStore, architecture: Architecture, dataset: str, preset: str, epochs: int | None = None
) -> Expected | None:
    """Expected training time of a student of a dataset; None if there is no measurement for the dataset.

    The time grows with the number of epochs and with the student's computation.
    """
    work = (epochs or Preset(preset).epochs) * _work(architecture)
    if here := list(_measured(store, dataset)):
        return Expected(
            work * median(here), f"by {len(here)} finished here" if len(here) > 1 else "by the last one here"
        )
    given = json.loads(BUNDLED.read_text("utf-8"))
    if (known := given["datasets"].get(dataset)) is None:
        return None
    pace = known["seconds"] / (known["epochs"] * _work(Architecture.parse(known["architecture"])))
    return Expected(work * pace, f"by {given['machine']}; none has finished here yet")


def _measured(store: RunStore, dataset: str) -> Iterator[float]:
    """Seconds per epoch and GFLOP of the newest finished distillations."""
    for run in [run for run in store.list("distill") if run.config.get("dataset") == dataset][:NEWEST]:
        with suppress(CompressorError, *DAMAGED):
            status = run.status()
            made = status.summary
            if made is not None and not made.cancelled and not run.config.get("masked_epochs"):
                epochs = run.config.get("epochs") or Preset(run.config.get("preset") or "quick").epochs
                yield (status.elapsed or made.seconds) / (epochs * _work(made.architecture.architecture))


def _work(architecture: Architecture) -> float:
    """Of an epoch."""
    return float(paper_flops(Genes.of([architecture]))[0]) / 1e9 + OVERHEAD_GFLOPS
