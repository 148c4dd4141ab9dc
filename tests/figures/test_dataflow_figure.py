"""A function with arcs: where everything is drawn, what is said of it, and code that fits no row."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from compressor_core.dataflow import extract
from compressor_core.figures.study.dataflow import (
    COLUMNS,
    MOST_ROWS,
    DataFlowInfo,
    data_flow_figure,
    data_flow_info,
    data_flow_sentence,
)
from compressor_core.language import Language

CODE = "int f(int a)\n{\n\n    int b = a;\n    b += a;\n    return b;\n}\n"


def info_of(code: str, language: Language = Language.C, **more: Any) -> DataFlowInfo:
    return data_flow_info(code, extract(code, language).to_records(), **more)


def drawn(info: DataFlowInfo) -> list[str]:
    return [row.text[one.column : one.column + one.width] for one in info.occurrences for row in [info.rows[one.row]]]


def test_occurrences_are_drawn_where_the_code_has_them() -> None:
    info = info_of(CODE)
    assert [row.text for row in info.rows] == ["int f(int a)", "{", "  int b = a;", "  b += a;", "  return b;", "}"]
    assert [row.line for row in info.rows] == [1, 2, 4, 5, 6, 7]
    assert drawn(info) == [one.name for one in info.occurrences] == ["a", "b", "a", "b", "a", "b"]
    assert [one.line for one in info.occurrences] == [1, 4, 4, 5, 5, 6]
    assert {(edge.source, edge.target, edge.relation) for edge in info.edges} == {
        *((0, 2, "comesFrom"), (2, 1, "comesFrom"), (0, 4, "comesFrom"), (3, 5, "comesFrom")),
        *((1, 3, "computedFrom"), (4, 3, "computedFrom")),
    }
    assert data_flow_sentence(info) == "2 variables, 6 occurrences, 6 edges drawn."


def test_one_variable_alone() -> None:
    everything = info_of(CODE)
    info = info_of(CODE, variable="a")
    assert info.variables == everything.variables == ("a", "b")
    assert info_of(CODE.replace("return b", "b++; b++; return b")).variables[0] == "b"
    assert {(edge.source, edge.target) for edge in info.edges} == {(0, 2), (2, 1), (0, 4), (4, 3)}
    assert len(info.occurrences) == len(everything.occurrences)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_long_lines_are_wrapped_and_their_variables_with_them(newline: str) -> None:
    names = [f"parameter_{number}" for number in range(20)]
    code = f"int f(int {', int '.join(names)}){newline}{{{newline}\treturn {' + '.join(names)};{newline}}}"
    info = info_of(code)
    assert all(len(row.text) <= COLUMNS for row in info.rows)
    assert [row.line for row in info.rows if row.line is not None] == [1, 2, 3, 4]
    assert drawn(info) == names + names
    assert "".join("".join(row.text.split()) for row in info.rows) == "".join(code.split())
    assert len(info_of(code, columns=120).rows) < len(info.rows)


def test_wide_characters_take_two_columns() -> None:
    info = info_of("def f(变量, b):\n    return 变量 + b\n", Language.PYTHON)
    assert [(one.name, one.column, one.width) for one in info.occurrences] == [
        *(("变量", 6, 4), ("b", 12, 1)),
        *(("变量", 9, 4), ("b", 16, 1)),
    ]


def test_the_figure_names_every_edge_and_repeats_colour_by_dash() -> None:
    figure = json.loads(data_flow_figure(info_of(CODE)).to_json())
    hovers = [a["hovertext"] for a in figure["layout"]["annotations"] if "hovertext" in a]
    assert hovers[3] == (
        "<b>b</b>, line 5<br>computed from b in line 4<br>computed from a in line 5<br>b in line 6 comes from it"
    )
    named = {shape["name"]: shape for shape in figure["layout"]["shapes"] if shape.get("showlegend")}
    assert set(named) == {"comes from", "computed from"}
    assert len({shape["line"]["dash"] for shape in named.values()}) == 2
    assert len({shape["line"]["color"] for shape in named.values()}) == 2
    assert [len(re.findall("M", named[name]["path"])) for name in ("comes from", "computed from")] == [4, 2]
    assert "nan" not in json.dumps(figure).lower()


def test_what_looks_like_markup_is_shown_as_it_is() -> None:
    figure = json.loads(data_flow_figure(info_of("int f(int a) { return a <b> 1 && a; }")).to_json())
    texts = "".join(annotation["text"] for annotation in figure["layout"]["annotations"])
    assert "&lt;b&gt;" in texts and "&amp;&amp;" in texts


@pytest.mark.parametrize("code", ["", "\n\n", "not code at all", "int f(void) { return 1; }", "x" * 10_000])
def test_code_without_data_flow(code: str) -> None:
    info = info_of(code)
    assert data_flow_sentence(info).startswith("No value flows")
    assert json.loads(data_flow_figure(info).to_json())["layout"]["annotations"]


def test_a_long_function_is_cut() -> None:
    info = info_of("int f(int a)\n{\n" + "    a = a + 1;\n" * 400 + "}\n")
    assert info.cut and len(info.rows) == MOST_ROWS and info.lines == 403
    assert max(one.row for one in info.occurrences) < MOST_ROWS
    assert "Only the first" in data_flow_sentence(info)
    assert json.loads(data_flow_figure(info).to_json())["data"]
