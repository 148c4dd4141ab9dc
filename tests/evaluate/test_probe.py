"""A probe, really run: what flips is counted, students are held against the first model, the worst is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compressor_core.data.changes import CHANGES
from compressor_core.data.intake import take_in
from compressor_core.errors import DataError, ModelError, SettingsError
from compressor_core.evaluate.changed import MIXED, SURE, under_change
from compressor_core.evaluate.probe import NATURAL, probe
from compressor_core.evaluate.settings import ProbeSettings
from compressor_core.language import Language
from compressor_core.models.classifier import load
from compressor_core.progress import finish
from compressor_core.records import Mimicry, ProbedChange, ProbeSummary, read_record
from tests.evaluate.test_comparison import contrary

__all__ = ["contrary"]


@pytest.fixture(scope="module")
def python_file(labelled_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The labelled file as one that says its language."""
    return take_in(labelled_file, tmp_path_factory.mktemp("taken"), language=Language.PYTHON)


def settings(data: Path, *models: Path, **changes: Any) -> ProbeSettings:
    return ProbeSettings(**{"models": models, "dataset": "file", "data": data, "examples": 25, **changes})


def result(asked: ProbeSettings) -> tuple[ProbeSummary, list[ProbedChange]]:
    records: list[Any] = []
    summary = finish(probe(asked), records.append)
    assert summary is not None
    return summary, [one for one in records if isinstance(one, ProbedChange)]


def test_a_teacher_and_a_student_that_says_the_opposite(tiny_teacher: Path, contrary: Path, python_file: Path) -> None:
    asked = settings(python_file, tiny_teacher, contrary, names=("Teacher", "Student"))
    summary, changes = result(asked)
    assert list(summary.changes) == [MIXED, *CHANGES] and list(summary.changes.values()) == changes
    assert summary.examples == 25 and summary.language == Language.PYTHON and summary.models["Student"] == str(contrary)
    for change in changes:
        assert change.functions <= 25 and (change.functions > 0) == bool(change.models) == (change.worst is not None)
        if not change.functions:
            continue
        teacher, student = change.models["Teacher"], change.models["Student"]
        assert change.flips == {"Teacher": teacher.flips, "Student": student.flips}
        # Whatever it says, it flips where its teacher flips, and agrees nowhere.
        assert isinstance(student, Mimicry) and student.flips == teacher.flips
        assert change.agreement == {"Student": 0.0} and student.sure_as_well == 0
        assert student.shift == pytest.approx(teacher.shift)
        low, high = teacher.interval
        assert low <= teacher.rate <= high and teacher.rate == teacher.flips / change.functions
    for name, answers in summary.pairs.items():
        assert answers.pairs >= 100 and answers.both_right <= answers.changed <= answers.pairs, name
    assert (summary.pairs["Teacher"].both_right + summary.pairs["Student"].both_right) == summary.pairs[
        "Teacher"
    ].changed
    same = summary.pairs["Teacher"].worst
    assert same is not None and same.changes == ("label",) and same.before != same.after
    plain = json.loads(summary.model_dump_json())
    assert read_record(plain) == summary, "a probe is read as it is written"
    assert plain["changes"]["rename"].keys() >= {"functions", "flips", "agreement"}


def test_what_is_said_of_the_worst_example(tiny_teacher: Path, python_file: Path) -> None:
    summary, (change,) = result(settings(python_file, tiny_teacher, changes=("strings",)))
    worst = change.worst
    assert list(summary.changes) == ["strings"] and worst is not None
    teacher = load(tiny_teacher)
    for codes, said in ((worst.before, worst.probabilities_before), (worst.after, worst.probabilities)):
        logits = teacher.logits([codes]).double().numpy()
        assert said[worst.model] == pytest.approx(float((np.exp(logits) / np.exp(logits).sum())[0, 1]))
    assert worst.before != worst.after and worst.changes == ("strings",)
    again, _ = result(settings(python_file, tiny_teacher, changes=("strings",)))
    assert again.model_copy(update={"seconds": 0.0}) == summary.model_copy(update={"seconds": 0.0}), "seeded"


