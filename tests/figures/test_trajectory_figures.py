"""Lineage, genes and parallel coordinates: what they show, on real records and at the edges."""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import pytest

from compressor_core.figures import theme
from compressor_core.figures.search import parallel
from compressor_core.figures.search.axes import GENE_TITLES
from compressor_core.figures.search.genes import MOST_COLUMNS, MOST_ROWS, gene_infos, genes_figure
from compressor_core.figures.search.info import SearchInfo, search_info
from compressor_core.figures.search.lineage import (
    lineage_figure,
    lineage_info,
    lineage_sentence,
)
from compressor_core.figures.search.parallel import (
    brushed,
    parallel_figure,
    parallel_info,
    parallel_sentence,
    passing,
    passing_sentence,
)
from compressor_core.search.genetic import Operators
from tests.figures.records import ALL_INFEASIBLE, SETTINGS, many, searched


def drawn(figure: Any) -> dict[str, Any]:
    return json.loads(figure.to_json())  # type: ignore[no-any-return]


def trace(figure: Any, name: str) -> Any:
    return next(one for one in figure.data if one.name == name)


def draw_all(info: SearchInfo) -> None:
    for figure in (lineage_figure(info), genes_figure(info), parallel_figure(parallel_info(info), info)):
        assert drawn(figure)["layout"]["height"] > 300


