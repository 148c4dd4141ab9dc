"""The page Runs."""

from __future__ import annotations

from compressor_core.runs import RunStore, State, launch
from tests.pages.studio import (
    Open,
    Studio,
    button,
    field,
    no_traceback,
    until_over,
)


def test_the_table_lists_every_run(studio: Studio, open_page: Open) -> None:
    at = open_page("runs")
    no_traceback(at)
    table = at.dataframe[0].value
    assert list(table["Kind"]) == ["Comparison", "Distillation", "Teacher", "Search"]
    assert all(table["Result"])


def test_a_run_is_renamed_and_deleted(studio: Studio, open_page: Open) -> None:
    at = open_page("runs", run=studio.search.id)
    no_traceback(at)
    field(at.text_input, "Name").set_value("my first search").run()
    button(at, "Rename").click().run()
    assert studio.store.get(studio.search.id).name == "my first search"
    button(at, "Yes, delete it").click().run()
    no_traceback(at)
    assert studio.search.id not in [run.id for run in studio.store.list()]


def test_a_run_that_is_deleted_while_open(studio: Studio, open_page: Open) -> None:
    at = open_page("runs", run=studio.search.id)
    studio.store.delete(studio.search.id)
    at.run()
    no_traceback(at)
    assert "may have been deleted" in at.error[0].value


def test_the_filter(studio: Studio, open_page: Open) -> None:
    at = open_page("runs")
    at.button_group[0].set_value(["search"]).run()
    no_traceback(at)
    assert list(at.dataframe[0].value["Kind"]) == ["Search"]


def test_a_live_run_is_cancelled(open_page: Open) -> None:
    run = launch(RunStore(), "search", {"budget_mb": 3.0, "generations": 10_000})
    at = open_page("runs", run=run.id)
    button(at, "Cancel").click().run()
    no_traceback(at)
    assert until_over(run).state is State.CANCELLED
