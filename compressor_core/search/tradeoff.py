"""Settings of a trade-off search: objectives, limits, and measured students.

Accuracy and flips are looked up among students that were distilled and measured, never predicted. With one of them as
an objective, the search covers the genes of those students, and an architecture that was not measured is infeasible.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar, Final, Self

import numpy as np
from pydantic import Field, model_validator

from compressor_core.architecture import ENUMERABLE, GENES, Architecture, ArchitectureField, SearchSpace
from compressor_core.cost import Genes
from compressor_core.errors import CompressorError
from compressor_core.search.front import costs_of
from compressor_core.search.quantities import FloatArray, Quantity
from compressor_core.search.settings import GeneticSettings, ModelSettings
from compressor_core.settings import Settings, Share

_BEYOND: Final = 1e6
"""Cost of an infeasible architecture, above any other cost; its violation is added."""


class MeasuredStudent(Settings):
    """A distilled student and its scores on its dataset's test split."""

    title: ClassVar[str] = "a measured student"

    architecture: ArchitectureField
    accuracy: Share
    flips: Share | None = None
    """Share of the answers that flip; None if not measured."""
    dataset: str
    run: str | None = None
    """Run that made the student."""


class TradeoffSettings(ModelSettings, GeneticSettings):
    """Settings of a trade-off search. The same settings give the same records everywhere.

    Raises CompressorError if a value is out of range, if the space is too large to enumerate, if a latency is used
    without a latency model, or if accuracy or flips are used without enough measured students.
    """

    title: ClassVar[str] = "a trade-off"

    objectives: tuple[Quantity, ...] = Field(
        (Quantity.SIZE, Quantity.GFLOPS), description="Two or three objectives to trade off against each other"
    )
    limits: dict[Quantity, float] = Field(
        default_factory=dict,
        description="Limits of any quantity: an upper limit if it is minimised, a lower limit if it is maximised",
    )
    population: int = Field(100, ge=2, le=1_000, strict=True, description="Architectures in each generation")
    students: tuple[MeasuredStudent, ...] = Field(
        (),
        description="Measured students; with accuracy or flips as an objective or a limit, the space has their genes",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        for quantity, limit in self.limits.items():
            if not 0 < limit < math.inf:
                raise CompressorError(f"The limit of {quantity} must be a positive number, not {limit!r}.")
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
        return self

    def _check_students(self) -> None:
        datasets = sorted({student.dataset for student in self.students})
        if len(self.measured) < 2:
            named = "Accuracy" if Quantity.FLIPS not in self.quantities else "The share of flips"
            raise CompressorError(
                f"{named} is an objective once two different students have been measured, and there "
                f"{'is 1' if self.measured else 'are none'}: distill some first."
            )
        if len(datasets) > 1:
            raise CompressorError(
                f"Accuracies on {' and '.join(datasets)} cannot be held against each other: keep to one dataset."
            )

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Quantities with an objective or a limit."""
        return tuple(each for each in Quantity if each in self.objectives or each in self.limits)

    @property
    def by_measurement(self) -> bool:
        """Whether only measured students can be feasible."""
        return any(quantity.measured for quantity in self.quantities)

    @cached_property
    def searched(self) -> SearchSpace:
        """The space to search: `space`, or all combinations of the genes of measured students if `by_measurement`."""
        if not self.by_measurement:
            return self.space
        return SearchSpace(
            **{gene: tuple(getattr(architecture, gene) for architecture in self.measured) for gene in GENES}
        )

    @cached_property
    def measured(self) -> Mapping[Architecture, MeasuredStudent]:
        """The most accurate student of each architecture, among students with all needed measurements."""
        found: dict[Architecture, MeasuredStudent] = {}
        for student in self.students:
            before = found.get(student.architecture)
            known = student.flips is not None or Quantity.FLIPS not in self.quantities
            if known and (before is None or student.accuracy > before.accuracy):
                found[student.architecture] = student
        return found


def judgements(
    settings: TradeoffSettings, architectures: Sequence[Architecture]
) -> list[tuple[dict[str, Any], tuple[float, ...]]]:
    """Fields of a `Measured` and costs (one per objective) of each architecture."""
    if not architectures:
        return []
    measured = measure(settings, architectures)
    missed = _missed(settings, architectures, measured)
    values = np.stack([measured[objective] for objective in settings.objectives], axis=-1)
    costs = costs_of(values, settings.objectives)
    costs = np.where(missed[:, None] > 0, _BEYOND + missed[:, None], costs)
    rows = zip(*(column.tolist() for column in measured.values()), strict=True)
    names = [str(quantity) for quantity in measured]
    judged = []
    for architecture, row, miss, cost in zip(architectures, rows, missed.tolist(), costs.tolist(), strict=True):
        fields = {**architecture.to_dict(), **dict(zip(names, row, strict=True)), "feasible": miss == 0}
        if settings.students:
            student = settings.measured.get(architecture)
            fields |= {"accuracy": student and student.accuracy, "flips": student and student.flips}
        judged.append((fields, tuple(cost)))
    return judged


def measure(settings: TradeoffSettings, architectures: Sequence[Architecture]) -> dict[Quantity, FloatArray]:
    """Known quantities of architectures, one array per quantity; accuracy and flips are NaN if not measured."""
    genes = Genes.of(architectures)
    known = [Quantity.SIZE, Quantity.GFLOPS, Quantity.PARAMETERS]
    if settings.latency is not None:
        known.append(Quantity.LATENCY)
    found = {quantity: settings.yardstick.measure(quantity, genes) for quantity in known}
    if settings.students:
        students = [settings.measured.get(each) for each in architectures]
        for quantity, name in ((Quantity.ACCURACY, "accuracy"), (Quantity.FLIPS, "flips")):
            found[quantity] = np.array([getattr(student, name, None) for student in students], np.float64)
    return found


def _missed(
    settings: TradeoffSettings, architectures: Sequence[Architecture], measured: Mapping[Quantity, FloatArray]
) -> FloatArray:
    """Total violation of the limits, on the scale of `costs_of`. For an unmeasured architecture, the number of genes in
    which it differs from the nearest measured student is added."""
    missed = np.zeros(len(architectures))
    for quantity, limit in settings.limits.items():
        ends = np.stack([measured[quantity], np.full(len(missed), float(limit))])
        value, most = costs_of(ends.reshape(-1, 1), (quantity,)).reshape(2, -1)
        beyond = measured[quantity] < limit if quantity.maximised else measured[quantity] > limit
        missed += np.where(beyond, np.maximum(value - most, 1e-9), 0.0)
    if settings.by_measurement:
        students = np.stack(Genes.of(list(settings.measured)), axis=-1)
        asked = np.stack(Genes.of(architectures), axis=-1)
        away = (asked[:, None, :] != students[None, :, :]).sum(axis=-1).min(axis=1)
        missed = np.where(away > 0, np.nan_to_num(missed) + away, missed)
    return missed
