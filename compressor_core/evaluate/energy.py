"""Energy of predictions, read from the processor's counters if available, else estimated and marked as such."""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from compressor_core.records import EnergySource

JOULES_PER_KWH: Final = 3.6e6
WATTS: Final = 4.0
"""Power in watts of one busy core of an unknown processor; codecarbon assumes the same per thread."""
POWERCAP: Final = Path("/sys/class/powercap")
"""Linux folder of the energy counters of Intel and AMD processors (RAPL, running average power limit)."""


def energy_source(powercap: Path = POWERCAP, watts: float = WATTS) -> EnergySource:
    """Whether energy can be measured here; otherwise a busy core is assumed to draw `watts`."""

    def estimated(reason: str) -> EnergySource:
        return EnergySource(measured=False, reason=reason, watts=watts)

    counters = sorted(powercap.glob("*/energy_uj"))
    if not counters:
        return estimated("This machine shows no energy counters (RAPL), as is usual for a virtual one.")
    if not any(os.access(counter, os.R_OK) for counter in counters):
        return estimated(
            f"Only its administrator may read this machine's energy counters (RAPL): let others read {counters[0]}."
        )
    if importlib.util.find_spec("codecarbon") is None:
        return estimated(
            "This machine's energy counters (RAPL) can be read, but codecarbon is not installed: "
            "pip install -r requirements-energy.txt."
        )
    return EnergySource(
        measured=True, reason="Read from the processor's energy counters (RAPL) by codecarbon's offline tracker."
    )


class Meter:
    """Reads the counters around a piece of work through codecarbon, without files or network access.

    The counters cover the whole processor, including other work.
    """

    def __init__(self) -> None:
        from codecarbon import OfflineEmissionsTracker

        # The country is required for emissions; energy does not depend on it.
        self._tracker: Any = OfflineEmissionsTracker(
            country_iso_code="FRA", save_to_file=False, allow_multiple_runs=True, log_level="critical"
        )

    def joules(self, work: Callable[[], object], seconds: float) -> tuple[float, int]:
        """Repeat `work` for the given seconds; returns the processor's joules and the number of repetitions."""
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
