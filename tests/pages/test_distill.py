"""The page Distill."""

from __future__ import annotations

from pathlib import Path

import pytest

from compressor_core.bundled import bundled_teacher
from compressor_core.runs import RunStore, State, cancel
from tests.pages.studio import (
    Open,
    Studio,
    button,
    field,
    metric,
    no_traceback,
    texts,
    until_over,
)


def test_the_cost_follows_the_architecture(studio: Studio, open_page: Open) -> None:
    at = open_page("distill")
    field(at.text_input, "Architecture of the student").set_value("1000,96,12,8,64").run()
    assert metric(at, "Parameters") == "756,098"
    field(at.text_input, "Architecture of the student").set_value("1000,96,12,7,64").run()
    no_traceback(at)
    assert "does not divide" in at.error[0].value
    assert button(at, "Start distilling").disabled


def test_a_student_of_pairs_with_the_papers_head(open_page: Open) -> None:
    at = open_page("distill")
    assert not [one for one in at.radio if one.label == "How the head compares two functions"]
    field(at.selectbox, "Teacher").set_value(str(bundled_teacher("classroom-clone"))).run()
    field(at.text_input, "Architecture of the student").set_value("1000,96,12,8,64").run()
    compared = metric(at, "Parameters")
    field(at.radio, "How the head compares two functions").set_value("concat").run()
    assert metric(at, "Parameters") == "774,626" != compared
    button(at, "Start distilling").click().run()
    no_traceback(at)
    (run,) = RunStore().list()
    assert run.config["pair_features"] == "concat" and run.config["dataset"] == "classroom-clone"
    cancel(run)
    until_over(run)


def test_from_start_to_the_result(studio: Studio, open_page: Open) -> None:
    at = open_page("distill")
    field(at.selectbox, "Teacher").set_value((studio.teacher.status().result or {})["model"]).run()
    field(at.text_input, "Architecture of the student").set_value("1000,16,1,1,32").run()
    field(at.radio, "Preset").set_value("smoke").run()
    field(at.radio, "Start with the teacher's").set_value("embeddings").run()
    field(at.number_input, "Weight of the teacher's states").set_value(2.0).run()
    field(at.number_input, "Epochs of masked code first").set_value(1).run()
    button(at, "Start distilling").click().run()
    no_traceback(at)
    run = studio.store.list()[0]
    assert run.config["preset"] == "smoke"
    recipe = {
        "inherit": "embeddings",
        "renaming": None,
        "consistency": 0.0,
        "hidden_weight": 2.0,
        "masked_epochs": 1,
        "average": 0,
        "patience": None,
    }
    assert recipe.items() <= run.config.items()
    assert run.config["data"] == studio.teacher.config["data"]
    assert until_over(run).state is State.FINISHED
    assert "the teacher's states (weight 2), 1 epoch of masked code first, the usual additions" in texts(at)
    at.run()
    no_traceback(at)
    assert "of the teacher's accuracy on the test split" in texts(at)
    button(at, "Compare with the teacher").click().run()
    no_traceback(at)
    comparison = studio.store.list()[0]
    assert comparison.config["student"] == str(run.folder / "model")
    assert at.title[0].value == "Side by side"
    cancel(comparison)
    until_over(comparison)


def test_a_truncated_teacher_is_one_sentence(studio: Studio, open_page: Open) -> None:
    at = open_page("distill")
    folder = Path((studio.teacher.status().result or {})["model"])
    whole = (folder / "model.safetensors").read_bytes()
    try:
        (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
        field(at.selectbox, "Teacher").set_value(str(folder)).run()
        button(at, "Start distilling").click().run()
        run = studio.store.list()[0]
        assert until_over(run).state is State.FAILED
        at.run()
    finally:
        (folder / "model.safetensors").write_bytes(whole)  # the folder is shared with other tests
    no_traceback(at)
    assert "damaged or incomplete" in at.error[0].value


def test_without_a_teacher_it_says_where_to_get_one(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("compressor_core.bundled.ASSETS", tmp_path)
    at = open_page("distill")
    no_traceback(at)
    assert "no teacher" in texts(at)
    assert button(at, "Start distilling").disabled
