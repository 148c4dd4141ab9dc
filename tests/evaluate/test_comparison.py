"""Teacher and student side by side, really run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from compressor_core.architecture import Architecture
from compressor_core.data.dataset import Split
from compressor_core.data.intake import take_in
from compressor_core.data.registry import open_dataset
from compressor_core.data.sampled import Sampled
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import DataError, ModelError, SettingsError, StorageError
from compressor_core.evaluate.comparison import compare, evaluate
from compressor_core.evaluate.exam import sit_exam
from compressor_core.evaluate.intervals import wilson
from compressor_core.evaluate.prediction import predict_once
from compressor_core.evaluate.predictions import read_predictions
from compressor_core.evaluate.probe import probe
from compressor_core.evaluate.rounds import time_models
from compressor_core.evaluate.settings import CompareSettings, EvaluateSettings, ExamSettings, ProbeSettings
from compressor_core.language import Language
from compressor_core.models.card import ModelCard
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.student import build
from compressor_core.progress import finish
from compressor_core.records import ComparisonSummary, Evaluation, read_record
from compressor_core.task import PairFeatures, Task


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


@pytest.fixture(scope="module")
def pair_student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    architecture, code = Architecture(400, 16, 1, 2, 16), "def f(x): return x"
    card = ModelCard(
        task=Task.CLONE,
        labels=("different", "clone"),
        max_length=64,
        architecture=architecture,
        pair_features=PairFeatures.COMPARE,
    )
    model = build(architecture, Task.CLONE, PairFeatures.COMPARE).eval()
    folder = tmp_path_factory.mktemp("models") / "pairs"
    Classifier(model, train_tokenizer([code] * 20, 400), card).save(folder)
    return folder


def result(teacher: Path, student: Path, data: Path, out: Path | None = None, **changes: Any) -> ComparisonSummary:
    config = CompareSettings(
        teacher=str(teacher),
        student=str(student),
        dataset="file",
        data=str(data),
        latency_examples=5,
        latency_rounds=2,
        **{"split": "all", **changes},
    )
    summary = finish(compare(config, out))
    assert summary is not None
    return summary


def test_answers_that_flip_are_counted(tiny_teacher: Path, contrary: Path, labelled_file: Path, tmp_path: Path) -> None:
    data = take_in(labelled_file, tmp_path / "taken", language=Language.PYTHON)
    found = result(tiny_teacher, contrary, data, changed_examples=20)
    teacher, student = found.teacher, found.student
    assert 15 <= found.changed_examples <= 20 and teacher.flips is not None and teacher.flips_interval is not None
    assert teacher.flips == student.flips and teacher.flips_interval[0] <= teacher.flips <= teacher.flips_interval[1]
    probed = finish(probe(ProbeSettings(models=(tiny_teacher,), dataset="file", data=data, split="all", examples=20)))
    assert probed is not None
    (alone,) = probed.changes["mixed"].models.values()
    assert (alone.rate, alone.interval) == (teacher.flips, teacher.flips_interval), "a probe counts the same"
    for silent_data, number in ((data, 0), (labelled_file, 20)):
        silent = result(tiny_teacher, contrary, silent_data, changed_examples=number)
        assert silent.changed_examples == 0 and silent.teacher.flips is None and silent.student.flips is None


def scores(model: Path, data: Path, split: str | None = None) -> Evaluation:
    return evaluate(EvaluateSettings(model=model, dataset="file", data=data, split=split))


def test_a_dataset_in_the_place_of_the_one_that_is_named(
    tiny_teacher: Path, contrary: Path, labelled_file: Path
) -> None:
    part = Sampled(open_dataset("file", str(labelled_file)), {Split.TEST: 9})
    config = CompareSettings(
        teacher=str(tiny_teacher), student=str(contrary), dataset="file", latency_examples=3, latency_rounds=1
    )
    both = finish(compare(config, dataset=part))
    assert both is not None and (both.split, both.examples) == ("test", 9)


def test_each_row_is_the_models_own(tiny_teacher: Path, contrary: Path, labelled_file: Path) -> None:
    both = result(tiny_teacher, contrary, labelled_file)
    teacher, student = both.teacher, both.students[0]
    assert both.agreement == 0.0
    assert teacher.accuracy == pytest.approx(1 - student.accuracy)
    assert both.examples == 300 == teacher.examples
    assert both.mcnemar.only_first == teacher.correct
    for side in (teacher, student):
        times = side.latency
        assert times is not None and side.size_mb is not None
        assert times.measurements == 10
        assert 0 < times.min <= times.median <= times.p95 <= times.p99
        assert list(times.samples) == sorted(times.samples)
        assert side.size_mb * 1e6 == (tiny_teacher / "model.safetensors").stat().st_size
    assert both.machine.threads == 1
    alone = scores(tiny_teacher, labelled_file, "all")
    assert alone.accuracy == teacher.accuracy and alone.groups == teacher.groups


def test_a_model_agrees_with_itself_and_is_as_fast(tiny_teacher: Path, labelled_file: Path) -> None:
    both = result(tiny_teacher, tiny_teacher, labelled_file, split="test")
    assert both.agreement == 1.0 and both.mcnemar_p == 1.0
    assert both.examples < 60


def test_one_student_and_several_have_one_shape(
    tiny_teacher: Path, contrary: Path, labelled_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "predictions"
    several = result(
        tiny_teacher, contrary, labelled_file, out, others=(str(tiny_teacher),), names=("contrary", "contrary")
    )
    one = result(tiny_teacher, contrary, labelled_file).plain()
    plain = several.plain()
    assert set(one) == set(plain) and set(one["students"][0]) == set(plain["students"][1])
    # The contract of the command line: one student is found where scripts look for it.
    assert plain["student"] == plain["students"][0]
    for key in ("agreement", "speedup", "mcnemar"):
        assert plain[key] == plain["student"][key]
    assert {"examples", "correct", "accuracy", "precision", "recall", "f1", "latency"} <= set(plain["teacher"])
    first, itself = several.students
    assert (first.name, itself.name) == ("contrary", "contrary (2)")
    assert several.mcnemar_p == first.mcnemar.p == one["mcnemar_p"]
    # Two tests: the smaller p-value counts twice.
    assert first.mcnemar.p_adjusted == pytest.approx(min(1.0, 2 * first.mcnemar.p))
    assert one["student"]["mcnemar"]["p_adjusted"] == one["mcnemar_p"]

    assert (itself.fidelity.kl, itself.fidelity.absolute_difference) == (0.0, 0.0)
    assert itself.difference_intervals.accuracy == (0.0, 0.0) and itself.agreement_interval == wilson(300, 300)
    low, high = first.difference_intervals.accuracy
    assert low < several.teacher.accuracy - first.accuracy < high
    assert several.teacher.curves is not None and first.curves is not None
    assert several.teacher.curves.auc == pytest.approx(1 - first.curves.auc)
    assert sum(part.examples for part in first.lengths) == 300
    assert several.statistics.model_dump() == {"level": 0.95, "resamples": 10_000, "seed": 0}
    assert len(json.dumps(plain)) < 100_000  # the predictions are not in it
    assert read_record(json.loads(json.dumps(several.model_dump(mode="json")))) == several

    read = read_predictions(out)
    assert read.models == ("Teacher", "contrary", "contrary (2)") and len(read.gold) == 300
    right = (read.predicted == read.gold[None]).sum(1)
    assert right.tolist() == [several.teacher.correct, first.correct, itself.correct]


def test_the_models_take_turns(tiny_teacher: Path, contrary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import compressor_core.evaluate.rounds as module
    import compressor_core.models.inference as inference

    models = {"teacher": load(tiny_teacher), "student": load(contrary)}
    order: list[str] = []
    names = {id(model.model): name for name, model in models.items()}
    forward = inference.forward

    def watched(model: Any, *rest: Any) -> Any:
        order.append(names[id(model)])
        assert torch.is_inference_mode_enabled()
        return forward(model, *rest)

    monkeypatch.setattr(module, "forward", watched)
    for _ in time_models(models, [("a()",), ("b()",)], rounds=2):
        assert not torch.is_inference_mode_enabled()  # whoever takes the records is left alone
    warm_up = ["teacher", "teacher", "student", "student"]
    first, second = ["teacher", "student", "student", "teacher"], ["student", "teacher", "teacher", "student"]
    assert order == [*warm_up, *first, *second]


def test_one_prediction(tiny_teacher: Path) -> None:
    model = load(tiny_teacher)
    prediction = predict_once(model, ("def f(): pass",))
    assert sum(prediction.probabilities.values()) == pytest.approx(1.0)
    assert prediction.probabilities[prediction.label] >= 0.5 and prediction.milliseconds > 0
    with pytest.raises(DataError, match="takes 1 file"):
        predict_once(model, ("a", "b"))


def test_refusals(tiny_teacher: Path, labelled_file: Path, tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match="split must be train or unlabelled or validation or test or all, not 'exam'"
    ):
        scores(tiny_teacher, labelled_file, "exam")
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("func1,func2,label\na(),b(),1\na(),c(),0\n")
    with pytest.raises(ModelError, match="matching pair"):
        scores(tiny_teacher, pairs)
    with pytest.raises(ModelError, match="matching pair"):
        result(tiny_teacher, tiny_teacher, pairs)
    empty = tmp_path / "split.jsonl"
    empty.write_text('{"func": "a()", "label": 1, "split": "train"}\n')
    with pytest.raises(DataError, match="test"):
        result(tiny_teacher, tiny_teacher, empty, split="test")


@pytest.mark.parametrize("place", ["/proc/x", "file", "file/below"])
def test_a_place_where_no_predictions_can_be_written_is_refused_before_any_work(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=f"{place}"):
        result(tiny_teacher, tmp_path / "no model", labelled_file, tmp_path / place)


def test_students_are_one_to_four_and_each_once(tiny_teacher: Path) -> None:
    for others, names, says in (
        (("b", "c", "d", "e"), (), "5 students are too many"),
        (("b", "a"), (), "a is given twice"),
        (("b",), ("one",), "1 names for 2 students"),
    ):
        with pytest.raises(SettingsError, match=says):
            CompareSettings(teacher=str(tiny_teacher), student="a", others=others, names=names)
    config = CompareSettings(teacher="t", student=Path("a"), others=["b"])
    assert config.students == ("a", "b")
    assert CompareSettings.model_validate(config.model_dump(mode="json")) == config
    assert list(config.folders) == ["Teacher", "a", "b"]
    assert list(config.replace(names=("Teacher", "b")).folders) == ["Teacher", "Teacher (2)", "b"]


def called(model: Path, folder: Path, *labels: str) -> Path:
    """A copy of a model that calls its classes 0 and 1 this."""
    shutil.copytree(model, folder)
    card = json.loads((folder / "compressor.json").read_text("utf-8"))
    (folder / "compressor.json").write_text(json.dumps({**card, "labels": labels}), "utf-8")
    return folder


@pytest.mark.parametrize("labels", [("VULNERABLE", "NON-VULNERABLE"), ("1", "0"), ("yes", "LABEL_1")])
@pytest.mark.parametrize(("place", "kind"), [(0, "teacher"), (1, "student"), (2, "student")])
def test_classes_in_another_order_are_refused_of_every_model(
    tiny_teacher: Path,
    contrary: Path,
    labelled_file: Path,
    tmp_path: Path,
    labels: tuple[str, str],
    place: int,
    kind: str,
) -> None:
    """Their predictions would be compared with the opposite."""
    turned = called(tiny_teacher, tmp_path / "turned", *labels)
    models = [tiny_teacher, contrary]
    models.insert(place, turned)
    with pytest.raises(ModelError, match=rf"the {kind} \S+turned tells '{labels[0]}' .* the other way round"):
        result(models[0], models[1], labelled_file, others=models[2:])
    python = take_in(labelled_file, tmp_path / "taken", language=Language.PYTHON)
    with pytest.raises(ModelError, match=r"turned tells .* the other way round"):
        finish(probe(ProbeSettings(models=(tiny_teacher, turned), dataset="file", data=python)))


@pytest.fixture(scope="module")
def odd_file(labelled_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The labelled file with classes whose names say nothing."""
    data = tmp_path_factory.mktemp("odd") / "odd.jsonl"
    rows = [json.loads(line) for line in labelled_file.read_text("utf-8").splitlines()]
    data.write_text("".join(json.dumps({**row, "label": "AB"[row["label"]]}) + "\n" for row in rows), "utf-8")
    return take_in(data, data.with_name("taken"), positive="B", language=Language.PYTHON)


