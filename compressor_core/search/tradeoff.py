"""What a search for a front weighs: objectives, limits, and the accuracies of measured students.

Accuracy is looked up among students that were distilled and measured, never predicted: with accuracy among the
objectives the search goes over the genes of those students, and an architecture that was not measured is not
feasible.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from compressor_core.architecture import ENUMERABLE, GENES, Architecture, SearchSpace
from compressor_core.cost import Genes
from compressor_core.errors import CompressorError, understood
from compressor_core.kinds import is_number
from compressor_core.search.checks import check_breeding, read_enums
from compressor_core.search.front import costs_of
from compressor_core.search.quantities import FloatArray, Quantity, Yardstick
from compressor_core.task import PairFeatures, Task

if TYPE_CHECKING:
    from compressor_core.latency_model import LatencyModel

_BEYOND: Final = 1e6
"""More than any cost: what an infeasible architecture costs, before the extent of its violation."""
_ENUMS: Final[dict[str, type[StrEnum]]] = {"task": Task, "pair_features": PairFeatures}


@dataclass(frozen=True)
class MeasuredStudent:
    """A distilled student and what it scored on its dataset's test split; `run` is the run that made it."""

    architecture: Architecture
    accuracy: float
    dataset: str
    run: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "architecture": str(self.architecture),
            "accuracy": self.accuracy,
            "dataset": self.dataset,
            "run": self.run,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MeasuredStudent:
        """The inverse of `to_dict`. Raises CompressorError for anything else."""
        with understood("What a measured student has (architecture, accuracy, dataset)", CompressorError):
            architecture = Architecture.parse(values["architecture"])
            return cls(architecture, float(values["accuracy"]), str(values["dataset"]), values.get("run"))


