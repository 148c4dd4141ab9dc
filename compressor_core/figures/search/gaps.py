"""Axis for gaps to the optimum: logarithmic, with a separate row for a gap of zero."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

NONE: Final = 1e-12
"""Largest gap that counts as zero."""
_LOWEST, _HIGHEST = -9, 6
"""Powers of ten that limit the axis."""


@dataclass(frozen=True)
class GapAxis:
    """Axis for gaps as shares of the optimum; `floor` is the row of the optimum, `top` the upper end."""

    floor: float
    top: float

    @classmethod
    def around(cls, gaps: Iterable[float | None]) -> GapAxis:
        """Axis that resolves all of these gaps; a default range if there are none."""
        some = [gap for gap in gaps if gap is not None and gap > NONE] or [0.01, 1.0]
        lowest = max(math.floor(math.log10(min(some))), _LOWEST)
        return cls(floor=10**lowest / 4, top=min(max(max(some), 10 ** (lowest + 1)), 10**_HIGHEST) * 1.4)

    def place(self, gaps: Iterable[float | None]) -> NDArray[np.float64]:
        """Positions on the axis, NaN for None."""
        known = np.array([math.nan if gap is None else gap for gap in gaps], np.float64)
        return np.where(known <= NONE, self.floor, np.clip(known, self.floor * 4, self.top))

    def settings(self) -> dict[str, Any]:
        """Plotly's `yaxis`: powers of ten in per cent, and the row of the optimum."""
        lowest, highest = round(math.log10(self.floor * 4)), math.ceil(math.log10(self.top))
        digits = (1, 2, 5) if highest - lowest <= 2 else (1,)
        ticks = [digit * 10.0**power for power in range(lowest, highest) for digit in digits]
        return {
            "type": "log",
            "range": [math.log10(self.floor / 1.6), math.log10(self.top)],
            "tickvals": [self.floor, *ticks],
            "ticktext": ["optimum", *(f"{100 * tick:,.10g}%" for tick in ticks)],
        }


def gap_text(gap: float | None, none: str = "optimum") -> str:
    """Gap as text: `none` for a gap of zero, `0.123%`, or a dash if unknown."""
    if gap is None:
        return "–"
    return none if gap <= NONE else f"{gap:.3%}"


def turns(values: Sequence[float | None]) -> list[int]:
    """Indices where a step-wise series changes, and its last: all that a step line needs."""
    places = [at for at, value in enumerate(values) if at == 0 or value != values[at - 1]]
    return places if not values or places[-1] == len(values) - 1 else [*places, len(values) - 1]
