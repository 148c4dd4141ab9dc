"""The hand-written exams: their form, their size, and that nothing learns from them."""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter
from pathlib import Path

import pytest

from compressor_core.data.dataset import Example, Split
from compressor_core.data.exam import CleanFunction, Exam, Kind, chips, clone_exam, vulnerability_exam
from compressor_core.data.registry import examples_for, open_dataset
from compressor_core.errors import DataError
from compressor_core.task import Task

VULNERABILITY, CLONE = vulnerability_exam(), clone_exam()
WEAKNESSES = {pair.weakness for pair in VULNERABILITY.pairs}
FIRST_GROUP = (22, 78, 79, 89, 95, 117, 295, 319, 327, 328, 330, 362, 377, 390, 489, 502, 605, 732, 772, 798, 1333)
_LAYOUT = {
    tokenize.COMMENT, tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER
}  # fmt: skip


def tokens(code: str) -> Counter[str]:
    """How often each token occurs, layout and comments apart."""
    return Counter(t.string for t in tokenize.generate_tokens(io.StringIO(code).readline) if t.type not in _LAYOUT)


def test_counts() -> None:
    by_weakness = Counter(pair.weakness for pair in VULNERABILITY.pairs)
    assert len(VULNERABILITY.pairs) >= 120
    assert len(VULNERABILITY.clean) >= 70
    assert len(by_weakness) >= 41
    assert all(2 <= count <= 6 for count in by_weakness.values())
    assert all(by_weakness[f"CWE-{number}"] >= 4 for number in FIRST_GROUP)
    assert min(Counter(pair.kind for pair in VULNERABILITY.pairs).values()) >= 50
    assert set(Counter(pair.kind for pair in VULNERABILITY.pairs)) == set(Kind)
    clones = Counter(pair.kind.is_clone for pair in CLONE.pairs)
    assert sum(clones.values()) >= 40
    assert min(clones.values()) >= 20


@pytest.mark.parametrize("exam", (VULNERABILITY, CLONE), ids=lambda exam: exam.name)
def test_every_entry_has_an_id_of_its_own_and_a_reason(exam: Exam) -> None:
    assert max(Counter(entry.id for entry in exam.entries).values()) == 1
    for entry in exam.entries:
        assert entry.reason.endswith(".") and len(entry.reason.split()) >= 3, entry.id


@pytest.mark.parametrize("exam", (VULNERABILITY, CLONE), ids=lambda exam: exam.name)
def test_every_code_is_one_short_function_and_no_two_are_equal(exam: Exam) -> None:
    codes = [code for example in exam.examples(Split.TEST) for code in example.codes]
    for code in codes:
        (function,) = ast.parse(code).body
        assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef), code
        assert code.count("\n") < 25, code
    assert max(Counter(map(str.strip, codes)).values()) == 1


def test_the_halves_of_a_pair_differ_in_little() -> None:
    for pair in VULNERABILITY.pairs:
        unsafe, safe = tokens(pair.unsafe), tokens(pair.safe)
        assert unsafe != safe, pair.id
        assert 2 * (unsafe & safe).total() / (unsafe.total() + safe.total()) >= 0.6, pair.id


def test_clones_of_type_1_have_the_same_syntax() -> None:
    def plain(code: str) -> str:
        tree = ast.parse(code)
        (function,) = tree.body
        assert isinstance(function, ast.FunctionDef)
        if ast.get_docstring(function) is not None:
            del function.body[0]
        return ast.dump(tree)

    first = [pair for pair in CLONE.pairs if pair.kind == "type-1"]
    assert first
    for pair in first:
        assert plain(pair.first) == plain(pair.second), pair.id


def test_a_dataset_that_can_be_scored_and_not_learned_from() -> None:
    dataset = open_dataset("exam-vulnerability")
    examples = examples_for(dataset, None)
    pair = VULNERABILITY.pairs[0]
    assert Example((pair.unsafe,), 1, pair.weakness, f"{pair.id}, unsafe") in examples
    assert Example((pair.safe,), 0, pair.weakness, f"{pair.id}, fixed") in examples
    assert {example.group for example in examples} == WEAKNESSES | {"clean"}
    assert {e.label for e in examples if e.group == "clean"} == {0}
    assert len(examples) == dataset.size(Split.TEST)
    assert open_dataset("exam-clone").labels == ("different", "clone")
    for split in set(Split) - {Split.TEST}:
        assert dataset.size(split) == 0
        with pytest.raises(DataError, match=f"no {split} split.*train on classroom-vulnerability"):
            dataset.examples(split)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no exam"):
        vulnerability_exam(tmp_path)
    path = tmp_path / "cwe-1.toml"
    for text, wrong in (("[[pair", "cannot be read"), ('[[clean]]\nid = "a"\nreason = "B."', "malformed clean")):
        path.write_text(text, "utf-8")
        vulnerability_exam.cache_clear()
        with pytest.raises(DataError, match=f"{path.name}.*{wrong}"):
            vulnerability_exam(tmp_path)
    path.write_text("[[clean]]\nid = 'a'\nreason = 'B.'\ncode = '''\ndef f(): pass\n'''", "utf-8")
    vulnerability_exam.cache_clear()
    assert vulnerability_exam(tmp_path).clean == (CleanFunction(id="a", reason="B.", code="def f(): pass"),)


def test_chips_are_pairs_of_the_exams() -> None:
    weaknesses, clones = chips(Task.VULNERABILITY), chips(Task.CLONE)
    known = {example.codes: example.label for example in VULNERABILITY.examples(Split.TEST)}
    for chip in weaknesses:
        assert (known[chip.codes], known[chip.other]) == chip.truths == (1, 0)
    assert "CWE-89 SQL injection" in {chip.title for chip in weaknesses} and len(weaknesses) == 8
    pairs = {example.codes: example.label for example in CLONE.examples(Split.TEST)}
    for chip in clones:
        assert (pairs[chip.codes],) * 2 == chip.truths and chip.other == chip.codes[::-1]
    assert len(clones) == 7 and {chip.truths for chip in clones} == {(0, 0), (1, 1)}
