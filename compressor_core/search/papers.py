"""The paper's operators, reimplemented from its description and the behaviour of its released code, for comparison.

Parents are drawn uniformly from the population. Children come from one-point crossover over the genes in alphabetical
order, or else from redrawing every gene from a random position on (Compressor, ASE 2022, Section 3.2). A child that is
already in the population or among the children mutates again. Heads that do not divide the width become the nearest
number that does; this never happens in the published space, but may in an edited one.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from random import Random
from typing import Final

from compressor_core.architecture import GENES
from compressor_core.search.grid import Genome, Grid

_ORDER: Final = tuple(GENES.index(gene) for gene in sorted(GENES))
"""Indices of the genes in alphabetical order."""
_RETRIES: Final = 200
"""Further mutations of a duplicate child before it is dropped; only reached in tiny spaces."""

Child = tuple[Genome, list[int]]
"""A genome and the indices of its parents in the population."""


def offspring(
    population: Sequence[Sequence[int]], size: int, crossover_rate: float, grid: Grid, rng: Random
) -> list[Child]:
    """`size` children, distinct from each other and from the population; fewer in a nearly exhausted space."""
    bred: list[Child] = []
    while len(bred) < size:
        one, other = rng.sample(range(len(population)), 2) if len(population) > 1 else (0, 0)
        first, second = population[one], population[other]
        if rng.random() < crossover_rate:
            cut = rng.randrange(1, len(_ORDER))
            parents = sorted({one, other})
            bred += [(_cross(first, second, cut, grid), parents), (_cross(second, first, cut, grid), parents)]
        else:
            bred += [(_mutate(first, grid, rng), [one]), (_mutate(second, grid, rng), [other])]
    living: set[tuple[int, ...]] = {tuple(genome) for genome in population}
    fresh: list[Child] = []
    for child, parents in bred[:size]:
        child = _until_new(child, living, grid, rng)
        if tuple(child) not in living:
            living.add(tuple(child))
            fresh.append((child, parents))
    return fresh


def _until_new(child: Genome, known: Container[tuple[int, ...]], grid: Grid, rng: Random) -> Genome:
    for _ in range(_RETRIES):
        if tuple(child) not in known:
            break
        child = _mutate(child, grid, rng)
    return child


def _cross(first: Sequence[int], second: Sequence[int], cut: int, grid: Grid) -> Genome:
    child = list(second)
    for gene in _ORDER[:cut]:
        child[gene] = first[gene]
    grid.settle_heads(child)
    return child


def _mutate(parent: Sequence[int], grid: Grid, rng: Random) -> Genome:
    child = list(parent)
    for gene in _ORDER[rng.randrange(len(_ORDER)) :]:
        others = len(grid.axes[gene]) - 1
        if others:
            drawn = rng.randrange(others)
            child[gene] = drawn + (drawn >= child[gene])
    grid.settle_heads(child)
    return child
