"""Several objectives at once: NSGA-II (Deb et al., 2002), built with DEAP, beside the true front of the space.

Sorting into fronts, crowding distances and survival are DEAP's. The tournament is written anew after DEAP's
`selTournamentDCD`, which draws from Python's global random numbers and takes only populations of a multiple of
four. An architecture beyond a limit loses to every one within, and to every one that misses the limits by less
(Deb's constrained domination). No architecture is judged twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from deap import base, creator, tools

from compressor_core.architecture import Architecture
from compressor_core.cost import Genes
from compressor_core.errors import CompressorError
from compressor_core.search import breeding
from compressor_core.search.front import Front, Ruler, best_of, thinned, true_front, within
from compressor_core.search.grid import Genome, Grid
from compressor_core.search.quantities import FloatArray
from compressor_core.search.tradeoff import TradeoffSettings, judgements, measure

if TYPE_CHECKING:
    pass

MOST_RECORDED: Final = 2_000
"""How many points of the true front are recorded; a larger one is thinned evenly, its size and hypervolume are not."""
_RETRIES: Final = 20

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


def evolve(config: TradeoffSettings) -> Iterator[Generation]:
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
        judged = judgements(config, [grid.architecture(genome) for genome in members])
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


def best_possible(config: TradeoffSettings) -> Front:
    """The true front of the configuration. Raises CompressorError if nothing is within the limits."""
    if config.by_measurement:
        architectures = sorted(config.accuracies)
        genes = Genes.of(architectures)
        needed = measure(config, architectures)
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


def tradeoff_records(config: TradeoffSettings) -> Iterator[dict[str, Any]]:
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
        "points": [record for record, _ in judgements(config, [Architecture(*genes) for genes in points])],
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


def _breed(population: Sequence[Member], config: TradeoffSettings, grid: Grid, rng: Random) -> tuple[Genome, list[int]]:
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


def _values(config: TradeoffSettings, individuals: Sequence[Individual]) -> FloatArray:
    """Of shape [individuals, objectives]."""
    rows = [[each[objective] for objective in config.objectives] for each in individuals]
    return np.array(rows, np.float64).reshape(-1, len(config.objectives))
