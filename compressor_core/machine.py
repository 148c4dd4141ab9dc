"""Description of this machine, and versions of the libraries that a result depends on."""

from __future__ import annotations

import functools
import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from compressor_core.records import Machine

_WIDTH, _TIMES = 64, 1_000
"""Width of the matrices that `matrix_gflops` multiplies, small enough for one core, and number of products."""
_PACKAGES = ("torch", "transformers", "tokenizers", "deap", "numpy")


def machine(threads: int) -> Machine:
    """Machine and settings of a latency measurement."""
    return Machine(
        processor=processor(),
        system=platform.system(),
        threads=threads,
        batch_size=1,
        runtime=f"PyTorch {version('torch')}",
        precision="float32",
    )


def processor() -> str:
    """Name of the processor, as reported by the system."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


@functools.cache
def matrix_gflops() -> float:
    """Speed of this machine: 10^9 operations a second of small float32 matrix products, times its cores.

    The fastest of many products, which take microseconds each, so that other work on the machine hardly counts.
    """
    import numpy as np

    matrix, seconds = np.full((_WIDTH, _WIDTH), 0.5, np.float32), []
    for _ in range(_TIMES):
        begun = time.perf_counter()
        matrix @ matrix
        seconds.append(time.perf_counter() - begun)
    return 2e-9 * _WIDTH**3 / min(seconds) * (os.cpu_count() or 1)


def versions() -> dict[str, str]:
    """Versions of Python and of the main libraries, for run folders and model cards."""
    found = {package: installed_version(package) or "absent" for package in _PACKAGES}
    return {"python": platform.python_version(), **found}


def installed_version(package: str) -> str | None:
    """Version of an installed package; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
