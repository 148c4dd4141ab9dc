"""What may be added to soft labels, in whole distillations; and input that a distillation refuses."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from compressor_core.architecture import Architecture
from compressor_core.data.changes import change_example
from compressor_core.data.dataset import Dataset, Split
from compressor_core.data.files import FileDataset, read_file
from compressor_core.data.renaming import rename_example
from compressor_core.distill import unlabelled as unlabelled_code
from compressor_core.distill.distillation import distill
from compressor_core.distill.fine_tuning import train_teacher
from compressor_core.distill.lessons import MaskedTokens
from compressor_core.distill.settings import DistillSettings, TeacherSettings
from compressor_core.distill.soft_labels import SoftLabels
from compressor_core.distill.source import require_labels
from compressor_core.distill.unlabelled import Unlabelled
from compressor_core.errors import ModelError, SettingsError, TrainingError
from compressor_core.language import Language
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.compute import Precision
from compressor_core.progress import finish
from compressor_core.task import Task
from tests.tiny import TINY, run_through

OPTIONS: dict[str, dict[str, Any]] = {
    "renaming": {"renaming": 0.5},
    "consistency": {"consistency": 0.5},
    "warm-up": {"masked_epochs": 1},
    "states": {"hidden_weight": 1.0},
    "all": {"renaming": 0.5, "consistency": 0.25, "masked_epochs": 1, "hidden_weight": 1.0, "average": 2},
}


def python(path: Path, rows: int = 100) -> FileDataset:
    """The first rows of a file, known to be Python."""
    whole = read_file(path)
    return replace(whole, rows=whole.rows[:rows], language=Language.PYTHON)


def config(teacher: Path, **changes: Any) -> DistillSettings:
    """Soft labels alone, and `changes`."""
    alone = {"renaming": 0.0, "consistency": 0.0, "masked_epochs": 0, "hidden_weight": 0.0, "average": 0}
    own = {"teacher": str(teacher), "architecture": TINY, "epochs": 2, "threads": 1}
    return DistillSettings(**{**own, **alone, **changes})


def student(settings: DistillSettings, out: Path, dataset: Dataset, **options: Any) -> list[Any]:
    return run_through(distill(settings, out, dataset=dataset, **options))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_each_option_makes_another_student_and_the_same_one_again(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    dataset = python(labelled_file)
    records = []
    for name, some in (("plain", {}), ("with", options), ("again", options)):
        records.append(student(config(tiny_teacher, **some), tmp_path / name, dataset))
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("plain", "with", "again")]
    assert weights[0] != weights[1] == weights[2]
    assert len(weights[0]) == len(weights[1]), "what was learned along must not stay in the student"
    said = load(tmp_path / "with").card.training
    assert {name: said[name] for name in options} == options
    metrics = load(tmp_path / "with").card.metrics
    assert metrics["flips"] == records[1][-1].flips and metrics["teacher_flips"] == records[1][-1].teacher_flips
    assert 0 <= metrics["flips"] <= 1 and records[0][-1].teacher_flips == metrics["teacher_flips"]
    epochs = [sum(record.type == kind for record in records[1]) for kind in ("warm-up-epoch", "epoch")]
    assert epochs == [options.get("masked_epochs", 0), 2]
    steps = [sum(record.type == "step" for record in each) for each in records]
    assert (steps[1] > steps[0]) == ("renaming" in options or "consistency" in options)


@pytest.mark.parametrize("options", [{"renaming": 1.0, "consistency": 0.5}, {"masked_epochs": 1, "hidden_weight": 1.0}])
def test_pairs_have_the_options_too(pairs_file: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    teacher = tmp_path / "teacher"
    asked = TeacherSettings(dataset="file", data=str(pairs_file), architecture=TINY, epochs=1, threads=1)
    run_through(train_teacher(asked, teacher))
    result = student(config(teacher, **options), tmp_path / "student", python(pairs_file))[-1]
    assert result.type == "distill-summary" and load(tmp_path / "student").card.task is Task.CLONE


def parts(teacher: Path, dataset: Dataset, cache: Path, **options: Any) -> Unlabelled:
    own = load(teacher)
    return Unlabelled(dataset, SoftLabels(own, teacher, cache), 0, **options)


def test_the_renamed_are_labelled_by_the_teacher_and_drawn_anew(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = python(labelled_file)
    own = parts(tiny_teacher, dataset, tmp_path, renaming=0.5)
    count = len(dataset.examples(Split.UNLABELLED))
    made: list[tuple[str, ...]] = []

    def watched(codes: tuple[str, ...], *others: Any) -> tuple[str, ...] | None:
        made.append(rename_example(codes, *others) or codes)
        return made[-1]

    monkeypatch.setattr(unlabelled_code, "rename_example", watched)
    data = own.labelled(load(tiny_teacher))
    draws = [finish(data(epoch)) for epoch in (0, 1, 2)]
    inputs, targets = draws[0]
    assert len(inputs) == len(targets) == count + round(0.5 * count) and len(made) == 2 * round(0.5 * count)
    assert draws[1] is draws[0] and draws[2][0][:count] == inputs[:count] and draws[2][0] != inputs
    originals = {example.codes for example in dataset.examples(Split.UNLABELLED)}
    assert sum(codes not in originals for codes in made) > 0.9 * len(made)
    teacher = load(tiny_teacher)
    assert torch.allclose(targets[count:], teacher.logits(made[: round(0.5 * count)]), atol=1e-5)


@pytest.mark.parametrize("states", [False, True])
def test_the_changed_have_the_answers_to_their_originals(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, states: bool
) -> None:
    dataset = python(labelled_file)
    codes = [example.codes for example in dataset.examples(Split.UNLABELLED)]
    own = parts(tiny_teacher, dataset, tmp_path, consistency=0.5, states=states)
    made: list[tuple[tuple[str, ...], tuple[str, ...]]] = []

    def watched(before: tuple[str, ...], *others: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
        after, names = change_example(before, *others)
        assert 0 < len(names) <= unlabelled_code.MOST_CHANGES and after != before
        made.append((before, after))
        return after, names

    monkeypatch.setattr(unlabelled_code, "change_example", watched)
    student = load(tiny_teacher)
    data = own.labelled(student)
    (inputs, targets), (others, again) = finish(data(0)), finish(data(2))
    count, share = len(codes), round(0.5 * len(codes))
    assert len(inputs) == len(targets) == count + share and len(made) == 2 * share
    for row, (before, _) in enumerate(made[:share]):
        assert torch.equal(targets[count + row], targets[codes.index(before)]), "the teacher is asked of the original"
    assert inputs[:count] == others[:count] and inputs != others and torch.equal(targets[:count], again[:count])
    assert inputs[count:] == student.encode([after for _, after in made[:share]])[:]


def test_pooled_states_are_kept_beside_the_logits(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = [example.codes for example in python(labelled_file).examples(Split.UNLABELLED)]
    teacher = load(tiny_teacher)
    labels = SoftLabels(teacher, tiny_teacher, tmp_path)
    plain = finish(labels.of(codes))
    logits, states = finish(labels.with_states(codes))  # the cache has no states yet
    assert torch.allclose(plain, logits) and states.shape == (len(codes), 2, 16)

    def refuse(*_: object) -> None:
        raise AssertionError("the teacher was asked again")

    monkeypatch.setattr(Classifier, "predicting", refuse)
    monkeypatch.setattr(Classifier, "predicting_pooled", refuse)
    again, kept = finish(labels.with_states(codes))
    assert torch.equal(again, logits) and torch.equal(kept, states) and torch.equal(finish(labels.of(codes)), logits)


def test_a_warm_up_learns_and_asks_no_teacher(tiny_teacher: Path, labelled_file: Path, tmp_path: Path) -> None:
    settings = config(tiny_teacher, masked_epochs=8, learning_rate=5e-3)
    records = student(settings, tmp_path / "s", python(labelled_file))
    losses = [record.loss for record in records if record.type == "warm-up-epoch"]
    assert losses[-1] < losses[0] - 0.3, losses
    says = [record.message for record in records if record.type == "progress"]
    last = max(i for i, text in enumerate(says) if text.startswith("Warm-up"))
    assert not any("teacher labels" in text for text in says[:last])
    assert all(r.fraction is None for r in records if r.type == "progress" and r.message.startswith("Warm-up"))


def test_cancelled_in_the_warm_up_and_resumed(tiny_teacher: Path, labelled_file: Path, tmp_path: Path) -> None:
    settings, dataset = config(tiny_teacher, masked_epochs=2), python(labelled_file)
    whole, checkpoint = tmp_path / "whole", tmp_path / "c.pt"
    student(settings, whole, dataset)
    calls = iter(range(7))
    stop = {"checkpoint": checkpoint, "cancelled": lambda: next(calls, None) is None}
    assert student(settings, tmp_path / "part", dataset, **stop)[-1].type != "distill-summary"
    assert checkpoint.exists() and not (tmp_path / "part").exists()
    student(settings, tmp_path / "part", dataset, checkpoint=checkpoint)
    one, other = ((folder / "model.safetensors").read_bytes() for folder in (whole, tmp_path / "part"))
    assert one == other


@pytest.mark.parametrize("asked", [4, 20], ids=["in the warm-up", "after it"])
def test_a_resume_with_other_settings_names_them(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, asked: int
) -> None:
    settings, dataset, checkpoint = config(tiny_teacher, **OPTIONS["all"]), python(labelled_file, 60), tmp_path / "c.pt"
    calls = iter(range(asked))
    student(settings, tmp_path / "s", dataset, checkpoint=checkpoint, cancelled=lambda: next(calls, None) is None)
    others: list[tuple[dict[str, Any], str]] = [
        ({"renaming": 0.25}, r"another renaming \(0\.5 there, 0\.25 now\): give it the same"),
        ({"masked_epochs": 0}, r"another masked_epochs \(1 there, 0 now\)"),
        ({"hidden_weight": 0.0, "temperature": 3.0}, "another temperature .* and hidden_weight"),
        ({"average": 0}, r"another average \(2 there, 0 now\)"),
        ({"label_precision": "bfloat16"}, r"another label_precision \(float32 there, bfloat16 now\)"),
        ({"architecture": "400,16,2,2,16"}, r"another architecture \(400,16,1,2,16 there, 400,16,2,2,16 now\)"),
    ]
    for changes, says in others:
        with pytest.raises(ModelError, match=says):
            student(settings.replace(**changes), tmp_path / "s", dataset, checkpoint=checkpoint)


def test_a_resume_with_other_data_or_another_teacher(tiny_teacher: Path, labelled_file: Path, tmp_path: Path) -> None:
    settings, dataset, checkpoint = config(tiny_teacher), python(labelled_file, 60), tmp_path / "c.pt"
    calls = iter(range(4))
    student(settings, tmp_path / "s", dataset, checkpoint=checkpoint, cancelled=lambda: next(calls, None) is None)
    with pytest.raises(ModelError, match="another dataset"):
        student(settings, tmp_path / "s", python(labelled_file, 61), checkpoint=checkpoint)
    other = shutil.copytree(tiny_teacher, tmp_path / "other")
    card = json.loads((other / "compressor.json").read_text())
    (other / "compressor.json").write_text(json.dumps(card | {"max_length": 100}))
    with pytest.raises(ModelError, match="another teacher"):
        student(settings.replace(teacher=str(other)), tmp_path / "s", dataset, checkpoint=checkpoint)


def poisoned(records: Iterator[Any], step: int) -> list[Any]:
    """The records of a training in whose step of that number, from 0, the logits become infinite."""
    calls = iter(range(10**6))

    def poison(module: Any, _: object, output: Any) -> Any:
        if module.training and hasattr(output, "logits") and next(calls) == step:
            output.logits = output.logits / 0
        return output

    handle, found = None, []
    try:
        for record in records:
            if handle is None and getattr(record, "message", "") == "Preparing the first epoch":
                handle = torch.nn.modules.module.register_module_forward_hook(poison)
            found.append(record)
    finally:
        if handle is not None:
            handle.remove()
    return found


def test_a_loss_that_is_no_number_keeps_the_best_student(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path
) -> None:
    settings, dataset, out = config(tiny_teacher), python(labelled_file, 60), tmp_path / "s"
    with pytest.raises(TrainingError, match=rf"the loss became nan at step 5.* epoch 1, the best .* is in {out}$"):
        poisoned(distill(settings, out, dataset=dataset), 5)
    kept = load(out)
    assert torch.isfinite(kept.logits([("def f(): pass",)])).all() and kept.card.metrics["best_epoch"] == 0
    with pytest.raises(TrainingError, match="no epoch had ended before, so no model is kept"):
        poisoned(distill(settings, tmp_path / "none", dataset=dataset), 1)
    assert not (tmp_path / "none").exists()


def test_a_loss_that_is_no_number_keeps_the_best_teacher(labelled_file: Path, tmp_path: Path) -> None:
    asked = TeacherSettings(dataset="file", data=str(labelled_file), architecture=TINY, epochs=2, threads=1)
    with pytest.raises(TrainingError, match=r"the loss became nan at step 9.* epoch 1, the best .* is in "):
        poisoned(train_teacher(asked, tmp_path / "teacher"), 9)
    assert load(tmp_path / "teacher").card.metrics["best_epoch"] == 0


@pytest.mark.parametrize("options", [{}, OPTIONS["all"]], ids=["plain", "all"])
def test_an_unlabelled_split_of_one_example(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    dataset = python(labelled_file)
    rest = [(split, example) for split, example in dataset.rows if split is not Split.TRAIN]
    one = next(example for split, example in dataset.rows if split is Split.TRAIN)
    single = replace(dataset, rows=((Split.UNLABELLED, one), *rest))
    result = student(config(tiny_teacher, **options), tmp_path / "s", single)[-1]
    assert result.type == "distill-summary" and torch.isfinite(load(tmp_path / "s").logits([one.codes])).all()


@pytest.mark.parametrize(
    ("teacher", "data", "says"),
    [
        (("safe", "vulnerable"), ("vulnerable", "safe"), "the other way round, .* --positive 'vulnerable'"),
        (("vulnerable", "safe"), ("0", "1"), "the other way round"),
        (("Vulnerable", "Non-vulnerable"), ("not vulnerable", "vulnerable"), "the other way round"),
        (("vulnerable", "safe"), ("1", "0"), None),
        (("safe", "vulnerable"), ("good", "bad"), "something else: choose a teacher of the same labels"),
        (("safe", "vulnerable"), ("Safe", "Vulnerable"), None),
        (("safe", "vulnerable"), ("not vulnerable", "vulnerable"), None),
        (("LABEL_0", "LABEL_1"), ("safe", "vulnerable"), None),
        (("safe", "vulnerable"), ("0", "1"), None),
    ],
)
def test_labels_of_teacher_and_dataset(
    labelled_file: Path, teacher: tuple[str, str], data: tuple[str, str], says: str | None
) -> None:
    dataset = replace(read_file(labelled_file), labels=data)
    if says is None:
        require_labels(teacher, "t", dataset)
    else:
        with pytest.raises(ModelError, match=says):
            require_labels(teacher, "t", dataset)


def test_a_teacher_of_other_labels_is_refused(tiny_teacher: Path, labelled_file: Path, tmp_path: Path) -> None:
    teacher = shutil.copytree(tiny_teacher, tmp_path / "teacher")
    card = json.loads((teacher / "compressor.json").read_text())
    (teacher / "compressor.json").write_text(json.dumps(card | {"labels": ["safe", "vulnerable"]}))
    dataset = replace(python(labelled_file), labels=("human", "machine"))
    with pytest.raises(ModelError, match=r"'safe' \(class 0\) from 'vulnerable' .* 'human' from 'machine'"):
        student(config(teacher), tmp_path / "s", dataset)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"renaming": 1.5}, "renaming must be a number from 0 to 1, not 1.5"),
        ({"masked_epochs": -1}, "masked_epochs must be a whole number from 0, not -1"),
        ({"hidden_weight": float("nan")}, "hidden_weight must be a number from 0, not nan"),
        ({"average": -2}, "average must be a whole number from 0, not -2"),
        ({"patience": 0}, "patience must be a whole number from 1, not 0"),
        ({"checkpoint_steps": 0}, "checkpoint_steps must be a whole number from 1, not 0"),
    ],
)
def test_settings_out_of_range(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(SettingsError, match=says):
        student(config(tiny_teacher, **changes), tmp_path / "s", python(labelled_file))


@pytest.mark.parametrize("name", ["renaming", "consistency"])
def test_changes_must_know_the_language(tiny_teacher: Path, labelled_file: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=rf"{name} must know the language, and file does not say"):
        student(config(tiny_teacher, **{name: 0.5}), tmp_path / "s", read_file(labelled_file))


def test_the_head_of_the_warm_up_reads_the_students_own_words(tiny_teacher: Path) -> None:
    model = load(tiny_teacher).model
    assert sum(p.numel() for p in MaskedTokens(model).parameters()) == 16 * 16 + 16 + 2 * 16 + 400


def test_labels_in_half_precision_are_close_and_kept_apart(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path
) -> None:
    codes = [example.codes for example in python(labelled_file).examples(Split.UNLABELLED)]
    teacher = load(tiny_teacher)
    exact = finish(SoftLabels(teacher, tiny_teacher, tmp_path).of(codes))
    half = finish(SoftLabels(teacher, tiny_teacher, tmp_path, Precision.BFLOAT16).of(codes))
    assert half.dtype is torch.float32 and not torch.equal(exact, half)
    assert torch.allclose(exact, half, atol=0.05)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2
    with pytest.raises(SettingsError, match="float16 can be trained on CUDA only"):
        student(config(tiny_teacher, label_precision="float16", device="cpu"), tmp_path / "s", python(labelled_file))


def test_pairs_are_labelled_in_half_precision_too(pairs_file: Path) -> None:
    from compressor_core.models.teacher import from_scratch

    dataset = read_file(pairs_file)
    codes = [example.codes for example in dataset.examples(Split.TEST)]
    torch.manual_seed(0)
    texts = [code for pair in codes for code in pair]
    model = from_scratch(Architecture.parse(TINY), texts, Task.CLONE, dataset.labels, 200)
    exact = model.logits(codes)
    half, states = finish(model.predicting_pooled(codes, 16, Precision.BFLOAT16))
    assert not torch.equal(exact, half) and torch.allclose(exact, half, atol=0.05) and states.shape[1:] == (2, 16)


def test_the_usual_recipe(labelled_file: Path, pairs_file: Path) -> None:
    functions, pairs = python(labelled_file), read_file(pairs_file)
    settings = config(Path("teacher"), renaming=None, hidden_weight=None)
    for dataset, changes, usual in (
        (functions, {}, (0.5, 0.0)),
        (replace(functions, fresh=True), {}, (0.0, 0.0)),
        (replace(functions, fresh=True), {"preset": "full"}, (0.5, 0.0)),
        (replace(functions, language=None), {}, (0.0, 0.0)),
        (pairs, {}, (0.0, 16.0)),
        (replace(pairs, language=Language.JAVA), {}, (0.5, 16.0)),
        (replace(pairs, language=Language.JAVA, fresh=True), {"preset": "full"}, (0.0, 16.0)),
        (pairs, {"unlabelled": "pool"}, (0.0, 0.0)),
        (pairs, {"renaming": 0.25, "hidden_weight": 1.0}, (0.25, 1.0)),
    ):
        resolved = settings.replace(**changes).resolved(dataset)
        assert (resolved.renaming, resolved.hidden_weight) == usual


def test_renamed_copies_come_with_the_language(tiny_teacher: Path, labelled_file: Path, tmp_path: Path) -> None:
    dataset = python(labelled_file)
    for name, data, share in (("known", dataset, 0.5), ("unknown", replace(dataset, language=None), 0.0)):
        steps = [each.type for each in student(config(tiny_teacher, renaming=None), tmp_path / name, data)].count(
            "step"
        )
        assert steps == 2 * -(-(dataset.size(Split.TRAIN) + round(share * dataset.size(Split.TRAIN))) // 16)
        assert load(tmp_path / name).card.training["renaming"] == share
