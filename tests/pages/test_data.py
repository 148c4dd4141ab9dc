"""The data half of the page Teacher & data: one's own files, benchmarks, and what is said about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from compressor_core.data.files import read_file
from compressor_core.language import Language
from compressor_core.runs import RunStore, cancel
from compressor_core.task import Task
from pages.parts.state import DEFAULTS
from tests.pages.studio import PATHS, Open, until_over

FILE = "Path of a file on this machine"


@pytest.fixture(autouse=True)
def _quick_classroom(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page opens on the classroom, which is not what is tested here: it begins with a file instead."""
    monkeypatch.setitem(DEFAULTS, "dataset", "file")


def widget(widgets: Any, label: str) -> Any:
    return next(one for one in widgets if one.label == label)


def button(at: AppTest) -> Any:
    return widget(at.button, "Train a teacher")


def said(at: AppTest) -> str:
    assert not at.exception, at.exception
    return "\n".join(str(one.value) for one in [*at.info, *at.warning, *at.caption, *at.error])


def metrics(at: AppTest) -> dict[str, str]:
    return {str(one.label): str(one.value) for one in at.metric}


def on(at: AppTest, path: Path) -> AppTest:
    widget(at.text_input, FILE).set_value(str(path))
    return at.run()


def trained(at: AppTest) -> dict[str, Any]:
    """The settings of the run that the button starts."""
    button(at).click().run()
    assert not at.exception
    (run,) = RunStore().list()
    cancel(run)
    until_over(run)
    return run.config


