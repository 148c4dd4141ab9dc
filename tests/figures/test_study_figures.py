"""What the figures of a study of budgets show, from nothing to several students at a budget."""

from __future__ import annotations

import math
from typing import Any

import pytest

from compressor_core.figures.study.students import (
    StudyInfo,
    budget_rows,
    exchange_sentence,
    failed_sentences,
    flips_figure,
    latency_figure,
    size_figure,
    student_rows,
    study_info,
    study_sentence,
)
from compressor_core.figures.words.forms import csv_text
from compressor_core.paper import Published, published_students
from compressor_core.records import Failed, Notice, Progress, Student

GENES = {
    "vocab_size": 1000,
    "hidden_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 8,
    "intermediate_size": 64,
}
PAPER = Published("paper, CodeBERT", (3.0, 25.0, 50.0), (0.5944, 0.6080, 0.6131))


def student(budget: float, seed: int, accuracy: float, latency: float = 2.0) -> Student:
    return Student(
        budget_mb=budget, seed=seed, **GENES, size_mb=0.9 * budget, accuracy=accuracy, teacher_accuracy=0.9,
        agreement=0.8, latency_ms=latency, teacher_latency_ms=40.0, paper_gflops=budget / 2, parameters=250_000,
        seconds=1.5, model="student",
    )  # fmt: skip


def info_of(*students: Student, beside: tuple[Published, ...] = ()) -> StudyInfo:
    # A study also yields other records, and a resumed one may come out of order.
    return study_info([Progress(message="on"), *students, Notice(message="done")], beside)


def trace(figure: Any, name: str) -> Any:
    return next(trace for trace in figure.data if trace.name and name in trace.name)


def test_what_a_megabyte_costs_in_place_of_three() -> None:
    measured = [(0.25, 0.631), (0.5, 0.65), (0.87, 0.697), (2.98, 0.761)]
    assert exchange_sentence(measured) == "1 MB in place of 3 MB costs 6.4 points of accuracy."
    assert exchange_sentence([(1.0, 0.8), (3.0, 0.79)]) == "1 MB in place of 3 MB gains 1.0 points of accuracy."
    assert exchange_sentence([(1.0, 0.8), (3.0, 0.8)]) == "1 MB in place of 3 MB costs no points of accuracy."
    assert exchange_sentence([(0.5, 0.8), (3.0, 0.8)]) == "", "no point of 1 MB is shown"


@pytest.mark.parametrize("draw", [size_figure, latency_figure])
def test_without_a_student_it_says_so(draw: Any) -> None:
    figure = draw(info_of(beside=(PAPER,)))
    assert not figure.data and figure.layout.annotations[0].text == "No student is finished yet"
    assert student_rows(info_of()) == [] == budget_rows(info_of())


def test_flips_are_drawn_where_they_were_measured() -> None:
    plain = student(1.0, 0, 0.8)
    assert flips_figure(info_of(plain)) is None
    probed = [plain.model_copy(update={"seed": n, "flips": n / 10, "teacher_flips": 0.05}) for n in (1, 2)]
    info = info_of(*probed)
    figure = flips_figure(info)
    assert figure is not None
    assert list(trace(figure, "one student").y) == [10.0, 20.0] and list(trace(figure, "mean").y) == pytest.approx([15])
    assert figure.layout.annotations[0].text == "teacher 5.0 %"
    assert [row["Flips (%)"] for row in student_rows(info)] == [10.0, 20.0]
    assert budget_rows(info)[0]["Mean flips (%)"] == pytest.approx(15)
    assert budget_rows(info_of(plain, *probed))[0]["Mean flips (%)"] is None, "not of all"


def test_the_sentence_names_the_smallest_budget_that_is_enough_or_the_best() -> None:
    assert study_sentence(info_of()) == "No student has been measured yet."
    far = info_of(student(1.0, 0, 0.80), student(3.0, 0, 0.85))
    assert study_sentence(far) == "The best mean, at 3 MB, is 5.0 points below the teacher's accuracy."
    near = info_of(student(1.0, 0, 0.80), student(3.0, 0, 0.88), student(3.0, 1, 0.91), student(10.0, 0, 0.92))
    assert study_sentence(near) == "3 MB are enough to stay within a point of the teacher's accuracy."


