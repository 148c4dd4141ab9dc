"""Named lengths of a distillation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """Training settings under a name."""

    epochs: int
    learning_rate: float
    description: str


PRESETS = {
    "smoke": Preset(1, 7e-4, "One epoch: enough to see the machinery work."),
    "quick": Preset(6, 7e-4, "A demonstration: minutes on a laptop."),
    "full": Preset(24, 7e-4, "A good student: time for a coffee, or two."),
}
