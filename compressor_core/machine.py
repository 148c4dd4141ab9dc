"""The machine that a figure was measured on."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any


def machine(threads: int) -> dict[str, Any]:
    """Where and how a latency was measured, for whoever reads the number."""
    return {
        "processor": processor(),
        "system": platform.system(),
        "threads": threads,
        "batch_size": 1,
        "runtime": f"PyTorch {version('torch')}",
        "precision": "float32",
    }


def processor() -> str:
    """Its name, as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
