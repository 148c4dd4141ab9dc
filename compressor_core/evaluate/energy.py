"""Energy of predictions: read from the processor's own counters where there are any, else estimated and marked so."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

JOULES_PER_KWH: Final = 3.6e6
WATTS: Final = 4.0
"""Of one busy core, where nothing is known of the processor: what codecarbon takes for each of its threads then."""
POWERCAP: Final = Path("/sys/class/powercap")
"""Where Linux shows the counters of Intel's and AMD's processors (RAPL, running average power limit)."""


@dataclass(frozen=True)
class EnergySource:
    """Whether energy can be measured here; `reason` says in a sentence why, or why not."""

    measured: bool
    reason: str


def energy_source(powercap: Path = POWERCAP) -> EnergySource:
    """What this machine offers."""
    counters = sorted(powercap.glob("*/energy_uj"))
    if not counters:
        return EnergySource(False, "This machine shows no energy counters (RAPL), as is usual for a virtual one.")
    if not any(os.access(counter, os.R_OK) for counter in counters):
        return EnergySource(
            False,
            f"Only its administrator may read this machine's energy counters (RAPL): let others read {counters[0]}.",
        )
    if importlib.util.find_spec("codecarbon") is None:
        return EnergySource(
            False,
            "This machine's energy counters (RAPL) can be read, but codecarbon is not installed: "
            "pip install -r requirements-energy.txt.",
        )
    return EnergySource(True, "Read from the processor's energy counters (RAPL) by codecarbon's offline tracker.")


def estimated_joules(cpu_seconds: float, watts: float = WATTS) -> float:
    """What so many seconds of one busy core take, if it draws `watts`: the time in another unit, no measurement."""
    return cpu_seconds * watts


class Meter:
    """Reads the counters around a piece of work, through codecarbon, which writes no file and asks no network.

    They count the whole processor, whatever else it does meanwhile.
    """

    def __init__(self) -> None:
        from codecarbon import OfflineEmissionsTracker

        # A country is asked for, for its emissions; energy does not depend on it.
        self._tracker: Any = OfflineEmissionsTracker(
            country_iso_code="FRA", save_to_file=False, allow_multiple_runs=True, log_level="critical"
        )

    def joules(self, work: Callable[[], object], seconds: float) -> tuple[float, int]:
        """Do `work` again and again for so many seconds: the joules of the processor, and how often it was done."""
        done = 0
        self._tracker.start_task()
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            work()
            done += 1
        spent = self._tracker.stop_task()
        return float(spent.cpu_energy) * JOULES_PER_KWH, done

    def close(self) -> None:
        self._tracker.stop()
