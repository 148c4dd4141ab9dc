"""Several objectives at once: NSGA-II (Deb et al., 2002), built with DEAP, beside the true front of the space.

Sorting into fronts, crowding distances and survival are DEAP's. The tournament is written anew after DEAP's
`selTournamentDCD`, which draws from Python's global random numbers and takes only populations of a multiple of
four. An architecture beyond a limit loses to every one within, and to every one that misses the limits by less
(Deb's constrained domination). No architecture is judged twice.

Accuracy is looked up among students that were distilled and measured, never predicted: with accuracy among the
objectives the search goes over the genes of those students, and an architecture that was not measured is not
feasible.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from deap import base, creator, tools

from compressor_core.architecture import ENUMERABLE, GENES, Architecture, SearchSpace
from compressor_core.cost import Genes
from compressor_core.errors import CompressorError
from compressor_core.search import breeding
from compressor_core.search.checks import check_breeding, read_enums
from compressor_core.search.front import Front, Ruler, best_of, costs_of, thinned, true_front, within
from compressor_core.search.grid import Genome, Grid
from compressor_core.search.quantities import FloatArray, Quantity, Yardstick
from compressor_core.task import PairFeatures, Task

if TYPE_CHECKING:
    from compressor_core.latency import LatencyModel

MOST_RECORDED: Final = 2_000
"""How many points of the true front are recorded; a larger one is thinned evenly, its size and hypervolume are not."""
_BEYOND: Final = 1e6
"""More than any cost: what an infeasible architecture costs, before the extent of its violation."""
_RETRIES: Final = 20
_ENUMS: Final[dict[str, type[StrEnum]]] = {"task": Task, "pair_features": PairFeatures}

# DEAP keeps its classes in one global registry, so they are made once, here.
for _count in (2, 3):
    creator.create(f"CompressorCosts{_count}", base.Fitness, weights=(-1.0,) * _count)
    creator.create(
        f"CompressorTradeoff{_count}", list, fitness=getattr(creator, f"CompressorCosts{_count}"), individual=None
    )
Member = Any
"""A DEAP individual: five indices into the sorted values of the space, with `fitness` (costs) and `individual`."""
Individual = dict[str, Any]
"""A judged architecture: genes, quantities, `feasible`, `id` and `parents`, as in a search's records."""


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
        try:
            architecture = Architecture.parse(values["architecture"])
            return cls(architecture, float(values["accuracy"]), str(values["dataset"]), values.get("run"))
        except (KeyError, TypeError, ValueError) as error:
            raise CompressorError(
                f"A measured student has an architecture, an accuracy and a dataset, not {dict(values)!r}."
            ) from error


