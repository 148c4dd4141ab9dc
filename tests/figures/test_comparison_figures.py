"""What the figures of a comparison show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compressor_core.figures.comparison import (
    comparison_info,
    confusion_figure,
    cost_figure,
    groups_figure,
    headline,
    latency_figure,
    noise_sentence,
    scores_figure,
)


@pytest.fixture(scope="module")
def result(tiny_teacher: Path, labelled_file: Path) -> dict[str, Any]:
    from compressor_core.evaluate.comparison import CompareConfig, compare

    config = CompareConfig(
        teacher=str(tiny_teacher),
        student=str(tiny_teacher),
        dataset="file",
        data=str(labelled_file),
        latency_examples=5,
    )
    return list(compare(config))[-1]


def test_a_model_beside_itself(result: dict[str, Any]) -> None:
    info = comparison_info(result)
    assert info.kept == info.agreement == 1.0
    assert not info.significant
    assert noise_sentence(info).startswith("The difference in accuracy is within noise: 0 examples")
    assert headline(info).startswith("The student keeps 100.0% of the teacher's accuracy")
    assert "1.0× smaller" in headline(info)
    assert sum(group.examples for group in info.groups) == info.teacher.examples == 300
    assert "1 thread," in info.measured and "batch size 1" in info.measured
    assert info.data == "Scores: 300 examples of file, the whole file."
    figures = [scores_figure(info), cost_figure(info), latency_figure(info), groups_figure(info)]
    for figure in [*figures, confusion_figure(info.teacher), confusion_figure(info.student)]:
        assert json.loads(figure.to_json())["data"]
    shares = list(cost_figure(info).data[0].x)
    assert len(shares) == 5 and 1.0 in shares


def test_without_kinds_or_computation(result: dict[str, Any]) -> None:
    def bare(side: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in side.items() if key not in ("groups", "forward_gflops")}

    info = comparison_info({**result, "teacher": bare(result["teacher"]), "student": bare(result["student"])})
    assert info.groups == ()
    assert "does not say" in groups_figure(info).layout.annotations[0].text
    assert len(cost_figure(info).data[0].x) == 4


def test_a_real_difference_is_called_one(result: dict[str, Any]) -> None:
    info = comparison_info({**result, "mcnemar": {"only_first": 40, "only_second": 5, "p": 0.00001}})
    assert info.significant
    assert noise_sentence(info).startswith("The teacher is better by more than noise: 40 examples")
    assert "p < 0.001" in noise_sentence(info)


def test_groups_go_from_the_widest_loss_to_the_widest_gain(result: dict[str, Any]) -> None:
    def groups(**accuracy: float) -> list[dict[str, Any]]:
        return [{"group": name, "examples": 10, "accuracy": value} for name, value in accuracy.items()]

    info = comparison_info(
        {
            **result,
            "teacher": {**result["teacher"], "groups": groups(a=0.9, b=0.9, c=0.5)},
            "student": {**result["student"], "groups": groups(a=0.9, b=0.4, c=0.8)},
        }
    )
    assert [group.name for group in info.groups] == ["b", "a", "c"]