def test_of_odd_classes_the_models_are_held_against_each_other(
    tiny_teacher: Path, odd_file: Path, tmp_path: Path
) -> None:
    turned = called(tiny_teacher, tmp_path / "turned", "Vulnerable", "Safe")
    models = (called(tiny_teacher, tmp_path / "right", "Safe", "Vulnerable"), turned)
    with pytest.raises(
        ModelError, match=r"the teacher .*right has the classes Safe, Vulnerable in this order and the st"
    ):
        result(*models, odd_file)
    for asked in (models, models[1:]):  # alone, against the functions written by hand
        with pytest.raises(ModelError, match=r"in this order and turned|turned tells .* the other way round"):
            finish(probe(ProbeSettings(models=asked, dataset="file", data=odd_file)))
        with pytest.raises(ModelError, match=r"in this order and turned|turned tells .* the other way round"):
            finish(sit_exam(ExamSettings(models=asked, dataset="file", data=odd_file, functions=0)))


def test_of_the_file_that_a_model_learned_from_its_test_split_is_scored(
    tiny_teacher: Path, contrary: Path, labelled_file: Path, tmp_path: Path
) -> None:
    test, everything = open_dataset("file", str(labelled_file)).size(Split.TEST), 300
    found = scores(tiny_teacher, labelled_file)
    assert (found.examples, found.split) == (test, "test")
    assert found.rows == f"the test split, {test} rows; a model has learned from the others of this file"
    assert (
        scores(tiny_teacher, labelled_file, "all").rows
        == f"all {everything} rows, some of which a model has learned from"
    )
    assert scores(tiny_teacher, labelled_file, "train").examples > test
    copy = Path(shutil.copy(labelled_file, tmp_path / "renamed.jsonl"))  # the rows count, not the name
    assert scores(tiny_teacher, copy).examples == test
    unknown = shutil.copytree(contrary, tmp_path / "unknown")
    card = json.loads((unknown / "compressor.json").read_text("utf-8"))
    (unknown / "compressor.json").write_text(json.dumps({**card, "dataset_fingerprint": None}), "utf-8")
    for pair in ((tiny_teacher, unknown), (unknown, tiny_teacher)):  # if either has learned from it
        summary = result(*pair, labelled_file, split=None)
        assert (summary.examples, summary.split) == (test, "test") and "; a model has learned" in summary.rows
    assert result(unknown, unknown, labelled_file, split=None).rows == f"all {everything} rows"
    with pytest.raises(DataError, match="classroom-vulnerability is drawn anew for each split: choose test"):
        evaluate(EvaluateSettings(model=tiny_teacher, split="all"))