@pytest.mark.parametrize("draw", [size_figure, latency_figure])
def test_one_student_has_no_bar(draw: Any) -> None:
    figure = draw(info_of(student(3.0, 0, 0.85)))
    mean = trace(figure, "mean")
    assert list(mean.y) == [85.0] and mean.error_y.visible is False
    (line,) = figure.layout.shapes
    assert (line.type, line.y0, line.y1) == ("line", 90.0, 90.0)
    assert "teacher 90.0 %" in [note.text for note in figure.layout.annotations]
    (row,) = budget_rows(info_of(student(3.0, 0, 0.85)))
    assert row["Standard deviation (points)"] is None and row["Below the teacher (points)"] == pytest.approx(5.0)
    assert row["Times faster"] == 20.0


def test_each_student_is_a_point_and_each_budget_a_mean_with_its_bar() -> None:
    students = (student(3.0, 1, 0.88, 5.0), student(3.0, 0, 0.86, 3.0), student(0.5, 0, 0.7, 1.0))
    info = info_of(*students)
    size, latency = size_figure(info), latency_figure(info)
    assert list(trace(size, "one student").x) == [0.45, pytest.approx(2.7), pytest.approx(2.7)]
    assert list(trace(size, "one student").y) == [70.0, 86.0, 88.0]
    mean = trace(size, "mean")
    assert list(mean.y) == [70.0, pytest.approx(87.0)] and mean.error_y.visible is True
    assert list(mean.error_y.array) == [None, pytest.approx(math.sqrt(2))]
    assert list(trace(latency, "mean").x) == [1.0, 4.0]
    assert list(trace(latency, "teacher's latency").x) == [40.0]
    for figure, low, high in ((size, 0.45, 2.7), (latency, 1.0, 40.0)):
        assert figure.layout.xaxis.type == "log"
        assert figure.layout.xaxis.range[0] < math.log10(low) and figure.layout.xaxis.range[1] > math.log10(high)
    assert [row["Seed"] for row in student_rows(info)] == [0, 0, 1]
    assert csv_text(student_rows(info)).splitlines()[1].startswith('0.5,0,"1000,96,3,8,64",0.45,70.0,')


def test_what_is_made_again_counts_once() -> None:
    info = info_of(student(3.0, 0, 0.5))
    twice = study_info([student(3.0, 0, 0.4), student(3.0, 0, 0.5)])
    assert twice.students == info.students


def test_the_published_students_stand_beside_the_sizes_and_not_the_latencies() -> None:
    info = info_of(student(3.0, 0, 0.6), beside=(PAPER,))
    figure = size_figure(info)
    assert list(trace(figure, "paper").x) == [3.0, 25.0, 50.0]
    assert list(trace(figure, "paper").y) == pytest.approx([59.44, 60.80, 61.31])
    assert figure.layout.xaxis.range[1] > math.log10(50)
    assert not [one for one in latency_figure(info).data if "paper" in one.name]


def test_who_failed_is_said_unless_it_was_made_since() -> None:
    lost = [Failed(budget_mb=budget, seed=0, message="the loss is no number") for budget in (3.0, 1.0)]
    info = study_info([*lost, student(3.0, 0, 0.8)])
    assert failed_sentences(info) == ["1 MB, seed 0, could not be made: the loss is no number"]
    assert [one.budget_mb for one in info.students] == [3.0]


def test_the_published_students_are_those_of_the_dataset() -> None:
    curves = published_students("devign")
    assert [curve.title for curve in curves] == ["paper, CodeBERT", "paper, GraphCodeBERT"]
    assert curves[0].sizes_mb == PAPER.sizes_mb and curves[0].accuracies == pytest.approx(PAPER.accuracies)
    assert published_students("bigclonebench")[1].accuracies == pytest.approx((0.9422, 0.9565, 0.9678))
    assert published_students("classroom-vulnerability") == ()
