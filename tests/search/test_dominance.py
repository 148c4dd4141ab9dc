"""Dominance and hypervolume against brute force and Monte Carlo."""

from __future__ import annotations

import numpy as np
import pytest

from compressor_core.search.dominance import hypervolume, nondominated


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("objectives", [2, 3])
def test_what_is_kept_is_what_brute_force_keeps(objectives: int, seed: int) -> None:
    # Few different values, so that ties and equal rows are common.
    costs = np.random.default_rng(seed).integers(0, 12, (300, objectives)).astype(float)
    beaten = [((costs <= cost).all(axis=1) & (costs < cost).any(axis=1)).any() for cost in costs]
    expected = {tuple(cost) for cost, lost in zip(costs.tolist(), beaten, strict=True) if not lost}
    kept = nondominated(costs)
    rows = [tuple(row) for row in costs[kept].tolist()]
    assert set(rows) == expected and len(rows) == len(expected)
    assert rows == sorted(rows)
    assert all(at == next(i for i in range(300) if (costs[i] == costs[at]).all()) for at in kept)


@pytest.mark.parametrize("objectives", [2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_a_hypervolume_on_a_lattice_is_a_count_of_cells(objectives: int, seed: int) -> None:
    points = np.random.default_rng(seed).integers(0, 9, (12, objectives)).astype(float)
    cells = np.stack(np.meshgrid(*[np.arange(8)] * objectives, indexing="ij"), axis=-1).reshape(-1, objectives)
    covered = np.any(np.all(points[None, :, :] <= cells[:, None, :], axis=2), axis=1).sum()
    assert hypervolume(points, 8.0) == pytest.approx(covered)


def test_nothing() -> None:
    for objectives in (2, 3):
        none = np.empty((0, objectives))
        assert len(nondominated(none)) == 0
        assert hypervolume(none, 1.1) == 0
        assert hypervolume(np.ones((1, objectives)) * 2, 1.1) == 0
    assert hypervolume(np.array([[-1.0, 0.5]]), 1.0) == pytest.approx(1.0)