@dataclass(frozen=True)
class TradeoffSettings:
    """Everything a search for a front depends on: the same configuration gives the same records everywhere.

    `limits` bind whether their quantity is an objective or not: at most so much of what is minimised, at least so much
    of what is maximised. Quantities and enumerations may be given by their text.

    Raises CompressorError if a value is out of range, if the space is too large to enumerate, or if a latency or an
    accuracy is asked for without what it takes to know it.
    """

    objectives: tuple[Quantity, ...] = (Quantity.SIZE, Quantity.GFLOPS)
    limits: Mapping[Quantity, float] = field(default_factory=dict)
    seed: int = 0
    population: int = 100
    generations: int = 100
    crossover_rate: float = 0.6
    mutation_rate: float = 0.5
    """How likely a child of crossover mutates as well; a child of one parent always does."""
    space: SearchSpace = field(default_factory=SearchSpace.paper)
    """Not looked at where accuracy counts: then the space is made of the genes of the measured students."""
    task: Task = Task.VULNERABILITY
    pair_features: PairFeatures = PairFeatures.COMPARE
    latency: LatencyModel | None = None
    students: tuple[MeasuredStudent, ...] = ()

    def __post_init__(self) -> None:
        read_enums(self, _ENUMS)
        object.__setattr__(self, "objectives", tuple(_quantity(each) for each in self.objectives))
        object.__setattr__(self, "limits", {_quantity(key): limit for key, limit in self.limits.items()})
        object.__setattr__(self, "students", tuple(self.students))
        check_breeding(self)
        self._check_limits()
        if not 2 <= len(self.objectives) == len(set(self.objectives)) <= 3:
            raise CompressorError(
                f"A trade-off is between two or three different objectives out of {', '.join(Quantity)}, "
                f"not {', '.join(self.objectives) or 'none'}."
            )
        if Quantity.LATENCY in self.quantities and self.latency is None:
            raise CompressorError(
                "The latency on this machine is not known: calibrate it first, on the page Latency or with `calibrate`."
            )
        if self.by_measurement:
            self._check_students()
        elif not self.space.enumerable:
            raise CompressorError(
                f"The true front of {self.space.size:,} architectures is out of reach of enumeration, "
                f"which takes {ENUMERABLE:,}: use larger steps or narrower ranges."
            )

    def _check_limits(self) -> None:
        for quantity, limit in self.limits.items():
            if not is_number(limit) or not 0 < limit < math.inf:
                raise CompressorError(f"The limit of {quantity} must be a positive number, not {limit!r}.")

    def _check_students(self) -> None:
        architectures = {student.architecture for student in self.students}
        datasets = sorted({student.dataset for student in self.students})
        if len(architectures) < 2:
            raise CompressorError(
                f"Accuracy is an objective once two different students have been measured, and there "
                f"{'is 1' if architectures else 'are none'}: distill some first."
            )
        if len(datasets) > 1:
            raise CompressorError(
                f"Accuracies on {' and '.join(datasets)} cannot be held against each other: keep to one dataset."
            )

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What has an objective or a limit."""
        return tuple(each for each in Quantity if each in self.objectives or each in self.limits)

    @property
    def by_measurement(self) -> bool:
        """Whether only measured students can be feasible."""
        return Quantity.ACCURACY in self.quantities

    @cached_property
    def searched(self) -> SearchSpace:
        """The space that is searched: with accuracy, every combination of the genes of measured students."""
        if not self.by_measurement:
            return self.space
        return SearchSpace(
            **{gene: tuple(getattr(student.architecture, gene) for student in self.students) for gene in GENES}
        )

    @cached_property
    def accuracies(self) -> Mapping[Architecture, float]:
        """What each measured architecture scored; the best, where several students share it."""
        found: dict[Architecture, float] = {}
        for student in self.students:
            found[student.architecture] = max(student.accuracy, found.get(student.architecture, 0.0))
        return found

    @property
    def yardstick(self) -> Yardstick:
        return Yardstick(self.task, self.pair_features, self.latency)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON can hold them."""
        return {
            **{each.name: getattr(self, each.name) for each in fields(self)},
            **{name: getattr(self, name).value for name in _ENUMS},
            "objectives": [each.value for each in self.objectives],
            "limits": {each.value: limit for each, limit in self.limits.items()},
            "space": self.space.to_dict(),
            "latency": self.latency.to_dict() if self.latency else None,
            "students": [student.to_dict() for student in self.students],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TradeoffSettings:
        """The inverse of `to_dict`; what is left out takes its default."""
        names = [each.name for each in fields(cls)]
        with understood("The settings of the trade-off", CompressorError):
            if unknown := sorted(set(values) - set(names)):
                raise CompressorError(f"A trade-off takes {', '.join(names)}, not {', '.join(unknown)}.")
            read = dict(values)
            if "space" in read:
                read["space"] = SearchSpace.from_dict(read["space"])
            if read.get("latency") is not None:
                from compressor_core.latency_model import LatencyModel

                read["latency"] = LatencyModel.from_dict(read["latency"])
            read["students"] = tuple(MeasuredStudent.from_dict(each) for each in read.get("students", ()))
            return cls(**read)


def judgements(
    config: TradeoffSettings, architectures: Sequence[Architecture]
) -> list[tuple[dict[str, Any], tuple[float, ...]]]:
    """The record of each architecture, and its costs, one an objective."""
    if not architectures:
        return []
    measured = measure(config, architectures)
    missed = _missed(config, architectures, measured)
    values = np.stack([measured[objective] for objective in config.objectives], axis=-1)
    costs = costs_of(values, config.objectives)
    costs = np.where(missed[:, None] > 0, _BEYOND + missed[:, None], costs)
    rows = zip(*(column.tolist() for column in measured.values()), strict=True)
    judged = []
    for architecture, row, miss, cost in zip(architectures, rows, missed.tolist(), costs.tolist(), strict=True):
        record: dict[str, Any] = {**architecture.to_dict(), **dict(zip(map(str, measured), row, strict=True))}
        record["parameters"] = int(record["parameters"])
        if Quantity.ACCURACY in measured and architecture not in config.accuracies:
            del record["accuracy"]
        judged.append(({**record, "feasible": miss == 0}, tuple(cost)))
    return judged


def measure(config: TradeoffSettings, architectures: Sequence[Architecture]) -> dict[Quantity, FloatArray]:
    """All that is known of architectures, one array a quantity; the accuracy is NaN where it was not measured."""
    genes = Genes.of(architectures)
    known = [Quantity.SIZE, Quantity.GFLOPS, Quantity.PARAMETERS]
    if config.latency is not None:
        known.append(Quantity.LATENCY)
    found = {quantity: config.yardstick.measure(quantity, genes) for quantity in known}
    if config.students:
        found[Quantity.ACCURACY] = np.array([config.accuracies.get(each, np.nan) for each in architectures])
    return found


def _missed(
    config: TradeoffSettings, architectures: Sequence[Architecture], measured: Mapping[Quantity, FloatArray]
) -> FloatArray:
    """By how much limits are missed, on the scale of `costs_of`; without a measurement, the genes away from one."""
    missed = np.zeros(len(architectures))
    for quantity, limit in config.limits.items():
        ends = np.stack([measured[quantity], np.full(len(missed), float(limit))])
        value, most = costs_of(ends.reshape(-1, 1), (quantity,)).reshape(2, -1)
        beyond = measured[quantity] < limit if quantity.maximised else measured[quantity] > limit
        missed += np.where(beyond, np.maximum(value - most, 1e-9), 0.0)
    if config.by_measurement:
        students = np.stack(Genes.of(list(config.accuracies)), axis=-1)
        asked = np.stack(Genes.of(architectures), axis=-1)
        away = (asked[:, None, :] != students[None, :, :]).sum(axis=-1).min(axis=1)
        missed = np.where(away > 0, np.nan_to_num(missed) + away, missed)
    return missed


def _quantity(text: str) -> Quantity:
    try:
        return Quantity(text)
    except ValueError as error:
        raise CompressorError(f"There is no quantity {text!r}: choose from {', '.join(Quantity)}.") from error
