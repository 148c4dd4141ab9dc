"""What the figures of a training show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compressor_core.figures.study.training import (
    MOST_POINTS,
    TrainingInfo,
    accuracy_figure,
    loss_figure,
    recipe_text,
    seconds_left,
    training_info,
)
from compressor_core.records import Epoch, Notice, Step, WarmUpEpoch
from tests.tiny import run_through


def step(number: int, loss: float) -> Step:
    return Step(step=number, epoch=0, loss=loss, learning_rate=1e-3, time=number / 10)


def epoch(number: int, accuracy: float, time: float) -> Epoch:
    return Epoch(
        epoch=number, loss=0.5, validation_accuracy=accuracy, best=True, examples_per_second=50.0, time=time
    )  # fmt: skip


def draw_all(info: TrainingInfo) -> None:
    for figure in (loss_figure(info), accuracy_figure(info), accuracy_figure(info, teacher=0.9)):
        assert json.loads(figure.to_json())["layout"]["yaxis"]["title"]["text"]


def test_of_a_real_training(labelled_file: Path, tmp_path: Path) -> None:
    from compressor_core.distill.fine_tuning import train_teacher
    from compressor_core.distill.settings import TeacherSettings

    config = TeacherSettings(dataset="file", data=str(labelled_file), architecture="400,16,1,2,16", epochs=2, threads=1)
    records = run_through(train_teacher(config, tmp_path / "out"))
    info = training_info(records)
    assert [one.number for one in info.epochs] == [1, 2]
    assert info.last_step == info.epochs[-1].step == 2 * info.epochs[0].step
    assert info.best is not None
    assert info.best.validation_accuracy == records[-1].validation_accuracy
    draw_all(info)


def test_empty_and_one_step() -> None:
    draw_all(training_info([]))
    info = training_info([step(1, 0.7)])
    assert (info.steps, info.losses) == ((1,), (0.7,))
    assert info.smoothed == pytest.approx((0.7,))
    draw_all(info)


def test_steps_that_a_resumed_run_repeats_count_once() -> None:
    info = training_info([step(1, 0.9), step(2, 0.8), step(2, 0.4), step(3, 0.3)])
    assert info.steps == (1, 2, 3)
    assert info.losses == (0.9, 0.4, 0.3)


def test_many_steps_are_averaged_in_groups() -> None:
    info = training_info(step(number, float(number % 2)) for number in range(1, 5 * MOST_POINTS + 1))
    assert len(info.steps) == len(info.losses) <= MOST_POINTS
    assert info.last_step == 5 * MOST_POINTS
    assert sum(info.losses) / len(info.losses) == pytest.approx(0.5)


def test_the_best_is_the_first_of_equals() -> None:
    info = training_info([step(1, 0.5), epoch(0, 0.6, 1), epoch(1, 0.8, 2), epoch(2, 0.8, 3)])
    assert info.best is not None and info.best.number == 2


def test_time_left_goes_by_whole_epochs_or_is_not_told() -> None:
    steps = [step(number, 0.5) for number in range(1, 11)]
    assert seconds_left(training_info(steps), 0.25, 10.0) is None, "no epoch has ended"
    info = training_info([*steps, epoch(0, 0.6, 100.0)])
    assert seconds_left(info, 0.25, 100.0) == pytest.approx(300.0)
    assert seconds_left(info, 0.25, 140.0) == pytest.approx(260.0)
    assert seconds_left(info, None, 140.0) is None
    assert seconds_left(info, 1.0, 140.0) is None


def test_a_warm_up_and_what_had_to_be_changed() -> None:
    warm_up = [WarmUpEpoch(epoch=number, loss=loss) for number, loss in ((0, 6.0), (1, 5.0))]
    notice = Notice(message="A batch of 16 did not fit in memory.")
    info = training_info([*warm_up, warm_up[1], step(1, 0.7), notice, notice])
    assert info.warm_up == (6.0, 5.0) and info.epochs == ()
    assert info.notices == ("A batch of 16 did not fit in memory.",)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({}, "soft labels, the usual additions for its data"),
        ({"renaming": None, "hidden_weight": 4.0}, "soft labels, the teacher's states (weight 4), the usual additions "
         "for its data"),
        ({"renaming": 0.25, "hidden_weight": None}, "soft labels, renamed copies of 25%, the usual additions for its "
         "data"),
        ({"renaming": 0.5, "hidden_weight": 0, "masked_epochs": 1, "average": 3}, "soft labels, renamed copies of 50%, "
         "1 epoch of masked code first, the mean of the 3 best epochs"),
        ({"renaming": 0.0, "hidden_weight": 0.0, "masked_epochs": 0, "average": 1}, "soft labels"),
        ({"renaming": 0.0, "hidden_weight": 0.0, "consistency": 0.5}, "soft labels, changed copies of 50%"),
    ],
)  # fmt: skip
def test_the_recipe_in_words(config: dict[str, Any], text: str) -> None:
    assert recipe_text(config) == text
