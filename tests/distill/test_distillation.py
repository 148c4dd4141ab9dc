"""Teacher to student, whole and real, on a small file."""

from __future__ import annotations

import json
import math
import os
import shutil
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from compressor_core.architecture import Architecture
from compressor_core.cost import cost
from compressor_core.data.dataset import Split
from compressor_core.data.files import read_file
from compressor_core.distill import learner, training
from compressor_core.distill.distillation import distill
from compressor_core.distill.fine_tuning import train_teacher
from compressor_core.distill.learner import spot_check
from compressor_core.distill.settings import DistillSettings, Inheritance, TeacherSettings
from compressor_core.errors import CompressorError, DataError, ModelError, SettingsError, StorageError, TrainingError
from compressor_core.models.card import read_card
from compressor_core.models.classifier import load
from compressor_core.progress import finish
from compressor_core.records import Notice, Record
from tests.tiny import TINY, run_through


def config(teacher: Path, data: Path, **changes: Any) -> DistillSettings:
    values = {"architecture": TINY, "dataset": "file", "data": str(data), "epochs": 2, "threads": 1, **changes}
    return DistillSettings(teacher=str(teacher), **values)


def result_of(settings: DistillSettings, out: Path, **options: Any) -> Any:
    return run_through(distill(settings, out, **options))[-1]


def test_the_student_is_a_hugging_face_folder(tiny_teacher: Path, labelled_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "student"
    result = result_of(config(tiny_teacher, labelled_file, budget_mb=0.1), out)
    assert {p.name for p in out.iterdir()} == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "compressor.json",
        "README.md",
    }
    priced = cost(Architecture.parse(TINY))
    assert (out / "model.safetensors").stat().st_size == priced.bytes
    assert result.size_mb == priced.size_mb and result.parameters == priced.parameters

    code = "def f(x):\n    return eval(x)\n"
    tokenizer = AutoTokenizer.from_pretrained(out)
    model = AutoModelForSequenceClassification.from_pretrained(out)
    with torch.inference_mode():
        plain = model(**tokenizer(code, return_tensors="pt")).logits
    assert torch.allclose(plain, load(out).logits([(code,)]), atol=1e-5)

    card = json.loads((out / "compressor.json").read_text())
    assert card["teacher"] == str(tiny_teacher) and card["budget_mb"] == 0.1 and card["seed"] == 0
    assert card["dataset_fingerprint"] == read_file(labelled_file).fingerprint
    assert card["metrics"]["accuracy"] == result.accuracy


@pytest.mark.parametrize("lacking", ["train", "validation", "test"])
def test_a_split_that_is_needed_at_the_end_is_asked_for_before_the_first_step(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, lacking: str
) -> None:
    data, splits = tmp_path / "data.jsonl", [one for one in ("train", "validation", "test") if one != lacking]
    rows = [json.loads(line) for line in labelled_file.read_text("utf-8").splitlines()[:60]]
    data.write_text("".join(json.dumps({**row, "split": splits[i % 2]}) + "\n" for i, row in enumerate(rows)), "utf-8")
    teacher = TeacherSettings(dataset="file", data=str(data), architecture=TINY, epochs=1, threads=1)
    for work in (distill(config(tiny_teacher, data), tmp_path / "out"), train_teacher(teacher, tmp_path / "out")):
        seen: list[Record] = []
        with pytest.raises(DataError, match=r"has no .* example .*leave out its column 'split'"):
            finish(work, seen.append)
        assert not (tmp_path / "out").exists() and {record.type for record in seen} <= {"progress"}


