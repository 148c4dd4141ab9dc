"""Labelled code from files, and what is wrong with some of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compressor_core.data.dataset import Split
from compressor_core.data.files import only_label, read_file
from compressor_core.data.registry import examples_for, open_dataset
from compressor_core.data.sampled import Sampled
from compressor_core.data.survey import survey
from compressor_core.errors import DataError
from compressor_core.task import Task


def rows(count: int) -> list[dict[str, object]]:
    return [{"func": f"int f{i}(void) {{ return {i}; }}", "target": i % 2} for i in range(count)]


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_devign_layout_is_split_by_content(tmp_path: Path) -> None:
    path = write(tmp_path / "d.jsonl", [json.dumps(row) for row in rows(500)])
    dataset = open_dataset("devign", str(path))
    sizes = {split: len(dataset.examples(split)) for split in Split}
    assert sizes[Split.TRAIN] == sizes[Split.UNLABELLED]
    assert sizes[Split.TRAIN] + sizes[Split.VALIDATION] + sizes[Split.TEST] == 500
    assert 360 < sizes[Split.TRAIN] < 440 and min(sizes.values()) > 25
    assert dataset.labels == ("safe", "vulnerable") and dataset.task is Task.VULNERABILITY
    assert len(examples_for(dataset, None)) == 500

    shuffled = write(tmp_path / "e.jsonl", [json.dumps(row) for row in reversed(rows(500))])
    other = open_dataset("devign", str(shuffled))
    assert {e.codes for e in other.examples(Split.TEST)} == {e.codes for e in dataset.examples(Split.TEST)}
    assert other.fingerprint != dataset.fingerprint


def test_a_split_column_is_obeyed(tmp_path: Path) -> None:
    lines = ["func,label,split", "a(),1,train", "b(),0,unlabelled", "c(),1,valid", "d(),0,test"]
    dataset = read_file(write(tmp_path / "x.csv", lines))
    assert [dataset.examples(split)[0].codes[0] for split in Split] == ["a()", "b()", "c()", "d()"]


def test_a_split_of_one_class_is_noted(tmp_path: Path) -> None:
    labels = {"train": ("bad", "bad"), "unlabelled": ("safe",), "valid": ("safe", "bad"), "test": ("safe",)}
    lines = [f"f({split}{n}),{label},{split}" for split, given in labels.items() for n, label in enumerate(given)]
    dataset = read_file(write(tmp_path / "x.csv", ["func,label,split", *lines]))
    assert dataset.notes == (
        "Every row of the train split has the label bad.",
        "Every row of the test split has the label safe.",
    )
    assert survey(dataset).notes == dataset.notes
    assert [only_label(dataset, split) for split in Split] == ["bad", "safe", None, "safe"]
    assert read_file(write(tmp_path / "d.jsonl", [json.dumps(row) for row in rows(500)])).notes == ()


def test_the_remedy_for_an_empty_split_is_one_that_there_is(tmp_path: Path) -> None:
    unsplit = read_file(write(tmp_path / "x.csv", ["func,label", "a(),1", "b(),0"]))
    split = read_file(write(tmp_path / "y.csv", ["func,label,split", "a(),1,train", "b(),0,train"]))
    for dataset, says in (
        (unsplit, r"add rows, which are split 80/10/10 by their code, or name .* in a column 'split'$"),
        (split, r"add rows, or leave out its column 'split', and all rows are split 80/10/10$"),
        (Sampled(split, {Split.TRAIN: 1}), r"leave out its column 'split'"),
    ):
        lacking = next(one for one in Split if one is not Split.UNLABELLED and not dataset.size(one))
        with pytest.raises(DataError, match=f"has no {lacking} example among its 2 rows: .*{says}"):
            dataset.examples(lacking)


def test_csv_with_bom_and_newlines_inside_code(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes('\ufefffunc,label\r\n"def f():\n  pass",1\r\ng(),0\r\n'.encode())
    assert read_file(path).everything()[0].codes == ("def f():\n  pass",)


def test_pairs_are_recognised(tmp_path: Path) -> None:
    dataset = read_file(write(tmp_path / "x.csv", ["func1,func2,label", "a(),b(),1", "a(),c(),0"]))
    assert dataset.task is Task.CLONE
    assert dataset.everything()[0].codes == ("a()", "b()")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "is empty"),
        (['{"func": "f()", "target": 1}', '{"func": "g()", "tar'], "line 2 .* cannot be read"),
        (['{"func": "f()", "target": 1}', "17"], "line 2 .* no JSON object"),
        (['[{"func": "f()", "target": 1},'], "ends before its list does"),
        (['{"func": "f()", "target": 2}'], "line 1 .* the label '2'"),
        (['{"func": "f()"}'], "no column known to hold labels among the columns 'func'"),
        (['{"target": 1}'], "no column known to hold code among the columns 'target'"),
        (['{"func": "f()", "target": 1}', '{"func": "g()"}'], "line 2 .* no label"),
        (['{"func": "f()", "target": 1}', '{"target": 0}', "[]"], r"line 2 .* no code in 'func' \(1 more"),
        (['{"func": "  ", "target": 1}'], "line 1 .* no code"),
        (['{"func": "f()", "target": 1}'], "label 1: both classes"),
        (['{"func": "f()", "target": 1, "split": "exam"}'], "the split 'exam'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, lines: list[str], says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_file(write(tmp_path / "bad.jsonl", lines))


def test_half_written_last_line(tmp_path: Path) -> None:
    path = tmp_path / "half.jsonl"
    path.write_text('{"func": "f()", "target": 1}\n{"func": "g', "utf-8")
    with pytest.raises(DataError, match=r"line 2 .*half-written"):
        read_file(path)


def test_binary_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(DataError, match="UTF-8"):
        read_file(tmp_path / "x.jsonl")
    with pytest.raises(DataError, match="is not a file"):
        read_file(tmp_path)
    with pytest.raises(DataError, match="no file"):
        read_file(tmp_path / "absent.jsonl")


def test_the_registry_names_the_remedy() -> None:
    with pytest.raises(DataError, match=r"choose from classroom-.*devign, bigclonebench, file"):
        open_dataset("imagenet")
    with pytest.raises(DataError, match="needs a file"):
        open_dataset("file")
    with pytest.raises(DataError, match="built in"):
        open_dataset("classroom-vulnerability", "x.jsonl")
