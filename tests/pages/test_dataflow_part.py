"""The drawing of a function's data flow, as a visitor works it."""

from __future__ import annotations

import json
from typing import Any

from streamlit.testing.v1 import AppTest


def page() -> None:
    from compressor_core.language import Language
    from pages.parts.dataflow import draw_data_flow

    draw_data_flow("int f(int a) {\n  int b = a;\n  return b + a;\n}\n", Language.C, "first")
    draw_data_flow("just words", Language.C, "second")


def shapes(at: AppTest) -> list[dict[str, Any]]:
    return list(json.loads(at.get("plotly_chart")[0].proto.spec)["layout"]["shapes"])


def test_a_visitor_chooses_what_is_drawn() -> None:
    at = AppTest.from_function(page, default_timeout=30).run()
    assert not at.exception
    assert at.selectbox[0].options == ["a", "b", "All 2"]
    assert [shape["path"].count("M") for shape in shapes(at)] == [3, 3]
    assert at.caption[1].value.startswith("No value flows") and at.code[0].value == "just words"
    at.selectbox[0].select("b").run()
    assert [shape["path"].count("M") for shape in shapes(at)] == [2, 2]
    at.selectbox[0].select("All 2").run()
    assert [shape["path"].count("M") for shape in shapes(at)] == [4, 4]
    at.toggle[0].set_value(True).run()
    assert not at.exception and "4 edges drawn" in at.caption[0].value
