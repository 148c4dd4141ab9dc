"""Files of a teacher's answers: every form gives the same, and what cannot be used is refused in one sentence."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from compressor_core.data.answers import AnswerFile, RecordedAnswers, kept_answers, read_answers, task_of_answers
from compressor_core.data.benchmarks import bigclonebench
from compressor_core.data.dataset import Dataset
from compressor_core.data.files import read_file
from compressor_core.errors import DataError
from compressor_core.task import Task

CODE = {str(number): f"int f{number}() {{ return {number}; }}" for number in range(4)}
PAIRS = [("0", "1"), ("1", "2"), ("3", "0")]
LOGITS = np.array([[2.0, -1.0], [-3.0, 0.5], [0.0, 0.25]], np.float32)


@pytest.fixture
def pairs(tmp_path: Path) -> Dataset:
    """A folder as CodeXGLUE publishes BigCloneBench: functions by id, and pairs of them."""
    folder = tmp_path / "pairs"
    folder.mkdir()
    rows = "".join(json.dumps({"idx": name, "func": code}) + "\n" for name, code in CODE.items())
    (folder / "data.jsonl").write_text(rows)
    (folder / "valid.txt").write_text("0\t2\t0\n1\t3\t1\n")
    (folder / "test.txt").write_text("2\t3\t1\n0\t3\t0\n")
    return bigclonebench(folder)


@pytest.fixture
def functions(labelled_file: Path) -> Dataset:
    return read_file(labelled_file)


def by_id() -> pd.DataFrame:
    return pd.DataFrame(PAIRS, columns=["id1", "id2"]).assign(logit_0=LOGITS[:, 0], logit_1=LOGITS[:, 1])


def as_parquet(path: Path, table: pd.DataFrame) -> Path:
    table.to_parquet(path / "a.parquet", index=False)
    return path / "a.parquet"


def as_named_classes(path: Path, table: pd.DataFrame) -> Path:
    return as_parquet(path, table.rename(columns={"logit_0": "logit_different", "logit_1": "logit_clone"}))


def as_json(path: Path, table: pd.DataFrame) -> Path:
    file = path / "a.jsonl.gz"
    file.write_bytes(gzip.compress(table.to_json(orient="records", lines=True).encode()))
    return file


def as_code(path: Path, table: pd.DataFrame) -> Path:
    code = {f"func{n}": table[f"id{n}"].map(CODE) for n in (1, 2)}
    return as_parquet(path, table.drop(columns=["id1", "id2"]).assign(**code))


def as_array(path: Path, table: pd.DataFrame) -> Path:
    (path / "a.txt").write_text(
        "".join(f"{one}\t{other}\t1\n" for one, other in zip(table.id1, table.id2, strict=True))
    )
    np.save(path / "a.npy", table[["logit_0", "logit_1"]].to_numpy())
    return path / "a.npy"


@pytest.mark.parametrize("written", [as_parquet, as_named_classes, as_json, as_code, as_array])
def test_every_form_gives_the_same_answers(
    pairs: Dataset, tmp_path: Path, written: Callable[[Path, pd.DataFrame], Path]
) -> None:
    path = written(tmp_path, by_id())
    found = read_answers(path, pairs)
    assert list(found.codes) == [(CODE[one], CODE[other]) for one, other in PAIRS]
    assert np.allclose(found.logits, LOGITS, atol=1e-6) and found.left_out == 0
    assert task_of_answers(path) is Task.CLONE
    known = found.of([(CODE["1"], CODE["2"]), (CODE["2"], CODE["1"])])
    assert list(known) == [0] and np.allclose(known[0], LOGITS[1], atol=1e-6)


def test_probabilities_become_logits_of_the_same_probabilities(pairs: Dataset, tmp_path: Path) -> None:
    shares = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    table = by_id().rename(columns={"logit_0": "probability_0", "logit_1": "probability_1"})
    table[["probability_0", "probability_1"]] = shares
    found = read_answers(as_parquet(tmp_path, table), pairs).logits
    assert np.allclose(found[:, 1] - found[:, 0], LOGITS[:, 1] - LOGITS[:, 0], atol=1e-4)
    np.save(as_array(tmp_path, by_id()), shares)
    assert np.allclose(read_answers(tmp_path / "a.npy", pairs).logits, found, atol=1e-5)
    certain = by_id().rename(columns={"logit_0": "probability_0", "logit_1": "probability_1"})
    certain[["probability_0", "probability_1"]] = [[1.0, 0.0]] * 3
    assert np.isfinite(read_answers(as_parquet(tmp_path, certain), pairs).logits).all()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (
            {"logit_0": [1.0, float("nan"), 2.0]},
            r"line 2 of .* has None, 0\.5 as logit_0 and logit_1, not two finite numbers",
        ),
        ({"logit_0": [1.0, float("inf"), 2.0]}, "line 2 of .* has inf.* not two finite numbers"),
        ({"logit_0": ["a", "b", "c"]}, "line 1 of .* not two finite numbers"),
        ({"id2": ["1", "9", "0"]}, "line 2 of .* has no code: data.jsonl lacks the function 9"),
        ({"func1": ["a", "", "b"], "func2": ["a", "b", "c"]}, "line 2 of .* has no code in 'func1'"),
        ({"logit_2": 0.0}, "answers for the classes 0, 1, 2, and those of bigclonebench are different and clone"),
        ({"func": "int f;"}, "has single functions, and bigclonebench has pairs"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    pairs: Dataset, tmp_path: Path, changed: Mapping[str, Any], says: str
) -> None:
    with pytest.raises(DataError, match=says) as refused:
        read_answers(as_parquet(tmp_path, by_id().assign(**changed)), pairs)
    assert "\n" not in str(refused.value)


def test_probabilities_must_add_up_to_one(pairs: Dataset, tmp_path: Path) -> None:
    table = by_id().drop(columns=["logit_0", "logit_1"])
    for shares in ([0.5, 0.6], [1.5, -0.5]):
        path = as_parquet(tmp_path, table.assign(probability_0=shares[0], probability_1=shares[1]))
        with pytest.raises(DataError, match=r"line 1 of .* has probabilities that add up to"):
            read_answers(path, pairs)


def test_other_columns_and_labels_are_refused(pairs: Dataset, functions: Dataset, tmp_path: Path) -> None:
    bare = by_id().drop(columns=["logit_0", "logit_1"])
    with pytest.raises(DataError, match="has no answers among its columns id1, id2: call them logit_0"):
        read_answers(as_parquet(tmp_path, bare), pairs)
    other = by_id().rename(columns={"logit_0": "logit_safe", "logit_1": "logit_vulnerable"})
    with pytest.raises(DataError, match="answers for the classes safe, vulnerable"):
        read_answers(as_parquet(tmp_path, other), pairs)
    with pytest.raises(DataError, match="has no column with code: add func, or ids as id"):
        read_answers(as_parquet(tmp_path, by_id()), functions)
    with pytest.raises(DataError, match=r"has no data\.jsonl that says which these are"):
        read_answers(as_parquet(tmp_path, by_id().assign(id="1")), functions)
    with pytest.raises(DataError, match="there is no file of answers"):
        read_answers(tmp_path / "absent.parquet", pairs)


def test_an_array_goes_with_its_pairs_row_by_row(pairs: Dataset, tmp_path: Path) -> None:
    path = as_array(tmp_path, by_id())
    for count in (2, 4):
        np.save(path, np.resize(LOGITS, (count, 2)))
        with pytest.raises(DataError, match=rf"has {count} answers and a\.txt beside it 3 rows"):
            read_answers(path, pairs)
    np.save(path, np.zeros(3))
    with pytest.raises(DataError, match="one number for each class"):
        read_answers(path, pairs)
    np.save(path, np.zeros((3, 3)))
    with pytest.raises(DataError, match="answers for the classes 0, 1, 2"):
        read_answers(path, pairs)
    path.write_bytes(b"no array")
    with pytest.raises(DataError, match="is no array that can be read"):
        read_answers(path, pairs)
    (tmp_path / "a.txt").unlink()
    np.save(path, LOGITS)
    with pytest.raises(DataError, match=r"there is no a\.txt"):
        read_answers(path, pairs)


def test_bad_rows_are_counted_where_they_are_left_out(pairs: Dataset, tmp_path: Path) -> None:
    path = as_array(tmp_path, by_id().assign(id2=["1", "9", "0"]))
    found = read_answers(path, pairs, skip_bad_rows=True)
    assert found.left_out == 1 and np.allclose(found.logits, LOGITS[[0, 2]])


def test_what_is_written_is_read_again(pairs: Dataset, tmp_path: Path) -> None:
    codes = [(CODE[one], CODE[other]) for one, other in PAIRS]
    path = tmp_path / "new" / "answers.parquet"
    with AnswerFile(path, Task.CLONE, pairs.labels) as file:
        file.add(codes[:2], LOGITS[:2])
        assert not path.exists()
        file.add(codes[2:], LOGITS[2:])
    found = read_answers(path, pairs)
    assert list(found.codes) == codes and (found.logits == LOGITS).all()
    with pytest.raises(DataError, match=r"answers are written as Parquet, not as a\.csv"):
        AnswerFile(tmp_path / "a.csv", Task.CLONE, pairs.labels)
    with pytest.raises(KeyError), AnswerFile(tmp_path / "half.parquet", Task.CLONE, pairs.labels):
        raise KeyError
    assert sorted(one.name for one in tmp_path.iterdir()) == ["new", "pairs"]


def test_a_table_is_kept_by_its_content(pairs: Dataset) -> None:
    first, again = kept_answers(by_id()), kept_answers(by_id())
    assert first == again != kept_answers(by_id().assign(logit_0=0.0))
    assert np.allclose(read_answers(first, pairs).logits, LOGITS)
    with pytest.raises(DataError, match="a teacher cannot be a list"):
        kept_answers([])


def test_the_fingerprint_follows_code_and_answers() -> None:
    def of(codes: list[tuple[str, ...]], logits: Any) -> str:
        return RecordedAnswers(Path("a"), codes, np.array(logits, np.float32), 0).fingerprint

    one = of([("a", "b")], [[0, 1]])
    assert one == of([("a", "b")], [[0, 1]])
    assert len({one, of([("b", "a")], [[0, 1]]), of([("a", "b")], [[1, 0]]), of([("ab", "")], [[0, 1]])}) == 4
