"""Breeding on the narrow ridge where good architectures lie: the operators of this program.

With the operators of the paper's released code (`papers.py`) the search hardly ever finds the best architecture:
a wider layer must be paid for with a smaller vocabulary or a thinner feed-forward part, and those operators
step off the ridge nearly every time. What is different here, and why:

- Parents are chosen by tournament; in the paper every survivor is as likely to breed as any other.
- Crossover takes each gene from either parent; the paper cuts the genes at one point, so that which of them
  travel together hangs on the order in which they happen to be listed.
- Mutation moves one gene, by a few steps or anywhere; the paper redraws every gene from a random one on,
  which throws away most of what was learned. Genes are indices into the sorted values of the space, so a
  step means the same for a vocabulary as for a number of layers.
- In half of the mutations a second gene pays: it takes the value that serves the goal best while the limits
  hold. Costs have closed forms along one gene, so looking them up is no evaluation. This keeps children on the
  ridge.
- A child of crossover may mutate too (`mutation_rate`); in the paper a child is either crossed or mutated.
- A child that was judged before mutates on until it is new. Late in the search this sends the population through
  the neighbourhood of its best members, as a local search would.
- Heads and width are coupled: where the heads no longer divide the width, the nearest number that does is
  taken.
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
"""The genes that have a weight; heads cost computation alone."""


def random_genome(grid: Grid, rng: Random) -> Genome:
    """Every gene drawn evenly from its values."""
    genome = [rng.randrange(len(axis)) for axis in grid.axes]
    grid.settle_heads(genome)
    return genome


def mate(first: Sequence[int], second: Sequence[int], grid: Grid, rng: Random) -> Genome:
    """A child with each gene of either parent."""
    child = [one if rng.random() < 0.5 else other for one, other in zip(first, second, strict=True)]
    grid.settle_heads(child)
    return child


def move(genome: Sequence[int], grid: Grid, rng: Random) -> Genome:
    """A copy with one gene moved, by a few steps or anywhere."""
    child, _ = _moved(genome, grid, rng)
    grid.settle_heads(child)
    return child


def mutate(genome: Sequence[int], objective: Objective, grid: Grid, rng: Random) -> Genome:
    """A copy with one gene moved, by a few steps or anywhere; in half of the cases another pays for it."""
    child, gene = _moved(genome, grid, rng)
    if rng.random() < 0.5:
        payer = rng.choice([index for index in _PAYERS if index != gene])
        child[payer] = _best_that_fits(child, payer, objective, grid)
    grid.settle_heads(child)
    return child


def _moved(genome: Sequence[int], grid: Grid, rng: Random) -> tuple[Genome, int]:
    """A copy with one gene moved, whose heads may no longer divide its width, and which gene it is."""
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
    """The place on one axis that is the furthest towards the goal within the limits.

    If none fits, the end that is the least away.
    """
    along = grid.along(genome, payer)
    if objective.goal is Goal.GFLOPS:  # the last that fits, which needs no look at the computation
        fitting = np.flatnonzero(objective.may_fit(along))
        return int(fitting[-1]) if len(fitting) else 0
    lean = objective.lean(along)
    return len(lean) - 1 if np.isneginf(lean).all() else int(lean.argmax())
