"""Recorded answers of a teacher on the page Distill: refused in a sentence, or learned from and compared with."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from compressor_core.data.intake import save_answers
from compressor_core.errors import DataError
from compressor_core.runs import RunStore, State
from tests.pages.studio import Open, button, field, metric, no_traceback, texts, until_over

KIND = "application/octet-stream"


def rows_of(labelled_file: Path) -> pd.DataFrame:
    """Answers to all functions of the file: the right ones, with more or less certainty."""
    rows = [json.loads(line) for line in labelled_file.read_text("utf-8").splitlines()]
    labels = np.array([row["label"] for row in rows])
    sure = np.random.default_rng(0).uniform(0.5, 2.0, len(rows)) * (2 * labels - 1)
    return pd.DataFrame({"func": [row["func"] for row in rows], "logit_0": -sure, "logit_1": sure})


def parquet(table: pd.DataFrame) -> tuple[str, bytes, str]:
    content = io.BytesIO()
    table.to_parquet(content, index=False)
    return "answers.parquet", content.getvalue(), KIND


def array(table: pd.DataFrame, *, rows: int) -> list[tuple[str, bytes, str]]:
    content = io.BytesIO()
    np.save(content, table[["logit_0", "logit_1"]].to_numpy()[:rows])
    lines = "".join(json.dumps({"func": code}) + "\n" for code in table.func)
    return [("answers.npy", content.getvalue(), KIND), ("functions.jsonl", lines.encode(), KIND)]


@pytest.fixture
def at(open_page: Open, labelled_file: Path) -> AppTest:
    at = open_page("distill")
    next(one for one in at.button_group if one.label == "The teacher is").set_value("Its recorded answers").run()
    field(at.radio, "Dataset").set_value("file").run()
    field(at.text_input, "Path of a file on this machine").set_value(str(labelled_file)).run()
    no_traceback(at)
    return at


def upload(at: AppTest, *files: tuple[str, bytes, str]) -> None:
    field(at.file_uploader, "The teacher's recorded answers").set_value(list(files)).run()
    no_traceback(at)


def test_what_cannot_be_used_is_refused_in_one_sentence(at: AppTest, labelled_file: Path) -> None:
    table = rows_of(labelled_file).head(20)
    shares = table.rename(columns={"logit_0": "probability_0", "logit_1": "probability_1"})
    cases: list[tuple[list[tuple[str, bytes, str]], str]] = [
        ([parquet(table.drop(columns="func"))], "has no column with code"),
        ([parquet(table.assign(func=["", *table.func[1:]]))], "has no code"),
        ([parquet(shares.assign(probability_0=0.5, probability_1=0.6))], "probabilities that add up to 1.1"),
        ([parquet(table.assign(logit_0=np.nan))], "not two finite numbers"),
        ([parquet(table.rename(columns={"logit_1": "logit_clone"}))], "answers for the classes 0, clone"),
        (array(table, rows=19), "has 19 answers and"),
        ([parquet(table), ("other.parquet", b"x", KIND)], "are not one table of answers"),
    ]
    for files, says in cases:
        upload(at, *files)
        (error,) = at.error
        assert says in error.value and "\n" not in error.value, (says, error.value)
        assert button(at, "Start distilling").disabled
    upload(at, *array(table, rows=20))
    assert not at.error and "20 answers, each matched" in texts(at) and not button(at, "Start distilling").disabled


def test_a_student_learns_from_them_and_is_compared_with_what_is_known(
    at: AppTest, labelled_file: Path, open_page: Open
) -> None:
    upload(at, parquet(rows_of(labelled_file)))
    field(at.text_input, "Architecture of the student").set_value("1000,16,1,1,32").run()
    field(at.radio, "Preset").set_value("smoke").run()
    button(at, "Start distilling").click().run()
    no_traceback(at)
    (run,) = RunStore().list()
    assert run.config["teacher"].endswith(".parquet") and run.config["hidden_weight"] == 0.0
    assert until_over(run).state is State.FINISHED, run.status().error
    at.run()
    no_traceback(at)
    assert metric(at, "Teacher's accuracy") == "100.0%"
    button(at, "Compare with the teacher").click().run()
    no_traceback(at)
    comparison = RunStore().list()[0]
    assert until_over(comparison).state is State.FINISHED
    at = open_page("compare", run=comparison.id)
    no_traceback(at)
    assert "The teacher's answers are recorded: its size and its latency are not known here." in texts(at)
    known: dict[str, Any] = {one.label: one.delta for one in at.metric}
    assert known["Accuracy"] == "teacher 100.0%"
    assert known["Size"] == known["Median latency"] == known["Parameters"] == "teacher not known"
    at = open_page("playground", run=run.id)
    field(at.text_area, "Function").set_value("def f(x):\n    return eval(x)\n")
    button(at, "Ask both").click().run()
    no_traceback(at)
    assert "learned from the recorded answers" in texts(at) and not at.error


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.csv": b"x"}, "'a.csv' is not a .parquet"),
        ({"a.parquet": b""}, "a.parquet is empty"),
        ({"a.txt": b"1 2"}, "a.txt has rows and no answers"),
        ({"a.npy": b"x", "b.txt": b"x", "c.txt": b"x"}, "not one table of answers"),
        ({}, "not one table of answers"),
    ],
)
def test_what_is_no_table_of_answers_is_not_kept(files: dict[str, bytes], says: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=says):
        save_answers(tmp_path, files)
    assert not list(tmp_path.iterdir())


def test_an_array_and_its_rows_get_one_name(tmp_path: Path) -> None:
    path = save_answers(tmp_path, {"../rows of it.jsonl.gz": b"rows", "answers.npy": b"array"})
    assert path.parent == tmp_path / "uploads" and path.suffix == ".npy" and path.read_bytes() == b"array"
    assert path.with_name(f"{path.stem}.jsonl.gz").read_bytes() == b"rows"
