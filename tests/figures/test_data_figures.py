"""Figures of a dataset, from a survey."""

from __future__ import annotations

from compressor_core.figures.study.data import balance_figure, lengths_figure
from compressor_core.records import SplitSize, Survey

SPLITS = (
    SplitSize(split="train", examples=100, positive=25, unlabelled=0),
    SplitSize(split="unlabelled", examples=40, positive=0, unlabelled=40),
    SplitSize(split="test", examples=10, positive=5, unlabelled=0),
)
SURVEY = Survey(
    labels=("safe", "vulnerable"), fresh=False, splits=SPLITS, functions=12, edges=(1, 2, 3, 4, 6),
    functions_by_length=(3, 0, 2, 7), median=4, longest_tokens=5, longest_characters=9, longest_origin="line 1",
    duplicates=0, conflicts=0, shared=(), notes=(),
)  # fmt: skip


def test_the_classes_of_a_split_add_up_to_it() -> None:
    assert [split.counts for split in SPLITS] == [(75, 25), (0, 0), (5, 5)]
    assert all(sum(split.counts) + split.unlabelled == split.examples for split in SPLITS)


def test_balance() -> None:
    figure = balance_figure(SURVEY)
    assert [bar.name for bar in figure.data] == ["safe", "vulnerable", "no label"]
    assert list(figure.data[0].y) == ["Train", "Unlabelled", "Test"]
    assert list(figure.data[1].x) == [25, 0, 5] and list(figure.data[1].text) == ["25%", "", ""]
    assert len(balance_figure(SURVEY.model_copy(update={"splits": SPLITS[:1]})).data) == 2


def test_bars_say_which_lengths_they_stand_for() -> None:
    (bars,) = lengths_figure(SURVEY).data
    assert list(bars.x) == ["1", "2", "3", "4–5"] and list(bars.y) == [3, 0, 2, 7]


def test_nothing_to_draw_is_said() -> None:
    empty = SURVEY.model_copy(update={"splits": (), "edges": (1,), "functions_by_length": ()})
    assert balance_figure(empty).layout.annotations[0].text == "There are no examples"
    assert lengths_figure(empty).layout.annotations[0].text == "There are no functions"
