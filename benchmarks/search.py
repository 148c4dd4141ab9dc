"""How often the genetic algorithm finds the true optimum, beside the operators of the paper.

Run from the repository's root:
`python -m benchmarks.search [--seeds 20] [--budgets 3 25 50] [--constraint paper]`.
"""

from __future__ import annotations

import argparse
import statistics
import time
from random import Random
from typing import NamedTuple

from compressor_core.architecture import GENES, Architecture, SearchSpace
from compressor_core.search import Constraint, Objective, SearchConfig, evolve, gap, optimum


class Outcome(NamedTuple):
    gap: float | None
    evaluations: int
    seconds: float


def ours(config: SearchConfig, best_possible: float) -> Outcome:
    start = time.perf_counter()
    for generation in evolve(config):
        last = generation
    found = last.best["fitness"] if last.best else None
    return Outcome(gap(best_possible, found), last.evaluations, time.perf_counter() - start)


def papers(config: SearchConfig, best_possible: float) -> Outcome:
    """The operators as the paper's released code has them, with the same sizes and crossover rate.

    Parents drawn evenly from the population; one-point crossover over the genes in alphabetical order, or
    else every gene from a random one on redrawn; duplicates of living individuals mutate on; the fittest of
    parents and children survive.
    """
    start = time.perf_counter()
    rng = Random(config.seed)
    genes = sorted(GENES)
    choices = [getattr(config.space, gene) for gene in genes]
    objective: Objective = config.objective
    evaluations = 0

    def mutated(parent: tuple[int, ...]) -> tuple[int, ...]:
        cut = rng.randrange(len(genes))
        tail = (
            rng.choice([value for value in values if value != old])
            for values, old in zip(choices[cut:], parent[cut:], strict=True)
        )
        return (*parent[:cut], *tail)

    def judged(individuals: list[tuple[int, ...]]) -> dict[tuple[int, ...], float]:
        nonlocal evaluations
        evaluations += len(individuals)
        architectures = [Architecture.from_dict(dict(zip(genes, each, strict=True))) for each in individuals]
        candidates = objective.candidates(architectures)
        return {each: found["fitness"] for each, found in zip(individuals, candidates, strict=True)}

    population = judged([tuple(rng.choice(values) for values in choices) for _ in range(config.population)])
    for _ in range(config.generations):
        children: list[tuple[int, ...]] = []
        while len(children) < config.population:
            one, other = rng.sample(list(population), 2)
            if rng.random() < config.crossover_rate:
                cut = rng.randrange(1, len(genes))
                children += [one[:cut] + other[cut:], other[:cut] + one[cut:]]
            else:
                children += [mutated(one), mutated(other)]
        fresh: list[tuple[int, ...]] = []
        for child in children[: config.population]:
            while child in population or child in fresh:
                child = mutated(child)
            fresh.append(child)
        population |= judged(fresh)
        fittest = sorted(population, key=population.__getitem__, reverse=True)[: config.population]
        population = {each: population[each] for each in fittest}

    best = max(population.values())
    # An infeasible architecture has a negative fitness in `cap` mode, a feasible one never.
    found = None if config.constraint is Constraint.CAP and best < 0 else best
    return Outcome(gap(best_possible, found), evaluations, time.perf_counter() - start)


def row(name: str, budget: float, outcomes: list[Outcome]) -> str:
    gaps = [float("inf") if each.gap is None else each.gap for each in outcomes]
    hits = sum(each == 0 for each in gaps)
    return (
        f"{name:<22}{budget:>8g}{hits:>6}/{len(gaps):<4}{statistics.median(gaps):>11.3%}{max(gaps):>11.3%}"
        f"{max(each.evaluations for each in outcomes):>13}"
        f"{statistics.median(each.seconds for each in outcomes):>10.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--budgets", type=float, nargs="+", default=[3, 25, 50], metavar="MB")
    parser.add_argument("--constraint", type=Constraint, choices=list(Constraint), default=Constraint.PAPER)
    arguments = parser.parse_args()
    constraint: Constraint = arguments.constraint
    space = SearchSpace.paper()

    print(f"{arguments.seeds} seeds, constraint {constraint.value}, {space.size:,} architectures")
    print(
        f"{'operators':<22}{'MB':>8}{'optimum':>11}{'median gap':>11}{'worst gap':>11}"
        f"{'evaluations':>13}{'seconds':>10}"
    )
    for budget in arguments.budgets:
        start = time.perf_counter()
        goal = optimum(space, budget, constraint)
        seconds = time.perf_counter() - start
        print(f"{'whole space':<22}{budget:>8g}{'':>33}{space.size:>13}{seconds:>10.2f}")
        for name, search in (("this program's", ours), ("the paper's", papers)):
            configs = [SearchConfig(budget, constraint, seed, space=space) for seed in range(arguments.seeds)]
            print(row(name, budget, [search(config, goal["fitness"]) for config in configs]), flush=True)


if __name__ == "__main__":
    main()
