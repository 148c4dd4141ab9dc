"""The genetic algorithm of Compressor (Shi et al., ASE 2022), built with DEAP, one record per generation.

The genes, the fitness, the population of 50, the 100 generations, the crossover rate of 0.6 and the
survival of the fittest among parents and children are the paper's. With the operators of its released
code the search hardly ever finds the best architecture: the good ones lie on a narrow ridge, where a wider
layer must be paid for with a smaller vocabulary or a thinner feed-forward part, and those operators step off
the ridge nearly every time. What was changed, and why:

- Parents are chosen by tournament; in the paper every survivor is as likely to breed as any other.
- Crossover takes each gene from either parent; the paper cuts the genes at one point, so that which of them
  travel together hangs on the order in which they happen to be listed.
- Mutation moves one gene, by a few steps or anywhere; the paper redraws every gene from a random one on,
  which throws away most of what was learned. Genes are indices into the sorted values of the space, so a
  step means the same for a vocabulary as for a number of layers.
- In half of the mutations a second gene pays: it takes the largest value with which the parameters still
  fit the budget. Sizes have a closed form, so looking one up is no evaluation. This keeps children on the
  ridge.
- A child of crossover may mutate too (`mutation_rate`); in the paper a child is either crossed or mutated.
- No architecture is judged twice: a child seen before mutates on until it is new. Late in the search this
  sends the population through the neighbourhood of its best members, as a local search would.
- Heads and width are coupled: where the heads no longer divide the width, the nearest number that does is
  taken.

`benchmarks/search.py` measures both.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from random import Random
from typing import Any, Final

import numpy as np
from deap import base, creator, tools

from compressor_core.architecture import GENES, Architecture, SearchSpace
from compressor_core.cost import Genes
from compressor_core.errors import CompressorError
from compressor_core.search.exact import optimum
from compressor_core.search.fitness import Candidate, Constraint, Objective
from compressor_core.task import PairFeatures, Task

_TOURNAMENT: Final = 3
_LONGEST_STEP: Final = 3
_RETRIES: Final = 20
"""How often a child that was seen before mutates on until it is given up: only tiny spaces come to that."""

_HEADS: Final = GENES.index("num_attention_heads")
_WIDTH: Final = GENES.index("hidden_size")
_PAYERS: Final = tuple(index for index in range(len(GENES)) if index != _HEADS)
"""The genes that have a weight; heads cost computation alone."""

_ENUMS: Final[dict[str, type[StrEnum]]] = {
    "constraint": Constraint,
    "task": Task,
    "pair_features": PairFeatures,
}

# DEAP keeps its classes in one global registry, so they are made once, here.
creator.create("CompressorFitness", base.Fitness, weights=(1.0,))
creator.create("CompressorGenome", list, fitness=creator.CompressorFitness, individual=None)
Genome = Any
"""A DEAP individual: five indices into the sorted values of the space, with `fitness` and `individual`."""


class Individual(Candidate):
    """A judged architecture of a search."""

    id: int
    """Counts architectures in the order of their birth, from 0."""
    parents: list[int]
    """Ids of the one or two it was bred from; empty for the first generation. Always below `id`."""


@dataclass(frozen=True)
class SearchConfig:
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

    def __post_init__(self) -> None:
        for name, kind in _ENUMS.items():
            value = getattr(self, name)
            try:
                object.__setattr__(self, name, kind(value))
            except ValueError as error:
                raise CompressorError(f"{name} must be {' or '.join(kind)}, not {value!r}.") from error
        for name, low, high in (("seed", 0, 2**32 - 1), ("population", 2, 1_000), ("generations", 1, 10_000)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise CompressorError(f"{name} must be a whole number from {low} to {high}, not {value!r}.")
        for name in ("crossover_rate", "mutation_rate"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
                raise CompressorError(f"{name} must be a number from 0 to 1, not {value!r}.")
        self.objective.check_reachable(self.space)

    @property
    def objective(self) -> Objective:
        """What the search maximises."""
        return Objective(self.budget_mb, self.constraint, self.task, self.pair_features)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON can hold them."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        texts = {name: values[name].value for name in _ENUMS}
        return {**values, **texts, "space": self.space.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> SearchConfig:
        """The inverse of `to_dict`; what is left out takes its default."""
        names = [each.name for each in fields(cls)]
        unknown = sorted(set(values) - set(names))
        if unknown or "budget_mb" not in values:
            raise CompressorError(
                f"A search takes budget_mb and, if wanted, {', '.join(names[1:])}, not {', '.join(values)}."
            )
        if "space" in values:
            values = {**values, "space": SearchSpace.from_dict(values["space"])}
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
        }


def evolve(config: SearchConfig) -> Iterator[Generation]:
    """Runs the search: the first, random generation, then `config.generations` more.

    At most `population · (generations + 1)` architectures are judged, none of them twice.
    """
    rng = Random(config.seed)
    grid = _Grid(config.space)
    toolbox = _toolbox(config, grid, rng)
    hall_of_fame = tools.HallOfFame(1)
    known: dict[tuple[int, ...], int] = {}

    def judge(newborn: list[tuple[Genome, list[int]]]) -> list[Genome]:
        candidates: list[Candidate] = toolbox.evaluate([grid.architecture(genome) for genome, _ in newborn])
        for (genome, parents), candidate in zip(newborn, candidates, strict=True):
            individual: Individual = {"id": known[tuple(genome)], "parents": parents, **candidate}
            genome.individual = individual
            genome.fitness.values = (candidate["fitness"],)
        genomes = [genome for genome, _ in newborn]
        hall_of_fame.update([genome for genome in genomes if _counts(config, genome.individual)])
        return genomes

    def generation(number: int, population: list[Genome]) -> Generation:
        individuals = tuple(genome.individual for genome in population)
        counted = [each["fitness"] for each in individuals if _counts(config, each)]
        return Generation(
            generation=number,
            individuals=individuals,
            best=hall_of_fame[0].individual if len(hall_of_fame) else None,
            mean_fitness=sum(counted) / len(counted) if counted else None,
            diversity=_diversity(population),
            evaluations=len(known),
        )

    founders: list[tuple[Genome, list[int]]] = []
    while len(founders) < min(config.population, config.space.size):
        genome = toolbox.genome()
        if tuple(genome) not in known:
            known[tuple(genome)] = len(known)
            founders.append((genome, []))
    population = toolbox.survive(judge(founders))
    yield generation(0, population)

    for number in range(1, config.generations + 1):
        children = []
        for _ in range(config.population):
            child, parents = _breed(toolbox, population, config, rng)
            for _ in range(_RETRIES):
                if tuple(child) not in known:
                    known[tuple(child)] = len(known)
                    children.append((child, parents))
                    break
                toolbox.mutate(child)
        population = toolbox.survive(population + judge(children))
        yield generation(number, population)


def search_records(config: SearchConfig) -> Iterator[dict[str, Any]]:
    """The records of a whole search: the true optimum first (`"type": "optimum"`), then every generation."""
    best = optimum(config.space, config.budget_mb, config.constraint, config.task, config.pair_features)
    yield {"type": "optimum", **best}
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
    if not goal or not last:
        raise CompressorError("The search left no generation to sum up: run it again.")
    keys = (*GENES, "size_mb", "paper_gflops", "fitness")
    best = last["best"]
    return {
        "best": {key: best[key] for key in keys} if best else None,
        "optimum": {key: goal[key] for key in keys},
        "gap": gap(goal["fitness"], best["fitness"] if best else None),
        "evaluations": last["evaluations"],
        "seconds": time.perf_counter() - start,
    }


def gap(optimum_fitness: float, best_fitness: float | None) -> float | None:
    """How far a search stayed below the optimum, as a share of it; None if it met nothing feasible."""
    if best_fitness is None:
        return None
    return (optimum_fitness - best_fitness) / abs(optimum_fitness)


class _Grid:
    """A search space as five axes, on which a genome holds indices."""

    def __init__(self, space: SearchSpace) -> None:
        self.axes: tuple[tuple[int, ...], ...] = tuple(
            # A width that no number of heads divides has no architecture.
            tuple(width for width in space.hidden_size if space.heads_for(width))
            if gene == "hidden_size"
            else getattr(space, gene)
            for gene in GENES
        )
        self.arrays = [np.array(axis, dtype=np.int64) for axis in self.axes]

    def architecture(self, genome: Sequence[int]) -> Architecture:
        return Architecture(*(axis[index] for axis, index in zip(self.axes, genome, strict=True)))

    def along(self, genome: Sequence[int], gene: int) -> Genes:
        """The genome's architecture with every value of one gene, as arrays that broadcast."""
        return Genes(
            *(
                array if index == gene else array[genome[index] : genome[index] + 1]
                for index, array in enumerate(self.arrays)
            )
        )

    def settle_heads(self, genome: Genome) -> None:
        """Moves the heads to the nearest number that divides the width, the fewer if two are as near."""
        width, heads = self.axes[_WIDTH][genome[_WIDTH]], self.axes[_HEADS]
        if width % heads[genome[_HEADS]]:
            legal = (index for index, number in enumerate(heads) if width % number == 0)
            genome[_HEADS] = min(legal, key=lambda index: (abs(index - genome[_HEADS]), index))


