"""The map of two genes and the population that walks on it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from compressor_core.figures.search.info import SearchInfo, search_info
from compressor_core.figures.search.landscape import landscape_figure, landscape_sentence
from compressor_core.search.landscape import Landscape, landscape
from tests.figures.records import ALL_INFEASIBLE, SETTINGS, searched

X, Y = "hidden_size", "num_hidden_layers"


def made(stop: int | None = None, **changes: Any) -> tuple[Landscape, SearchInfo]:
    info = searched(stop, **changes)
    return landscape(info.settings, X, Y), info


def trace(figure: Any, name: str) -> Any:
    return next(one for one in figure.data if one.name == name)


def test_cells_are_coloured_by_the_best_or_shaded() -> None:
    land, info = made()
    figure = landscape_figure(land, info)
    heights, shaded = trace(figure, "best fitness").z, trace(figure, "nothing within the limits").z
    np.testing.assert_array_equal(heights, land.fitness.astype(np.float32))
    assert (np.isnan(heights) != np.isnan(shaded)).all()
    cells, infeasible = land.exists.sum(), land.infeasible.sum()
    assert 0 < infeasible < cells
    assert landscape_sentence(land, info).startswith(f"{infeasible} of the {cells} cells")
    assert "`1000,96,12,8,32`" in landscape_sentence(land, info)


def test_the_population_stands_where_its_genes_are() -> None:
    land, info = made()
    assert info.last is not None
    figure = landscape_figure(land, info)
    walkers = trace(figure, "the population")
    assert walkers.customdata.sum() == 12
    expected = Counter((one.hidden_size, one.num_hidden_layers) for one in info.last.individuals)
    found = {
        (land.x_cells[column][0], land.y_cells[row][0]): many
        for column, row, many in zip(walkers.x, walkers.y, walkers.customdata, strict=True)
    }
    assert found == expected
    most = walkers.customdata.argmax()
    assert walkers.marker.size[most] == walkers.marker.size.max()


def test_optimum_and_best_are_marked() -> None:
    land, info = made()
    figure = landscape_figure(land, info)
    for name, one in (("true optimum", info.optimum), ("best so far", info.best)):
        spot = trace(figure, name)
        assert one is not None
        assert (land.x_cells[spot.x[0]][0], land.y_cells[spot.y[0]][0]) == (one.hidden_size, one.num_hidden_layers)


def test_an_earlier_generation_and_what_was_picked() -> None:
    land, info = made()
    early = info.until(3)
    assert early.last is not None and early.last.generation == 3 and len(early.candidates) == info.seen[3]
    figure = landscape_figure(land, early, picked=early.best)
    assert trace(figure, "the population").customdata.sum() == len(early.last.individuals)
    assert list(trace(figure, "picked").x) == list(trace(figure, "best so far").x)


def test_the_papers_penalty_shades_nothing_and_keeps_its_top_apart() -> None:
    land, info = made(constraint="paper")
    figure = landscape_figure(land, info)
    heights = trace(figure, "best fitness")
    assert heights.zmin == pytest.approx(-heights.zmax)
    assert heights.zmax == pytest.approx(np.nanmax(land.fitness))
    assert "No cell is shaded" in landscape_sentence(land, info)


def test_a_goal_to_be_minimised_is_shown_without_its_minus() -> None:
    land, info = made(goal="size", min_gflops=1.0)
    heights = trace(landscape_figure(land, info), "best fitness")
    assert np.nanmin(heights.z) == pytest.approx(-np.nanmax(land.fitness)) and np.nanmin(heights.z) > 0
    assert heights.reversescale and heights.colorbar.title.text == "Size (MB)"


@pytest.mark.parametrize("stop", [0, 1, 2])
def test_a_search_that_has_hardly_begun(stop: int) -> None:
    land, info = made(stop=stop)
    figure = landscape_figure(land, info)
    assert not figure.frames
    assert json.loads(figure.to_json())["layout"]["xaxis"]["title"]["text"] == "Width"


def test_all_infeasible() -> None:
    land, info = made(**ALL_INFEASIBLE)
    figure = landscape_figure(land, info)
    assert info.best is None and list(trace(figure, "best so far").x) == [None]
    assert len(trace(figure, "the population").x) > 0


def test_nothing_is_within_the_limits() -> None:
    settings = SETTINGS.replace(min_gflops=50.0)
    land, info = landscape(settings, X, Y), search_info([], settings)
    assert landscape_sentence(land, info) == "Nothing is within the limits, whatever the width and the layers."
    landscape_figure(land, info).to_json()