def test_two_rows_without_a_split_are_not_told_to_leave_one_out(tiny_teacher: Path, tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text("".join(json.dumps({"func": f"f({n})", "label": n}) + "\n" for n in range(2)), "utf-8")
    teacher = TeacherSettings(dataset="file", data=str(data), architecture=TINY, epochs=1, threads=1)
    for work in (distill(config(tiny_teacher, data), tmp_path / "out"), train_teacher(teacher, tmp_path / "out")):
        with pytest.raises(DataError, match=r"add rows, which are split 80/10/10 .* in a column 'split'$"):
            finish(work)


def test_a_teacher_learns_from_both_classes_and_a_student_from_any(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path
) -> None:
    data, splits = tmp_path / "data.jsonl", ("train", "validation", "test")
    rows = [json.loads(line) for line in labelled_file.read_text("utf-8").splitlines()]
    apart = {name: [row for row in rows if str(row["label"]) == name][:10] for name in ("0", "1")}
    parts = {"train": apart["1"], "validation": apart["0"][:3] + apart["1"][:3], "test": apart["0"][3:]}
    data.write_text(
        "".join(json.dumps({**row, "split": name}) + "\n" for name in splits for row in parts[name]), "utf-8"
    )
    teacher = TeacherSettings(dataset="file", data=str(data), architecture=TINY, epochs=1, threads=1)
    seen: list[Record] = []
    with pytest.raises(
        DataError, match=r"every row of the train split of file has the label 1, .*: add rows, or leave"
    ):
        finish(train_teacher(teacher, tmp_path / "out"), seen.append)
    assert not (tmp_path / "out").exists() and {record.type for record in seen} <= {"progress"}
    finish(distill(config(tiny_teacher, data), tmp_path / "out"), seen.append)
    notices = [record.message for record in seen if isinstance(record, Notice)]
    said = "Every row of the test split of file has the label 0: the accuracy on it says nothing of the other class"
    assert [notice for notice in notices if "Every row" in notice] == [said]


def test_a_failure_after_the_training_keeps_the_model(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("the memory is full")

    monkeypatch.setattr(training, "quality", failing)
    with pytest.raises(TrainingError, match=r"memory is full; the trained model is in .*, not measured on"):
        result_of(config(tiny_teacher, labelled_file), tmp_path / "student")
    student = load(tmp_path / "student")
    assert "validation_accuracy" in student.card.metrics and "accuracy" not in student.card.metrics


def test_a_place_without_room_or_right_is_refused_before_the_first_step(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StorageError, match=r"may need .* MB, and its disk has 0 MB left"):
        result_of(config(tiny_teacher, labelled_file), tmp_path / "student")
    monkeypatch.undo()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StorageError, match=r"Cannot write .* choose a folder you have the right to write to"):
        result_of(config(tiny_teacher, labelled_file), tmp_path / "student")


def test_the_teachers_class_names_reach_a_student_of_data_that_has_none(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path
) -> None:
    named = load(tiny_teacher)
    named.card = named.card.replace(labels=("safe", "vulnerable"))
    named.save(tmp_path / "teacher")
    result_of(config(tmp_path / "teacher", labelled_file, epochs=1), tmp_path / "student")
    assert load(tmp_path / "student").card.labels == ("safe", "vulnerable")
    values = json.loads((tmp_path / "student" / "config.json").read_text("utf-8"))
    assert values["id2label"] == {"0": "safe", "1": "vulnerable"}


def test_the_same_seed_gives_the_same_student(tiny_teacher: Path, labelled_file: Path, tmp_path: Path) -> None:
    weights = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        result_of(config(tiny_teacher, labelled_file, seed=seed), tmp_path / name)
        weights.append((tmp_path / name / "model.safetensors").read_bytes())
    assert weights[0] == weights[1] != weights[2]


def test_no_gold_label_of_the_unlabelled_functions_reaches_the_student(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path
) -> None:
    """With every one of those labels turned round, the student comes out the same, bit for bit."""
    turned = tmp_path / "turned.jsonl"
    unlabelled = {e.codes[0] for e in read_file(labelled_file).examples(Split.UNLABELLED)}
    with turned.open("w") as file:
        for line in labelled_file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            if row["func"] in unlabelled:
                row["label"] = 1 - row["label"]
            file.write(json.dumps(row) + "\n")
    for name, data in (("gold", labelled_file), ("turned", turned)):
        result_of(config(tiny_teacher, data), tmp_path / name)
    gold, other = (load_file(tmp_path / name / "model.safetensors") for name in ("gold", "turned"))
    assert all(torch.equal(gold[name], other[name]) for name in gold)


def test_a_student_comes_to_agree_with_its_teacher(tiny_teacher: Path, labelled_file: Path, tmp_path: Path) -> None:
    settings = config(tiny_teacher, labelled_file, epochs=12, learning_rate=3e-3, batch_size=16)
    records = run_through(distill(settings, tmp_path / "s"))
    losses = [r.loss for r in records if r.type == "epoch"]
    assert losses[-1] < losses[0] and all(math.isfinite(loss) for loss in losses)
    assert records[-1].agreement > 0.6


def test_a_student_of_its_teachers_shape_starts_close_to_it(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path
) -> None:
    card = read_card(tiny_teacher)
    assert card is not None
    losses = {}
    for inherit in Inheritance:
        changes = {"architecture": str(card.architecture), "inherit": inherit, "learning_rate": 1e-9, "epochs": 1}
        records = run_through(distill(config(tiny_teacher, labelled_file, **changes), tmp_path / inherit))
        losses[inherit] = next(record.loss for record in records if record.type == "epoch")
        made = read_card(tmp_path / inherit)
        assert made is not None and made.training["inherit"] == inherit
    assert losses[Inheritance.LAYERS] < losses[Inheritance.NOTHING] / 4


def test_the_card_says_what_a_student_really_starts_with(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path
) -> None:
    """A student wider than its teacher cannot have its layers."""
    wider = TINY.split(",")
    wider[1] = str(4 * int(wider[1]))
    settings = config(tiny_teacher, labelled_file, architecture=",".join(wider), epochs=1)
    assert settings.inherit is Inheritance.LAYERS
    result_of(settings, tmp_path / "s")
    card = read_card(tmp_path / "s")
    assert card is not None and card.training["inherit"] == "embeddings"


def test_cancelled_and_resumed(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, checkpoint = config(tiny_teacher, labelled_file, epochs=3), tmp_path / "c.pt"
    whole = result_of(settings, tmp_path / "whole")
    monkeypatch.setattr(learner, "WHEN_CANCELLED", 2)
    asked = iter(range(9))
    part = result_of(settings, tmp_path / "part", checkpoint=checkpoint, cancelled=lambda: next(asked, None) is None)
    assert part.cancelled and part.test.examples == 2
    assert read_card(tmp_path / "part").metrics["test_examples"] == 2  # type: ignore[union-attr]
    assert (tmp_path / "part" / "model.safetensors").exists()
    resumed = result_of(settings, tmp_path / "part", checkpoint=checkpoint)
    assert not resumed.cancelled and resumed.accuracy == whole.accuracy
    whole_weights = (tmp_path / "whole" / "model.safetensors").read_bytes()
    assert (tmp_path / "part" / "model.safetensors").read_bytes() == whole_weights


def test_cancelled_before_the_first_step(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the teacher labels: there is no student then."""
    monkeypatch.setenv("COMPRESSOR_CACHE", str(tmp_path / "cache"))
    records = run_through(distill(config(tiny_teacher, labelled_file), tmp_path / "s", cancelled=lambda: True))
    assert {record.type for record in records} == {"progress"} and not (tmp_path / "s").exists()


def test_a_cancelled_teacher_is_measured_on_a_few(
    labelled_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learner, "WHEN_CANCELLED", 5)
    settings = TeacherSettings(dataset="file", data=str(labelled_file), architecture=TINY, threads=1)
    asked = iter(range(8))
    *_, result = run_through(train_teacher(settings, tmp_path / "t", cancelled=lambda: next(asked, None) is None))
    assert result.type == "teacher-summary" and result.cancelled and result.test.examples == 5
    card = read_card(tmp_path / "t")
    assert card is not None and card.metrics["test_examples"] == 5
    assert spot_check(3) == [0, 1, 2] and spot_check(1000) == spot_check(1000) and len(set(spot_check(1000))) == 5


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"architecture": "1000,97,2,8,64"}, CompressorError, "does not divide"),
        ({"architecture": "many"}, CompressorError, "is not an architecture"),
        ({"preset": "slow"}, SettingsError, "preset must be smoke or quick or full"),
        ({"temperature": 0.0}, SettingsError, "temperature must be a number above 0"),
        ({"dataset": "imagenet"}, CompressorError, "there is no dataset"),
    ],
)
def test_bad_settings_are_refused(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, changes: dict[str, Any], error: type, says: str
) -> None:
    with pytest.raises(error, match=says):
        run_through(distill(config(tiny_teacher, labelled_file, **changes), tmp_path / "s"))
    assert not (tmp_path / "s").exists()


def test_teacher_and_dataset_of_different_tasks(tiny_teacher: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("func1,func2,label\n" + "".join(f"a{i}(),b{i}(),{i % 2}\n" for i in range(50)))
    with pytest.raises(ModelError, match="same task"):
        run_through(distill(config(tiny_teacher, pairs), tmp_path / "s"))
