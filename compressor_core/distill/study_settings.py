"""What a study of budgets is asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from compressor_core.architecture import SearchSpace
from compressor_core.distill.distillation_settings import DistillSettings
from compressor_core.distill.presets import PRESETS
from compressor_core.errors import BudgetError, SettingsError, understood
from compressor_core.kinds import is_number, is_whole
from compressor_core.plain import check_kinds
from compressor_core.search.fitness import Goal
from compressor_core.task import PairFeatures

if TYPE_CHECKING:
    from compressor_core.latency_model import LatencyModel

BUDGETS_MB: Final = (0.5, 1.0, 3.0, 10.0)
SEEDS: Final = (0, 1)
SPACES: Final[Mapping[str, Callable[[], SearchSpace]]] = {
    "classroom": SearchSpace.classroom,
    "paper": SearchSpace.paper,
}
GOALS: Final = (Goal.GFLOPS, Goal.LATENCY)
MAX_STUDENTS: Final = 500
RECIPE: Final = ("device", "renaming", "hidden_weight", "masked_epochs", "average", "patience")


@dataclass(frozen=True)
class StudySettings:
    """Everything a study depends on: the same configuration gives the same students on one machine.

    `budgets` are in MB and `seeds` are those of the distillations; both lose what is double. `space` is one of
    `SPACES`, `goal` one of `GOALS`: what decides among the architectures that fit a budget. `pair_features` is for
    the clone task. The recipe, from `device` on, is that of `DistillSettings`; None is as it has it.

    Of the goal latency, the fastest within a budget is the smallest there is, the same at every budget, and learns
    little: `min_gflops`, in the paper's account, says how much computation a student must have at least.

    Raises SettingsError or BudgetError for values out of range.
    """

    teacher: str
    dataset: str = "classroom-vulnerability"
    data: str | None = None
    budgets: tuple[float, ...] = BUDGETS_MB
    seeds: tuple[int, ...] = SEEDS
    space: str = "classroom"
    preset: str = "quick"
    epochs: int | None = None
    goal: Goal = Goal.GFLOPS
    latency: LatencyModel | None = None
    """Predicts the milliseconds that the goal `latency` goes by."""
    min_gflops: float | None = None
    pair_features: str = PairFeatures.COMPARE
    threads: int | None = None
    device: str | None = None
    renaming: float | None = None
    hidden_weight: float | None = None
    masked_epochs: int | None = None
    average: int | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        for budget in self.budgets:
            if not is_number(budget) or not 0 < budget <= 1e9:
                raise BudgetError(f"a budget must be a positive number of megabytes, such as 3, not {budget!r}")
        for seed in self.seeds:
            if not is_whole(seed, 0, 2**31 - 1):
                raise SettingsError(f"a seed must be a whole number from 0 to {2**31 - 1:,}, not {seed!r}")
        if not self.budgets or not self.seeds:
            raise SettingsError("a study needs at least one budget and one seed: give some, such as 1 and 3 MB, seed 0")
        object.__setattr__(self, "budgets", tuple(sorted({float(budget) for budget in self.budgets})))
        object.__setattr__(self, "seeds", tuple(dict.fromkeys(self.seeds)))
        if self.students > MAX_STUDENTS:
            raise SettingsError(
                f"the study has {self.students:,} students, more than {MAX_STUDENTS}: take fewer budgets or seeds"
            )
        if self.space not in SPACES:
            raise SettingsError(f"there is no search space {self.space!r}: choose from {', '.join(SPACES)}")
        if self.goal not in GOALS:
            raise SettingsError(f"a study goes by {' or '.join(GOALS)}, not by {self.goal!r}")
        object.__setattr__(self, "goal", Goal(self.goal))
        if self.goal is Goal.LATENCY and self.latency is None:
            raise SettingsError("the fastest students are found by prediction: calibrate this machine first")
        least = self.min_gflops
        if least is not None and (not isinstance(least, (int, float)) or not 0 < least < math.inf):
            raise BudgetError(f"min_gflops must be a positive number of GFLOPs, such as 1, not {least!r}")
        if self.pair_features not in set(PairFeatures):
            raise SettingsError(
                f"pair_features cannot be {self.pair_features!r}: choose from {', '.join(PairFeatures)}"
            )
        if self.preset not in PRESETS:
            raise SettingsError(f"there is no preset {self.preset!r}: choose from {', '.join(PRESETS)}")
        if self.epochs is not None and (not isinstance(self.epochs, int) or self.epochs < 1):
            raise SettingsError(f"epochs must be a whole number from 1, not {self.epochs!r}")

    def recipe(self) -> dict[str, Any]:
        """The settings of the recipe, those that are left open as `DistillSettings` has them."""
        own = {name: getattr(self, name) for name in RECIPE}
        return {name: getattr(DistillSettings, name) if value is None else value for name, value in own.items()}

    @property
    def students(self) -> int:
        """How many students the study has."""
        return len(self.budgets) * len(self.seeds)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON can hold them."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            **values,
            "budgets": list(self.budgets),
            "seeds": list(self.seeds),
            "goal": self.goal.value,
            "pair_features": str(self.pair_features),
            "latency": self.latency.to_dict() if self.latency else None,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StudySettings:
        """The inverse of `to_dict`; what is left out takes its default."""
        names = [each.name for each in fields(cls)]
        with understood("the settings of the study"):
            if "teacher" not in values or set(values) - set(names):
                raise SettingsError(
                    f"a study takes teacher and, if wanted, {', '.join(names[1:])}, not {', '.join(values)}"
                )
            own = dict(values)
            for name in ("budgets", "seeds"):
                if name in own:
                    if not isinstance(own[name], Sequence) or isinstance(own[name], str):
                        raise SettingsError(f"{name} must be a list, not {own[name]!r}")
                    own[name] = tuple(own[name])
            if own.get("latency") is not None:
                from compressor_core.latency_model import LatencyModel

                own["latency"] = LatencyModel.from_dict(own["latency"])
            check_kinds(cls, own)
            return cls(**own)


def parse_budgets(text: str) -> tuple[float, ...]:
    """Megabytes separated by commas. Raises BudgetError for any other text."""
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise BudgetError(f"The budgets cannot be {text!r}: write megabytes such as 0.5, 1, 3, 10.") from None
