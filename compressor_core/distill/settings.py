"""The settings of one training."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from compressor_core.errors import SettingsError
from compressor_core.threads import check_threads


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of one training.

    `checkpoint_seconds`, `checkpoint_steps`: a checkpoint is written whenever so much time or so many steps have
    passed since the last, and after each epoch; None: steps do not count. `average`: how many of the best epochs may
    be averaged, 0 and 1 are none.
    `patience`: epochs without a better validation accuracy; None never stops early. `device` and `precision` None:
    the best of this machine, see `models.compute.choose`.
    """

    epochs: int
    learning_rate: float
    batch_size: int = 32
    warmup: float = 0.1
    weight_decay: float = 0.01
    gradient_clip: float = 1.0
    patience: int | None = None
    seed: int = 0
    threads: int | None = None
    device: str | None = None
    precision: str | None = None
    checkpoint_seconds: float = 20.0
    checkpoint_steps: int | None = None
    average: int = 0

    def __post_init__(self) -> None:
        check_threads(self.threads)
        for name in ("epochs", "batch_size"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < 1:
                raise SettingsError(f"{name} must be a whole number from 1, not {getattr(self, name)!r}")
        if not 0 < self.learning_rate < 1:
            raise SettingsError(f"learning_rate must lie between 0 and 1, not {self.learning_rate!r}")
        for name, least in (("average", 0), ("patience", 1), ("checkpoint_steps", 1)):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or value < least):
                raise SettingsError(f"{name} must be a whole number from {least}, not {value!r}")

    @property
    def kept(self) -> int:
        """How many of the best epochs' weights are kept."""
        return max(1, self.average)

    @classmethod
    def of(cls, asked: object, **own: Any) -> TrainingSettings:
        """What a larger configuration has under the same names, and `own` in the place of it."""
        shared = {field.name: getattr(asked, field.name) for field in fields(cls) if hasattr(asked, field.name)}
        return cls(**(shared | own))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def binding(self) -> dict[str, Any]:
        """What two sittings of one training must have in common."""
        free = ("threads", "device", "checkpoint_seconds", "checkpoint_steps", "patience")
        return {name: value for name, value in self.to_dict().items() if name not in free}
