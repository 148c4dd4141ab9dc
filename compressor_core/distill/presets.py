"""Named lengths of a distillation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """Training settings under a name.

    `renames`: functions that a dataset draws anew come renamed, too. In a short training new code is worth more than
    old code with new names; a long one has seen all hosts of the new code many times.
    """

    epochs: int
    learning_rate: float
    description: str
    renames: bool = False


PRESETS = {
    "smoke": Preset(1, 7e-4, "One epoch: enough to see the machinery work."),
    "quick": Preset(8, 7e-4, "A demonstration: minutes on a laptop."),
    "full": Preset(24, 7e-4, "A good student: time for a coffee, or two.", renames=True),
}