@dataclass(frozen=True)
class TradeoffConfig:
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
            number = isinstance(limit, (int, float)) and not isinstance(limit, bool)
            if not number or not 0 < limit < math.inf:
                raise CompressorError(f"The limit of {quantity} must be a positive number, not {limit!r}.")

    def _check_students(self) -> None:
        architectures = {student.architecture for student in self.students}
        datasets = sorted({student.dataset for student in self.students})
        if len(architectures) < 2:
            raise CompressorError(
                f"Accuracy is an objective once two different students have been measured, and there "
                f"{'is 1' if architectures else 'are none'}: distil some first."
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
    def from_dict(cls, values: Mapping[str, Any]) -> TradeoffConfig:
        """The inverse of `to_dict`; what is left out takes its default."""
        names = [each.name for each in fields(cls)]
        if unknown := sorted(set(values) - set(names)):
            raise CompressorError(f"A trade-off takes {', '.join(names)}, not {', '.join(unknown)}.")
        read = dict(values)
        if "space" in read:
            read["space"] = SearchSpace.from_dict(read["space"])
        if read.get("latency") is not None:
            from compressor_core.latency import LatencyModel

            read["latency"] = LatencyModel.from_dict(read["latency"])
        read["students"] = tuple(MeasuredStudent.from_dict(each) for each in read.get("students", ()))
        return cls(**read)


@dataclass(frozen=True)
class Generation:
    """The population after one round of breeding and selection; number 0 is the random first one."""

    generation: int
    individuals: tuple[Individual, ...]
    """From the first front to the last, all different."""
    front: tuple[Individual, ...]
    """The feasible ones that no other one judged so far beats, still alive or not, by rising first objective."""
    values: FloatArray
    """Of the front, of shape [points, objectives]."""
    evaluations: int
    """Different architectures judged so far."""
    perished: tuple[Individual, ...]
    """Those that were judged in this round and not kept: with `individuals`, every one that was ever judged."""


def evolve(config: TradeoffConfig) -> Iterator[Generation]:
    """Runs NSGA-II: the first, random generation, then `config.generations` more.

    At most `population · (generations + 1)` architectures are judged, none of them twice.
    """
    rng = Random(config.seed)
    grid = Grid(config.searched)
    known: dict[tuple[int, ...], int] = {}
    kind = getattr(creator, f"CompressorTradeoff{len(config.objectives)}")
    front: list[Individual] = []

    def judge(newborn: Sequence[tuple[Sequence[int], list[int]]]) -> list[Member]:
        members = [kind(genome) for genome, _ in newborn]
        judged = _judge(config, [grid.architecture(genome) for genome in members])
        for member, (_, parents), (record, costs) in zip(members, newborn, judged, strict=True):
            member.individual = {"id": known[tuple(member)], "parents": parents, **record}
            member.fitness.values = costs
        front.extend(member.individual for member in members if member.individual["feasible"])
        values = _values(config, front)
        front[:] = [front[at] for at in best_of(values, config.objectives)]
        return members

    def generation(number: int, newborn: Sequence[Member]) -> Generation:
        individuals = tuple(member.individual for member in population)
        kept = {each["id"] for each in individuals}
        perished = tuple(each.individual for each in newborn if each.individual["id"] not in kept)
        return Generation(number, individuals, tuple(front), _values(config, front), len(known), perished)

    founders: list[tuple[Sequence[int], list[int]]] = []
    while len(founders) < min(config.population, config.searched.size):
        genome = breeding.random_genome(grid, rng)
        if tuple(genome) not in known:
            known[tuple(genome)] = len(known)
            founders.append((genome, []))
    newborn = judge(founders)
    population = tools.selNSGA2(newborn, config.population, nd="log")
    yield generation(0, newborn)

    for number in range(1, config.generations + 1):
        children: list[tuple[Sequence[int], list[int]]] = []
        for _ in range(config.population):
            child, parents = _breed(population, config, grid, rng)
            for _ in range(_RETRIES):
                if tuple(child) not in known:
                    known[tuple(child)] = len(known)
                    children.append((child, parents))
                    break
                child = breeding.move(child, grid, rng)
        newborn = judge(children)
        population = tools.selNSGA2(population + newborn, config.population, nd="log")
        yield generation(number, newborn)


def best_possible(config: TradeoffConfig) -> Front:
    """The true front of the configuration. Raises CompressorError if nothing is within the limits."""
    if config.by_measurement:
        architectures = sorted(config.accuracies)
        genes = Genes.of(architectures)
        needed = _measure(config, architectures)
        fits = within({quantity: needed[quantity] for quantity in config.limits}, config.limits)
        values = np.stack([needed[objective] for objective in config.objectives], axis=-1)
        fitting = np.flatnonzero(np.broadcast_to(fits, len(values)))
        at = fitting[best_of(values[fitting], config.objectives)]
        front = Front(config.objectives, Genes(*(gene[at] for gene in genes)), values[at])
    else:
        front = true_front(config.space, config.objectives, config.yardstick, config.limits)
    if not len(front):
        words = [
            f"{each} {'at least' if each.maximised else 'at most'} {most:g}" for each, most in config.limits.items()
        ]
        raise CompressorError(f"No architecture of the space has {' and '.join(words)}: loosen the limits.")
    return front


def tradeoff_records(config: TradeoffConfig) -> Iterator[dict[str, Any]]:
    """The records of a whole search: the true front first (`"type": "true-front"`), then every generation.

    Raises CompressorError if nothing in the space is within the limits.
    """
    start = time.perf_counter()
    front = best_possible(config)
    ruler = Ruler(front)
    whole = ruler.hypervolume(front.values)
    shown = thinned(ruler.place(front.values), MOST_RECORDED)
    points = zip(*(gene[shown].tolist() for gene in front.genes), strict=True)
    yield {
        "type": "true-front",
        "objectives": [each.value for each in config.objectives],
        "size": len(front),
        "points": [record for record, _ in _judge(config, [Architecture(*genes) for genes in points])],
        "hypervolume": whole,
        "seconds": time.perf_counter() - start,
    }
    true = set(map(tuple, front.values.tolist()))
    for generation in evolve(config):
        hypervolume = ruler.hypervolume(generation.values)
        yield {
            "type": "generation",
            "generation": generation.generation,
            "individuals": list(generation.individuals),
            "perished": list(generation.perished),
            "front": [each["id"] for each in generation.front],
            "on_true_front": sum(tuple(values) in true for values in generation.values.tolist()),
            "hypervolume": hypervolume,
            "share": hypervolume / whole,
            "evaluations": generation.evaluations,
        }


def tradeoff_summary(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What came out of `tradeoff_records(config)`; `seconds` is what consuming them took.

    `front` has the architectures found that do not beat each other, by rising first objective.
    """
    start = time.perf_counter()
    goal: Mapping[str, Any] = {}
    last: Mapping[str, Any] = {}
    by_id: dict[int, Mapping[str, Any]] = {}
    for record in records:
        if record["type"] == "true-front":
            goal = record
        elif record["type"] == "generation":
            last = record
            by_id.update((each["id"], each) for each in (*record["individuals"], *record["perished"]))
    if not goal or not last:
        raise CompressorError("The search left no generation to sum up: run it again.")
    left_out = ("id", "parents", "feasible")
    return {
        "objectives": goal["objectives"],
        "front": [{key: by_id[at][key] for key in by_id[at] if key not in left_out} for at in last["front"]],
        "on_true_front": last["on_true_front"],
        "true_front_size": goal["size"],
        "hypervolume_share": last["share"],
        "evaluations": last["evaluations"],
        "seconds": time.perf_counter() - start,
    }


def _quantity(text: str) -> Quantity:
    try:
        return Quantity(text)
    except ValueError as error:
        raise CompressorError(f"There is no quantity {text!r}: choose from {', '.join(Quantity)}.") from error


def _measure(config: TradeoffConfig, architectures: Sequence[Architecture]) -> dict[Quantity, FloatArray]:
    """All that is known of architectures, one array a quantity; the accuracy is NaN where it was not measured."""
    genes = Genes.of(architectures)
    known = [Quantity.SIZE, Quantity.GFLOPS, Quantity.PARAMETERS]
    if config.latency is not None:
        known.append(Quantity.LATENCY)
    found = {quantity: config.yardstick.measure(quantity, genes) for quantity in known}
    if config.students:
        found[Quantity.ACCURACY] = np.array([config.accuracies.get(each, np.nan) for each in architectures])
    return found


def _judge(
    config: TradeoffConfig, architectures: Sequence[Architecture]
) -> list[tuple[dict[str, Any], tuple[float, ...]]]:
    """The record of each architecture, and its costs, one an objective."""
    if not architectures:
        return []
    measured = _measure(config, architectures)
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


def _missed(
    config: TradeoffConfig, architectures: Sequence[Architecture], measured: Mapping[Quantity, FloatArray]
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


def _breed(population: Sequence[Member], config: TradeoffConfig, grid: Grid, rng: Random) -> tuple[Genome, list[int]]:
    """One child and the ids of those it came from."""
    first = _tournament(population, rng)
    if rng.random() >= config.crossover_rate:
        return breeding.move(first, grid, rng), [first.individual["id"]]
    second = _tournament(population, rng)
    child = breeding.mate(first, second, grid, rng)
    if rng.random() < config.mutation_rate:
        child = breeding.move(child, grid, rng)
    return child, sorted({first.individual["id"], second.individual["id"]})


def _tournament(population: Sequence[Member], rng: Random) -> Member:
    """The one of two that beats the other, or else lies in the less crowded part of its front."""
    one, other = (population[rng.randrange(len(population))] for _ in range(2))
    if one.fitness.dominates(other.fitness):
        return one
    if other.fitness.dominates(one.fitness):
        return other
    return one if one.fitness.crowding_dist >= other.fitness.crowding_dist else other


def _values(config: TradeoffConfig, individuals: Sequence[Individual]) -> FloatArray:
    """Of shape [individuals, objectives]."""
    rows = [[each[objective] for objective in config.objectives] for each in individuals]
    return np.array(rows, np.float64).reshape(-1, len(config.objectives))
