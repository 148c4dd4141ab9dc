"""What the figure and the tables of an exam show."""

from __future__ import annotations

from typing import Any

import pytest

from compressor_core.errors import RunError
from compressor_core.figures.compare.exam import exam_figure, exam_info, exam_rows, group_rows, markdown
from compressor_core.records import Examinee, ExamPart, ExamSummary, Group, Rate
from compressor_core.task import Task


def rate(count: int) -> Rate:
    return Rate(count=count, examples=10, share=count / 10, interval=(count / 10 - 0.1, count / 10 + 0.1))


def examinee(name: str, role: Any, both: int, **more: Any) -> Examinee:
    groups = tuple(
        Group(group=group, examples=4, accuracy=accuracy, interval=(0.2, 1.0))
        for group, accuracy in (("CWE-22", 0.5), ("CWE-89", 0.75))
    )
    scores = {ExamPart.EXAM: rate(both + 2), ExamPart.BOTH_RIGHT: rate(both), **more}
    return Examinee(name=name, role=role, note="A note", scores=scores, groups=groups)


INFO = exam_info(
    ExamSummary(
        task=Task.VULNERABILITY,
        dataset="classroom-vulnerability",
        models=(
            examinee("Teacher", "model", 5, **{ExamPart.ALARMS: rate(1)}),
            examinee("Student", "model", 4, **{ExamPart.ALARMS: rate(2)}),
        ),
        baselines=(examinee("Bandit", "rules", 3),),
        seconds=1.0,
    )
)


def test_every_score_stands_beside_the_others() -> None:
    assert exam_rows(INFO) == [
        {
            "Score": "Hand-written: accuracy",
            "Teacher": "70.0% (60 to 80)",
            "Student": "60.0% (50 to 70)",
            "Bandit": "50.0% (40 to 60)",
        },
        {
            "Score": "Both halves of a pair right",
            "Teacher": "50.0% (40 to 60)",
            "Student": "40.0% (30 to 50)",
            "Bandit": "30.0% (20 to 40)",
        },
        {"Score": "Real functions: alarms", "Teacher": "10.0% (0 to 20)", "Student": "20.0% (10 to 30)", "Bandit": ""},
    ]
    assert markdown(INFO).splitlines()[:2] == ["| Score | Teacher | Student | Bandit |", "| --- | --- | --- | --- |"]
    assert markdown(INFO).count("\n") == 5


def test_weaknesses_from_the_best_known_on() -> None:
    assert [row["Kind"] for row in group_rows(INFO)] == ["CWE-89", "CWE-22"]
    assert group_rows(INFO)[0] == {
        "Kind": "CWE-89", "Examples": 4, "Teacher (%)": 75.0, "Student (%)": 75.0, "Bandit (%)": 75.0
    }  # fmt: skip


def test_the_figure_has_a_point_with_its_interval_for_each_score() -> None:
    figure = exam_figure(INFO)
    drawn = {trace.name: trace for trace in figure.data}
    assert list(drawn) == ["Teacher", "Student", "Bandit"]
    assert list(drawn["Teacher"].x) == [0.7, 0.5, 0.1]
    assert list(drawn["Bandit"].x) == [0.5, 0.3]
    assert [round(y) for y in drawn["Bandit"].y] == [0, 1]
    assert drawn["Student"].error_x.array == pytest.approx([0.1, 0.1, 0.1])
    assert len({(trace.marker.color, trace.marker.symbol) for trace in figure.data}) == 3
    assert list(figure.layout.yaxis.ticktext) == [
        "Hand-written:<br>accuracy", "Both halves of a pair right", "Real functions:<br>alarms"
    ]  # fmt: skip


def test_a_damaged_result_is_said_to_be_one() -> None:
    with pytest.raises(RunError, match="damaged"):
        exam_info({"type": "exam-summary", "models": 3})
