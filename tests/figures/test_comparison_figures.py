"""What the figures of a comparison show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compressor_core.bundled import bundled_teacher
from compressor_core.errors import RunError
from compressor_core.figures import theme
from compressor_core.figures.compare.breakdown import groups_figure, lengths_figure
from compressor_core.figures.compare.costs import cost_figure, latency_figure
from compressor_core.figures.compare.curves import precision_recall_figure, reliability_figure, roc_figure
from compressor_core.figures.compare.info import SCORES, TEMPLATES, ComparisonInfo, comparison_info
from compressor_core.figures.compare.scores import confusion_figure, losses_figure, scores_figure
from compressor_core.figures.compare.verdicts import (
    by_hand_sentence,
    caution,
    codebert_sentence,
    fidelity_rows,
    flips_sentence,
    headline,
    noise_sentence,
    student_rows,
)
from compressor_core.progress import finish

FIGURES = (
    scores_figure,
    losses_figure,
    reliability_figure,
    roc_figure,
    precision_recall_figure,
    groups_figure,
    lengths_figure,
    cost_figure,
    latency_figure,
)


@pytest.fixture(scope="module")
def result(tiny_teacher: Path, labelled_file: Path) -> dict[str, Any]:
    from compressor_core.evaluate.comparison import compare
    from compressor_core.evaluate.settings import CompareSettings

    config = CompareSettings(
        teacher=str(tiny_teacher),
        student=str(tiny_teacher),
        dataset="file",
        data=str(labelled_file),
        split="all",
        latency_examples=5,
    )
    summary = finish(compare(config))
    assert summary is not None
    return summary.model_dump(mode="json", exclude_none=True)


def with_students(result: dict[str, Any], *students: dict[str, Any]) -> dict[str, Any]:
    """The result with other students; what is not said of one is as in the result."""
    made = [{**result["students"][0], **student} for student in students]
    return {**result, "students": made}


def drawn(info: ComparisonInfo) -> None:
    for draw in FIGURES:
        assert json.loads(draw(info).to_json())["data"] or draw(info).layout.annotations, draw
    for side in info.sides:
        assert json.loads(confusion_figure(side).to_json())["data"]


def test_a_model_beside_itself(result: dict[str, Any]) -> None:
    info = comparison_info(result)
    (pair,) = info.students
    assert pair.kept == pair.found.agreement == 1.0 and pair.found.fidelity.kl == 0.0
    assert not pair.significant and pair.loss_interval == (0.0, 0.0)
    assert noise_sentence(info).startswith("The difference in accuracy is within noise: 0 examples")
    assert "no loss would fit these 300 examples" in noise_sentence(info)
    assert headline(info).startswith("The student keeps 100.0% of the teacher's accuracy")
    assert "1.0× smaller" in headline(info)
    assert sum(part.examples for part in info.teacher.groups.values()) == info.teacher.found.examples == 300
    assert "1 thread," in info.measured and "batch size 1" in info.measured
    assert info.data == "Scores: 300 examples of file, the whole file."
    made = {**result, "dataset": "classroom-vulnerability", "split": "test"}
    assert comparison_info(made).data.endswith(f"the test split. {TEMPLATES}"), "never shown alone"
    drawn(info)
    shares = list(cost_figure(info).data[0].x)
    assert len(shares) == 5 and 1.0 in shares
    assert caution(info) == ""


def test_answers_that_flip(result: dict[str, Any]) -> None:
    assert (
        flips_sentence(comparison_info(result)) == "" and student_rows(comparison_info(result))[0]["Flips (%)"] is None
    )
    flips = {"flips": 0.05, "flips_interval": [0.02, 0.11]}
    many = {**with_students(result, {"flips": 0.2, "flips_interval": [0.13, 0.29]}), "changed_examples": 98}
    info = comparison_info({**many, "teacher": {**result["teacher"], **flips}})
    assert flips_sentence(info).endswith(
        "another answer: Teacher on 5.0% (95% interval 2.0% to 11.0%), Student on 20.0% (95% interval 13.0% to 29.0%) "
        "of 98 examples."
    )
    (row,) = student_rows(info)
    assert (row["Flips (%)"], row["Teacher's flips (%)"]) == (20.0, 5.0)


def test_without_kinds_or_computation(result: dict[str, Any]) -> None:
    def bare(side: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in side.items() if key not in ("groups", "forward_gflops")}

    students = [bare(result["student"])]
    info = comparison_info({**result, "teacher": bare(result["teacher"]), "students": students})
    assert info.kinds == ()
    assert "does not name the kinds" in groups_figure(info).layout.annotations[0].text
    assert len(cost_figure(info).data[0].x) == 4


def test_a_real_difference_is_called_one_with_its_interval(result: dict[str, Any]) -> None:
    test = {"only_first": 40, "only_second": 5, "p": 0.00001, "p_adjusted": 0.00001}
    ends = {key: [0.08, 0.155] for key in SCORES}
    worse = {"mcnemar": test, "difference_intervals": ends, "accuracy": result["teacher"]["accuracy"] - 0.12}
    info = comparison_info(with_students(result, worse))
    assert info.students[0].significant
    assert noise_sentence(info).startswith(
        "The teacher is better by more than noise, by 12.0 points, 95% interval 8.0 to 15.5: 40 examples"
    )
    assert "p < 0.001" in noise_sentence(info)
    test = {"only_first": 5, "only_second": 40, "p": 0.00001, "p_adjusted": 0.00001}
    better = {**worse, "mcnemar": test, "difference_intervals": {key: [-0.155, -0.08] for key in SCORES}}
    assert "The student is better by more than noise" in noise_sentence(comparison_info(with_students(result, better)))
    assert "interval 8.0 to 15.5" in noise_sentence(comparison_info(with_students(result, better)))


def test_noise_is_not_called_equality(result: dict[str, Any]) -> None:
    test = {"only_first": 12, "only_second": 8, "p": 0.5, "p_adjusted": 0.5}
    near = {"mcnemar": test, "difference_intervals": {key: [-0.016, 0.043] for key in SCORES}}
    said = noise_sentence(comparison_info(with_students(result, near)))
    assert said.startswith("The difference in accuracy is within noise: 12 examples")
    assert "does not show the two to be equal" in said and "a loss of 4.3 points would fit these 300 examples" in said
    few = comparison_info({**with_students(result, near), "examples": 18})
    assert "18 examples are few" in caution(few) and "less than 6 points" in caution(few)


def test_of_several_the_corrected_p_value_counts(result: dict[str, Any]) -> None:
    test = {"only_first": 12, "only_second": 2, "p": 0.013}
    info = comparison_info(
        with_students(
            result,
            {"name": "a", "mcnemar": {**test, "p_adjusted": 0.052}},
            {"name": "b", "mcnemar": {**test, "p_adjusted": 0.039}},
        )
    )
    assert [pair.significant for pair in info.students] == [False, True]
    assert [row["Verdict"] for row in student_rows(info)] == ["within noise", "worse than teacher"]
    assert noise_sentence(info, 0).startswith("a: the difference in accuracy is within noise: 12 examples")
    assert noise_sentence(info, 1).startswith("b: the teacher is better by more than noise")
    assert "p = 0.052 after Holm" in noise_sentence(info, 0)


def test_the_headline_names_the_teacher_and_its_size(result: dict[str, Any]) -> None:
    def told(model: str, size_mb: float) -> str:
        teacher = {**result["teacher"], "model": model, "size_mb": size_mb}
        return headline(comparison_info({**result, "teacher": teacher}))

    bundled = str(bundled_teacher("classroom-vulnerability"))
    assert told(bundled, 12.3).endswith(" than the bundled teacher (12 MB).")
    assert told("classroom-vulnerability", 12.3).endswith(" than the bundled teacher (12 MB).")
    assert told("/runs/20260101-000000-train-teacher-abcd/model", 1.94).endswith("the teacher trained here (1.9 MB).")
    assert told("/models/codebert-base", 498.6).endswith(" than the teacher codebert-base (499 MB).")


def test_accuracy_is_never_shown_alone_where_more_is_known(result: dict[str, Any]) -> None:
    assert by_hand_sentence(comparison_info(result)) == ""
    known = with_students(result, {"written_by_hand": 0.66})
    known["teacher"] = {**result["teacher"], "written_by_hand": 0.729}
    said = by_hand_sentence(comparison_info(known))
    assert said == "Right on functions written by hand: Teacher 72.9%, Student 66.0%."
    assert "pairs of functions" in by_hand_sentence(comparison_info({**known, "task": "clone"}))


def test_the_sentence_beside_codebert_gives_its_date(result: dict[str, Any]) -> None:
    assert codebert_sentence(comparison_info(result)) == ""
    beside = {"size_mb": 498.6, "milliseconds": 300.0, "speedup": 60.0, "examples": 10}
    info = comparison_info({**result, "codebert": {**beside, "date": "2026-11-29"}})
    sentence = codebert_sentence(info)
    assert "(499 MB, measured on the same machine on 2026-11-29, random weights, latency only)" in sentence
    assert "60.0× faster" in codebert_sentence(info)
    assert "on the same machine and tokens" in codebert_sentence(comparison_info({**result, "codebert": beside}))


def test_four_students_are_told_apart(result: dict[str, Any]) -> None:
    students = [
        {"name": name, "accuracy": accuracy} for name, accuracy in zip("abcd", (0.5, 0.6, 0.7, 0.8), strict=True)
    ]
    info = comparison_info(with_students({**result, "teacher": {**result["teacher"], "accuracy": 0.8}}, *students))
    assert headline(info).startswith(
        "The 4 students keep 62.5% to 100.0% of the teacher's accuracy and are 1.0 to 1.0× smaller"
    )
    drawn(info)
    for key in ("color", "dash", "symbol", "pattern"):
        assert len({getattr(side.look, key) for side in info.sides}) == 5
    assert [trace.name for trace in scores_figure(info).data if trace.name] == ["Teacher", *"abcd"]
    assert [trace.line.dash for trace in roc_figure(info).data[1:]] == [
        look.dash for look in (theme.OF_TEACHER, *theme.OF_STUDENTS)
    ]
    assert len(student_rows(info)) == len(fidelity_rows(info)) == 4
    assert [list(trace.x)[-1] for trace in cost_figure(info).data] == [1.0] * 4


def test_intervals_and_bins_are_drawn_as_they_are(result: dict[str, Any]) -> None:
    info = comparison_info(result)
    bar = scores_figure(info).data[0]
    low, high = result["teacher"]["intervals"]["accuracy"]
    assert bar.x[0] + bar.error_x.array[0] == pytest.approx(high)
    assert bar.x[0] - bar.error_x.arrayminus[0] == pytest.approx(low)
    bins = result["teacher"]["calibration"]["bins"]
    reliability = reliability_figure(info).data[1]
    assert list(reliability.y) == [one["accuracy"] for one in bins]
    assert reliability.name == f"Teacher: ECE {result['teacher']['calibration']['ece']:.1%}"
    assert list(lengths_figure(info).data[0].y) == [one["accuracy"] for one in result["teacher"]["lengths"]]
    assert f"AUC {result['teacher']['curves']['auc']:.3f}" in roc_figure(info).data[1].name


def test_of_one_class_there_is_no_curve(result: dict[str, Any]) -> None:
    sides = {**result["teacher"], "curves": None}
    info = comparison_info({**with_students(result, {"curves": None}), "teacher": sides})
    for draw in (roc_figure, precision_recall_figure):
        assert "of one class" in draw(info).layout.annotations[0].text


@pytest.mark.parametrize("damage", [{"machine": None}, {"students": [{}]}, {"teacher": {"latency": 3}}, {"labels": 7}])
def test_a_damaged_result_is_one_sentence(result: dict[str, Any], damage: dict[str, Any]) -> None:
    with pytest.raises(RunError, match="compare the models again"):
        comparison_info({**result, **damage})


def test_groups_go_from_the_widest_loss_to_the_widest_gain(result: dict[str, Any]) -> None:
    def groups(**accuracy: float) -> list[dict[str, Any]]:
        return [
            {"group": name, "examples": 10, "accuracy": value, "interval": [0.0, 1.0]}
            for name, value in accuracy.items()
        ]

    teacher = {**result["teacher"], "groups": groups(a=0.9, b=0.9, c=0.5)}
    student = {"groups": groups(a=0.9, b=0.4, c=0.8)}
    info = comparison_info({**with_students(result, student), "teacher": teacher})
    assert info.kinds == ("b", "a", "c")
