"""The page of the paper: every cell says what it is, and an import fills its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.dataset import Split
from compressor_core.paper import ACCURACY, ARCHITECTURES, COLUMNS, DATASET, Row, accuracy
from compressor_core.runs import RunStore, State
from compressor_core.shipped import shipped
from tests import released
from tests.pages.studio import Open, button, field, metric, no_traceback, texts, until_over


def tables(at: AppTest) -> list[str]:
    return [str(one.proto.body) for one in at.get("html") if "<table" in one.proto.body]


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    path = tmp_path / "functions.jsonl"
    rows = [{"func": e.codes[0], "target": e.label} for e in ClassroomVulnerability().examples(Split.TEST)[:12]]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def fill(at: AppTest, **texts: object) -> None:
    for label, value in texts.items():
        next(one for one in at.text_input if one.label.startswith(label.replace("_", " "))).set_value(str(value))


def test_with_nothing_reproduced_it_has_what_ships_and_says_why_the_rest_is_missing(open_page: Open) -> None:
    at = open_page("paper")
    no_traceback(at)
    accuracies, latencies = tables(at)
    for numbers in ACCURACY.values():
        assert all(f">{number:.2f}<" in accuracies for number in numbers)
    assert accuracies.count("not trained by this program") == 4
    assert accuracies.count("neither its weights nor a GPU") == latencies.count("neither its weights nor a GPU") == 4
    theirs = [one for one in shipped() if one.imported]
    assert accuracies.count('class="here"') == latencies.count('class="here"') == len(theirs) > 0
    for one in theirs:
        assert f"{one.correct:,} of {one.examples:,} " in accuracies and f"<b>{one.milliseconds:.1f}</b>" in latencies
    assert "× faster than a model of the teacher&#x27;s shape" in latencies
    assert "Ships with the program: **" in texts(at) and "Not reproduced on this machine yet" in texts(at)
    assert button(at, "Import and measure").disabled


def test_each_cell_tells_how_to_reproduce_it(open_page: Open) -> None:
    at = open_page("paper")
    for row, column in [*((Row.TEACHER, column) for column in COLUMNS), *((row, COLUMNS[2]) for row in Row)]:
        field(at.selectbox, "Experiment").set_value(column.title)
        field(at.selectbox, "Model").set_value(row.value).run()
        no_traceback(at)
        commands = "\n".join(one.value for one in at.code)
        assert f"{accuracy(row, column):.2f}%" in texts(at)
        if row is Row.BASELINE:
            assert "does not train one" in texts(at) and not commands
            continue
        assert f"--base {column.encoder.hub_name} --dataset {DATASET[column.task]} " in commands
        assert ("import-released" in commands) == (row in ARCHITECTURES)


def test_an_import_by_path_fills_its_cell(open_page: Open, tmp_path: Path, functions: Path) -> None:
    checkpoint, tokenizer = released.write(tmp_path, architecture=ARCHITECTURES[Row.STUDENT_3])
    at = open_page("paper")
    fill(at, Checkpoint=checkpoint, Tokenizer=tokenizer, Test_data=functions)
    at.run()
    button(at, "Import and measure").click().run()
    no_traceback(at)
    (run,) = RunStore().list()
    assert until_over(run).state is State.FINISHED
    at.run()
    no_traceback(at)
    accuracies, latencies = tables(at)
    assert "of 12 functions, not the paper&#x27;s 2,732" in accuracies and "816 of 1,366" not in accuracies
    assert accuracies.count('class="here"') == latencies.count('class="here"') == sum(one.imported for one in shipped())
    assert "the published student, imported; measured on functions.jsonl" in texts(at)
    assert metric(at, "Size") == "3.05 MB"


def test_uploads_are_kept_and_a_bad_one_is_a_sentence(open_page: Open, tmp_path: Path, functions: Path) -> None:
    _, tokenizer = released.write(tmp_path)
    at = open_page("paper")
    at.button_group[0].set_value("Upload").run()
    no_traceback(at)
    at.file_uploader[0].set_value(("../../model.bin", b"no checkpoint", "application/octet-stream"))
    at.file_uploader[1].set_value(("BPE.json", tokenizer.read_bytes(), "application/json"))
    fill(at, Test_data=functions)
    at.run()
    button(at, "Import and measure").click().run()
    no_traceback(at)
    (run,) = RunStore().list()
    assert {Path(run.config[name]).parent for name in ("checkpoint", "tokenizer")} == {RunStore().root / "uploads"}
    assert until_over(run).state is State.FAILED
    at.run()
    no_traceback(at)
    assert "is a text ('no checkpoint'), not the file itself" in at.error[0].value
