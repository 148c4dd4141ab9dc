"""A setting is said once: one new field reaches the command line, the card and the report."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

# What is first imported while the class is replaced would keep the other one, for all tests that follow.
import compressor_core.report.sections  # noqa: F401
import compressor_core.runs.work  # noqa: F401
from compressor_core.cli.fields import add_fields, from_options
from compressor_core.distill.distillation import distill
from compressor_core.distill.settings import DistillSettings, Recipe, StudySettings
from compressor_core.errors import SettingsError
from compressor_core.models.card import read_card
from compressor_core.progress import finish
from compressor_core.report import report
from compressor_core.runs import RunStore
from compressor_core.runs.worker import run_worker
from tests.tiny import TINY


class Sharper(DistillSettings):
    sharpness: float = Field(0.25, description="How sharp the pencil is")


@pytest.fixture
def options(tiny_teacher: Path, labelled_file: Path) -> list[str]:
    data = ["--dataset", "file", "--data", str(labelled_file), "--preset", "smoke", "--threads", "1"]
    return ["--teacher", str(tiny_teacher), "--architecture", TINY, *data]


def test_one_line_adds_a_setting_to_parser_card_and_report(
    options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verb = argparse.ArgumentParser()
    add_fields(verb, Sharper)
    assert "How sharp the pencil is (default: 0.25)" in " ".join(verb.format_help().split())
    settings = from_options(Sharper, verb.parse_args([*options, "--sharpness", "0.75"]))
    assert settings.recipe()["sharpness"] == 0.75
    finish(distill(settings, tmp_path / "student"))
    card = read_card(tmp_path / "student")
    assert card is not None and card.training["sharpness"] == 0.75

    monkeypatch.setattr("compressor_core.distill.settings.DistillSettings", Sharper)
    store = RunStore(tmp_path / "runs")
    run = store.create("distill", settings.model_dump(mode="json"))
    assert run_worker(run.folder) == 0
    assert "sharpness" in report(store, run.id).lower() and "0.75" in report(store, run.id)


def test_the_recipe_of_a_study_is_that_of_its_students() -> None:
    own: dict[str, Any] = {"renaming": 0.5, "masked_epochs": 2, "temperature": 4.0, "learning_rate": 1e-3}
    study = StudySettings(teacher="teacher", **own)
    student = study.student(DistillSettings(teacher="t", architecture=TINY).architecture, 3.0, 7)  # type: ignore[arg-type]
    assert all(getattr(student, name) == getattr(study, name) for name in Recipe.model_fields)
    assert (student.budget_mb, student.seed, student.space) == (3.0, 7, "classroom")


def test_the_card_says_where_the_architecture_comes_from(options: list[str], tmp_path: Path) -> None:
    verb = argparse.ArgumentParser()
    add_fields(verb, DistillSettings)
    picked = {"budget_mb": 0.2, "search_run": "20260101-000000-search-0000", "space": "classroom"}
    settings = from_options(DistillSettings, verb.parse_args(options), **picked)
    finish(distill(settings, tmp_path / "student"))
    card = json.loads((tmp_path / "student" / "compressor.json").read_text())
    assert card["budget_mb"] == 0.2 and picked.items() <= {**card["training"], "budget_mb": 0.2}.items()
    with pytest.raises(SettingsError, match="needs an architecture"):
        DistillSettings(teacher="teacher")
