"""The true front: exact, with and without limits, against brute force; hypervolumes against hand computation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from compressor_core.architecture import Architecture, SearchSpace
from compressor_core.cost import Genes
from compressor_core.latency_model import LatencyModel, Lengths, Runtime
from compressor_core.search import front as front_module
from compressor_core.search.front import REFERENCE, Front, Limits, Ruler, best_of, thinned, true_front
from compressor_core.search.quantities import Quantity, Yardstick
from compressor_core.task import PairFeatures, Task

SIZE, GFLOPS, LATENCY, PARAMETERS = Quantity.SIZE, Quantity.GFLOPS, Quantity.LATENCY, Quantity.PARAMETERS
MODEL = LatencyModel(
    Runtime.ONNX,
    Task.VULNERABILITY,
    PairFeatures.COMPARE,
    Lengths((500, 1_000, 10_000), (200.0, 150.0, 100.0), (50_000.0, 30_000.0, 15_000.0)),
    (0.2, 0.1, 1e-6, 2e-6, 3e-8, 1e-6, 2e-6),
)
SPACE = SearchSpace((500, 1000, 3000), (16, 20, 49, 96), (1, 2, 5), (1, 2, 4, 7, 8), (32, 64, 512))


def by_brute_force(objectives: tuple[Quantity, ...], yardstick: Yardstick, limits: Limits) -> list[tuple[float, ...]]:
    """The values that nothing dominates, each once, by holding each against each."""
    rows = itertools.product(
        SPACE.vocab_size,
        SPACE.hidden_size,
        SPACE.num_hidden_layers,
        SPACE.num_attention_heads,
        SPACE.intermediate_size,
    )
    genes = Genes.of([Architecture(*row) for row in rows if row[1] % row[3] == 0])
    fits = np.ones(SPACE.size, bool)
    for quantity, limit in limits.items():
        measured = yardstick.measure(quantity, genes)
        fits &= measured >= limit if quantity.maximised else measured <= limit
    values = np.stack([yardstick.measure(objective, genes) for objective in objectives], axis=-1)[fits]
    costs = values * [-1 if objective.maximised else 1 for objective in objectives]
    beaten = [bool(((costs <= cost).all(axis=1) & (costs < cost).any(axis=1)).any()) for cost in costs]
    return sorted({tuple(value) for value, lost in zip(values.tolist(), beaten, strict=True) if not lost})


OBJECTIVES = [
    *itertools.combinations((SIZE, GFLOPS, LATENCY, PARAMETERS), 2),
    *itertools.combinations((GFLOPS, PARAMETERS, LATENCY, SIZE), 3),
]
LIMITS: list[Limits] = [{}, {SIZE: 0.5}, {GFLOPS: 0.5, LATENCY: 1.2}]


@pytest.mark.parametrize("limits", LIMITS, ids=str)
@pytest.mark.parametrize("objectives", OBJECTIVES, ids=",".join)
def test_the_front_is_that_of_brute_force(objectives: tuple[Quantity, ...], limits: Limits) -> None:
    yardstick = Yardstick(Task.CLONE, PairFeatures.CONCAT, MODEL)
    front = true_front(SPACE, objectives, yardstick, limits)
    expected = by_brute_force(objectives, yardstick, limits)
    assert 0 < len(expected) < SPACE.size
    assert list(map(tuple, front.values.tolist())) == expected
    for column, objective in zip(front.values.T, objectives, strict=True):
        assert yardstick.measure(objective, front.genes) == pytest.approx(column)


@pytest.mark.parametrize("objectives", [(SIZE, GFLOPS), (SIZE, LATENCY, GFLOPS)], ids=",".join)
def test_the_front_does_not_depend_on_how_the_work_is_cut(
    objectives: tuple[Quantity, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    space = SearchSpace.from_dict({**SearchSpace.classroom().to_dict(), "vocab_size": [1000, 2000, 5000]})
    whole = true_front(space, objectives, Yardstick(latency=MODEL))
    monkeypatch.setattr(front_module, "_BIN_BITS", {1: 1, 2: 1})
    monkeypatch.setattr(front_module, "_MOST_PENDING", 1_000)
    monkeypatch.setattr(front_module, "_BATCH", 777)
    again = true_front(space, objectives, Yardstick(latency=MODEL))
    assert np.array_equal(whole.values, again.values)
    assert all(np.array_equal(one, other) for one, other in zip(whole.genes, again.genes, strict=True))


def test_of_equal_architectures_the_first_stands_for_all() -> None:
    # Heads have no parameters, so all numbers of heads are equal here.
    front = true_front(SPACE, (PARAMETERS, SIZE), Yardstick())
    assert [gene.tolist() for gene in front.genes] == [[500], [16], [1], [1], [32]]


def test_the_papers_space_in_seconds_with_the_optimum_of_each_budget_on_the_front() -> None:
    front = true_front(SearchSpace.paper(), (SIZE, GFLOPS), Yardstick())
    size, gflops = front.values.T
    assert (np.diff(size) > 0).all() and (np.diff(gflops) > 0).all()
    at = int(np.flatnonzero(size <= 3)[-1])
    limited = true_front(SearchSpace.paper(), (SIZE, GFLOPS), Yardstick(), {SIZE: 3.0})
    assert np.array_equal(limited.values, front.values[: at + 1])
    # As found by the search for the most computation within 3 MB.
    assert [int(gene[at]) for gene in front.genes] == [1000, 96, 12, 8, 32]


def test_nothing_within_the_limits() -> None:
    front = true_front(SPACE, (SIZE, GFLOPS), Yardstick(), {SIZE: 0.01})
    assert len(front) == 0 and front.values.shape == (0, 2)


def test_best_of_keeps_the_first_of_equals_and_sorts_by_the_first_objective() -> None:
    values = np.array([[3.0, 9.0], [1.0, 2.0], [2.0, 1.0], [1.0, 2.0], [2.0, 5.0]])
    assert best_of(values, (SIZE, GFLOPS)).tolist() == [1, 4, 0]
    assert best_of(values, (SIZE, PARAMETERS)).tolist() == [1, 2]
    assert best_of(values[:0], (SIZE, GFLOPS)).tolist() == []


def ruler(*rows: tuple[float, ...], objectives: tuple[Quantity, ...]) -> Ruler:
    return Ruler(Front(objectives, Genes(*[np.ones(len(rows), np.int64)] * 5), np.array(rows)))


def test_a_hypervolume_of_two_objectives_by_hand() -> None:
    # Sizes of 1, 10, 100 and GFLOPs of 1, 10, 100 lie at 0, 0.5, 1 and at 1, 0.5, 0 of the logarithmic axes.
    rows = (1.0, 1.0), (10.0, 10.0), (100.0, 100.0)
    measure = ruler(*rows, objectives=(SIZE, GFLOPS))
    assert measure.place(np.array(rows)) == pytest.approx(np.array([[0, 1], [0.5, 0.5], [1, 0]]))
    assert measure.hypervolume(np.array(rows)) == pytest.approx(0.5 * 0.1 + 0.5 * 0.6 + 0.1 * 1.1)
    assert measure.hypervolume(np.array(rows[1:2])) == pytest.approx(0.6 * 0.6)
    beaten = np.array([*rows, (20.0, 9.0)])
    assert measure.hypervolume(beaten) == pytest.approx(measure.hypervolume(np.array(rows)))
    assert measure.hypervolume(np.array([(1000.0, 1000.0)])) == 0, "beyond the reference"
    assert measure.hypervolume(np.empty((0, 2))) == 0


def test_a_hypervolume_of_three_objectives_by_hand() -> None:
    rows = (1.0, 1.0, 10.0), (10.0, 10.0, 1.0)
    measure = ruler(*rows, objectives=(SIZE, GFLOPS, LATENCY))
    # At (0, 1, 1) and (1, 0, 0): boxes of 1.1·0.1·0.1 and 0.1·1.1·1.1, which share 0.1·0.1·0.1.
    assert measure.hypervolume(np.array(rows)) == pytest.approx(0.011 + 0.121 - 0.001)


def test_a_front_of_one_point_and_a_linear_accuracy() -> None:
    one = ruler((1.0, 4.0), objectives=(SIZE, LATENCY))
    assert one.hypervolume(np.array([[1.0, 4.0]])) == pytest.approx(REFERENCE**2)
    assert one.hypervolume(np.array([[10.0, 4.0]])) == pytest.approx(0.1 * REFERENCE), "a power of ten away"
    scores = ruler((1.0, 0.5), (2.0, 0.9), objectives=(SIZE, Quantity.ACCURACY))
    assert scores.place(np.array([[1.0, 0.7]])) == pytest.approx(np.array([[0.0, 0.5]]))
    flips = ruler((1.0, 0.2), (2.0, 0.0), objectives=(SIZE, Quantity.FLIPS))
    assert flips.place(np.array([[1.0, 0.1]])) == pytest.approx(np.array([[0.0, 0.5]]))


def test_a_thinned_front_is_even_and_keeps_its_ends() -> None:
    along = np.sort(np.random.default_rng(0).beta(0.3, 2, 5_000))
    places = np.stack([along, 1 - along], axis=-1)
    few = thinned(places, 100)
    assert 50 <= len(few) <= 102
    assert (np.diff(few) > 0).all() and {0, 4_999} <= set(few.tolist())
    assert np.diff(along[few]).max() < 0.1
    assert thinned(places, 5_000).tolist() == list(range(5_000))