def test_what_a_change_does_to_answers() -> None:
    sure, unsure = 4.0, 0.4
    before = {"T": np.array([[0, sure]] * 4), "S": np.array([[0, sure]] * 4)}
    after = {
        "T": np.array([[0, sure], [sure, 0], [0, unsure], [0, sure]]),
        "S": np.array([[0, sure], [sure, 0], [unsure, 0], [0, unsure]]),
    }
    found = under_change([1, 1, 1, 0], before, after)
    teacher, student = found["T"], found["S"]
    assert isinstance(student, Mimicry) and not isinstance(teacher, Mimicry)
    assert (teacher.flips, student.flips) == (1, 2) and student.rate == 0.5
    assert (teacher.accuracy_before, teacher.accuracy) == (0.75, 0.5)
    assert (student.agreement_before, student.agreement) == (1.0, 0.75)
    assert 1 / (1 + np.exp(-sure)) > SURE > 1 / (1 + np.exp(-unsure))
    assert (student.sure, student.sure_as_well) == (3, 2)
    high, low = np.tanh(sure / 2), np.tanh(unsure / 2)
    assert student.shift == pytest.approx((0 + high + (high + low) / 2 + (high - low) / 2) / 4)


def test_natural_names_of_alert(tiny_teacher: Path, python_file: Path, tmp_path: Path) -> None:
    code = "int f(int n)\n{\n    int total = n;\n    return total + other(n);\n}"
    rows = [
        {"func": code, "target": 1, "idx": 3, "substitutes": {"total": [" sum", "2x", "other", "int"], "n": ["n"]}},
        {"func": "int g(void) { return 0; }", "target": 0, "idx": 4, "substitutes": {}},
    ]
    path = tmp_path / "test_subs_0_400.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    asked = settings(python_file, tiny_teacher, changes=("quotes",), substitutes=path)
    summary, _ = result(asked)
    natural = summary.changes[NATURAL]
    assert natural.functions == 1 and natural.worst is not None
    assert natural.worst.after == (code.replace("total", "sum"),) and natural.worst.label == 1
    path.write_text('{"func": "int f(void) { return 0; }"}\n', "utf-8")
    with pytest.raises(DataError, match=r"cannot be read as ALERT's substitutes .*give a JSONL file with func, target"):
        result(asked)
    path.write_text(json.dumps(rows[1]) + "\n", "utf-8")
    with pytest.raises(DataError, match="has no function whose variables can be renamed"):
        result(asked)


def test_substitutes_for_pairs(tmp_path: Path) -> None:
    import random

    from compressor_core.data.substitutes import read_substitutes
    from compressor_core.task import Task

    first, second = "int f(int a) { return a; }", "int g(int a) { return a; }"
    row = {"id1": "1", "id2": "2", "code1": first, "code2": second, "label": 0, "substitutes": {"a": ["b", "c"]}}
    path = tmp_path / "test_subs_0_500.jsonl"
    path.write_text(json.dumps(row) + "\n", "utf-8")
    ((example, codes),) = read_substitutes(path, Task.CLONE, random.Random(0), 5)
    assert example.codes == (first, second) and example.label == 0
    assert codes[0] in ("int f(int b) { return b; }", "int f(int c) { return c; }") and codes[1] == second


def test_what_cannot_be_probed(tiny_teacher: Path, labelled_file: Path, python_file: Path, pairs_file: Path) -> None:
    with pytest.raises(DataError, match="changes must know the language, and file does not say"):
        result(settings(labelled_file, tiny_teacher))
    with pytest.raises(SettingsError, match="there is no change 'renames': choose from rename"):
        result(settings(python_file, tiny_teacher, changes=("renames",)))
    with pytest.raises(ModelError, match="is for vulnerability and the dataset"):
        result(settings(pairs_file, tiny_teacher))
    with pytest.raises(SettingsError, match="0 models are no number for a probe: give 1 to 5"):
        settings(python_file)


def test_a_probe_can_be_cancelled(tiny_teacher: Path, python_file: Path) -> None:
    assert finish(probe(settings(python_file, tiny_teacher), cancelled=lambda: True)) is None
