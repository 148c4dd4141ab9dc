"""The latency model: a fit finds prices that are known, and predictions are those of a formula written out."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from compressor_core.architecture import Architecture, SearchSpace
from compressor_core.cost import Genes, forward_flops
from compressor_core.errors import SettingsError
from compressor_core.latency_model import PARTS, LatencyModel, Lengths, Runtime
from compressor_core.task import PairFeatures, Task

LENGTHS = Lengths((500, 1_000, 10_000), (200.0, 150.0, 100.0), (50_000.0, 30_000.0, 15_000.0))
PRICES = (0.2, 0.1, 1e-6, 2e-6, 3e-8, 1e-6, 2e-6)
KNOWN = LatencyModel(Runtime.ONNX, Task.VULNERABILITY, PairFeatures.COMPARE, LENGTHS, PRICES)
THIN = Architecture(1000, 96, 12, 8, 64)


def sample(count: int, seed: int = 0) -> Genes:
    space, rng = SearchSpace.paper(), np.random.default_rng(seed)
    widths = [16 * width for width in rng.integers(1, 49, count)]
    rest = (space.vocab_size, space.num_hidden_layers, space.intermediate_size)
    drawn = [[values[i] for i in rng.integers(0, len(values), count)] for values in rest]
    heads = [int(rng.choice(space.heads_for(width))) for width in widths]
    return Genes(*(np.array(column) for column in (drawn[0], widths, drawn[1], heads, drawn[2])))


def measured(model: LatencyModel, genes: Genes, length: int) -> np.ndarray:
    """What one function of `length` tokens takes by the prices of `model`."""
    lengths = Lengths((1,), (float(length),), (float(length) ** 2,))
    return replace(model, lengths=lengths).predict(genes)


def fitted(architectures: int, noise: float = 0.0) -> LatencyModel:
    """A fit to times that `KNOWN` makes, of functions of three lengths."""
    genes, rng = sample(architectures), np.random.default_rng(2)
    rows = Genes(*(np.tile(gene, 3) for gene in genes))
    tokens = np.repeat([40.0, 90.0, 250.0], architectures)
    times = np.concatenate([measured(KNOWN, genes, length) for length in (40, 90, 250)])
    times = times * rng.lognormal(0, noise, len(times))
    return LatencyModel.fit(KNOWN.runtime, KNOWN.task, KNOWN.pair_features, LENGTHS, rows, tokens, tokens**2, times)


def test_a_fit_recovers_what_made_the_times() -> None:
    found = fitted(20)
    assert found.prices == pytest.approx(PRICES, rel=1e-6)
    assert found.predict(sample(500, seed=1)) == pytest.approx(KNOWN.predict(sample(500, seed=1)), rel=1e-6)


def test_noise_of_ten_per_cent_leaves_a_median_error_far_below_it() -> None:
    found, genes = fitted(30, noise=0.1), sample(500, seed=1)
    errors = np.abs(found.predict(genes) / KNOWN.predict(genes) - 1)
    assert np.median(errors) < 0.04
    assert all(price >= 0 for price in found.prices)


def test_the_prediction_written_out() -> None:
    tokens, squares, (v, h, l, a, i) = 150.0, 30_000.0, (1000, 96, 12, 8, 64)  # noqa: E741
    once = 0.2 + 0.1 * l + 1e-6 * l * (2 * h * h + h * i)
    each = l * (2e-6 * h + 3e-8 * (2 * h * h + h * i) + 1e-6 * i)
    pairs = l * (3e-8 * h + 2e-6 * a)
    assert float(KNOWN.predict(Genes.of([THIN]))[0]) == pytest.approx(once + tokens * each + squares * pairs)
    assert v == LENGTHS.vocab_sizes[1]
    parts = KNOWN.parts(Genes.of([THIN]))
    assert list(parts) == [part.name for part in PARTS]
    assert sum(float(part[0]) for part in parts.values()) == pytest.approx(float(KNOWN.predict(Genes.of([THIN]))[0]))


def test_products_are_the_forward_pass_without_its_head() -> None:
    """At a single length, so that the mean of the squares is the square of the mean."""
    lengths = Lengths((1_000,), (150.0,), (150.0**2,))
    one = LatencyModel(Runtime.ONNX, Task.VULNERABILITY, PairFeatures.COMPARE, lengths, (0, 0, 0, 0, 4.0, 0, 0))
    head = 2 * 96 * 96 + 2 * 96 * 2
    flops = forward_flops(Genes.of([THIN]), 150, Task.VULNERABILITY, PairFeatures.COMPARE)
    assert one.predict(Genes.of([THIN])).tolist() == [int(flops[0]) - head]


def test_lengths_are_interpolated_in_the_logarithm_of_the_vocabulary() -> None:
    tokens, squares = LENGTHS.at(np.array([100, 500, 1_000, 3_162, 10_000, 50_000]))
    assert tokens == pytest.approx([200, 200, 150, 125, 100, 100], abs=0.01)
    assert squares == pytest.approx([50_000, 50_000, 30_000, 22_500, 15_000, 15_000], abs=2)


def test_genes_broadcast() -> None:
    layers, width = np.arange(1, 5).reshape(-1, 1), np.array([16, 32, 64])
    grid = KNOWN.predict(Genes(np.array([1000]), width, layers, np.array([2]), np.array([[[64]], [[128]]])))
    assert grid.shape == (2, 4, 3)
    one = KNOWN.predict(Genes.of([Architecture(1000, 64, 2, 2, 128)]))
    assert grid[1, 1, 2] == pytest.approx(one[0])
    free = LatencyModel(Runtime.ONNX, Task.VULNERABILITY, PairFeatures.COMPARE, LENGTHS, (1.0, *[0.0] * 6))
    assert free.predict(Genes.of([THIN, THIN])).tolist() == [1.0, 1.0]


def test_plain_values_and_back() -> None:
    assert LatencyModel.from_dict(json.loads(json.dumps(KNOWN.to_dict()))) == KNOWN
    assert hash(KNOWN) == hash(LatencyModel.from_dict(KNOWN.to_dict()))


@pytest.mark.parametrize(
    "damage",
    [
        {"prices": {"call": 1.0}},
        {"prices": None},
        {"prices": dict.fromkeys((part.name for part in PARTS), -1.0)},
        {"prices": dict.fromkeys((part.name for part in PARTS), float("nan"))},
        {"runtime": "tensorflow"},
        {"tokens": [1.0]},
        {"vocab_sizes": [1_000, 500, 10_000]},
        {"vocab_sizes": [], "tokens": [], "squares": []},
    ],
)
def test_what_is_no_model_is_refused_in_one_sentence(damage: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="calibrat"):
        LatencyModel.from_dict({**KNOWN.to_dict(), **damage})


def test_times_that_nothing_can_be_fitted_to() -> None:
    for times in ([], [0.0, 1.0], [float("nan"), 1.0]):
        genes, some = sample(len(times)), np.ones(len(times))
        with pytest.raises(SettingsError, match="measure architectures"):
            LatencyModel.fit(
                KNOWN.runtime, KNOWN.task, KNOWN.pair_features, LENGTHS, genes, some, some, np.array(times)
            )