class TestLineage:
    @pytest.mark.parametrize("operators", Operators)
    def test_it_holds_exactly_those_from_whom_the_best_descends(self, operators: Operators) -> None:
        info = searched(generations=20, operators=operators)
        lineage = lineage_info(info)
        assert lineage is not None and info.best is not None
        by_id = {one.id: one for one in info.candidates}
        expected, waiting = set(), [info.best.id]
        while waiting:
            expected.add(each := waiting.pop())
            waiting += by_id[each].parents
        assert {one.id for one in lineage.members} == expected
        assert lineage.winner.id == info.best.id
        assert len(lineage.edges) == sum(len(one.parents) for one in lineage.members)
        for parent, child in lineage.edges:
            assert lineage.members[parent].id in lineage.members[child].parents
            assert lineage.born[parent] < lineage.born[child]

    def test_each_is_born_in_the_generation_that_first_has_it(self) -> None:
        info = searched()
        lineage = lineage_info(info)
        assert lineage is not None
        for one, born in zip(lineage.members, lineage.born, strict=True):
            having = [
                each.generation for each in info.generations if one.id in [alive.id for alive in each.individuals]
            ]
            assert born == min(having)

    def test_the_trail_goes_from_the_first_generation_along_the_fitter_parents(self) -> None:
        lineage = lineage_info(searched(generations=20))
        assert lineage is not None
        members = [lineage.members[at] for at in lineage.trail]
        assert not members[0].parents and members[-1] is lineage.winner
        for parent, child in itertools.pairwise(members):
            assert parent.id in child.parents
            parents = [one for one in lineage.members if one.id in child.parents]
            best = max(parents, key=lambda one: (one.feasible, one.fitness))
            assert parent.fitness == best.fitness

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
        expected = [one.parameters / 1e6 for one in lineage.members]
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
                    having = [one for one in generation.individuals if low <= getattr(one, each.gene) <= high]
                    assert each.shares[row, column] == len(having) / 12

    def test_the_optimum_has_its_row(self) -> None:
        info = searched()
        assert info.optimum is not None
        for each in gene_infos(info):
            assert each.optimum is not None
            low, high = each.cells[each.optimum]
            assert low <= getattr(info.optimum, each.gene) <= high

    def test_many_values_share_rows_and_many_generations_are_thinned(self) -> None:
        records = many(population=3, generations=2 * MOST_COLUMNS + 1)
        for at, record in enumerate(records):
            changed = (one.model_copy(update={"vocab_size": 1_000 + at}) for one in record.individuals)
            records[at] = record.model_copy(update={"individuals": tuple(changed)})
        info = search_info(records, SETTINGS)
        vocabulary = gene_infos(info)[0]
        assert len(vocabulary.cells) <= MOST_ROWS and len(vocabulary.generations) <= MOST_COLUMNS + 1
        assert vocabulary.cells[0][0] == 1_000
        assert vocabulary.generations[-1] == info.generations[-1].generation
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
        shown = parallel_info(info)
        titles = [each.title for each in shown.columns]
        assert titles == [*GENE_TITLES.values(), "Size, MB", "GFLOPs", "Fits"]
        assert list(parallel_figure(shown, info).layout.xaxis.ticktext) == titles
        assert len(shown.fitness) == len(info.candidates) and shown.stride == 1
        finite = shown.fitness[np.isfinite(shown.fitness)]
        assert (np.diff(finite) >= 0).all()
        assert np.isfinite(shown.fitness).tolist() == shown.feasible.tolist()

    def test_a_higher_value_lies_higher_and_ticks_lie_where_their_values_do(self) -> None:
        for column in parallel_info(searched()).columns:
            order = np.argsort(column.values)
            assert (np.diff(column.places[order]) >= 0).all()
            assert column.places.min() >= 0 and column.places.max() <= 1
            for place, text in column.ticks:
                if text in ("yes", "no"):
                    continue
                tick = float(text.replace(",", ""))
                assert all(column.places[column.values > tick] >= place - 1e-5)
                assert all(column.places[column.values < tick] <= place + 1e-5)

    def test_every_candidate_is_a_line_through_its_places(self) -> None:
        info = searched()
        shown = parallel_info(info)
        paths = [line for line in parallel_figure(shown, info).data if line.mode == "lines" and not line.name]
        drawn = np.concatenate([np.reshape(path.y, (-1, len(shown.columns) + 1)) for path in paths])
        assert np.isnan(drawn[:, -1]).all()
        expected = np.stack([column.places for column in shown.columns], 1)
        assert sorted(map(tuple, drawn[:, :-1])) == sorted(map(tuple, expected))

    def test_what_misses_a_limit_has_the_colour_of_the_worst(self) -> None:
        info = searched()
        shown = parallel_info(info)
        assert not shown.feasible.all()
        paths = [line for line in parallel_figure(shown, info).data if line.mode == "lines" and not line.name]
        fits = [np.reshape(path.y, (-1, len(shown.columns) + 1))[:, -2] for path in paths]
        assert not fits[0].all() and all(each.all() for each in fits[1:])

    def test_a_goal_to_be_minimised_is_shown_without_its_minus(self) -> None:
        info = searched(goal="size", min_gflops=0.5, generations=20)
        shown = parallel_info(info)
        colors = parallel_figure(shown, info).layout.coloraxis
        assert info.best is not None and not info.maximised
        assert np.nanmin(shown.fitness) == pytest.approx(info.best.size_mb)
        assert colors.reversescale and colors.colorbar.title.text == "Size (MB)"

    def test_of_very_many_the_fittest_is_drawn(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(parallel, "MOST_LINES", 10)
        info = searched()
        shown = parallel_info(info)
        assert len(shown.fitness) <= 10 and info.best is not None
        assert shown.fitness[-1] == np.float32(info.best.fitness)
        sentence = f"One in {shown.stride} of the {len(info.candidates)} candidates is drawn."
        assert parallel_sentence(shown, info) == sentence


class TestBrushes:
    def test_a_drag_along_an_axis_keeps_what_passes_there(self) -> None:
        info = searched()
        shown = parallel_info(info)
        layers = next(each for each in shown.columns if each.key == "num_hidden_layers")
        place = shown.columns.index(layers)
        middle = float(np.median(layers.places))
        # As Plotly reports a straight drag: a box without width, a little beside the axis.
        brushes = brushed(shown, [{"x": [place + 0.05] * 4, "y": [1.02, middle, middle, 1.02]}], {})
        assert brushes == {"num_hidden_layers": (float(np.median(layers.values)), float(layers.values.max()))}
        passes = passing(shown, brushes)
        assert passes.tolist() == (layers.places >= middle).tolist() and 0 < passes.sum() < len(passes)
        least, most = layers.values[passes].min(), layers.values[passes].max()
        sentence = passing_sentence(shown, brushes)
        assert sentence.startswith(f"{passes.sum()} of {len(passes)} lines pass: vocabulary ")
        assert f"layers {least:.0f}–{most:.0f} · " in sentence

    def test_another_axis_narrows_and_the_same_one_is_set_anew(self) -> None:
        shown = parallel_info(searched())
        first = brushed(shown, [{"x": [2, 2], "y": [0.5, 1]}], {})
        both = brushed(shown, [{"x": [5.9, 6.1], "y": [0, 0.5]}], first)
        assert list(both) == ["num_hidden_layers", "paper_gflops"]
        assert (passing(shown, both) <= passing(shown, first)).all()
        again = brushed(shown, [{"x": [2, 2], "y": [0, 0.2]}], both)
        assert again["paper_gflops"] == both["paper_gflops"]
        assert again["num_hidden_layers"][1] < both["num_hidden_layers"][0]
        assert brushed(shown, [{"x": [2, 2], "y": [1.01, 1.03]}], both) == both, "nothing lies there"

    def test_a_brush_means_the_same_on_an_axis_with_other_ends(self) -> None:
        before, after = parallel_info(searched(generations=2)), parallel_info(searched(generations=8))
        brushes = brushed(before, [{"x": [5, 5], "y": [0.4, 1]}], {})
        for shown in (before, after):
            sizes = shown.columns[5].values[passing(shown, brushes)]
            assert (sizes.min(), sizes.max()) == brushes["size_mb"]

    def test_a_box_over_several_axes_brushes_them_and_one_between_two_none(self) -> None:
        shown = parallel_info(searched())
        assert list(brushed(shown, [{"x": [-0.1, 1.1], "y": [0.0, 0.9]}], {})) == ["vocab_size", "hidden_size"]
        assert brushed(shown, [{"x": [0.4, 0.6], "y": [0.2, 0.4]}], {}) == {}

    def test_what_is_brushed_away_is_faint_and_lies_behind(self) -> None:
        info = searched()
        shown = parallel_info(info)
        brushes = brushed(shown, [{"x": [7, 7], "y": [0.9, 1]}], {})
        figure = parallel_figure(shown, info, brushes)
        lines = len(shown.columns) + 1
        assert figure.data[0].line.color == theme.MUTED and len(figure.data[0].y) == lines * (~shown.feasible).sum()
        assert [(each.x0 + each.x1) / 2 for each in figure.layout.shapes] == [7]
        assert passing_sentence(shown, brushes).endswith("· fits yes.")

    def test_none_may_pass(self) -> None:
        info = searched()
        shown = parallel_info(info)
        brushes = {"vocab_size": (1.0, 2.0)}
        assert passing_sentence(shown, brushes) == f"None of the {len(info.candidates)} lines passes."
        parallel_figure(shown, info, brushes).to_json()
        assert passing_sentence(shown, {}) == ""


def test_empty() -> None:
    info = search_info([], SETTINGS)
    assert lineage_info(info) is None and gene_infos(info) == [] and passing_sentence(parallel_info(info), {}) == ""
    draw_all(info)
    assert all(
        figure.layout.annotations
        for figure in (lineage_figure(info), genes_figure(info), parallel_figure(parallel_info(info), info))
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
    info = search_info(many(population=1, generations=0), SETTINGS)
    assert len(info.candidates) == 1
    draw_all(info)
