"""Lineage, genes and parallel coordinates: what they show, on real records and at the edges."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest

from compressor_core.figures import parallel
from compressor_core.figures.genes import MOST_COLUMNS, MOST_ROWS, gene_infos, genes_figure
from compressor_core.figures.parallel import parallel_figure, parallel_info, parallel_sentence
from compressor_core.figures.search import GENE_TITLES, SearchInfo, run_info, search_info
from compressor_core.figures.trajectory import (
    lineage_figure,
    lineage_info,
    lineage_sentence,
)
from compressor_core.search.genetic import Operators, SearchConfig, search_records
from tests.figures.records import ALL_INFEASIBLE, many, old, searched


def drawn(figure: Any) -> dict[str, Any]:
    return json.loads(figure.to_json())  # type: ignore[no-any-return]


def trace(figure: Any, name: str) -> Any:
    return next(one for one in figure.data if one.name == name)


def draw_all(info: SearchInfo) -> None:
    for figure in (lineage_figure(info), genes_figure(info), parallel_figure(info)):
        assert drawn(figure)["layout"]["height"] > 300


class TestLineage:
    @pytest.mark.parametrize("operators", Operators)
    def test_it_holds_exactly_those_from_whom_the_best_descends(self, operators: Operators) -> None:
        info = searched(generations=20, operators=operators)
        lineage = lineage_info(info)
        assert lineage is not None and info.best is not None
        by_id = {one["id"]: one for one in info.candidates}
        expected, waiting = set(), [info.best["id"]]
        while waiting:
            expected.add(each := waiting.pop())
            waiting += by_id[each]["parents"]
        assert {one["id"] for one in lineage.members} == expected
        assert lineage.winner["id"] == info.best["id"]
        assert len(lineage.edges) == sum(len(one["parents"]) for one in lineage.members)
        for parent, child in lineage.edges:
            assert lineage.members[parent]["id"] in lineage.members[child]["parents"]
            assert lineage.born[parent] < lineage.born[child]

    def test_each_is_born_in_the_generation_that_first_has_it(self) -> None:
        info = searched()
        lineage = lineage_info(info)
        assert lineage is not None
        for one, born in zip(lineage.members, lineage.born, strict=True):
            having = [
                each.number for each in info.generations if one["id"] in [alive["id"] for alive in each.individuals]
            ]
            assert born == min(having)

    def test_the_trail_goes_from_the_first_generation_along_the_fitter_parents(self) -> None:
        lineage = lineage_info(searched(generations=20))
        assert lineage is not None
        members = [lineage.members[at] for at in lineage.trail]
        assert not members[0]["parents"] and members[-1] is lineage.winner
        for parent, child in itertools.pairwise(members):
            assert parent["id"] in child["parents"]
            parents = [one for one in lineage.members if one["id"] in child["parents"]]
            best = max(parents, key=lambda one: (one["feasible"], one["fitness"]))
            assert parent["fitness"] == best["fitness"]

    def test_colour_is_the_generation_and_numbers_repeat_it(self) -> None:
        info = searched(generations=20)
        lineage = lineage_info(info)
        figure = lineage_figure(info)
        assert lineage is not None
        ancestors = trace(figure, "ancestor")
        assert ancestors.marker.color.tolist() == list(lineage.born)
        assert [int(row[6]) for row in ancestors.customdata] == list(lineage.born)
        numbers = [int(text) for text in trace(figure, "born in generation").text]
        assert numbers[0] == 0 and numbers[-1] == lineage.born[-1] and numbers == sorted(numbers)
        lines = trace(figure, "parent to child").x
        assert len(lines) == 3 * len(lineage.edges) and np.isnan(lines[2::3]).all()

    def test_it_can_be_drawn_on_other_axes(self) -> None:
        info = searched()
        lineage = lineage_info(info)
        figure = lineage_figure(info, "parameters", "size_mb")
        assert lineage is not None
        expected = [one["parameters"] / 1e6 for one in lineage.members]
        assert trace(figure, "ancestor").x.tolist() == pytest.approx(expected)

    def test_in_words(self) -> None:
        info = searched(generations=20)
        lineage = lineage_info(info)
        assert lineage is not None
        sentence = lineage_sentence(lineage)
        assert f"has {len(lineage.members) - 1} ancestor" in sentence
        assert f"{lineage.founders} of them in the first generation" in sentence
        founder = lineage_info(searched(stop=2, budget_mb=50.0))
        assert founder is not None and lineage_sentence(founder).endswith("generation 0 and has no ancestors.")
        assert "no winner yet" in lineage_sentence(None)


class TestGenes:
    def test_shares_are_those_of_the_population(self) -> None:
        info = searched()
        infos = gene_infos(info)
        assert [each.gene for each in infos] == list(GENE_TITLES)
        for each in infos:
            assert each.generations == tuple(range(9))
            np.testing.assert_allclose(each.shares.sum(axis=0), 1)
            for column, generation in enumerate(info.generations):
                for row, (low, high) in enumerate(each.cells):
                    having = [one for one in generation.individuals if low <= one[each.gene] <= high]
                    assert each.shares[row, column] == len(having) / 12

    def test_the_optimum_has_its_row(self) -> None:
        info = searched()
        assert info.optimum is not None
        for each in gene_infos(info):
            assert each.optimum is not None
            low, high = each.cells[each.optimum]
            assert low <= info.optimum[each.gene] <= high

    def test_many_values_share_rows_and_many_generations_are_thinned(self) -> None:
        records = many(population=3, generations=2 * MOST_COLUMNS + 1)
        for at, record in enumerate(records):
            for one in record["individuals"]:
                one["vocab_size"] = 1_000 + at
        info = search_info(records, 3.0)
        vocabulary = gene_infos(info)[0]
        assert len(vocabulary.cells) <= MOST_ROWS and len(vocabulary.generations) <= MOST_COLUMNS + 1
        assert vocabulary.cells[0][0] == 1_000
        assert vocabulary.generations[-1] == info.generations[-1].number
        np.testing.assert_allclose(vocabulary.shares.sum(axis=0), 1)
        draw_all(info)

    def test_a_map_for_each_gene_and_the_optimum_once_in_the_legend(self) -> None:
        figure = genes_figure(searched())
        assert [one.name for one in figure.data if one.type == "heatmap"] == list(GENE_TITLES.values())
        lines = [one for one in figure.data if one.name == "true optimum"]
        assert [one.showlegend for one in lines] == [True] + [False] * 4


class TestParallel:
    def test_an_axis_for_each_gene_and_quantity_in_the_order_of_fitness(self) -> None:
        info = searched()
        figure = parallel_figure(info)
        labels = [each.label for each in figure.data[0].dimensions]
        assert labels == [*GENE_TITLES.values(), "Size, MB", "GFLOPs", "Fits"]
        shown = parallel_info(info)
        assert len(shown.fitness) == len(info.candidates) and shown.stride == 1
        finite = shown.fitness[np.isfinite(shown.fitness)]
        assert (np.diff(finite) >= 0).all()
        assert np.isfinite(shown.fitness).tolist() == shown.feasible.tolist()
        np.testing.assert_allclose(10 ** figure.data[0].dimensions[6]["values"], shown.quantities["paper_gflops"], 1e-5)

    def test_what_misses_a_limit_has_the_colour_of_the_worst(self) -> None:
        info = searched()
        line, shown = parallel_figure(info).data[0].line, parallel_info(info)
        assert not shown.feasible.all()
        assert line.color[~shown.feasible].tolist() == [np.nanmin(shown.fitness)] * int((~shown.feasible).sum())

    def test_a_goal_to_be_minimised_is_shown_without_its_minus(self) -> None:
        info = searched(goal="size", min_gflops=0.5, generations=20)
        shown, line = parallel_info(info), parallel_figure(info).data[0].line
        assert info.best is not None and not info.maximised
        assert np.nanmin(shown.fitness) == pytest.approx(info.best["size_mb"])
        assert line.reversescale and line.colorbar.title.text == "Size (MB)"

    def test_of_very_many_the_fittest_is_drawn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(parallel, "MOST_LINES", 10)
        info = searched()
        shown = parallel_info(info)
        assert len(shown.fitness) <= 10 and info.best is not None
        assert shown.fitness[-1] == np.float32(info.best["fitness"])
        assert parallel_sentence(info) == f"One in {shown.stride} of the {len(info.candidates)} candidates is drawn."


def test_empty() -> None:
    info = search_info([], 3.0)
    assert lineage_info(info) is None and gene_infos(info) == [] and parallel_sentence(info) == ""
    draw_all(info)
    assert all(
        figure.layout.annotations for figure in (lineage_figure(info), genes_figure(info), parallel_figure(info))
    )


def test_all_infeasible() -> None:
    info = searched(**ALL_INFEASIBLE)
    assert info.best is None and lineage_info(info) is None
    assert np.isnan(parallel_info(info).fitness).all()
    draw_all(info)


def test_cancelled_after_the_first_generation() -> None:
    info = searched(stop=2)
    assert len(info.generations) == 1
    assert all(each.shares.shape[1] == 1 for each in gene_infos(info))
    draw_all(info)


def test_one_candidate() -> None:
    config = SearchConfig(3.0, population=2, generations=1)
    records = list(search_records(config))[:2]
    records[1] = {**records[1], "individuals": records[1]["individuals"][:1], "best": None}
    info = run_info(records, config.to_dict())
    assert len(info.candidates) == 1
    draw_all(info)


def test_records_of_before() -> None:
    config = SearchConfig(3.0, population=12, generations=8)
    info = run_info(old(list(search_records(config))), {"budget_mb": 3.0})
    assert set(parallel_info(info).quantities) == {"size_mb", "paper_gflops"}
    draw_all(info)