def _toolbox(config: SearchConfig, grid: _Grid, rng: Random) -> Any:
    toolbox = base.Toolbox()
    toolbox.register("genome", _random_genome, grid=grid, rng=rng)
    toolbox.register("evaluate", config.objective.candidates)
    toolbox.register("select", _tournament, rng=rng)
    toolbox.register("mate", _mate, grid=grid, rng=rng)
    toolbox.register("mutate", _mutate, objective=config.objective, grid=grid, rng=rng)
    toolbox.register("survive", tools.selBest, k=config.population)
    return toolbox


def _random_genome(grid: _Grid, rng: Random) -> Genome:
    genome = creator.CompressorGenome(rng.randrange(len(axis)) for axis in grid.axes)
    grid.settle_heads(genome)
    return genome


def _tournament(population: list[Genome], rng: Random) -> Genome:
    entrants = (population[rng.randrange(len(population))] for _ in range(_TOURNAMENT))
    return max(entrants, key=lambda genome: genome.fitness)


def _breed(toolbox: Any, population: list[Genome], config: SearchConfig, rng: Random) -> tuple[Genome, list[int]]:
    """One child and the ids of those it came from."""
    first = toolbox.select(population)
    if rng.random() >= config.crossover_rate:
        return toolbox.mutate(creator.CompressorGenome(first)), [first.individual["id"]]
    second = toolbox.select(population)
    child = toolbox.mate(first, second)
    if rng.random() < config.mutation_rate:
        toolbox.mutate(child)
    return child, sorted({first.individual["id"], second.individual["id"]})


