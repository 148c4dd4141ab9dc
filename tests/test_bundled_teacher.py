"""The bundled teacher is what the README says it is."""

from __future__ import annotations

from benchmarks.classroom import bag_of_tokens
from compressor_core.data.classroom import ClassroomVulnerability
from compressor_core.evaluate.comparison import evaluate
from compressor_core.models.bundled import bundled_teacher
from compressor_core.models.card import read_card, size_on_disk

NAME = "classroom-vulnerability"


def test_it_is_small_good_and_beyond_a_bag_of_tokens() -> None:
    folder = bundled_teacher(NAME)
    assert size_on_disk(folder) <= 20e6
    scores = evaluate(folder, NAME, None, None)
    assert scores["accuracy"] >= 0.94
    assert scores["accuracy"] >= bag_of_tokens(1, ClassroomVulnerability()) + 0.06


def test_its_card_says_how_it_was_made() -> None:
    card = read_card(bundled_teacher(NAME))
    assert card is not None
    assert card.dataset == NAME and card.dataset_fingerprint and card.architecture
    assert card.training["epochs"] and card.versions["torch"]