def csv(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def functions(count: int) -> list[str]:
    return [f"int f{i}(int x) {{ return x + {i}; }}" for i in range(count)]


def test_a_file_that_speaks_for_itself(open_page: Open, tmp_path: Path) -> None:
    rows = [f"{code},{i % 2}" for i, code in enumerate(functions(60))]
    at = on(open_page("teacher"), csv(tmp_path / "x.csv", "func,label", *rows))
    assert sum(int(value) for value in metrics(at).values()) == 60
    assert "No duplicates" in said(at)
    at.session_state["data_view"] = "Figures"
    at.run()
    charts = [json.loads(one.proto.spec) for one in at.get("plotly_chart")]
    assert [trace["name"] for trace in charts[0]["data"]] == ["0", "1"]
    config = trained(at)
    assert config["dataset"] == "file" and config["pair_features"] == "compare"
    assert len(read_file(config["data"]).rows) == 60


def test_columns_and_the_positive_label_are_asked_for_where_they_cannot_be_told(
    open_page: Open, tmp_path: Path
) -> None:
    rows = [f"{code},{'ill' if i % 3 else 'well'}" for i, code in enumerate(functions(60))]
    at = on(open_page("teacher"), csv(tmp_path / "x.csv", "body of it,verdict", *rows))
    assert "Say which column holds the code and which the label." in said(at)
    assert button(at).disabled
    widget(at.selectbox, "Code").set_value("body of it").run()
    assert "Say which column holds the label." in said(at)
    widget(at.selectbox, "Label").set_value("verdict").run()
    assert "Say which label means 1" in said(at) and button(at).disabled
    widget(at.selectbox, "Label that means 1").set_value("ill").run()
    widget(at.selectbox, "Language").set_value(Language.C).run()
    dataset = read_file(trained(at)["data"])
    assert (dataset.labels, dataset.language) == (("well", "ill"), Language.C)
    assert sum(e.label for e in dataset.everything()) == 40


def test_a_guess_can_be_put_right(open_page: Open, tmp_path: Path) -> None:
    codes = functions(61)
    rows = [f"{codes[i]},{codes[i + 1]},{i % 2},{1 - i % 2}" for i in range(60)]
    at = on(open_page("teacher"), csv(tmp_path / "x.csv", "code1,code2,label,target", *rows))
    assert widget(at.selectbox, "Second function, in a file of pairs").value == "code2"
    widget(at.selectbox, "Label").set_value("target").run()
    widget(at.radio, "How the head compares two functions").set_value("concat").run()
    config = trained(at)
    dataset = read_file(config["data"])
    assert dataset.task is Task.CLONE and config["pair_features"] == "concat"
    assert [e.label for e in dataset.everything()][:2] == [1, 0]


def test_bad_rows_are_listed_by_line_and_left_out_with_consent_only(open_page: Open, tmp_path: Path) -> None:
    rows = [f"{code},{i % 2}" for i, code in enumerate(functions(60))]
    path = csv(tmp_path / "x.csv", "func,label", *rows, ",1", "int g() {},7")
    at = on(open_page("teacher"), path)
    assert "2 rows of 62 cannot be used." in said(at)
    table = at.dataframe[0].value
    assert list(table["Line"]) == [62, 63]
    assert "no code" in table["What is wrong"][0] and "'7'" in table["What is wrong"][1]
    assert button(at).disabled and not at.metric
    widget(at.checkbox, "Leave these rows out and go on with the other 60").check().run()
    assert sum(int(value) for value in metrics(at).values()) == 60
    with path.open("a") as file:
        file.write(",\n")
    at.run()  # consent to these rows is not consent to others
    assert "3 rows of 63 cannot be used." in said(at) and button(at).disabled


def test_leakage_and_contradictions_are_said(open_page: Open, tmp_path: Path) -> None:
    rows = ["f(),1,train", "f(),0,train", "g(),0,test", "g(),0,train", "h(),1,test", "i(),1,validation"]
    at = on(open_page("teacher"), csv(tmp_path / "x.csv", "func,label,split", *rows))
    assert "both labels (once; first in line 2 of x.csv and line 3 of x.csv)" in said(at)
    assert "1 of the 2 functions of the test split are in the training splits too" in said(at)
    assert "2 duplicates" in said(at)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no row that can be read"),
        ("func,label\nf(),1\n".encode("utf-16"), "save it as CSV or JSONL in UTF-8"),
        (b"func,label\nf(),1\ng(),1\n", "both classes are needed"),
        (b"func,func\nf(),1\n", "two columns 'func'"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(open_page: Open, tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    at = on(open_page("teacher"), path)
    assert says in said(at) and len(at.error) == 1
    assert button(at).disabled


def test_what_was_said_of_a_file_is_still_there_after_a_walk(open_page: Open, tmp_path: Path) -> None:
    rows = [f"{code},{'ill' if i % 3 else 'well'}" for i, code in enumerate(functions(60))]
    at = on(open_page("teacher"), csv(tmp_path / "x.csv", "func,label", *rows))
    widget(at.selectbox, "Label that means 1").set_value("ill").run()
    assert at.metric
    at.switch_page(PATHS["runs"]).run()
    at.switch_page(PATHS["teacher"]).run()
    assert widget(at.selectbox, "Label that means 1").value == "ill"
    assert at.metric


def test_a_benchmark_that_is_not_here_can_be_trained_on_and_says_what_will_happen(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("compressor_core.data.hub.cached_parts", lambda repository: None)
    at = open_page("teacher")
    widget(at.radio, "Dataset").set_value("bigclonebench").run()
    assert "google/code_x_glue_cc_clone_detection_big_clone_bench" in said(at)
    assert not button(at).disabled
    assert widget(at.radio, "How the head compares two functions").value == "compare"


def test_a_folder_of_pairs(open_page: Open, tmp_path: Path) -> None:
    with (tmp_path / "data.jsonl").open("w") as file:
        for number, code in enumerate(functions(40)):
            file.write(json.dumps({"idx": str(number), "func": code}) + "\n")
    pairs = "".join(f"{i}\t{(7 * i + 1) % 40}\t{i % 2}\n" for i in range(40))
    for name in ("train.txt", "valid.txt", "test.txt"):
        (tmp_path / name).write_text(pairs + "0\t99\t1\n")
    at = open_page("teacher")
    widget(at.radio, "Dataset").set_value("bigclonebench").run()
    widget(at.text_input, "Its files on this machine").set_value(str(tmp_path)).run()
    assert metrics(at) == {"Train": "20", "Unlabelled": "20", "Validation": "40", "Test": "40"}
    assert "1 of the 41 pairs of test.txt are left out" in said(at)
    assert "40 of the 40 functions of the test split are in the training splits too" in said(at)


def test_bases(open_page: Open, tmp_path: Path) -> None:
    rows = [f"{code},{i % 2}" for i, code in enumerate(functions(60))]
    at = on(open_page("teacher"), csv(tmp_path / "x.csv", "func,label", *rows))
    base = widget(at.selectbox, "Start from")
    base.set_value("microsoft/graphcodebert-base").run()
    assert "data flow is read by language" in said(at)
    widget(at.selectbox, "Language").set_value(Language.C).run()
    assert "data flow is read by language" not in said(at)
    widget(at.selectbox, "Start from").set_value("other").run()
    assert button(at).disabled
    widget(at.text_input, "Folder or Hugging Face name").set_value("/absent/model").run()
    widget(at.number_input, "Maximum length (tokens)").set_value(64).run()
    widget(at.number_input, "Stop early after (epochs)").set_value(2).run()
    config = trained(at)
    assert (config["base"], config["max_length"], config["patience"]) == ("/absent/model", 64, 2)
    assert config["learning_rate"] is None and config["data_flow"] is None


def test_a_function_is_drawn_with_its_data_flow(open_page: Open, tmp_path: Path) -> None:
    codes = ["int f(int a) { int b = a; return b; }", *functions(60)]
    rows = [f"{codes[i]},{codes[i + 1]},{i % 2},train" for i in range(60)]
    at = on(open_page("teacher"), csv(tmp_path / "x.csv", "func1,func2,label,split", *rows))
    assert "Data flow" not in [tab.label for tab in at.tabs]
    widget(at.selectbox, "Language").set_value(Language.C).run()
    at.session_state["data_view"] = "Data flow"
    at.run()
    assert list(widget(at.selectbox, "Variable").options) == ["a", "b", "All 2"]
    assert len(at.get("plotly_chart")) == 1
    widget(at.radio, "Function").set_value(True).run()
    assert list(widget(at.selectbox, "Variable").options) == ["x", "All 1"]
    widget(at.number_input, "Example of the train split").set_value(2).run()
    assert not at.exception and "line 3 of x.csv" in said(at)


def test_data_flow_can_be_asked_for_where_the_language_is_known(open_page: Open, tmp_path: Path) -> None:
    rows = [f"{code},{i % 2}" for i, code in enumerate(functions(60))]
    at = on(open_page("teacher"), csv(tmp_path / "x.csv", "func,label", *rows))
    assert not [box for box in at.checkbox if "data flow" in box.label]
    widget(at.selectbox, "Language").set_value(Language.C).run()
    widget(at.checkbox, "Read data flow too, as GraphCodeBERT does").check().run()
    config = trained(at)
    assert config["data_flow"] is True and read_file(config["data"]).language is Language.C
