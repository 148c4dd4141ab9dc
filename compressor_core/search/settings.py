"""Settings shared by all kinds of search."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from pydantic import Field

from compressor_core.architecture import SearchSpace, SpaceField
from compressor_core.latency_model import LatencyModelField
from compressor_core.search.quantities import Yardstick
from compressor_core.settings import Seed, Settings, Share
from compressor_core.task import PairFeatures, Task

MAX_BUDGET_MB: Final = 10**9
"""Upper limit of budgets, far beyond every space; keeps the paper's penalty finite."""


class ModelSettings(Settings):
    """Task, head and latency model of the models that a search is for."""

    task: Task = Field(Task.VULNERABILITY, description="Task of the model")
    pair_features: PairFeatures = Field(
        PairFeatures.COMPARE,
        description="Head of a model of pairs: it compares the two functions, or concatenates them as in the paper",
    )
    latency: LatencyModelField | None = Field(
        None, description="Latency model of a calibration; with it, every architecture has a predicted latency"
    )

    @cached_property
    def yardstick(self) -> Yardstick:
        """Yardstick that measures the architectures."""
        return Yardstick(self.task, self.pair_features, self.latency)


class GeneticSettings(Settings):
    """Settings of the genetic algorithm. `space` may be given by name."""

    seed: Seed = Field(0, description="Seed of the random numbers; the same seed gives the same search")
    population: int = Field(50, ge=2, le=1_000, strict=True, description="Architectures in each generation")
    generations: int = Field(100, ge=1, le=10_000, strict=True, description="Generations after the first, random one")
    crossover_rate: Share = Field(0.6, description="Chance that a child has two parents")
    mutation_rate: Share = Field(
        0.5,
        description="Chance that a child of two parents mutates as well; the paper's operators have no such rate",
    )
    space: SpaceField = Field(
        default_factory=SearchSpace.classroom,
        description="Search space: classroom (the default: at most three layers), paper (its whole space, the default "
        "of its penalty), fastest (one layer), or a JSON file with the values of each gene",
    )
