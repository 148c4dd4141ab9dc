"""The bundled models are what docs/results.md says they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.classroom import bag_of_tokens, token_overlap
from compressor_core.data.classroom import ClassroomVulnerability
from compressor_core.data.clones import ClassroomClone
from compressor_core.evaluate.comparison import evaluate
from compressor_core.evaluate.settings import EvaluateSettings
from compressor_core.models.bundled import bundled_student, bundled_teacher
from compressor_core.models.card import read_card, size_on_disk


def accuracy_of(model: Path, dataset: str) -> float:
    return evaluate(EvaluateSettings(model=model, dataset=dataset)).accuracy


NAMES = ("classroom-vulnerability", "classroom-clone")


def test_the_one_for_vulnerabilities_is_good_and_beyond_a_bag_of_tokens() -> None:
    accuracy = accuracy_of(bundled_teacher("classroom-vulnerability"), "classroom-vulnerability")
    assert accuracy >= 0.94
    assert accuracy >= bag_of_tokens(1, ClassroomVulnerability()) + 0.06


def test_the_one_for_clones_is_good_and_beyond_token_overlap() -> None:
    accuracy = accuracy_of(bundled_teacher("classroom-clone"), "classroom-clone")
    assert accuracy >= 0.95
    assert token_overlap(ClassroomClone()) <= 0.85


@pytest.mark.parametrize("name", NAMES)
def test_its_card_says_how_it_was_made(name: str) -> None:
    folder = bundled_teacher(name)
    card = read_card(folder)
    assert size_on_disk(folder) <= 20e6
    assert card is not None
    assert card.dataset == name and card.dataset_fingerprint and card.architecture
    assert card.training["epochs"] and card.versions["torch"]


def test_the_student_keeps_its_teachers_accuracy_to_a_point() -> None:
    folder = bundled_student("classroom-vulnerability")
    assert folder is not None and size_on_disk(folder) <= 3e6
    scores = {
        name: accuracy_of(model, "classroom-vulnerability")
        for name, model in (("student", folder), ("teacher", bundled_teacher("classroom-vulnerability")))
    }
    assert scores["student"] >= scores["teacher"] - 0.015