def _mate(first: Genome, second: Genome, grid: _Grid, rng: Random) -> Genome:
    child = creator.CompressorGenome(
        one if rng.random() < 0.5 else other for one, other in zip(first, second, strict=True)
    )
    grid.settle_heads(child)
    return child


def _mutate(genome: Genome, objective: Objective, grid: _Grid, rng: Random) -> Genome:
    """Moves one gene, by a few steps or anywhere, and in half of the cases lets another pay; in place."""
    gene = rng.randrange(len(GENES))
    last = len(grid.axes[gene]) - 1
    if rng.random() < 0.5:
        step = rng.choice((-1, 1)) * rng.randrange(1, _LONGEST_STEP + 1)
        genome[gene] = min(last, max(0, genome[gene] + step))
    else:
        genome[gene] = rng.randrange(last + 1)
    if rng.random() < 0.5:
        payer = rng.choice([index for index in _PAYERS if index != gene])
        weights = objective.weight_mb(grid.along(genome, payer))
        genome[payer] = max(0, int(np.searchsorted(weights, objective.budget_mb, side="right")) - 1)
    grid.settle_heads(genome)
    return genome


def _counts(config: SearchConfig, individual: Individual) -> bool:
    return config.constraint is Constraint.PAPER or individual["feasible"]


def _diversity(population: list[Genome]) -> float:
    pairs = len(population) * (len(population) - 1)
    if not pairs:
        return 0.0
    same = sum(count * (count - 1) for values in zip(*population, strict=True) for count in Counter(values).values())
    return 1 - same / (pairs * len(GENES))
