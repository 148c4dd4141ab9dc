"""Multi-objective search: NSGA-II (Deb et al., 2002), built with DEAP, compared with the true front of the space.

Sorting into fronts, crowding distances and survival are DEAP's. The tournament is a reimplementation of DEAP's
`selTournamentDCD`, which uses Python's global random numbers and needs a population divisible by four. An architecture
that violates a limit loses to every feasible one, and to every one with a smaller violation (Deb's constrained
domination). No architecture is evaluated twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, Final

import numpy as np
from deap import base, creator, tools

from compressor_core.architecture import Architecture
from compressor_core.cost import Genes
from compressor_core.errors import CompressorError
from compressor_core.records import Bred, FrontGeneration, Measured, Progress, TradeoffSummary, TrueFront, Work
from compressor_core.search import breeding
from compressor_core.search.front import Front, Ruler, best_of, thinned, true_front, within
from compressor_core.search.grid import Grid
from compressor_core.search.quantities import FloatArray
from compressor_core.search.tradeoff import TradeoffSettings, judgements, measure

MOST_RECORDED: Final = 2_000
"""Largest number of recorded points of the true front. A larger front is thinned evenly; its recorded size and
hypervolume are those of the whole front."""
_RETRIES: Final = 20

# DEAP keeps its classes in one global registry, so they are made once, here.
for _count in (2, 3):
    creator.create(f"CompressorCosts{_count}", base.Fitness, weights=(-1.0,) * _count)
    creator.create(
        f"CompressorTradeoff{_count}", list, fitness=getattr(creator, f"CompressorCosts{_count}"), individual=None
    )
Member = Any
"""A DEAP individual: five indices into the sorted values of the space, with `fitness` (costs) and `individual`."""
Newborn = tuple[Sequence[int], tuple[int, ...]]
"""A genome and the ids of its parents."""


def evolve(settings: TradeoffSettings, truth: Front | None = None) -> Iterator[FrontGeneration]:
    """Run NSGA-II: the first, random generation, then `settings.generations` more.

    At most `population · (generations + 1)` architectures are evaluated, none of them twice. `truth` is the true front.
    """
    truth = truth or best_possible(settings)
    ruler, points = Ruler(truth), set(map(tuple, truth.values.tolist()))
    whole = ruler.hypervolume(truth.values)
    rng = Random(settings.seed)
    grid = Grid(settings.searched)
    known: dict[tuple[int, ...], int] = {}
    kind = getattr(creator, f"CompressorTradeoff{len(settings.objectives)}")
    front: list[Bred] = []

    def judge(newborn: Sequence[Newborn]) -> list[Member]:
        members = [kind(genome) for genome, _ in newborn]
        judged = judgements(settings, [grid.architecture(genome) for genome in members])
        for member, (_, parents), (fields, costs) in zip(members, newborn, judged, strict=True):
            member.individual = Bred(**fields, id=known[tuple(member)], parents=parents)
            member.fitness.values = costs
        front.extend(member.individual for member in members if member.individual.feasible)
        front[:] = [front[at] for at in best_of(_values(settings, front), settings.objectives)]
        return members

    def generation(number: int, newborn: Sequence[Member]) -> FrontGeneration:
        individuals = tuple(member.individual for member in population)
        kept = {each.id for each in individuals}
        values = _values(settings, front)
        hypervolume = ruler.hypervolume(values)
        return FrontGeneration(
            generation=number,
            individuals=individuals,
            perished=tuple(each.individual for each in newborn if each.individual.id not in kept),
            front=tuple(each.id for each in front),
            on_true_front=sum(tuple(point) in points for point in values.tolist()),
            hypervolume=hypervolume,
            share=hypervolume / whole,
            evaluations=len(known),
        )

    founders: list[Newborn] = []
    while len(founders) < min(settings.population, settings.searched.size):
        genome = breeding.random_genome(grid, rng)
        if tuple(genome) not in known:
            known[tuple(genome)] = len(known)
            founders.append((genome, ()))
    newborn = judge(founders)
    population = tools.selNSGA2(newborn, settings.population, nd="log")
    yield generation(0, newborn)

    for number in range(1, settings.generations + 1):
        children: list[Newborn] = []
        for _ in range(settings.population):
            child, parents = _breed(population, settings, grid, rng)
            for _ in range(_RETRIES):
                if tuple(child) not in known:
                    known[tuple(child)] = len(known)
                    children.append((child, parents))
                    break
                child = breeding.move(child, grid, rng)
        newborn = judge(children)
        population = tools.selNSGA2(population + newborn, settings.population, nd="log")
        yield generation(number, newborn)


def best_possible(settings: TradeoffSettings) -> Front:
    """The true front for the settings. Raises CompressorError if nothing is within the limits."""
    if settings.by_measurement:
        architectures = sorted(settings.measured)
        genes = Genes.of(architectures)
        needed = measure(settings, architectures)
        fits = within({quantity: needed[quantity] for quantity in settings.limits}, settings.limits)
        values = np.stack([needed[objective] for objective in settings.objectives], axis=-1)
        fitting = np.flatnonzero(np.broadcast_to(fits, len(values)))
        at = fitting[best_of(values[fitting], settings.objectives)]
        front = Front(settings.objectives, Genes(*(gene[at] for gene in genes)), values[at])
    else:
        front = true_front(settings.space, settings.objectives, settings.yardstick, settings.limits)
    if not len(front):
        words = [
            f"{each} {'at least' if each.maximised else 'at most'} {most:g}" for each, most in settings.limits.items()
        ]
        raise CompressorError(f"No architecture of the space has {' and '.join(words)}: loosen the limits.")
    return front


def tradeoff(settings: TradeoffSettings, *, cancelled: Callable[[], bool] = lambda: False) -> Work[TradeoffSummary]:
    """Find the true front, then breed generation after generation. `cancelled` is checked after each generation.

    Raises CompressorError if nothing in the space is within the limits.
    """
    start = time.perf_counter()
    yield Progress(fraction=0.0, message="Looking through the whole space")
    truth = best_possible(settings)
    ruler = Ruler(truth)
    shown = thinned(ruler.place(truth.values), MOST_RECORDED)
    points = zip(*(gene[shown].tolist() for gene in truth.genes), strict=True)
    objectives = tuple(map(str, settings.objectives))
    yield TrueFront(
        objectives=objectives,
        size=len(truth),
        points=tuple(
            Measured(**fields) for fields, _ in judgements(settings, [Architecture(*genes) for genes in points])
        ),
        hypervolume=ruler.hypervolume(truth.values),
        seconds=time.perf_counter() - start,
    )
    by_id: dict[int, Bred] = {}
    for generation in evolve(settings, truth):
        yield generation
        by_id.update((each.id, each) for each in (*generation.individuals, *generation.perished))
        number = generation.generation
        yield Progress(
            fraction=number / settings.generations,
            message=f"Generation {number} of {settings.generations}, {generation.share:.2%} of the true hypervolume",
        )
        if stopped := number < settings.generations and cancelled():
            break
    return TradeoffSummary(
        objectives=objectives,
        points=len(generation.front),
        front=tuple(by_id[at] for at in generation.front),
        on_true_front=generation.on_true_front,
        true_front_size=len(truth),
        hypervolume_share=generation.share,
        evaluations=generation.evaluations,
        seconds=time.perf_counter() - start,
        cancelled=stopped,
    )


def _breed(population: Sequence[Member], settings: TradeoffSettings, grid: Grid, rng: Random) -> Newborn:
    """One child and the ids of its parents."""
    first = _tournament(population, rng)
    if rng.random() >= settings.crossover_rate:
        return breeding.move(first, grid, rng), (first.individual.id,)
    second = _tournament(population, rng)
    child = breeding.mate(first, second, grid, rng)
    if rng.random() < settings.mutation_rate:
        child = breeding.move(child, grid, rng)
    return child, tuple(sorted({first.individual.id, second.individual.id}))


def _tournament(population: Sequence[Member], rng: Random) -> Member:
    """The dominating one of two random members, or else the one with the larger crowding distance."""
    one, other = (population[rng.randrange(len(population))] for _ in range(2))
    if one.fitness.dominates(other.fitness):
        return one
    if other.fitness.dominates(one.fitness):
        return other
    return one if one.fitness.crowding_dist >= other.fitness.crowding_dist else other


def _values(settings: TradeoffSettings, individuals: Sequence[Bred]) -> FloatArray:
    """Objective values, of shape [individuals, objectives]."""
    rows = [[getattr(each, objective) for objective in settings.objectives] for each in individuals]
    return np.array(rows, np.float64).reshape(-1, len(settings.objectives))
