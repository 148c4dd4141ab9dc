"""The genetic algorithm of Compressor (Shi et al., ASE 2022), built with DEAP, one record per generation.

The genes, the fitness, the population of 50, the 100 generations, the crossover rate of 0.6 and the survival of the
fittest among parents and children are the paper's. Breeding uses this program's operators (`breeding.py`) or, for
comparison, the paper's (`papers.py`). The former never evaluate an architecture twice; the latter may evaluate a
discarded one again. `benchmarks/search.py` measures both.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from functools import partial
from math import fsum
from random import Random
from typing import Any, Final, Self

from deap import base, creator, tools
from pydantic import Field, model_validator

from compressor_core.architecture import GENES, SearchSpace, SpaceField
from compressor_core.records import (
    Candidate,
    Generation,
    Individual,
    Optimum,
    Progress,
    SearchSummary,
    Uncertified,
    Work,
)
from compressor_core.search import breeding, papers
from compressor_core.search.exact import optimum, uncertifiable
from compressor_core.search.fitness import Constraint, Objective
from compressor_core.search.grid import Grid
from compressor_core.search.settings import GeneticSettings
from compressor_core.settings import description_of

_TOURNAMENT: Final = 3
_RETRIES: Final = 20
"""Further mutations of a known child before it is dropped; only reached in tiny spaces."""

# DEAP keeps its classes in one global registry, so they are made once, here. Two weights: can win, then fitness.
creator.create("CompressorFitness", base.Fitness, weights=(1.0, 1.0))
creator.create("CompressorGenome", list, fitness=creator.CompressorFitness, individual=None)
Member = Any
"""A DEAP individual: five indices into the sorted values of the space, with `fitness` and `individual`."""


class Operators(StrEnum):
    """Breeding operators."""

    STUDIO = "studio"
    """This program's operators, see `breeding.py`."""
    PAPER = "paper"
    """The paper's operators, see `papers.py`; they ignore `mutation_rate`."""


Newborn = tuple[Sequence[int], tuple[int, ...]]
"""A genome and the ids of its parents."""


class SearchSettings(GeneticSettings, Objective):
    """Settings of a search. The same settings give the same records on every Python version.

    Raises BudgetError if nothing in the space fits the budget, SettingsError if a value is out of range.
    """

    operators: Operators = Field(
        Operators.STUDIO,
        description="Breeding operators: this program's or the paper's, which hardly ever find the "
        "optimum with the same number of candidates",
    )

    space: SpaceField = Field(
        default_factory=lambda known: (
            SearchSpace.paper() if known.get("constraint") is Constraint.PAPER else SearchSpace.classroom()
        ),
        description=description_of(GeneticSettings, "space"),
    )

    @model_validator(mode="after")
    def _check_space(self) -> Self:
        self.check_reachable(self.space)
        return self


def evolve(settings: SearchSettings) -> Iterator[Generation]:
    """Run the search: the first, random generation, then `settings.generations` more.

    At most `population · (generations + 1)` architectures are evaluated.
    """
    rng = Random(settings.seed)
    grid = Grid(settings.space)
    hall_of_fame = tools.HallOfFame(1)
    judged = 0

    def judge(newborn: Iterable[Newborn]) -> list[Member]:
        nonlocal judged
        members = []
        for genome, parents in newborn:
            members.append(creator.CompressorGenome(genome))
            members[-1].parents = parents
        for member, values in zip(members, settings.judged([grid.architecture(one) for one in members]), strict=True):
            member.individual = Individual(**values, id=judged, parents=member.parents)
            member.fitness.values = settings.rank(member.individual)
            judged += 1
        hall_of_fame.update([member for member in members if settings.counts(member.individual)])
        return members

    def generation(number: int, population: list[Member], newborn: list[Member]) -> Generation:
        individuals = tuple(member.individual for member in population)
        counted = [each.fitness for each in individuals if settings.counts(each)]
        kept = {each.id for each in individuals}
        return Generation(
            generation=number,
            individuals=individuals,
            best=hall_of_fame[0].individual if len(hall_of_fame) else None,
            mean_fitness=fsum(counted) / len(counted) if counted else None,
            diversity=_diversity(population),
            evaluations=judged,
            perished=tuple(each.individual for each in newborn if each.individual.id not in kept),
        )

    founders: dict[tuple[int, ...], None] = {}
    while len(founders) < min(settings.population, settings.space.size):
        founders[tuple(breeding.random_genome(grid, rng))] = None
    newborn = judge((genome, ()) for genome in founders)
    population = tools.selBest(newborn, settings.population)
    yield generation(0, population, newborn)

    breeder = _paper_breeder if settings.operators is Operators.PAPER else _breeder
    breed = breeder(settings, grid, rng)
    for number in range(1, settings.generations + 1):
        newborn = judge(breed(population))
        population = tools.selBest(population + newborn, settings.population)
        yield generation(number, population, newborn)


