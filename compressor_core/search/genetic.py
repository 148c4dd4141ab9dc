"""The genetic algorithm of Compressor (Shi et al., ASE 2022), built with DEAP, one record per generation.

The genes, the fitness, the population of 50, the 100 generations, the crossover rate of 0.6 and the survival of the
fittest among parents and children are the paper's. How children are bred is this program's own (`breeding.py`) or,
for contrast, the paper's (`papers.py`). No architecture is judged twice by the first; the second may judge one anew
that has died since. `benchmarks/search.py` measures both.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import partial
from math import fsum
from random import Random
from typing import TYPE_CHECKING, Any, Final

from deap import base, creator, tools

from compressor_core.architecture import GENES, SearchSpace
from compressor_core.errors import CompressorError, understood
from compressor_core.search import breeding, papers
from compressor_core.search.checks import check_breeding, read_enums
from compressor_core.search.exact import optimum, uncertifiable
from compressor_core.search.fitness import Candidate, Constraint, Goal, Objective
from compressor_core.search.grid import Grid
from compressor_core.task import PairFeatures, Task

if TYPE_CHECKING:
    from compressor_core.latency_model import LatencyModel

_TOURNAMENT: Final = 3
_RETRIES: Final = 20
"""How often a child that was seen before mutates on until it is given up: only tiny spaces come to that."""

# DEAP keeps its classes in one global registry, so they are made once, here. What can win comes before fitness.
creator.create("CompressorFitness", base.Fitness, weights=(1.0, 1.0))
creator.create("CompressorGenome", list, fitness=creator.CompressorFitness, individual=None)
Member = Any
"""A DEAP individual: five indices into the sorted values of the space, with `fitness` and `individual`."""


class Operators(StrEnum):
    """How children are bred."""

    STUDIO = "studio"
    """This program's, see `breeding.py`."""
    PAPER = "paper"
    """The paper's, see `papers.py`; `mutation_rate` has no meaning there."""


_ENUMS: Final[dict[str, type[StrEnum]]] = {
    "constraint": Constraint,
    "task": Task,
    "pair_features": PairFeatures,
    "operators": Operators,
    "goal": Goal,
}


class Individual(Candidate):
    """A judged architecture of a search."""

    id: int
    """Counts architectures in the order of their birth, from 0."""
    parents: list[int]
    """Ids of the one or two it was bred from; empty for the first generation. Always below `id`."""


