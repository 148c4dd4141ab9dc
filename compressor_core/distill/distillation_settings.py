"""What a distillation is asked for."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from compressor_core.data.dataset import Dataset
from compressor_core.distill.presets import PRESETS
from compressor_core.distill.settings import TrainingSettings
from compressor_core.errors import SettingsError
from compressor_core.task import PairFeatures, Task

RENAMING: Final = 0.5
HIDDEN_WEIGHT: Final = 16.0
"""What is learned beside soft labels where nothing else is asked for, see `DistillSettings.resolved`."""


def usual_weight(task: Task) -> float:
    """The weight of the teacher's pooled states where none is asked for, as `benchmarks/distill.py` found it best.

    The head of a model of pairs compares these states, and a student gains by having the teacher's. Where the head
    reads one state of one function, the transfer gave nothing.
    """
    return HIDDEN_WEIGHT if task is Task.CLONE else 0.0


_RECIPE = ("temperature", "renaming", "masked_epochs", "hidden_weight", "label_precision")


@dataclass(frozen=True)
class DistillSettings:
    """What `distill` is asked for; whether the student reads data flow is as with its teacher.

    `architecture` is V,H,L,A,I. `pair_features` is for the clone task. `epochs` and `learning_rate` None: the preset's.
    The paper's temperature is 10 for vulnerability prediction and 1 for clone detection; the default of 2 is a choice,
    not the outcome of a comparison.

    What is added to soft labels, each off at 0: `renaming`, the share of the unlabelled examples that come once more
    with other identifiers, see `Unlabelled`; `hidden_weight`, of the distance of the pooled states, see `Transfer`;
    `masked_epochs` of masked-language warm-up on the same code; `average`, how many of the best epochs may be averaged,
    see `mean_weights`. For the first two, None is as `resolved` has it. `label_precision` is that of the teacher's
    matrix products while it labels, None: see `labelling_precision`.

    `unlabelled` is a pool in the place of the dataset's unlabelled split, see `Pool`, and `skip_bad_rows` leaves out
    what cannot be used of it; renaming, warm-up and hidden states are for a dataset's own split only.
    """

    teacher: str
    architecture: str
    dataset: str = "classroom-vulnerability"
    data: str | None = None
    budget_mb: float | None = None
    preset: str = "quick"
    epochs: int | None = None
    learning_rate: float | None = None
    temperature: float = 2.0
    batch_size: int = 16
    patience: int | None = None
    seed: int = 0
    threads: int | None = None
    pair_features: str = PairFeatures.COMPARE
    device: str | None = None
    precision: str | None = None
    renaming: float | None = None
    masked_epochs: int = 0
    hidden_weight: float | None = None
    average: int = 0
    checkpoint_steps: int | None = None
    label_precision: str | None = None
    unlabelled: str | None = None
    skip_bad_rows: bool = False

    def training(self) -> TrainingSettings:
        """The settings of the training loop. Raises SettingsError for values out of range."""
        if self.preset not in PRESETS:
            raise SettingsError(f"there is no preset {self.preset!r}: choose from {', '.join(PRESETS)}")
        if not self.temperature > 0:
            raise SettingsError(f"the temperature must be above 0, not {self.temperature!r}")
        if self.renaming is not None and not 0 <= self.renaming <= 1:
            raise SettingsError(f"renaming is a share of the examples, from 0 to 1, not {self.renaming!r}")
        if not isinstance(self.masked_epochs, int) or self.masked_epochs < 0:
            raise SettingsError(f"masked_epochs must be a whole number from 0, not {self.masked_epochs!r}")
        if self.hidden_weight is not None and not 0 <= self.hidden_weight < math.inf:
            raise SettingsError(f"hidden_weight must be 0 or more, not {self.hidden_weight!r}")
        for name in ("renaming", "masked_epochs", "hidden_weight") if self.unlabelled is not None else ():
            if getattr(self, name):
                raise SettingsError(f"{name} is for the dataset's own code: set it to 0, or give no unlabelled code")
        preset = PRESETS[self.preset]
        return TrainingSettings.of(
            self,
            epochs=preset.epochs if self.epochs is None else self.epochs,
            learning_rate=preset.learning_rate if self.learning_rate is None else self.learning_rate,
        )

    def resolved(self, dataset: Dataset) -> DistillSettings:
        """With what is open decided.

        The weight of the states is the task's, see `usual_weight`; half of the examples are renamed where the language
        is known. Of code that is drawn anew only functions are, if the preset says so: the clones among pairs are
        renamed already. A pool has soft labels alone.
        """
        own = self.unlabelled is None
        drawn = PRESETS[self.preset].renames and dataset.task is Task.VULNERABILITY
        renamed = own and dataset.language is not None and (drawn or not dataset.fresh)
        return replace(
            self,
            renaming=RENAMING * renamed if self.renaming is None else self.renaming,
            hidden_weight=usual_weight(dataset.task) * own if self.hidden_weight is None else self.hidden_weight,
        )

    def recipe(self) -> dict[str, Any]:
        """What is learned, beside the settings of the training loop."""
        return {name: getattr(self, name) for name in _RECIPE}

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)
