"""The coordinates that a figure can have: how each quantity of a record is called and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Axis:
    """One quantity of a record."""

    key: str
    title: str
    unit: str
    maximised: bool
    format: str
    """As in `format(value, axis.format)`; Plotly's hover texts take the same."""
    scale: float = 1.0
    """What a record's value is multiplied by to be in `unit`."""

    @property
    def label(self) -> str:
        """The title with its unit, for an axis."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    def text(self, value: float) -> str:
        """A value of a record with its unit, for a sentence."""
        return f"{format(value * self.scale, self.format)} {self.unit}".rstrip()


AXES: Final[Mapping[str, Axis]] = {
    axis.key: axis
    for axis in (
        Axis("size_mb", "Size", "MB", False, ".3f"),
        Axis("paper_gflops", "Computation, paper's account", "GFLOPs", True, ".3f"),
        Axis("latency_ms", "Predicted latency", "ms", False, ".2f"),
        Axis("parameters", "Parameters", "million", False, ".3f", 1e-6),
        Axis("accuracy", "Measured accuracy", "%", True, ".1f", 100.0),
    )
}


def axes_of(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """The keys of `AXES` that every record has, in that order; none without records."""
    keys: set[str] | None = None
    for record in records:
        present = {key for key in AXES if record.get(key) is not None}
        keys = present if keys is None else keys & present
    return [key for key in AXES if keys and key in keys]
