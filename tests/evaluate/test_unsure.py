"""Alarms that clean code raises too."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from compressor_core.data.dataset import Split
from compressor_core.data.installed import installed_functions
from compressor_core.evaluate.unsure import alarm_threshold
from compressor_core.models.classifier import Classifier, load


@pytest.fixture(scope="module")
def model(tiny_teacher: Path) -> Classifier:
    classifier = load(tiny_teacher)
    return Classifier(
        classifier.model, classifier.tokenizer, classifier.card.replace(dataset="classroom-vulnerability")
    )


def test_few_clean_functions_exceed_it(model: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = installed_functions(40, Split.VALIDATION)
    spread = torch.linspace(-3, 9, len(clean))
    monkeypatch.setattr(Classifier, "logits", lambda self, codes: torch.stack([-spread, spread], -1)[: len(codes)])
    found = alarm_threshold(model, functions=40, share=0.1)
    assert found is not None and found.inputs == 40
    # Rank ceil(41 * 0.9) = 37 of 40.
    assert found.probability == pytest.approx(float(torch.sigmoid(2 * spread[36])))
    everything = alarm_threshold(model, functions=40, share=0.9)
    assert everything is not None and everything.probability == 0.5


def test_it_is_that_of_the_model_itself(model: Classifier) -> None:
    codes = [example.codes for example in installed_functions(30, Split.VALIDATION)]
    shares = model.logits(codes).softmax(-1)[:, 1]
    found = alarm_threshold(model, functions=30)
    assert found is not None and found.probability == pytest.approx(max(0.5, shares.max().item()))


def test_of_another_language_nothing_is_known(tiny_teacher: Path) -> None:
    assert alarm_threshold(load(tiny_teacher)) is None
