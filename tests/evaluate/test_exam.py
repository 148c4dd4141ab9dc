"""Models and baselines that really sit the exam."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compressor_core.architecture import Architecture
from compressor_core.data.dataset import Dataset, Example, Split
from compressor_core.data.exam import clone_exam, vulnerability_exam
from compressor_core.data.registry import open_dataset
from compressor_core.data.sampled import Sampled
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import ModelError
from compressor_core.evaluate import exam
from compressor_core.evaluate.bandit import alarms
from compressor_core.evaluate.comparison import evaluate
from compressor_core.evaluate.exam import sit_exam
from compressor_core.evaluate.settings import EvaluateSettings, ExamSettings
from compressor_core.models.card import ModelCard
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.student import build
from compressor_core.progress import finish
from compressor_core.records import ExamPart, ExamSummary, Notice, read_record
from compressor_core.task import PairFeatures, Task
from tests.tiny import run_through


def result(*models: Path, dataset: Dataset | None = None, **changes: Any) -> ExamSummary:
    summary = finish(sit_exam(ExamSettings(models=models, **changes), dataset=dataset))
    assert summary is not None
    assert read_record(summary.model_dump(mode="json")) == summary
    return summary


@pytest.fixture(scope="module")
def found(tiny_teacher: Path, labelled_file: Path) -> ExamSummary:
    return result(tiny_teacher, dataset=open_dataset("file", labelled_file), functions=30)


@pytest.fixture(scope="module")
def pair_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model of pairs."""
    architecture, texts = Architecture(400, 16, 1, 2, 16), ["def f(x): return x"] * 20
    card = ModelCard(
        task=Task.CLONE, labels=("different", "clone"), max_length=64, architecture=architecture,
        pair_features=PairFeatures.COMPARE,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("models") / "pairs"
    model = build(architecture, Task.CLONE, PairFeatures.COMPARE).eval()
    Classifier(model, train_tokenizer(texts, 400), card).save(folder)
    return folder


def test_hand_written_scores_are_those_of_evaluate(found: ExamSummary, tiny_teacher: Path) -> None:
    scores = evaluate(EvaluateSettings(model=tiny_teacher, dataset="exam-vulnerability"))
    (model,) = found.models
    counted = model.scores
    assert (counted[ExamPart.EXAM].count, counted[ExamPart.EXAM].examples) == (scores.correct, scores.examples)
    assert counted[ExamPart.UNSAFE_FOUND].share == scores.recall
    assert model.groups == scores.groups
    safe = counted[ExamPart.FIXED_SAFE].count + counted[ExamPart.CLEAN_SAFE].count
    assert safe == scores.confusion[0][0]


def test_a_pair_is_right_if_both_halves_are(found: ExamSummary, tiny_teacher: Path) -> None:
    teacher = load(tiny_teacher)
    pairs = vulnerability_exam().pairs
    said = [teacher.logits([(pair.unsafe,), (pair.safe,)]).argmax(-1).tolist() == [1, 0] for pair in pairs]
    counted = found.models[0].scores
    assert counted[ExamPart.BOTH_RIGHT].count == sum(said)
    parts = (ExamPart.BOTH_SURFACE, ExamPart.BOTH_VARIANT)
    assert sum(counted[part].count for part in parts) == sum(said)
    assert sum(counted[part].examples for part in parts) == len(pairs)


def test_baselines_sit_beside(found: ExamSummary) -> None:
    tokens, rules = found.baselines
    assert (tokens.role, rules.role) == ("tokens", "rules")
    pairs = vulnerability_exam().pairs
    flagged = alarms([pair.unsafe for pair in pairs])
    assert rules.scores[ExamPart.UNSAFE_FOUND].count == sum(flag is True for flag in flagged)
    assert rules.note.startswith("Bandit ")
    assert ExamPart.ALARMS in tokens.scores and ExamPart.ALARMS not in rules.scores
    assert tokens.scores[ExamPart.OWN_TEST].examples == found.models[0].scores[ExamPart.OWN_TEST].examples


def test_real_functions_are_those_that_bandit_is_silent_on(found: ExamSummary) -> None:
    assert sum(found.packages.values()) == found.models[0].scores[ExamPart.ALARMS].examples
    assert 20 <= sum(found.packages.values()) <= 30
    assert len(found.packages) > 5


def test_the_verdict_is_two_sentences(found: ExamSummary) -> None:
    (model,) = found.models
    assert model.verdict is not None
    first, second = model.verdict.rstrip(".").split(". ")
    assert f"{model.scores[ExamPart.BOTH_RIGHT].share:.0%} of {len(vulnerability_exam().pairs)}" in first
    assert "of its own test split right" in first and "coin (25%)" in first
    assert "the bag of tokens (p = " in second and "Bandit (p = " in second
    assert second.endswith("of other code this says nothing")


def test_what_was_kept_from_training_is_asked_of_the_classroom(
    tiny_teacher: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exam, "unseen", lambda kind, seed: [Example((f"def f(): return '{kind}'",), 1, "CWE-1")] * 3)
    dataset = Sampled(open_dataset("classroom-vulnerability"), {Split.TEST: 9})
    (model,) = result(tiny_teacher, dataset=dataset, functions=0, baselines=False).models
    assert "of the test split of classroom-vulnerability right" in (model.verdict or "")
    scores = model.scores
    for part in (ExamPart.UNSEEN_API, ExamPart.UNSEEN_PHRASING, ExamPart.UNSEEN_WEAKNESS):
        assert scores[part].examples == 3
    assert scores[ExamPart.OWN_TEST].examples == 9


def test_rewritings_kept_from_training_are_asked_of_the_clone_classroom(
    pair_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exam, "unseen_pairs", lambda seed: [Example(("def f(): pass", "def g(): pass"), 1)] * 4)
    dataset = Sampled(open_dataset("classroom-clone"), {Split.TEST: 9})
    (model,) = result(pair_model, dataset=dataset, baselines=False).models
    assert model.scores[ExamPart.UNSEEN_REWRITING].examples == 4


def test_clone_models_have_an_exam_of_their_own(pair_model: Path, pairs_file: Path) -> None:
    summary = result(pair_model, dataset=open_dataset("file", pairs_file))
    for one in (*summary.models, *summary.baselines):
        clones, others = one.scores[ExamPart.CLONES_FOUND], one.scores[ExamPart.OTHERS_APART]
        assert clones.examples == sum(pair.kind.is_clone for pair in clone_exam().pairs)
        assert clones.count + others.count == one.scores[ExamPart.EXAM].count
    assert [one.name for one in summary.baselines] == ["Token overlap"]
    assert "coin (50%)" in (summary.models[0].verdict or "") and not summary.packages


def test_models_that_cannot_sit_it(tiny_teacher: Path, pair_model: Path) -> None:
    with pytest.raises(ModelError, match="is for clone and the first model for vulnerability"):
        result(tiny_teacher, pair_model)


def test_without_bandit_it_says_what_is_missing(
    tiny_teacher: Path, labelled_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exam, "bandit_version", lambda: None)
    records = run_through(sit_exam(ExamSettings(models=(tiny_teacher,)), dataset=open_dataset("file", labelled_file)))
    assert any(isinstance(record, Notice) and "Bandit" in record.message for record in records)
    summary = records[-1]
    assert [one.name for one in summary.baselines] == ["Bag of tokens"]
    assert ExamPart.ALARMS not in summary.models[0].scores and not summary.packages


def test_it_can_be_cancelled(tiny_teacher: Path, labelled_file: Path) -> None:
    settings = ExamSettings(models=(tiny_teacher,), functions=0)
    work = sit_exam(settings, dataset=open_dataset("file", labelled_file), cancelled=lambda: True)
    assert finish(work) is None
