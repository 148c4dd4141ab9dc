"""Energy of predictions: read from the processor's own counters where there are any, else estimated and marked so."""

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
"""Power of one busy core of an unknown processor; codecarbon takes the same for each of its threads."""
POWERCAP: Final = Path("/sys/class/powercap")
"""Where Linux shows the counters of Intel's and AMD's processors (RAPL, running average power limit)."""


def energy_source(powercap: Path = POWERCAP, watts: float = WATTS) -> EnergySource:
    """Whether energy can be measured here; a busy core is taken to draw `watts` where it is estimated."""

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
