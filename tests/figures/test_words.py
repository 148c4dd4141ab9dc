"""Charts in words: the sentences hold the numbers of the info, and what is drawn is told."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from compressor_core.dataflow import extract
from compressor_core.figures import theme
from compressor_core.figures.compare.answers import AnswersInfo, answers_figure
from compressor_core.figures.search.genes import gene_infos, genes_figure
from compressor_core.figures.search.info import diversity_figure, fitness_figure
from compressor_core.figures.search.landscape import landscape_figure
from compressor_core.figures.search.parallel import parallel_figure, parallel_info
from compressor_core.figures.search.population import population_figure
from compressor_core.figures.study.dataflow import data_flow_figure, data_flow_info
from compressor_core.figures.study.training import accuracy_figure, training_info
from compressor_core.figures.words.captions import (
    accuracy_words,
    data_flow_words,
    diversity_words,
    genes_words,
    loss_words,
    outside_words,
    population_words,
)
from compressor_core.figures.words.description import MOST_ROWS, figure_rows, figure_words, trace_infos
from compressor_core.language import Language
from compressor_core.records import Epoch, Prediction, Step
from compressor_core.search.genetic import SearchSettings
from compressor_core.search.landscape import landscape
from tests.figures.records import searched
from tests.runs.summaries import distilled


def test_a_population_in_words() -> None:
    info = searched()
    best, optimum = info.best, info.optimum
    assert best is not None and optimum is not None and info.last is not None
    words = population_words(info)
    fit = sum(one.feasible for one in info.last.individuals)
    assert words.startswith(f"12 candidates of generation 8, {fit} of them within the budget; the best so far, ")
    assert f"with {best.size_mb:.3f} MB and {best.paper_gflops:.3f} GFLOPs; the true optimum, 1000,96," in words
    assert words.endswith(f"The best found is {info.gap:.2%} below the true optimum of the whole space.")
    first = population_words(info, shown=0)
    assert first.startswith("12 candidates of generation 0, ") and "The best found" not in first
    assert "million" in population_words(info, "size_mb", "parameters")


def test_diversity_and_genes_in_words() -> None:
    info = searched()
    assert info.last is not None
    assert diversity_words(info).endswith(f"{info.last.diversity:.0%} in generation 8.")
    said = genes_words(info)
    for gene in gene_infos(info):
        assert f"{gene.shares[:, -1].max():.0%} have " in said and gene.optimum is not None


def test_before_anything_is_known() -> None:
    info = searched(0)
    for words in (population_words(info), diversity_words(info), genes_words(info)):
        assert words == "The search has not begun yet."
    assert figure_words(fitness_figure(info)) == "Waiting for the first generation."
    assert figure_rows(fitness_figure(info)) == []
    empty = training_info([])
    assert loss_words(empty) == "No step of the training has ended yet."
    assert accuracy_words(empty) == "No epoch has ended yet."


def test_a_training_in_words() -> None:
    steps = [Step(step=at, epoch=0, loss=1.0 / at, learning_rate=1e-3) for at in (1, 2, 4)]
    epochs = [
        Epoch(epoch=at, loss=0.5, validation_accuracy=share, examples_per_second=9.0)
        for at, share in enumerate((0.5, 0.75, 0.7))
    ]
    info = training_info([*steps, *epochs])
    assert loss_words(info).startswith("The loss of 4 training steps: smoothed, 1 at first and ")
    words = accuracy_words(info, 0.9)
    assert "the best, 75.0%, after epoch 2; 70.0% after the last. The teacher reaches 90.0%" in words
    drawn = figure_words(accuracy_figure(info, teacher=0.9))
    assert "Validation accuracy against Epoch. Each epoch: 50.0% at 1; 75.0% at 2; 70.0% at 3." in drawn
    assert drawn.endswith("Teacher on the test split, 90.0%.")


def test_what_a_model_comes_to_beyond_its_test_split() -> None:
    assert outside_words(distilled("m")) == ""
    assert outside_words(distilled("m", written_by_hand=0.66, flips=0.15, teacher_flips=0.06)) == (
        "Of what is written by hand, it answers 66.0% right. "
        "After changes that keep the label, the answer flips on 15.0% of the functions, the teacher's on 6.0%."
    )


def test_every_edge_of_a_data_flow_is_told() -> None:
    code = "int f(int a) {\n  int b = a;\n  return b;\n}\n"
    info = data_flow_info(code, extract(code, Language.C).to_records())
    words = data_flow_words(info)
    assert "a in line 2 comes from a in line 1" in words and "b in line 3 comes from b in line 2" in words
    assert words.count(" in line ") == 2 * len(info.edges)
    assert figure_words(data_flow_figure(info)) != words  # the drawing alone tells no edges


def test_what_is_drawn_is_told_and_is_in_the_table() -> None:
    info = searched()
    assert info.best is not None and info.last is not None
    figure = population_figure(info, replay=True)
    words = figure_words(figure)
    assert words.startswith("GFLOPs (paper's account) against Size in MB (10⁶ bytes, of the file). Seen so far: ")
    assert f"Best so far: {info.best.paper_gflops:.4g} at {info.best.size_mb:.4g}." in words
    assert "Budget, 3 MB." in words and "Within the budget." in words
    rows = figure_rows(figure)
    names = [row["What"] for row in rows]
    counts = {name: names.count(name) for name in names}
    fit = sum(one.feasible for one in info.last.individuals)
    assert counts["best so far"] == 1 and counts["within budget"] == fit and counts.get("over budget", 0) == 12 - fit
    assert len(figure_rows(figure, most=3)) == 3 and names[0] == "best so far"


def test_lines_maps_bars_and_parallel_coordinates() -> None:
    info = searched()
    last = info.generations[-1].diversity
    assert f"Diversity: 9 points, from {info.generations[0].diversity:.1%} at 0 to {last:.1%} at 8" in figure_words(
        diversity_figure(info)
    )
    land = landscape(
        SearchSettings(budget_mb=3.0, space="paper", population=12, generations=8), "hidden_size", "num_hidden_layers"
    )
    drawn = figure_words(landscape_figure(land, info))
    row, column = np.unravel_index(int(np.nanargmax(land.fitness)), land.fitness.shape)
    top = f"the most at Width {land.x_cells[column][0]}, Layers {land.y_cells[row][0]}"
    assert top in drawn and f"Nothing within the limits: {int(land.infeasible.sum())} cells." in drawn
    maps = [trace.name for trace in trace_infos(genes_figure(info)) if trace.kind == "map"]
    assert maps == ["Vocabulary", "Width", "Layers", "Heads", "Feed-forward"]
    sizes = [one.size_mb for one in info.candidates]
    ranges = {trace.name: trace.points for trace in trace_infos(parallel_figure(parallel_info(info), info))}
    assert float(ranges["Size, MB"][0][0]) == pytest.approx(min(sizes), rel=1e-3)
    assert float(ranges["Size, MB"][0][1]) == pytest.approx(max(sizes), rel=1e-3)
    said = AnswersInfo(
        {
            "teacher": Prediction(label="a<b", probabilities={"a<b": 0.75, "c": 0.25}, milliseconds=3.0),
            "student": Prediction(label="c", probabilities={"a<b": 0.5, "c": 0.5}, milliseconds=1.0),
        }
    )
    assert "Teacher: a<b 75; c 25. Student: a<b 50; c 50." in figure_words(answers_figure(said))


def test_many_points_are_told_by_where_they_lie() -> None:
    figure = go.Figure(layout=theme.layout("Time (s)", "Share", yaxis={"tickformat": ".0%"}))
    figure.add_scatter(x=np.arange(1_000), y=np.linspace(0, 1, 1_000), mode="markers", name="cloud")
    figure.add_scatter(x=[None, 3, float("nan")], y=[0.5, 0.5, 0.5], mode="markers", name="one")
    figure.add_scatter(x=[None], y=[None], mode="markers", name="nothing")
    for number in range(7):
        figure.add_scatter(x=[number], y=[0.1], mode="markers", name=f"run {number}")
    words = figure_words(figure)
    assert words.startswith(
        "Share against Time (s). Cloud: 1,000 points (Time from 0 to 999, Share from 0.0% to 100.0%)"
    )
    assert "One: 50.0% at 3. Nothing: none." in words and words.endswith("And 2 more: run 5, run 6.")
    assert len(figure_rows(figure)) == MOST_ROWS


def luminance(color: str) -> float:
    """Relative luminance of `#rrggbb`, as WCAG 2 defines it."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21) and contrast("#777777", "#ffffff") < 4.5
    assert contrast("#767676", "#ffffff") >= 4.5


@pytest.mark.parametrize("paper", theme.PAPER.values(), ids=theme.PAPER)
def test_every_mark_stands_out_on_both_backgrounds(paper: str) -> None:
    marks = {*theme.CYCLE, theme.INFEASIBLE, theme.MUTED, *(color for _, color in theme.SCALE)}
    marks |= {look.color for look in (theme.OF_TEACHER, *theme.OF_STUDENTS)}
    assert {color: contrast(color, paper) for color in marks if contrast(color, paper) < 3} == {}


@pytest.mark.parametrize("name", theme.PAPER)
def test_text_can_be_read_in_both_themes(name: str) -> None:
    assert contrast(theme.INK[name], theme.PAPER[name]) >= 4.5


def test_the_themes_are_those_of_the_app() -> None:
    settings = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text("utf-8"))["theme"]
    for name in theme.PAPER:
        assert (settings[name]["textColor"], settings[name]["backgroundColor"]) == (theme.INK[name], theme.PAPER[name])


def test_colour_is_never_the_only_carrier() -> None:
    looks: list[Any] = [theme.OF_TEACHER, *theme.OF_STUDENTS]
    for part in ("dash", "symbol", "pattern"):
        assert len({getattr(look, part) for look in looks}) == len(looks)
