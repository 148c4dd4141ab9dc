"""Breeding operators of this program, which keep children close to the size budget.

Good architectures lie on a narrow ridge: a wider layer must be paid for with a smaller vocabulary or a thinner
feed-forward part. The operators of the paper's released code (`papers.py`) leave this ridge nearly every time, so their
search hardly ever finds the best architecture. The differences, and the reasons:

- Parents are chosen by tournament; in the paper every survivor is as likely to breed as any other.
- Crossover takes each gene from a random parent; the paper cuts the genes at one point, so that it depends on their
  arbitrary order which genes stay together.
- Mutation moves one gene, by a few steps or to a random value; the paper redraws every gene from a random position
  on, which discards most of what was learned. Genes are indices into the sorted values of the space, so a step is
  comparable for all genes.
- In half of the mutations a second gene compensates: it takes the value that is best for the goal while the limits
  hold. Costs have closed forms along one gene, so this needs no evaluation. It keeps children on the ridge.
- A child of crossover may mutate too (`mutation_rate`); in the paper a child is either crossed or mutated.
- A child that was evaluated before mutates again until it is new. Late in the search this explores the neighbourhood
  of the best members, like a local search.
- Heads and width are coupled: if the heads no longer divide the width, the nearest number that does is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

import numpy as np

from compressor_core.architecture import GENES
from compressor_core.search.fitness import Goal, Objective
from compressor_core.search.grid import HEADS, Genome, Grid

_LONGEST_STEP: Final = 3
_PAYERS: Final = tuple(index for index in range(len(GENES)) if index != HEADS)
"""Genes that affect size; heads cost only computation."""


def random_genome(grid: Grid, rng: Random) -> Genome:
    """A genome with every gene drawn uniformly from its values."""
    genome = [rng.randrange(len(axis)) for axis in grid.axes]
    grid.settle_heads(genome)
    return genome


def mate(first: Sequence[int], second: Sequence[int], grid: Grid, rng: Random) -> Genome:
    """A child that takes each gene from a random parent."""
    child = [one if rng.random() < 0.5 else other for one, other in zip(first, second, strict=True)]
    grid.settle_heads(child)
    return child


def move(genome: Sequence[int], grid: Grid, rng: Random) -> Genome:
    """A copy with one gene moved, by a few steps or to a random value."""
    child, _ = _moved(genome, grid, rng)
    grid.settle_heads(child)
    return child


def mutate(genome: Sequence[int], objective: Objective, grid: Grid, rng: Random) -> Genome:
    """A copy with one gene moved, by a few steps or to a random value; in half of the cases another compensates."""
    child, gene = _moved(genome, grid, rng)
    if rng.random() < 0.5:
        payer = rng.choice([index for index in _PAYERS if index != gene])
        child[payer] = _best_that_fits(child, payer, objective, grid)
    grid.settle_heads(child)
    return child


def _moved(genome: Sequence[int], grid: Grid, rng: Random) -> tuple[Genome, int]:
    """A copy with one gene moved, and the index of that gene; the heads may no longer divide the width."""
    child = list(genome)
    gene = rng.randrange(len(GENES))
    last = len(grid.axes[gene]) - 1
    if rng.random() < 0.5:
        step = rng.choice((-1, 1)) * rng.randrange(1, _LONGEST_STEP + 1)
        child[gene] = min(last, max(0, child[gene] + step))
    else:
        child[gene] = rng.randrange(last + 1)
    return child, gene


def _best_that_fits(genome: Genome, payer: int, objective: Objective, grid: Grid) -> int:
    """Index on one axis that is best for the goal within the limits.

    If none fits, the end of the axis closest to the limits.
    """
    along = grid.along(genome, payer)
    if objective.goal is Goal.GFLOPS:  # computation rises along the axis, so the last that fits is best
        fitting = np.flatnonzero(objective.may_fit(along))
        return int(fitting[-1]) if len(fitting) else 0
    lean = objective.lean(along)
    return len(lean) - 1 if np.isneginf(lean).all() else int(lean.argmax())
