"""Recorded answers in the place of a teacher: the same student, and what it cannot have is said."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import compressor_core as cc
from compressor_core.architecture import Architecture
from compressor_core.data.answers import RecordedAnswers
from compressor_core.data.dataset import Dataset, Split
from compressor_core.data.files import read_file
from compressor_core.distill.batching import batches
from compressor_core.distill.distillation import distill
from compressor_core.distill.labelling import label
from compressor_core.distill.recorded import Recorded
from compressor_core.distill.settings import DistillSettings, LabelSettings, StudySettings
from compressor_core.errors import DataError, SettingsError
from compressor_core.evaluate.comparison import compare
from compressor_core.evaluate.settings import CompareSettings
from compressor_core.figures.compare.costs import cost_figure, latency_figure
from compressor_core.figures.compare.info import comparison_info
from compressor_core.figures.compare.verdicts import headline, student_rows
from compressor_core.language import Language
from compressor_core.models.classifier import load
from compressor_core.models.encoded import Examples, Functions
from compressor_core.models.student import QuickDropout, build
from compressor_core.progress import finish
from compressor_core.records import Notice
from compressor_core.report.side_by_side import compared as compared_blocks
from tests.tiny import TINY, run_through, train_tiny

ALONE: dict[str, Any] = {"renaming": 0.0, "hidden_weight": 0.0, "inherit": "nothing", "max_length": 200}
"""Soft labels and nothing else, which both kinds of teachers have."""


def config(teacher: Path, data: Path, **changes: Any) -> DistillSettings:
    values = {"architecture": TINY, "dataset": "file", "data": str(data), "epochs": 2, "threads": 1}
    return DistillSettings(teacher=str(teacher), **{**values, **changes})


@pytest.fixture(scope="module")
def distinct(labelled_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without what stands in it twice: a tokenizer learns from each recorded function once."""
    path = tmp_path_factory.mktemp("data") / "functions.jsonl"
    rows = {json.loads(line)["func"]: line for line in labelled_file.read_text("utf-8").splitlines(keepends=True)}
    path.write_text("".join(rows.values()), "utf-8")
    return path