@pytest.mark.parametrize("change", [lambda rows: rows[:50], lambda rows: rows[::-1], lambda rows: rows + rows[:1]])
def test_a_changed_copy_of_the_file_that_a_model_learned_from_is_told(
    tiny_teacher: Path, contrary: Path, labelled_file: Path, tmp_path: Path, change: Callable[[list[str]], list[str]]
) -> None:
    rows = change(labelled_file.read_text("utf-8").splitlines(keepends=True))
    (tmp_path / "copy.jsonl").write_text("".join(rows), "utf-8")
    found = scores(tiny_teacher, tmp_path / "copy.jsonl")
    warned = "a model has learned from another file: if this one has rows of it, choose the test split, which leaves"
    assert found.rows == f"all {len(rows)} rows; {warned} those out"
    # The remedy, followed: nothing that was learned is left.
    learned = {example.codes for example in open_dataset("file", str(labelled_file)).examples(Split.TRAIN)}
    assert not learned & {one.codes for one in open_dataset("file", tmp_path / "copy.jsonl").examples(Split.TEST)}
    assert scores(tiny_teacher, tmp_path / "copy.jsonl", "test").examples < len(rows) / 4
    foreign = shutil.copytree(contrary, tmp_path / "foreign")
    (foreign / "compressor.json").unlink()
    assert scores(foreign, tmp_path / "copy.jsonl").rows == f"all {len(rows)} rows"


