"""What the figures of overlaid searches and of sweeps show, on real records and at the edges."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from compressor_core.architecture import SearchSpace
from compressor_core.figures import theme
from compressor_core.figures.search.budgets import budget_figure, genes_figure
from compressor_core.figures.search.differences import difference_rows
from compressor_core.figures.search.gaps import GapAxis, gap_text, turns
from compressor_core.figures.search.info import search_info
from compressor_core.figures.search.overlay import (
    DASHES,
    MOST_RUNS,
    SYMBOLS,
    OverlayRun,
    convergence_figure,
    free_slots,
    overlay_axes,
    overlay_notes,
    overlay_rows,
    points_figure,
)
from compressor_core.figures.search.sweeps import (
    SweepInfo,
    band_figure,
    bands,
    missing_notes,
    operators_rows,
    optimum_rows,
    search_rows,
    sweep_info,
)
from compressor_core.figures.words.forms import csv_text
from compressor_core.records import BudgetOptimum, Generation, Optimum, Record, SweepSummary, SweptSearch
from compressor_core.search.genetic import Operators, SearchSettings, evolve, search
from compressor_core.search.sweep import Over, SweepSettings, sweep
from tests.collect import collected, kept
from tests.search.test_goals import MODEL

SEARCH = SearchSettings(budget_mb=3.0, space="paper", population=8, generations=6)


def overlaid(*searches: SearchSettings) -> list[OverlayRun]:
    return [
        OverlayRun(f"seed {settings.seed}", slot, search_info(kept(search(settings)), settings))
        for slot, settings in enumerate(searches)
    ]


def of_records(name: str, records: Sequence[Record], count: int = 1) -> list[OverlayRun]:
    return [OverlayRun(name, slot, search_info(records, SEARCH)) for slot in range(count)]


def trace(figure: Any, name: str) -> Any:
    return next(trace for trace in figure.data if trace.name and name in trace.name)


def notes(figure: Any) -> list[str]:
    return [annotation.text for annotation in figure.layout.annotations]


def draw_overlay(info: list[OverlayRun]) -> None:
    for by in ("evaluations", "generation"):
        for height in ("gap", "fitness"):
            assert json.loads(convergence_figure(info, by, height).to_json())["layout"]["yaxis"]["title"]["text"]
    for x, y in (("size_mb", "paper_gflops"), ("parameters", "size_mb")):
        assert json.loads(points_figure(info, x, y).to_json())["layout"]["xaxis"]["title"]["text"]
    csv_text(overlay_rows(info))


class TestOverlay:
    def test_each_run_has_one_colour_dash_and_symbol_in_every_figure(self) -> None:
        info = overlaid(*(SEARCH.replace(seed=seed) for seed in range(3)))
        lines, points = convergence_figure(info), points_figure(info)
        for run in info:
            line, point = trace(lines, run.title), trace(points, run.title)
            assert line.line.color == point.marker.color == run.color
            assert line.line.dash == run.dash and line.marker.symbol == point.marker.symbol == run.symbol
        assert len({(run.color, run.dash, run.symbol) for run in info}) == 3
        assert len(set(theme.CYCLE)) == len(set(DASHES)) == len(set(SYMBOLS)) == MOST_RUNS

    def test_a_run_keeps_its_slot_while_others_come_and_go(self) -> None:
        first = free_slots(["a", "b", "c"], {})
        assert first == {"a": 0, "b": 1, "c": 2}
        assert free_slots(["b", "c", "d"], first) == {"b": 1, "c": 2, "d": 0}
        assert list(free_slots(["c", "a"], first)) == ["c", "a"]

    def test_the_gap_of_the_best_so_far(self) -> None:
        info = overlaid(SEARCH)
        (run,) = info
        assert run.info.optimum is not None and run.info.last is not None
        gaps = run.heights("gap")
        known = [fitness for fitness in run.heights("fitness") if fitness is not None]
        goal = run.info.optimum.fitness
        assert gaps[-1] == pytest.approx((goal - known[-1]) / goal)
        assert run.heights("fitness").count(None) == gaps.count(None)
        line = trace(convergence_figure(info), run.title)
        assert line.x[-1] == run.info.last.evaluations
        assert line.y[-1] == pytest.approx(gaps[-1])
        assert trace(convergence_figure(info, "generation"), run.title).x[-1] == 6
        assert trace(convergence_figure(info, height="fitness"), run.title).y[-1] == known[-1]

    def test_no_gap_stands_on_the_row_of_the_optimum(self) -> None:
        space = SearchSpace((1_000,), (16, 32), (1,), (1,), (32, 64))
        info = overlaid(SEARCH.replace(space=space), SEARCH.replace(seed=3))
        assert info[0].info.gap == 0
        figure = convergence_figure(info)
        row = figure.layout.yaxis.tickvals[0]
        assert figure.layout.yaxis.ticktext[0] == "optimum"
        assert trace(figure, "1. ").y[-1] == row and trace(figure, "1. ").customdata[-1] == "optimum"
        assert min(trace(figure, "2. ").y) > row

    def test_the_points_are_the_last_population_the_way_and_the_best(self) -> None:
        info = overlaid(SEARCH)
        (run,) = info
        figure = points_figure(info)
        population, way, best, goal = figure.data
        assert len(population.x) == len(run.population) and all(one.feasible for one in run.population)
        assert [round(float(x), 4) for x in way.x] == [round(one.size_mb, 4) for one in run.trail]
        assert (len(best.x), len(goal.x)) == (1, 1)
        assert way.x[-1] == best.x[0] and goal.marker.symbol == "star-open"
        assert {"size_mb", "paper_gflops", "parameters"} <= set(overlay_axes(info))
        million = points_figure(info, x="parameters").data[2].x[0]
        assert million == pytest.approx(run.trail[-1].parameters / 1e6, rel=1e-6)

    def test_empty(self) -> None:
        info: list[OverlayRun] = []
        draw_overlay(info)
        assert notes(convergence_figure(info)) == ["Choose searches above"]
        assert overlay_rows(info) == [] and overlay_notes(info) == []

    def test_a_run_that_has_not_begun(self) -> None:
        info = of_records("new", [])
        draw_overlay(info)
        assert notes(points_figure(info)) == ["No search here has found anything yet"]
        assert overlay_notes(info) == ["1. new: no generation is recorded yet."]
        assert overlay_rows(info)[0]["Best"] == "–"

    def test_all_infeasible(self) -> None:
        info = overlaid(SEARCH.replace(budget_mb=0.2, population=2, generations=1, seed=1))
        draw_overlay(info)
        assert info[0].trail == info[0].population == ()
        assert "nothing within its limits" in overlay_notes(info)[0]
        assert not [each for each in convergence_figure(info).data if each.name]

    def test_cancelled_after_one_generation(self) -> None:
        info = of_records("cut", kept(search(SEARCH.replace(seed=2, population=40)))[:2])
        draw_overlay(info)
        assert len(trace(convergence_figure(info), "cut").x) == 1

    def test_without_a_known_optimum_there_is_fitness_alone(self) -> None:
        info = of_records("old", list(evolve(SEARCH)))
        draw_overlay(info)
        assert "its optimum is not known" in overlay_notes(info)[0]
        assert notes(convergence_figure(info)) and not notes(convergence_figure(info, height="fitness"))

    def test_fifty_thousand_points(self) -> None:
        goal, first, *_ = kept(search(SEARCH))
        assert isinstance(goal, Optimum) and isinstance(first, Generation)
        one = first.individuals[0].model_copy(update={"feasible": True})

        def generation(number: int) -> Generation:
            people = tuple(one.model_copy(update={"id": at}) for at in range(10_000))
            best = one.model_copy(update={"id": number, "fitness": 1 - 1 / (number + 2)})
            return first.model_copy(update={"generation": number, "individuals": people, "best": best})

        info = of_records("big", [goal, *map(generation, range(5))], MOST_RUNS)
        figure = points_figure(info)
        text = figure.to_json()
        assert sum(len(each.x) for each in figure.data) > 50_000
        assert figure.data[0].type == "scattergl" and len(text) < 3_000_000


class TestDifferences:
    OTHER = SEARCH.replace(space=SearchSpace.classroom(), seed=4, operators=Operators.PAPER)

    def test_only_what_differs(self) -> None:
        rows = difference_rows([SEARCH, self.OTHER], ["1. one", "2. other"])
        assert rows == [
            {"Setting": "Seed", "1. one": "0", "2. other": "4"},
            {"Setting": "Operators", "1. one": "studio", "2. other": "paper"},
            {"Setting": "Space: Vocabulary", "1. one": "1000 to 50000 by 1000", "2. other": "2000 to 50000 by 1000"},
            {"Setting": "Space: Layers", "1. one": "1 to 12 by 1", "2. other": "1 to 3 by 1"},
        ]

    def test_everything(self) -> None:
        rows = difference_rows([SEARCH, self.OTHER], ["1", "2"], every=True)
        told = {row["Setting"]: row["1"] for row in rows}
        assert told["Budget (MB)"] == "3" and told["Space: Heads"] == "1, 2, 4, 8"
        assert told["Longest latency (ms)"] == "–"
        assert len(rows) == len(SearchSettings.model_fields) - 1 + 5

    def test_latency_models_are_told_apart_in_one_line(self) -> None:
        one, other = (
            SEARCH.replace(latency=dataclasses.replace(MODEL, prices=(price, *MODEL.prices[1:]))) for price in (1, 2)
        )
        (row,) = difference_rows([one, other, SEARCH], "abc")
        assert row["a"].startswith("onnxruntime, vulnerability (#") and row["a"] != row["b"] and row["c"] == "–"
        assert difference_rows([one, one.replace()], "ab") == []

    def test_none_and_one_run(self) -> None:
        assert difference_rows([], []) == difference_rows([SEARCH], ["a"]) == []


def swept(**changes: Any) -> tuple[SweepInfo, SweepSummary]:
    settings = SweepSettings(**{"search": SEARCH, "over": Over.SEED, "seeds": (0, 1, 2, 3), **changes})
    records, summary = collected(sweep(settings))
    return sweep_info(records), summary


def made_up(*series: list[float | None], optimum: float = 10.0, operators: str = "studio") -> SweepInfo:
    """Searches whose best fitness by generation is as given."""
    best = next(evolve(SEARCH)).individuals[0].model_copy(update={"fitness": optimum})
    records: list[Record] = [BudgetOptimum(budget_mb=3.0, marked=True, best=best)]
    for seed, values in enumerate(series):
        kind = {"budget_mb": 3.0, "operators": operators, "evaluations": 1, "seconds": 1.0}
        records.append(SweptSearch(seed=seed, best_fitness=tuple(values), **kind))
    return sweep_info(records)


def draw_sweep(info: SweepInfo, summary: SweepSummary | None = None) -> None:
    for figure in (band_figure(info), band_figure(info, "fitness"), budget_figure(info), genes_figure(info)):
        json.loads(figure.to_json())
    for rows in (search_rows(info), optimum_rows(info), operators_rows(summary)):
        csv_text(rows)


class TestSeeds:
    def test_quartiles_by_hand(self) -> None:
        # Gaps 0.4, 0.3, 0.1, 0.0 at the end: quartiles at 0.75, 1.5, 2.25 of the sorted places 0 to 3.
        (band,) = bands(made_up([5.0, 6.0], [6.0, 7.0], [7.0, 9.0], [9.0, 10.0]))
        assert band.better.tolist() == pytest.approx([0.25, 0.075])
        assert band.median.tolist() == pytest.approx([0.35, 0.2])
        assert band.worse.tolist() == pytest.approx([0.425, 0.325])
        (band,) = bands(made_up([5.0, 6.0], [6.0, 7.0], [7.0, 9.0], [9.0, 10.0]), "fitness")
        assert band.better.tolist() == pytest.approx([7.5, 9.25])
        assert band.median.tolist() == pytest.approx([6.5, 8.0])
        assert band.worse.tolist() == pytest.approx([5.75, 6.75])

    @pytest.mark.parametrize("height", ["gap", "fitness"])
    def test_a_seed_with_nothing_counts_as_worse_than_every_other(self, height: str) -> None:
        (band,) = bands(made_up([None, 5.0, 5.0], [None, None, 8.0], [9.0, 9.0, 9.0], [None, None, None]), height)
        assert np.isnan(band.median).tolist() == [True, True, False]
        assert np.isnan(band.better).tolist() == [True, False, False]
        assert np.isnan(band.worse).all()
        assert band.median[2] == pytest.approx(0.35 if height == "gap" else 6.5)

    def test_the_figure_has_a_line_and_a_band_for_each_of_the_operators(self) -> None:
        info, result = swept(operators=("studio", "paper"))
        figure = band_figure(info)
        found = bands(info)
        assert [band.operators for band in found] == ["studio", "paper"]
        for band, name in zip(found, ("this program's", "the paper's"), strict=True):
            line = trace(figure, name)
            assert list(line.x) == list(range(7)) and "4 seeds" in line.name
            assert line.customdata[-1][1] == gap_text(band.median[-1])
        assert len([each for each in figure.data if each.fill == "toself"]) == 2
        colours = {(trace(figure, name).line.color, trace(figure, name).line.dash) for name in ("program", "paper")}
        assert len(colours) == 2
        first, second = operators_rows(result)
        assert (first["Searches"], second["Operators"]) == (4, "the paper's operators")
        assert " to " in first["Wilson 95% interval"]
        draw_sweep(info, result)

    def test_the_band_is_open_to_the_edge_while_the_worse_quartile_has_nothing(self) -> None:
        figure = band_figure(made_up([None, 5.0], [9.0, 9.0], [8.0, 9.0]))
        area = next(each for each in figure.data if each.fill == "toself")
        top = 10 ** figure.layout.yaxis.range[1]
        assert max(area.y) == pytest.approx(top) and min(area.y) > figure.layout.yaxis.tickvals[0]

    def test_one_seed_and_one_generation(self) -> None:
        info, result = swept(seeds=(5,), search=SEARCH.replace(population=40))
        draw_sweep(info, result)
        assert "one seed" in trace(band_figure(info), "this program").name
        assert bands(made_up([9.0]))[0].median.tolist() == pytest.approx([0.1])

    def test_all_at_the_optimum(self) -> None:
        figure = band_figure(made_up([10.0, 10.0], [10.0, 10.0]))
        assert set(trace(figure, "this program").y) == {figure.layout.yaxis.tickvals[0]}

    def test_empty_and_all_infeasible(self) -> None:
        draw_sweep(sweep_info([]))
        assert notes(band_figure(sweep_info([]))) == ["Waiting for the first search"]
        info, result = swept(search=SEARCH.replace(budget_mb=0.2, population=2, generations=1), seeds=(1, 2))
        assert all(search.best is None for search in info.searches), "choose seeds that start too large"
        assert notes(band_figure(info)) == ["No seed has found anything"]
        assert operators_rows(result)[0]["Found nothing"] == 2
        assert operators_rows(result)[0]["Worst gap"] == "–"
        draw_sweep(info, result)

    def test_cancelled(self) -> None:
        asked = iter(range(100))
        settings = SweepSettings(search=SEARCH, seeds=(0, 1, 2))
        records, summary = collected(sweep(settings, cancelled=lambda: next(asked) >= 9))
        assert summary.cancelled
        info = sweep_info(records)
        assert len(info.searches) == 1
        draw_sweep(info, summary)

    def test_an_uncertified_space_has_fitness_alone(self) -> None:
        whole, _ = swept()
        info = SweepInfo((BudgetOptimum(budget_mb=3.0, marked=True, reason="too large"),), whole.searches)
        assert "optimum is not known" in notes(band_figure(info))[0]
        assert not notes(band_figure(info, "fitness"))
        assert missing_notes(info) == ["3 MB: too large"]

    def test_a_thousand_seeds(self) -> None:
        rise = [None, *(10 - 10 / (number + 1) for number in range(1, 500))]
        info = made_up(*([rise] * 1_000))
        figure = band_figure(info)
        figure.to_json()
        assert figure.data[0].type == "scattergl"


class TestBudgets:
    def test_the_optimum_at_each_budget_with_the_papers_marked(self) -> None:
        info, result = swept(over=Over.BUDGET, seeds=(0,), budgets=(0.5, 100.0), operators=("studio", "paper"))
        figure = budget_figure(info)
        line = trace(figure, "true optimum")
        assert list(line.x) == [0.5, 3.0, 25.0, 50.0, 100.0]
        assert list(line.y) == sorted(line.y)
        stars = trace(figure, "the paper's budgets")
        assert list(stars.x) == [3.0, 25.0, 50.0] and stars.text[0].startswith("3 MB: 2.")
        found = [search for search in info.searches if search.best and search.operators == "paper"]
        assert len(trace(figure, "best of searches, the paper's").x) == len(found)
        assert [row["Budget (MB)"] for row in optimum_rows(info)] == list(line.x)
        assert len(search_rows(info)) == 10
        draw_sweep(info, result)

    def test_a_panel_for_each_gene(self) -> None:
        info, _ = swept(over=Over.BUDGET, seeds=(), budgets=(1.0,))
        figure = genes_figure(info)
        assert len(figure.data) == 6
        assert list(figure.data[2].y) == [best.num_hidden_layers for _, best in info.optima]
        assert max(figure.data[5].y) <= 1
        assert [list(each.marker.symbol).count("star") for each in figure.data] == [3] * 6

    def test_nothing_fits_anywhere(self) -> None:
        info = sweep_info([BudgetOptimum(budget_mb=1.0, marked=False, reason="too small", reachable=False)])
        draw_sweep(info)
        assert notes(budget_figure(info)) == ["No budget has a known optimum"]
        assert notes(budget_figure(sweep_info([]))) == ["Waiting for the first optimum"]

    def test_one_budget_so_far(self) -> None:
        records = kept(sweep(SweepSettings(search=SEARCH, over=Over.BUDGET)))
        info = sweep_info(records[:1])
        draw_sweep(info)
        assert len(trace(budget_figure(info), "true optimum").x) == 1


def test_the_axis_of_gaps() -> None:
    axis = GapAxis.around([0.0, 0.004, 0.5, None])
    placed = axis.place([0.0, 1e-15, 0.004, None, 0.5])
    assert placed[0] == placed[1] == axis.floor < 0.001
    assert placed[2] == pytest.approx(0.004) and math.isnan(placed[3])
    settings = axis.settings()
    assert settings["ticktext"] == ["optimum", "0.1%", "1%", "10%"]
    low, high = (10**end for end in settings["range"])
    assert low < axis.floor and high > 0.5
    assert GapAxis.around([]).settings()["ticktext"][0] == "optimum"
    wild = GapAxis.around([1e-11, 1e9])
    assert wild.floor < wild.place([1e-11])[0] < wild.place([1e9])[0] <= wild.top


def test_a_step_line_needs_its_turns_alone() -> None:
    assert turns([None, None, 1.0, 1.0, 2.0, 2.0]) == [0, 2, 4, 5]
    assert turns([1.0]) == [0] and turns([]) == []
