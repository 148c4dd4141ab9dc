"""Teacher and student side by side, really run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from compressor_core.errors import DataError, ModelError
from compressor_core.evaluate.comparison import CompareConfig, compare, evaluate
from compressor_core.evaluate.latency import latency
from compressor_core.evaluate.prediction import predict_once
from compressor_core.models.classifier import load


@pytest.fixture(scope="module")
def contrary(tiny_teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A student that says the opposite of the teacher, always."""
    folder = tmp_path_factory.mktemp("models") / "contrary"
    model = load(tiny_teacher)
    with torch.no_grad():
        model.model.classifier.out_proj.weight.neg_()  # type: ignore[union-attr, operator]
        model.model.classifier.out_proj.bias.neg_()  # type: ignore[union-attr, operator]
    model.save(folder)
    return folder


def result(teacher: Path, student: Path, data: Path, **changes: Any) -> dict[str, Any]:
    config = CompareConfig(
        str(teacher), str(student), "file", str(data), latency_examples=5, latency_rounds=2, **changes
    )
    return list(compare(config))[-1]


def test_each_row_is_the_models_own(tiny_teacher: Path, contrary: Path, labelled_file: Path) -> None:
    both = result(tiny_teacher, contrary, labelled_file)
    assert both["agreement"] == 0.0
    assert both["teacher"]["accuracy"] == pytest.approx(1 - both["student"]["accuracy"])
    assert both["examples"] == 300 == both["teacher"]["examples"]
    assert both["mcnemar"]["only_first"] == both["teacher"]["correct"]
    for side in ("teacher", "student"):
        times = both[side]["latency"]
        assert times["measurements"] == 10
        assert 0 < times["min"] <= times["median"] <= times["p95"] <= times["p99"]
        assert times["samples"] == sorted(times["samples"])
        assert both[side]["size_mb"] * 1e6 == (tiny_teacher / "model.safetensors").stat().st_size
    assert both["machine"]["threads"] == 1
    alone = evaluate(tiny_teacher, "file", str(labelled_file), None)
    assert alone["accuracy"] == both["teacher"]["accuracy"] and alone["groups"] == both["teacher"]["groups"]


def test_a_model_agrees_with_itself_and_is_as_fast(tiny_teacher: Path, labelled_file: Path) -> None:
    both = result(tiny_teacher, tiny_teacher, labelled_file, split="test")
    assert both["agreement"] == 1.0 and both["mcnemar_p"] == 1.0
    assert both["examples"] < 60


def test_the_models_take_turns(tiny_teacher: Path, contrary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import compressor_core.evaluate.latency as module
    import compressor_core.models.inference as inference

    models = {"teacher": load(tiny_teacher), "student": load(contrary)}
    order: list[str] = []
    names = {id(model.model): name for name, model in models.items()}
    forward = inference.forward

    def watched(model: Any, *rest: Any) -> Any:
        order.append(names[id(model)])
        return forward(model, *rest)

    monkeypatch.setattr(module, "forward", watched)
    list(latency(models, [("a()",), ("b()",)], rounds=2, warmup=1))
    warmup = ["teacher", "student"]
    first, second = ["teacher", "student", "student", "teacher"], ["student", "teacher", "teacher", "student"]
    assert order == [*warmup, *first, *second]


def test_one_prediction(tiny_teacher: Path) -> None:
    model = load(tiny_teacher)
    prediction = predict_once(model, ("def f(): pass",))
    assert sum(prediction.probabilities.values()) == pytest.approx(1.0)
    assert prediction.probabilities[prediction.label] >= 0.5 and prediction.milliseconds > 0
    with pytest.raises(DataError, match="takes 1 file"):
        predict_once(model, ("a", "b"))


def test_refusals(tiny_teacher: Path, labelled_file: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no split 'exam'"):
        evaluate(tiny_teacher, "file", str(labelled_file), "exam")
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("func1,func2,label\na(),b(),1\na(),c(),0\n")
    with pytest.raises(ModelError, match="matching pair"):
        evaluate(tiny_teacher, "file", str(pairs), None)
    broken = tmp_path / "broken"
    shutil.copytree(tiny_teacher, broken)
    (broken / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        result(tiny_teacher, broken, labelled_file)
