"""The part of plotly.js that draws the stage."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import plotly
import pytest
from streamlit import config

from compressor_core.architecture import SearchSpace
from compressor_core.figures.search.info import search_info
from compressor_core.figures.search.stage import stage
from compressor_core.search import SearchSettings, search
from compressor_core.search.known import known_front
from compressor_core.task import Task
from pages.parts.plotly_js import FILE, NAME, TRACES, served

FRONT = known_front("classroom", Task.VULNERABILITY)


def test_it_is_of_the_version_that_the_python_package_has_whole() -> None:
    whole = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    found = re.search(r"plotly\.js v([\d.]+)", whole.read_text("utf-8")[:200])
    assert found and f"plotly.js (basic - minified) v{found[1]}" in gzip.decompress(FILE.read_bytes())[:200].decode()
    assert found[1] in NAME
    assert "MIT License" in FILE.with_name("plotly-LICENSE").read_text("utf-8")


def test_it_can_draw_all_of_the_stage() -> None:
    settings = SearchSettings(budget_mb=3.0, space=SearchSpace.classroom(), population=10, generations=5)
    found: dict[str, Any] = stage(search_info(list(search(settings)), settings), FRONT, budget_mb=3.0)
    assert {trace["type"] for name in ("figure", "strips") for trace in found[name]["data"]} <= set(TRACES)
    program = gzip.decompress(FILE.read_bytes()).decode()
    assert all(f'moduleType:"trace",name:"{name}"' in program for name in TRACES)


@pytest.mark.parametrize(("base", "path"), [("", f"/{NAME}"), ("/studio/", f"/studio/{NAME}")])
def test_it_is_below_the_path_of_the_server(base: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "get_option", {"server.baseUrlPath": base}.__getitem__)
    assert served().path == path
