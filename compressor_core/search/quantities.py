"""Quantities of an architecture, and how each is measured."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from compressor_core.cost import (
    BYTES_PER_PARAMETER,
    MEGABYTE,
    Genes,
    file_bytes,
    paper_flops,
    paper_parameters,
    parameters,
)
from compressor_core.errors import CompressorError
from compressor_core.task import PairFeatures, Task

if TYPE_CHECKING:
    from compressor_core.latency_model import LatencyModel

FloatArray = NDArray[np.float64]


class Quantity(StrEnum):
    """A quantity of an architecture, by its key in records."""

    SIZE = "size_mb"
    GFLOPS = "paper_gflops"
    LATENCY = "latency_ms"
    PARAMETERS = "parameters"
    ACCURACY = "accuracy"
    """Measured on distilled students, never predicted; likewise `FLIPS`."""
    FLIPS = "flips"
    """Share of the answers that flip under label-preserving changes."""

    @property
    def maximised(self) -> bool:
        """Whether more is better."""
        return self in (Quantity.GFLOPS, Quantity.ACCURACY)

    @property
    def measured(self) -> bool:
        """Whether the quantity is a share that is looked up among measured students."""
        return self in (Quantity.ACCURACY, Quantity.FLIPS)


@dataclass(frozen=True)
class Yardstick:
    """Measures many architectures at once for one task."""

    task: Task = Task.VULNERABILITY
    pair_features: PairFeatures = PairFeatures.COMPARE
    latency: LatencyModel | None = None
    paper_account: bool = False
    """Whether parameters and size follow the paper's formulas (4 bytes per parameter) instead of the file."""

    def measure(self, quantity: Quantity, genes: Genes) -> FloatArray:
        """One number for each architecture, in the genes' common shape.

        Raises CompressorError for a latency without a latency model, and for quantities measured on students.
        """
        if quantity is Quantity.SIZE and not self.paper_account:
            return file_bytes(genes, self.task, self.pair_features) / MEGABYTE
        return self.lower_bound(quantity, genes)

    def lower_bound(self, quantity: Quantity, genes: Genes) -> FloatArray:
        """As `measure`, but the size omits the file's header: never larger, and much faster."""
        if quantity is Quantity.SIZE:
            return BYTES_PER_PARAMETER * self._parameters(genes) / MEGABYTE
        if quantity is Quantity.PARAMETERS:
            return self._parameters(genes).astype(np.float64)
        if quantity is Quantity.GFLOPS:
            return paper_flops(genes) / 1e9
        if quantity.measured:
            raise CompressorError(f"{quantity} cannot be computed from genes: distill the architecture and measure it.")
        if self.latency is None:
            raise CompressorError("The latency on this machine is not known: calibrate it first, on the page Latency.")
        return self.latency.predict(genes)

    def _parameters(self, genes: Genes) -> NDArray[np.int64]:
        if self.paper_account:
            return paper_parameters(genes)
        return parameters(genes, self.task, self.pair_features)
