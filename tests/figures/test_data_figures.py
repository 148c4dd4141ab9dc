"""Figures of a dataset, from records as a survey gives them."""

from __future__ import annotations

from typing import Any

from compressor_core.figures.study.data import balance_figure, data_info, lengths_figure


def record(**other: Any) -> dict[str, Any]:
    splits = [
        {"split": "train", "examples": 100, "positive": 25, "unlabelled": 0},
        {"split": "unlabelled", "examples": 40, "positive": 0, "unlabelled": 40},
        {"split": "test", "examples": 10, "positive": 5, "unlabelled": 0},
    ]
    lengths = {"edges": [1, 2, 3, 4, 6], "counts": [3, 0, 2, 7], "median": 4}
    return {"labels": ["safe", "vulnerable"], "splits": splits, "lengths": lengths, **other}


def test_the_classes_of_a_split_add_up_to_it() -> None:
    info = data_info(record())
    assert [(split.name, split.counts, split.examples) for split in info.splits] == [
        ("Train", (75, 25), 100),
        ("Unlabelled", (0, 0), 40),
        ("Test", (5, 5), 10),
    ]


def test_balance() -> None:
    figure = balance_figure(data_info(record()))
    assert [bar.name for bar in figure.data] == ["safe", "vulnerable", "no label"]
    assert list(figure.data[1].x) == [25, 0, 5] and list(figure.data[1].text) == ["25%", "", ""]
    labelled = record(splits=record()["splits"][:1])
    assert len(balance_figure(data_info(labelled)).data) == 2


def test_bars_say_which_lengths_they_stand_for() -> None:
    (bars,) = lengths_figure(data_info(record())).data
    assert list(bars.x) == ["1", "2", "3", "4–5"] and list(bars.y) == [3, 0, 2, 7]


def test_nothing_to_draw_is_said() -> None:
    info = data_info(record(splits=[], lengths={"edges": [1], "counts": [], "median": 0}))
    assert balance_figure(info).layout.annotations[0].text == "There are no examples"
    assert lengths_figure(info).layout.annotations[0].text == "There are no functions"
