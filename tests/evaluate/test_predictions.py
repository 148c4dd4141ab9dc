"""Predictions of examples: written, read again, chosen from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from compressor_core.data.dataset import Example
from compressor_core.errors import DataError, StorageError
from compressor_core.evaluate.predictions import (
    Predictions,
    Verdict,
    example_rows,
    read_predictions,
    select,
    write_predictions,
)

EXAMPLES = [
    Example(("def a():\n    eval(x)",), 1, "CWE-95", "m.a"),
    Example(("=1+1",), 0, "CWE-95", "m.b"),
    Example(("def c(): '\u2028\udc80'",), 1, "CWE-78", "m.c"),
    Example(("def a():\n    eval(x)",), 0, "", "m.d"),
]
SAID = {
    "Teacher": [[-2.0, 2.0], [2.0, -2.0], [-0.1, 0.1], [-1.0, 1.0]],  # right, right, right, wrong
    "small": [[-1.0, 1.0], [-3.0, 3.0], [0.2, -0.2], [1.0, -1.0]],  # right, wrong, wrong, right
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_predictions(tmp_path / "predictions", EXAMPLES, SAID)
    return tmp_path / "predictions"


@pytest.fixture
def predictions(folder: Path) -> Predictions:
    return read_predictions(folder)


def test_what_is_written_comes_back(predictions: Predictions) -> None:
    assert predictions.models == ("Teacher", "small")
    assert [predictions.codes(index) for index in range(4)] == [example.codes for example in EXAMPLES]
    assert len(predictions.functions) == 3  # each once
    assert predictions.gold.tolist() == [1, 0, 1, 0] and predictions.kinds == ("CWE-95", "CWE-95", "CWE-78", "")
    assert predictions.predicted.tolist() == [[1, 0, 1, 1], [1, 1, 0, 0]]
    assert predictions.probabilities[0, 0] == pytest.approx(1 / (1 + np.exp(-4)))
    assert predictions.characters[1] == 4 and predictions.origins[2] == "m.c"


def test_pairs_have_two_functions(tmp_path: Path) -> None:
    pairs = [Example(("a", "b"), 1), Example(("b", "a"), 0)]
    write_predictions(tmp_path, pairs, {"Teacher": [[0.0, 1.0], [1.0, 0.0]]})
    found = read_predictions(tmp_path)
    assert (found.codes(0), found.codes(1), found.functions) == (("a", "b"), ("b", "a"), ("a", "b"))
    assert found.characters == (2, 2)


def test_who_is_right(predictions: Predictions) -> None:
    chosen = {verdict: select(predictions, verdict=verdict).tolist() for verdict in Verdict}
    assert chosen[Verdict.DISAGREE] == [1, 3, 2]  # by how far the probabilities are apart
    assert sorted(chosen[Verdict.ONLY_TEACHER]) == [1, 2] and chosen[Verdict.ONLY_STUDENT] == [3]
    assert chosen[Verdict.NEITHER] == [] and sorted(chosen[Verdict.ALL]) == [0, 1, 2, 3]


def test_filters(predictions: Predictions) -> None:
    def chosen(**filters: object) -> list[int]:
        return sorted(select(predictions, verdict=Verdict.ALL, **filters).tolist())  # type: ignore[arg-type]

    assert chosen(kind="CWE-95") == [0, 1] and chosen(label=0) == [1, 3]
    assert chosen(text="EVAL(") == [0, 3] and chosen(text="absent") == []
    assert chosen(kind="CWE-95", label=1, text="eval") == [0]


def test_rows(predictions: Predictions) -> None:
    (row,) = example_rows(predictions, [2], 1, ("safe", "vulnerable"))
    assert (row["Truth"], row["Teacher says"], row["Student says"]) == ("vulnerable", "vulnerable", "safe")
    assert row["Student: vulnerable"] == pytest.approx(1 / (1 + np.exp(0.4))) and row["Kind"] == "CWE-78"
    assert row["Code"] == EXAMPLES[2].codes[0]


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "examples.jsonl").write_text('{"gold": 1'),
        lambda folder: (folder / "examples.jsonl").write_text(""),
        lambda folder: (folder / "examples.jsonl").write_text("[]\n"),
        lambda folder: (folder / "functions.jsonl").write_text('{"code": "a"}\n'),
        lambda folder: (folder / "functions.jsonl").unlink(),
    ],
)
def test_damage_is_one_sentence(folder: Path, damage: object) -> None:
    damage(folder)  # type: ignore[operator]
    with pytest.raises(DataError, match="compare the models again"):
        read_predictions(folder)


def test_one_model_that_says_less_is_damage(folder: Path) -> None:
    lines = (folder / "examples.jsonl").read_text().splitlines()
    row = json.loads(lines[1])
    row["logits"]["small"] = [1.0]
    (folder / "examples.jsonl").write_text("\n".join([lines[0], json.dumps(row)]) + "\n")
    with pytest.raises(DataError, match="damaged"):
        read_predictions(folder)


def test_absent(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no examples\.jsonl: compare the models again"):
        read_predictions(tmp_path)


def test_where_one_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        write_predictions(tmp_path / "file" / "predictions", EXAMPLES, SAID)
