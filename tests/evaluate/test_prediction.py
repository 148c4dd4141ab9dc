"""One prediction each of several models: every one by itself, timed in turns."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import torch

from compressor_core.architecture import Architecture
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import DataError, ModelError
from compressor_core.evaluate import prediction
from compressor_core.evaluate.prediction import CALLS, predict_in_turns, predict_once
from compressor_core.models.card import ModelCard
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.student import build
from compressor_core.task import Task

CODE = ("def f(x):\n    return eval(x)\n",)


def small(task: Task = Task.VULNERABILITY, *, bias: float = 0.0) -> Classifier:
    """A model that has learned nothing, and with a bias one that always says the same."""
    torch.manual_seed(0)
    model: Any = build(Architecture(300, 16, 1, 2, 16), task).eval()
    head = model.out if task is Task.CLONE else model.classifier.out_proj
    with torch.no_grad():
        head.bias += torch.tensor([-bias, bias])
    return Classifier(model, train_tokenizer(CODE, 300), ModelCard(task=task, labels=("no", "yes"), max_length=64))


@pytest.mark.parametrize(("teacher", "student"), [(9.0, -9.0), (-9.0, 9.0)])
def test_the_students_answer_is_its_own(teacher: float, student: float) -> None:
    models = {"teacher": small(bias=teacher), "student": small(bias=student)}
    found = predict_in_turns(models, CODE)
    assert (found["teacher"].label, found["student"].label) == (("yes", "no") if teacher > 0 else ("no", "yes"))
    for name, model in models.items():
        alone = torch.softmax(model.logits([CODE])[0].double(), -1).tolist()
        assert list(found[name].probabilities.values()) == pytest.approx(alone, abs=1e-6)


def test_models_take_turns_and_the_median_without_the_first_call_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    clock = [0.0]
    models = {"slow": small(bias=1.0), "fast": small(bias=-1.0)}
    took = {"slow": iter([9.0, 0.1, 0.2, 0.6, 0.3, 0.4]), "fast": iter([9.0, 0.01, 0.03, 0.02, 0.05, 0.04])}
    answer = prediction._logits

    def timed(model: Classifier, codes: tuple[str, ...]) -> torch.Tensor:
        name = next(name for name, one in models.items() if one is model)
        asked.append(name)
        clock[0] += next(took[name])
        return answer(model, codes)

    monkeypatch.setattr(prediction, "_logits", timed)
    monkeypatch.setattr(prediction, "_PATIENCE", 1e9)
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    threads = torch.get_num_threads()
    found = predict_in_turns(models, CODE)
    # After one call each, in alternating order.
    assert asked == ["slow", "fast", *["slow", "fast", "fast", "slow"] * 2, "slow", "fast"] and CALLS == 5
    assert found["slow"].milliseconds == pytest.approx(300)
    assert found["fast"].milliseconds == pytest.approx(30)
    assert torch.get_num_threads() == threads

    asked.clear()
    took = {"slow": iter([9.0, 9.0]), "fast": iter([1.0, 1.0])}
    monkeypatch.setattr(prediction, "_PATIENCE", 4.0)
    assert predict_in_turns(models, CODE)["slow"].milliseconds == pytest.approx(9_000)
    assert asked == ["slow", "fast"] * 2


def test_what_does_not_fit_is_one_sentence(tiny_teacher: Path) -> None:
    teacher = load(tiny_teacher)
    with pytest.raises(ModelError, match="the teacher is for vulnerability and the student is for clone"):
        predict_in_turns({"teacher": teacher, "student": small(Task.CLONE)}, CODE)
    with pytest.raises(DataError, match=r"takes 1 file\(s\), not 2"):
        predict_once(teacher, CODE * 2)
    assert set(predict_once(small(Task.CLONE), CODE * 2).plain()) == {
        "label",
        "probabilities",
        "milliseconds",
        "tokens",
        "read",
    }
