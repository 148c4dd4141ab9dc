"""The true optimum of a search space, by looking at every architecture in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from compressor_core.architecture import Architecture, SearchSpace
from compressor_core.cost import Genes, IntArray, paper_flops
from compressor_core.search.fitness import Candidate, Constraint, Objective
from compressor_core.task import PairFeatures, Task

_BLOCK = 2**16
_HEADER_BATCH = 64


def optimum(
    space: SearchSpace,
    budget_mb: float,
    constraint: Constraint = Constraint.CAP,
    task: Task = Task.VULNERABILITY,
    pair_features: PairFeatures = PairFeatures.COMPARE,
) -> Candidate:
    """The fittest architecture of the whole space; always the same one among equals.

    Raises BudgetError if the budget is not a finite positive number, or if nothing in the space fits it.
    """
    objective = Objective(budget_mb, constraint, task, pair_features)
    objective.check_reachable(space)
    find = _paper_optimum if constraint is Constraint.PAPER else _cap_optimum
    return objective.candidates([find(space, objective)])[0]


def _paper_optimum(space: SearchSpace, objective: Objective) -> Architecture:
    best, best_fitness = space.smallest(), -np.inf
    for block in _blocks(space):
        fitness = objective.paper_fitness(block)
        at = int(fitness.argmax())
        if fitness.flat[at] > best_fitness:
            best, best_fitness = _architecture(block, at), float(fitness.flat[at])
    return best


def _cap_optimum(space: SearchSpace, objective: Objective) -> Architecture:
    best, best_flops = space.smallest(), -1
    for block in _blocks(space):
        flops = paper_flops(block)
        # The header's length is costly to know: asked only where the parameters alone fit and would win.
        hopeful = np.flatnonzero((objective.weight_mb(block) <= objective.budget_mb) & (flops > best_flops))
        falling = hopeful[np.argsort(-flops.flat[hopeful], kind="stable")]
        for start in range(0, len(falling), _HEADER_BATCH):
            batch = falling[start : start + _HEADER_BATCH]
            fits = objective.size_mb(_take(block, batch)) <= objective.budget_mb
            if fits.any():
                at = int(batch[fits.argmax()])
                best, best_flops = _architecture(block, at), int(flops.flat[at])
                break
    return best


def _blocks(space: SearchSpace) -> Iterator[Genes]:
    """The space in grids of about 65,536 architectures, small enough for the processor's cache.

    The axes are the legal pairs of width and heads, layers, vocabulary, feed-forward width.
    """
    shapes = [(width, heads) for width in space.hidden_size for heads in space.heads_for(width)]
    layers = np.array(space.num_hidden_layers).reshape(1, -1, 1, 1)
    per_block = _BLOCK // layers.size
    tiles = []
    for axis in (space.intermediate_size, space.vocab_size, shapes):
        step = max(1, min(len(axis), per_block))
        tiles.append([axis[start : start + step] for start in range(0, len(axis), step)])
        per_block //= step
    for intermediate, vocab, pairs in itertools.product(*tiles):
        width, heads = np.array(pairs).T.reshape(2, -1, 1, 1, 1)
        yield Genes(
            vocab_size=np.array(vocab).reshape(1, 1, -1, 1),
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=np.array(intermediate),
        )


def _take(block: Genes, at: IntArray) -> Genes:
    shape = np.broadcast_shapes(*(gene.shape for gene in block))
    return Genes(*(np.broadcast_to(gene, shape).flat[at] for gene in block))


def _architecture(block: Genes, at: int) -> Architecture:
    return Architecture(*(int(gene[0]) for gene in _take(block, np.array([at]))))
