"""The whole way with a real pre-trained encoder: fine-tuned for a few steps, used as teacher, distilled, compared."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification

from compressor_core.distill.distillation import distill
from compressor_core.distill.fine_tuning import train_teacher
from compressor_core.distill.settings import DistillSettings, TeacherSettings
from compressor_core.evaluate.comparison import compare, evaluate
from compressor_core.evaluate.settings import CompareSettings, EvaluateSettings
from compressor_core.models.card import read_card
from compressor_core.progress import finish
from compressor_core.task import PairFeatures, Task
from tests.tiny import TINY, run_through

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
FEW = 40
"""Examples: enough for a handful of steps."""


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def balanced(rows: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first few of each class, one after the other."""
    classes: tuple[list[Any], list[Any]] = ([], [])
    for row in rows:
        classes[row["label"]].append(row)
        if min(map(len, classes)) >= FEW // 2:
            break
    return [row for pair in zip(*classes, strict=False) for row in pair][:FEW]


def devign() -> list[dict[str, Any]]:
    with (SHARED / "devign" / "sample.jsonl").open(encoding="utf-8") as file:
        rows = map(json.loads, file)
        return balanced({"func": r["func"], "label": r["target"], "language": "c"} for r in rows)


def bigclonebench() -> list[dict[str, Any]]:
    with (SHARED / "bigclonebench" / "data.jsonl").open(encoding="utf-8") as file:
        functions = {row["idx"]: row["func"] for row in map(json.loads, file)}
    with (SHARED / "bigclonebench" / "pairs.txt").open(encoding="utf-8") as file:
        pairs = [line.split() for line in file]
    return balanced({"func1": functions[a], "func2": functions[b], "label": int(label)} for a, b, label in pairs)


def classroom(labelled: Path) -> list[dict[str, Any]]:
    return balanced(map(json.loads, labelled.read_text("utf-8").splitlines()))


def classroom_pairs(labelled: Path) -> list[dict[str, Any]]:
    codes = [row["func"] for row in classroom(labelled)]
    same = [{"func1": code, "func2": code.replace("self", "this"), "label": 1} for code in codes]
    other = [{"func1": a, "func2": b, "label": 0} for a, b in itertools.pairwise(codes)]
    return balanced(iter([row for pair in zip(same, other, strict=False) for row in pair]))


@pytest.mark.parametrize(
    ("task", "rows", "shared"),
    [
        (Task.VULNERABILITY, lambda _: devign(), "devign/sample.jsonl"),
        (Task.CLONE, lambda _: bigclonebench(), "bigclonebench/pairs.txt"),
        (Task.VULNERABILITY, classroom, None),
        (Task.CLONE, classroom_pairs, None),
    ],
    ids=["devign", "bigclonebench", "classroom", "classroom-pairs"],
)
def test_a_real_encoder_becomes_a_teacher_and_teaches(
    minilm: Path,
    labelled_file: Path,
    tmp_path: Path,
    task: Task,
    rows: Callable[[Path], list[dict[str, Any]]],
    shared: str | None,
) -> None:
    if shared is not None and not (SHARED / shared).is_file():
        pytest.skip(f"../shared/data/{shared} is not beside this checkout")
    data = str(write(tmp_path / "data.jsonl", rows(labelled_file)))
    teacher, student = tmp_path / "teacher", tmp_path / "student"
    features = PairFeatures.CONCAT if shared else PairFeatures.COMPARE
    asked = TeacherSettings(
        base=str(minilm),
        dataset="file",
        data=data,
        epochs=1,
        batch_size=8,
        max_length=48,
        threads=1,
        pair_features=features,
    )
    records = run_through(train_teacher(asked, teacher))
    steps = [record for record in records if record.type == "step"]
    assert len(steps) >= 3 and records[-1].parameters > 20e6
    card = read_card(teacher)
    assert card is not None and card.task is task and card.max_length == 48
    assert card.pair_features is (features if task is Task.CLONE else None)
    assert card.training["base"] == str(minilm)
    assert (card.training["device"], card.training["precision"]) in {("cpu", "float32"), ("cuda", "bfloat16")}
    # Trained a little, starting from where the pre-training left it.
    name = "encoder.layer.3.output.dense.weight"
    root = "encoder" if task is Task.CLONE else "bert"
    trained = load_file(teacher / "model.safetensors")[f"{root}.{name}"]
    moved = (trained - load_file(minilm / "model.safetensors")[name]).abs().max()
    assert 0 < moved < 1e-3 < trained.abs().max()

    wanted = DistillSettings(
        teacher=str(teacher),
        architecture=TINY,
        dataset="file",
        data=data,
        epochs=1,
        batch_size=8,
        threads=1,
        pair_features=features,
    )
    result = run_through(distill(wanted, student))[-1]
    assert 0 <= result.agreement <= 1 and result.size_mb < 0.2
    student_card = read_card(student)
    assert student_card is not None and student_card.max_length == 72
    assert student_card.pair_features is card.pair_features
    if task is Task.VULNERABILITY:
        AutoModelForSequenceClassification.from_pretrained(student)

    alone = evaluate(EvaluateSettings(model=student, dataset="file", data=data, split="test"))
    asked_to_compare = CompareSettings(
        teacher=str(teacher),
        student=str(student),
        dataset="file",
        data=data,
        split="test",
        latency_examples=3,
        latency_rounds=2,
    )
    both = finish(compare(asked_to_compare))
    assert both is not None
    assert both.student.accuracy == alone.accuracy == result.accuracy
    assert both.teacher.accuracy == records[-1].accuracy
    assert both.speedup is not None and both.speedup > 2
