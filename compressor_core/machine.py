"""Description of this machine, and versions of the libraries that a result depends on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from compressor_core.records import Machine

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