@pytest.mark.parametrize("told", [("vulnerable", "safe"), ("Insecure", "LABEL_1"), ("LABEL_0", "not vulnerable")])
@pytest.mark.parametrize("word", [("safe", "vulnerable"), ("0", "1"), ("Non-vulnerable", "Vulnerable")])
def test_a_model_whose_classes_are_the_other_way_round(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path, told: tuple[str, str], word: tuple[str, str]
) -> None:
    rows = [json.loads(line) for line in labelled_file.read_text("utf-8").splitlines()]
    data = tmp_path / "own.jsonl"
    data.write_text("".join(json.dumps({**row, "label": word[row["label"]]}) + "\n" for row in rows[:40]), "utf-8")
    foreign = shutil.copytree(tiny_teacher, tmp_path / "foreign")
    (foreign / "compressor.json").unlink()
    config = json.loads((foreign / "config.json").read_text("utf-8"))
    for names, right in ((told, False), (tuple(reversed(told)), True), (("LABEL_0", "LABEL_1"), True)):
        config |= {"id2label": dict(enumerate(names)), "label2id": {name: i for i, name in enumerate(names)}}
        (foreign / "config.json").write_text(json.dumps(config), "utf-8")
        if right:
            assert scores(foreign, data).examples == 40
        else:
            with pytest.raises(ModelError, match=f"the other way round, .* --positive '{word[0]}'"):
                scores(foreign, data)
            with pytest.raises(ModelError, match="the other way round"):
                result(foreign, foreign, data)
            # The remedy, followed.
            turned = take_in(data, tmp_path / "kept", positive=word[0])
            before = scores(tiny_teacher, data).confusion
            assert scores(foreign, turned).confusion == before[::-1]


def test_a_teacher_of_another_task(tiny_teacher: Path, pair_student: Path, labelled_file: Path) -> None:
    with pytest.raises(
        ModelError, match=r"teacher \S+ is for vulnerability and the student .* for clone: compare models"
    ):
        result(tiny_teacher, pair_student, labelled_file)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_student_that_lacks_a_file(tiny_teacher: Path, labelled_file: Path, tmp_path: Path, name: str) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(tiny_teacher, broken)
    (broken / name).unlink()
    with pytest.raises(ModelError, match=rf"broken has no {name}"):
        result(tiny_teacher, tiny_teacher, labelled_file, others=(str(broken),))