@pytest.fixture(scope="module")
def pool(distinct: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code that students learn from, as a file of its own."""
    path = tmp_path_factory.mktemp("pool") / "pool.jsonl"
    examples = read_file(distinct).examples(Split.UNLABELLED)
    path.write_text("".join(json.dumps({"func": e.codes[0]}) + "\n" for e in examples))
    return path


@pytest.fixture(scope="module")
def answers(tiny_teacher: Path, pool: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tiny teacher says of that code, as `label --out` writes it."""
    path = tmp_path_factory.mktemp("answers") / "answers.parquet"
    settings = LabelSettings(teacher=str(tiny_teacher), unlabelled=str(pool), threads=1)
    assert finish(label(settings, path)).file == str(path)
    return path


def test_the_student_is_the_one_that_the_teacher_itself_gives(
    tiny_teacher: Path, distinct: Path, answers: Path, tmp_path: Path
) -> None:
    taught = run_through(distill(config(tiny_teacher, distinct, **ALONE), tmp_path / "a"))[-1]
    records = run_through(distill(config(answers, distinct, **ALONE), tmp_path / "b"))
    weights = [load_file(tmp_path / name / "model.safetensors") for name in "ab"]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert taught.teacher_accuracy is not None and records[-1].accuracy == taught.accuracy
    assert records[-1].teacher_accuracy is None and records[-1].agreement is None
    notices = [record.message for record in records if isinstance(record, Notice)]
    assert any("answers 0 of the" in message and "not known" in message for message in notices)
    card = load(tmp_path / "b").card
    assert card.teacher == str(answers) and card.training["recorded_answers"] == len(pd.read_parquet(answers))
    assert "teacher_accuracy" not in card.metrics


def test_where_the_test_split_is_recorded_too_the_teacher_is_scored(
    tiny_teacher: Path, distinct: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.parquet"
    finish(label(LabelSettings(teacher=str(tiny_teacher), unlabelled=str(distinct), threads=1), whole))
    taught = run_through(distill(config(tiny_teacher, distinct, **ALONE), tmp_path / "a"))[-1]
    records = run_through(distill(config(whole, distinct, **ALONE), tmp_path / "b"))
    assert records[-1].teacher_accuracy == taught.teacher_accuracy and records[-1].accuracy == taught.accuracy
    dataset = read_file(distinct)
    held = len(dataset.examples(Split.VALIDATION)) + len(dataset.examples(Split.TEST))
    assert any(
        isinstance(r, Notice) and r.message.startswith(f"{held} recorded answers are to examples") for r in records
    )


def test_a_table_is_a_teacher_in_a_notebook(distinct: Path, answers: Path, tmp_path: Path) -> None:
    options = {"data": distinct, "epochs": 1, "threads": 1, **ALONE}
    student = cc.distill(TINY, teacher=pd.read_parquet(answers), out=tmp_path / "student", **options)
    assert student.teacher_accuracy is None and student.accuracy is not None
    assert "accuracy" in student.to_frame() and "teacher_accuracy" not in student.to_frame()


def test_what_recorded_answers_lack_is_refused(distinct: Path, answers: Path, pool: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="recorded answers have no pooled states"):
        config(answers, distinct, hidden_weight=1.0)
    with pytest.raises(SettingsError, match="recorded answers come with their own code"):
        config(answers, distinct, unlabelled=str(pool))
    with pytest.raises(SettingsError, match="recorded answers are none"):
        StudySettings(teacher=str(answers))
    only_test = tmp_path / "test.parquet"
    table = pd.DataFrame({"func": [e.codes[0] for e in read_file(distinct).examples(Split.TEST)]})
    table.assign(logit_0=0.0, logit_1=1.0).to_parquet(only_test)
    with pytest.raises(DataError, match=r"every answer of .* is to an example of the validation or test split"):
        run_through(distill(config(only_test, distinct), tmp_path / "student"))


def pairs_of(dataset: Dataset, count: int) -> RecordedAnswers:
    """Answers to pairs of few functions, each of which stands in many."""
    codes = list(dict.fromkeys(code for e in dataset.examples(Split.UNLABELLED) for code in e.codes))[:30]
    rng = random.Random(0)
    pairs = [(rng.choice(codes), rng.choice(codes)) for _ in range(count)]
    return RecordedAnswers(Path("a.parquet"), pairs, np.array([[i, -i] for i in range(count)], np.float32), 0)


def test_renamed_functions_keep_the_answers_and_are_the_same_in_all_their_pairs(
    pairs_file: Path, tmp_path: Path
) -> None:
    teacher = train_tiny(pairs_file, tmp_path / "teacher", epochs=1)
    dataset = replace(read_file(pairs_file), language=Language.PYTHON)
    student, answers = load(teacher), pairs_of(dataset, 200)
    data = Recorded(answers, dataset, 0, 0.5).labelled(student)
    first, again, later = finish(data(0)), finish(data(0)), finish(data(1))
    plain, targets = finish(Recorded(answers, dataset, 0).labelled(student)(0))
    assert first is again and later is not first
    for inputs, epoch_targets in (first, later):
        assert torch.equal(epoch_targets, targets) and len(inputs) == len(plain)
        forms: dict[str, set[tuple[int, ...]]] = {}
        changed = 0
        for codes, example, original in zip(answers.codes, inputs, plain, strict=True):
            for code, function in zip(codes, example, strict=True):
                forms.setdefault(code, set()).add(tuple(function.ids))
            changed += example != original
        assert all(len(form) == 1 for form in forms.values())
        assert len(plain) // 2 < changed < len(plain)
    assert first[0] != later[0]


def test_batches_of_pairs_share_functions_and_hold_each_pair_once() -> None:
    rng = random.Random(1)
    functions = Functions({"ids": np.zeros(200, np.uint16), "starts": np.arange(201)})
    rows = np.array([[rng.randrange(200), rng.randrange(200)] for _ in range(1000)], np.int32)
    inputs = Examples(functions, rows)
    cut = list(batches(inputs, 32, random.Random(0)))
    assert len(cut) == -(-1000 // 32) and {len(batch) for batch in cut} == {32, 1000 % 32}
    assert Counter(index for batch in cut for index in batch) == Counter(range(1000))
    encoded = sum(len(np.unique(rows[batch])) for batch in cut)
    at_random = rng.sample(range(1000), 1000)
    usual = sum(len(np.unique(rows[at_random[start : start + 32]])) for start in range(0, 1000, 32))
    assert encoded < 0.75 * usual
    assert list(batches(inputs, 32, random.Random(0))) == cut != list(batches(inputs, 32, random.Random(1)))


def test_dropout_is_written_down_and_changes_what_is_learned(distinct: Path, answers: Path, tmp_path: Path) -> None:
    for name, share in (("a", 0.0), ("b", 0.2)):
        run_through(distill(config(answers, distinct, dropout=share, **ALONE), tmp_path / name))
    student = load(tmp_path / "b")
    assert student.model.config.hidden_dropout_prob == 0.2 and not student.model.training  # type: ignore[union-attr]
    assert student.card.training["dropout"] == 0.2 and student.card.max_length == ALONE["max_length"]
    same = [load(tmp_path / name).logits([("def f(x): return x",)]) for name in "ab"]
    assert not torch.equal(*same) and torch.equal(same[1], student.logits([("def f(x): return x",)]))


def test_quick_dropout_leaves_out_its_share_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    dropout, states = QuickDropout(0.1), torch.ones(700, 301)
    out = dropout(states)
    assert abs(float((out == 0).float().mean()) - 0.1) < 0.005 and abs(float(out.mean()) - 1) < 0.005
    assert not torch.equal(out, dropout(states)) and torch.equal(dropout.eval()(states), states)
    assert any(isinstance(module, QuickDropout) for module in build(Architecture.parse(TINY), dropout=0.1).modules())


def test_half_precision_on_a_cpu_leaves_attention_as_it_was(distinct: Path, answers: Path, tmp_path: Path) -> None:
    settings = config(answers, distinct, precision="bfloat16", **ALONE)
    assert run_through(distill(settings, tmp_path / "a"))[-1].accuracy > 0
    assert load(tmp_path / "a").model.config._attn_implementation == "sdpa"  # type: ignore[union-attr]


def test_a_recorded_teacher_is_compared_where_it_has_answers(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole.parquet"
    finish(label(LabelSettings(teacher=str(tiny_teacher), unlabelled=str(labelled_file), threads=1), whole))
    table = pd.read_parquet(whole)
    own = {"student": str(tiny_teacher), "dataset": "file", "data": str(labelled_file), "latency_examples": 2}

    def compared(teacher: Path) -> list[Any]:
        return run_through(compare(CompareSettings(teacher=str(teacher), latency_rounds=1, **own)))

    loaded, recorded = compared(tiny_teacher)[-1], compared(whole)[-1]
    assert recorded.teacher.confusion == loaded.teacher.confusion and recorded.examples == loaded.examples
    assert recorded.student.agreement == 1.0 and recorded.student.latency.median > 0
    assert recorded.speedup is recorded.teacher.latency is recorded.teacher.size_mb is None
    info = comparison_info(recorded)
    assert "size and its latency are not known" in headline(info) and "faster" not in headline(info)
    assert "Times faster" not in student_rows(info)[0]
    assert len(latency_figure(info).data) == 2 and not cost_figure(info).data
    assert "not known" in str(compared_blocks(recorded.model_dump(mode="json")))

    half = tmp_path / "half.parquet"
    table[: len(table) // 2].to_parquet(half, index=False)
    records = compared(half)
    said = [record.message for record in records if isinstance(record, Notice)]
    assert records[-1].examples < recorded.examples and any("compared on these alone" in words for words in said)
    other = tmp_path / "other.parquet"
    table.assign(func=[f"x{n}" for n in range(len(table))]).to_parquet(other, index=False)
    with pytest.raises(
        DataError, match=r"answers none of the .* examples of file, (all|test): give a teacher that does"
    ):
        compared(other)
