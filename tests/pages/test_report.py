"""Where the app offers a report."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from streamlit.testing.v1 import AppTest

from compressor_core.files import write_json
from pages.parts.report import report_of
from tests.pages.studio import Open, Studio


def downloads(at: AppTest) -> list[Any]:
    assert not at.exception
    return [one.proto.label for one in at.get("download_button")]


def test_every_run_that_tells_a_story_has_a_report(open_page: Open, studio: Studio) -> None:
    for run in (studio.search, studio.teacher, studio.distill, studio.compare):
        assert downloads(open_page("runs", run=run.id)) == ["Report"]
    sweep = studio.store.create("sweep", {"over": "seed"})
    assert downloads(open_page("runs", run=sweep.id)) == []


def test_a_finished_story_has_one_on_the_first_page(open_page: Open, studio: Studio) -> None:
    path = studio.distill.folder / "config.json"
    whole = json.loads(path.read_text())
    write_json(path, {**whole, "config": {**whole["config"], "search_run": studio.search.id}})
    assert downloads(open_page("start", story=studio.compare.id)) == ["Report"]
    assert "The student keeps" in report_of(studio.compare.id)


def test_a_run_that_was_deleted_meanwhile_is_said_in_the_file(studio: Studio) -> None:
    studio.store.delete(studio.search.id)
    assert escape(f"There is no run {studio.search.id}") in report_of(studio.search.id)