Breeder = Callable[[list[Member]], list[Newborn]]
"""Function from a population to the children of the next generation."""


def _paper_breeder(settings: SearchSettings, grid: Grid, rng: Random) -> Breeder:
    def breed(population: list[Member]) -> list[Newborn]:
        children = papers.offspring(population, settings.population, settings.crossover_rate, grid, rng)
        return [(child, _ids(*(population[at] for at in parents))) for child, parents in children]

    return breed


def _breeder(settings: SearchSettings, grid: Grid, rng: Random) -> Breeder:
    known: set[tuple[int, ...]] = set()
    mutate = partial(breeding.mutate, objective=settings, grid=grid, rng=rng)

    def select(population: list[Member]) -> Member:
        entrants = (population[rng.randrange(len(population))] for _ in range(_TOURNAMENT))
        return max(entrants, key=lambda member: member.fitness)

    def one(population: list[Member]) -> Newborn:
        first = select(population)
        if rng.random() >= settings.crossover_rate:
            return mutate(first), _ids(first)
        second = select(population)
        child = breeding.mate(first, second, grid, rng)
        if rng.random() < settings.mutation_rate:
            child = mutate(child)
        return child, _ids(first, second)

    def breed(population: list[Member]) -> list[Newborn]:
        # Children are known already; this adds the founders, which are all in the first population.
        known.update(tuple(member) for member in population)
        children = []
        for _ in range(settings.population):
            child, parents = one(population)
            for _ in range(_RETRIES):
                if tuple(child) not in known:
                    known.add(tuple(child))
                    children.append((child, parents))
                    break
                child = mutate(child)
        return children

    return breed


def _ids(*parents: Member) -> tuple[int, ...]:
    return tuple(sorted({parent.individual.id for parent in parents}))


def search(settings: SearchSettings, *, cancelled: Callable[[], bool] = lambda: False) -> Work[SearchSummary]:
    """Find the true optimum, or report why it is not known, then breed generation after generation.

    `cancelled` is checked after each generation.

    Raises BudgetError if nothing in the space is within the limits.
    """
    start = time.perf_counter()
    goal: Candidate | None = None
    if reason := uncertifiable(settings.space, settings):
        yield Uncertified(reason=reason)
    else:
        goal = optimum(settings.space, settings)
        yield Optimum(candidate=goal)
    for generation in evolve(settings):
        yield generation
        number, best = generation.generation, generation.best
        yield Progress(
            fraction=number / settings.generations,
            message=f"Generation {number} of {settings.generations}, "
            + (f"best {best.fitness:.4f}" if best else "nothing fits yet"),
        )
        if stopped := number < settings.generations and cancelled():
            break
    return SearchSummary(
        best=best,
        optimum=goal,
        gap=gap(goal, best),
        evaluations=generation.evaluations,
        seconds=time.perf_counter() - start,
        cancelled=stopped,
    )


def gap(optimum: Candidate | None, best: Candidate | None) -> float | None:
    """Distance of a search's best from the optimum, as a share of the optimum; None unless both are known."""
    if optimum is None or best is None:
        return None
    return (optimum.fitness - best.fitness) / abs(optimum.fitness)


def _diversity(population: list[Member]) -> float:
    pairs = len(population) * (len(population) - 1)
    if not pairs:
        return 0.0
    same = sum(count * (count - 1) for values in zip(*population, strict=True) for count in Counter(values).values())
    return 1 - same / (pairs * len(GENES))
