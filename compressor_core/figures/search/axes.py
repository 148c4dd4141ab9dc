"""Axes that a figure can have: title and format of each quantity of a record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from compressor_core.records import Measured


@dataclass(frozen=True)
class Axis:
    """One quantity of a record."""

    key: str
    title: str
    unit: str
    maximised: bool
    format: str
    """Format specification, as in `format(value, axis.format)` and in Plotly's hover texts."""
    scale: float = 1.0
    """Factor that converts a record's value to `unit`."""

    @property
    def label(self) -> str:
        """Axis title with its unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def linear(self) -> bool:
        """Whether the axis is linear, as for shares measured on students; all others are logarithmic."""
        return self.unit == "%"

    def text(self, value: float) -> str:
        """Value of a record with its unit, for a sentence."""
        return f"{format(value * self.scale, self.format)} {self.unit}".rstrip()


AXES: Final[Mapping[str, Axis]] = {
    axis.key: axis
    for axis in (
        Axis("size_mb", "Size", "MB", False, ".3f"),
        Axis("paper_gflops", "Computation, paper's account", "GFLOPs", True, ".3f"),
        Axis("latency_ms", "Predicted latency", "ms", False, ".2f"),
        Axis("parameters", "Parameters", "million", False, ".3f", 1e-6),
        Axis("accuracy", "Measured accuracy", "%", True, ".1f", 100.0),
        Axis("flips", "Answers that flip", "%", False, ".1f", 100.0),
    )
}


GENE_TITLES: Final[Mapping[str, str]] = {
    "vocab_size": "Vocabulary",
    "hidden_size": "Width",
    "num_hidden_layers": "Layers",
    "num_attention_heads": "Heads",
    "intermediate_size": "Feed-forward",
}
"""Titles of the five genes, in the order of the short form V,H,L,A,I."""

GENES_HOVER: Final = (
    "vocabulary %{customdata[0]:,} · width %{customdata[1]}<br>"
    "layers %{customdata[2]} · heads %{customdata[3]} · feed-forward %{customdata[4]}"
)
"""Hover text of a point whose custom data begin with its five genes."""


def axes_of(individuals: Iterable[Measured]) -> list[str]:
    """Keys of `AXES` for which every individual has a value, in order; empty without individuals."""
    known = list(individuals)
    return [key for key in AXES if known and all(getattr(one, key) is not None for one in known)]


def values(individuals: Iterable[Measured], key: str) -> NDArray[np.float32]:
    """One quantity of many individuals, in the unit of its axis; NaN where unknown."""
    return np.array([getattr(one, key) for one in individuals], np.float32) * np.float32(AXES[key].scale)


def places(individuals: Sequence[Measured], x: str, y: str) -> dict[str, Any]:
    """Coordinates of a trace."""
    return {"x": values(individuals, x), "y": values(individuals, y)}