@dataclass(frozen=True)
class SearchSettings:
    """Everything a search depends on: the same configuration gives the same records on every Python version.

    The enumerations may be given by their text. Raises BudgetError if the budget is not a positive number or
    nothing in the space fits it, and CompressorError if another value is out of range.
    """

    budget_mb: float
    constraint: Constraint = Constraint.CAP
    seed: int = 0
    population: int = 50
    generations: int = 100
    crossover_rate: float = 0.6
    mutation_rate: float = 0.5
    """How likely a child of crossover mutates as well; a child of one parent always does."""
    space: SearchSpace = field(default_factory=SearchSpace.paper)
    task: Task = Task.VULNERABILITY
    pair_features: PairFeatures = PairFeatures.COMPARE
    operators: Operators = Operators.STUDIO
    goal: Goal = Goal.GFLOPS
    max_latency_ms: float | None = None
    min_gflops: float | None = None
    latency: LatencyModel | None = None
    """Predicts milliseconds on the machine that was calibrated; with one, every record has `latency_ms`."""

    def __post_init__(self) -> None:
        read_enums(self, _ENUMS)
        check_breeding(self)
        self.objective.check_reachable(self.space)

    @property
    def objective(self) -> Objective:
        """What the search maximises."""
        return Objective(
            self.budget_mb,
            self.constraint,
            self.task,
            self.pair_features,
            self.goal,
            self.max_latency_ms,
            self.min_gflops,
            self.latency,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON can hold them."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        texts = {name: values[name].value for name in _ENUMS}
        latency = self.latency.to_dict() if self.latency else None
        return {**values, **texts, "space": self.space.to_dict(), "latency": latency}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SearchSettings:
        """The inverse of `to_dict`; what is left out takes its default."""
        names = [each.name for each in fields(cls)]
        with understood("The settings of the search", CompressorError):
            if set(values) - set(names) or "budget_mb" not in values:
                raise CompressorError(
                    f"A search takes budget_mb and, if wanted, {', '.join(names[1:])}, not {', '.join(values)}."
                )
            if "space" in values:
                values = {**values, "space": SearchSpace.from_dict(values["space"])}
            if values.get("latency") is not None:
                from compressor_core.latency_model import LatencyModel

                values = {**values, "latency": LatencyModel.from_dict(values["latency"])}
            return cls(**values)


@dataclass(frozen=True)
class Generation:
    """The population after one round of breeding and selection; number 0 is the random first one."""

    generation: int
    individuals: tuple[Individual, ...]
    """From the fittest to the least fit, all different."""
    best: Individual | None
    """The fittest of all generations so far, in `cap` mode among the feasible; None if there is none yet."""
    mean_fitness: float | None
    """Of the population, in `cap` mode of the feasible ones (then in GFLOPs); None if there is none."""
    diversity: float
    """How likely two individuals differ in a gene, from 0 to 1: the mean over the five genes."""
    evaluations: int
    """Different architectures judged so far."""
    perished: tuple[Individual, ...] = ()
    """Those that were judged in this round and not kept: with `individuals`, every one that was ever judged."""

    def to_dict(self) -> dict[str, Any]:
        """One record of `events.jsonl`."""
        return {
            "type": "generation",
            "generation": self.generation,
            "individuals": list(self.individuals),
            "best": self.best,
            "mean_fitness": self.mean_fitness,
            "diversity": self.diversity,
            "evaluations": self.evaluations,
            "perished": list(self.perished),
        }


def evolve(config: SearchSettings) -> Iterator[Generation]:
    """Runs the search: the first, random generation, then `config.generations` more.

    At most `population · (generations + 1)` architectures are judged.
    """
    rng = Random(config.seed)
    grid = Grid(config.space)
    objective = config.objective
    hall_of_fame = tools.HallOfFame(1)
    judged = 0

    def judge(newborn: Iterable[tuple[Sequence[int], list[int]]]) -> list[Member]:
        nonlocal judged
        genomes = []
        for genome, parents in newborn:
            member = creator.CompressorGenome(genome)
            member.individual = {"id": judged, "parents": parents}
            genomes.append(member)
            judged += 1
        candidates = objective.candidates([grid.architecture(genome) for genome in genomes])
        for member, candidate in zip(genomes, candidates, strict=True):
            member.individual.update(candidate)
            member.fitness.values = objective.rank(candidate)
        hall_of_fame.update([member for member in genomes if objective.counts(member.individual)])
        return genomes

    def generation(number: int, population: list[Member], newborn: list[Member]) -> Generation:
        individuals = tuple(member.individual for member in population)
        counted = [each["fitness"] for each in individuals if objective.counts(each)]
        kept = {each["id"] for each in individuals}
        return Generation(
            generation=number,
            individuals=individuals,
            best=hall_of_fame[0].individual if len(hall_of_fame) else None,
            mean_fitness=fsum(counted) / len(counted) if counted else None,
            diversity=_diversity(population),
            evaluations=judged,
            perished=tuple(each.individual for each in newborn if each.individual["id"] not in kept),
        )

    founders: dict[tuple[int, ...], None] = {}
    while len(founders) < min(config.population, config.space.size):
        founders[tuple(breeding.random_genome(grid, rng))] = None
    newborn = judge((genome, []) for genome in founders)
    population = tools.selBest(newborn, config.population)
    yield generation(0, population, newborn)

    breed = _paper_breeder(config, grid, rng) if config.operators is Operators.PAPER else _breeder(config, grid, rng)
    for number in range(1, config.generations + 1):
        newborn = judge(breed(population))
        population = tools.selBest(population + newborn, config.population)
        yield generation(number, population, newborn)


Breeder = Callable[[list[Member]], list[tuple[Sequence[int], list[int]]]]
"""From a population to the children of its next generation, with the ids of their parents."""


def _paper_breeder(config: SearchSettings, grid: Grid, rng: Random) -> Breeder:
    def breed(population: list[Member]) -> list[tuple[Sequence[int], list[int]]]:
        children = papers.offspring(population, config.population, config.crossover_rate, grid, rng)
        return [(child, sorted(population[at].individual["id"] for at in parents)) for child, parents in children]

    return breed


def _breeder(config: SearchSettings, grid: Grid, rng: Random) -> Breeder:
    known: set[tuple[int, ...]] = set()
    mutate = partial(breeding.mutate, objective=config.objective, grid=grid, rng=rng)

    def select(population: list[Member]) -> Member:
        entrants = (population[rng.randrange(len(population))] for _ in range(_TOURNAMENT))
        return max(entrants, key=lambda member: member.fitness)

    def one(population: list[Member]) -> tuple[Sequence[int], list[int]]:
        first = select(population)
        if rng.random() >= config.crossover_rate:
            return mutate(first), [first.individual["id"]]
        second = select(population)
        child = breeding.mate(first, second, grid, rng)
        if rng.random() < config.mutation_rate:
            child = mutate(child)
        return child, sorted({first.individual["id"], second.individual["id"]})

    def breed(population: list[Member]) -> list[tuple[Sequence[int], list[int]]]:
        # Whatever was born here survived or is known already; of the founders, all are in the first population.
        known.update(tuple(member) for member in population)
        children = []
        for _ in range(config.population):
            child, parents = one(population)
            for _ in range(_RETRIES):
                if tuple(child) not in known:
                    known.add(tuple(child))
                    children.append((child, parents))
                    break
                child = mutate(child)
        return children

    return breed


def search_records(config: SearchSettings) -> Iterator[dict[str, Any]]:
    """The records of a whole search: the true optimum first (`"type": "optimum"`), then every generation.

    Where the optimum cannot be certified, `{"type": "uncertified", "reason": sentence}` stands in its place.

    Raises BudgetError if nothing in the space is within the limits.
    """
    if reason := uncertifiable(config.space, config.objective):
        yield {"type": "uncertified", "reason": reason}
    else:
        yield {"type": "optimum", **optimum(config.space, config.objective)}
    for generation in evolve(config):
        yield generation.to_dict()


def search_summary(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What came out of `search_records(config)`: `best`, `optimum`, `gap`, `evaluations` and `seconds`.

    The records may pass through a progress bar on their way; `seconds` is what consuming them took. `best`
    and `gap` are None if the search met nothing feasible.
    """
    start = time.perf_counter()
    goal: Mapping[str, Any] = {}
    last: Mapping[str, Any] = {}
    for record in records:
        if record["type"] == "optimum":
            goal = record
        elif record["type"] == "generation":
            last = record
    if not last:
        raise CompressorError("The search left no generation to sum up: run it again.")
    best = last["best"]
    return {
        "best": _told(best),
        "optimum": _told(goal),
        "gap": gap(goal["fitness"], best["fitness"] if best else None) if goal else None,
        "evaluations": last["evaluations"],
        "seconds": time.perf_counter() - start,
    }


def _told(candidate: Mapping[str, Any] | None) -> dict[str, Any] | None:
    keys = (*GENES, "size_mb", "paper_gflops", "parameters", "latency_ms", "fitness")
    return {key: candidate[key] for key in keys if key in candidate} if candidate else None


def gap(optimum_fitness: float, best_fitness: float | None) -> float | None:
    """How far a search stayed below the optimum, as a share of it; None if it met nothing feasible."""
    if best_fitness is None:
        return None
    return (optimum_fitness - best_fitness) / abs(optimum_fitness)


def _diversity(population: list[Member]) -> float:
    pairs = len(population) * (len(population) - 1)
    if not pairs:
        return 0.0
    same = sum(count * (count - 1) for values in zip(*population, strict=True) for count in Counter(values).values())
    return 1 - same / (pairs * len(GENES))
