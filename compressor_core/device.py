"""Devices and number formats of computation."""

from __future__ import annotations

from enum import StrEnum


class Device(StrEnum):
    """Supported PyTorch devices."""

    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"
    """An Apple GPU."""


class Precision(StrEnum):
    """Number format of the matrix products of a training step; weights and optimizer stay in float32."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
