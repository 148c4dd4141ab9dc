"""Lists of runs on a page, and whose result stands under a form."""

from __future__ import annotations

import re

import pytest

from compressor_core.bundled import bundled_teacher
from compressor_core.runs import Run, RunStore, State, Status
from compressor_core.runs.kinds import KINDS
from compressor_core.runs.library import families, students
from compressor_core.runs.subjects import is_about
from pages.parts.live import BRIEF, is_brief, titles_of
from tests.pages.studio import Open, Studio, field, no_traceback, parameter, texts
from tests.runs.test_tradeoff import distilled


@pytest.mark.parametrize("kind", KINDS)
def test_equal_runs_have_different_titles(kind: str) -> None:
    store = RunStore()
    for name in ("the same", "the same", "another"):
        store.create(kind, {}, name=name)
    titles = titles_of(store.list(kind))
    assert len(set(titles.values())) == 3
    assert sum(title.endswith("another · interrupted") for title in titles.values()) == 1


def test_of_two_equal_searches_the_chosen_one_stays_open(studio: Studio, open_page: Open) -> None:
    twin = copied(studio.store, studio.search)
    at = open_page("search", run=twin.id)
    no_traceback(at)
    box = field(at.selectbox, "Open an earlier run")
    assert len(set(box.options)) == len(box.options) == 2
    at.run()
    assert parameter(at, "run") == twin.id
    field(at.selectbox, "Open an earlier run").set_value(studio.search.id).run()
    no_traceback(at)
    assert parameter(at, "run") == studio.search.id


def test_only_a_run_of_seconds_is_drawn_often_and_only_while_it_may_end_at_any_moment() -> None:
    store = RunStore()
    search, training = store.create("search", {}), store.create("distill", {})
    queued, late = Status(state=State.QUEUED), Status(state=State.RUNNING, started=1.0, seconds=BRIEF + 1)
    early = Status(state=State.RUNNING, started=1.0, seconds=BRIEF / 2)
    assert [is_brief(search, status) for status in (queued, early, late)] == [True, True, False]
    assert not any(is_brief(training, status) for status in (queued, early, late))


def copied(store: RunStore, run: Run) -> Run:
    """Another run with the same settings, name and result."""
    twin = store.create(run.kind, run.config, name=run.name)
    for name in ("status.json", "events.jsonl"):
        (twin.folder / name).write_bytes((run.folder / name).read_bytes())
    return twin


def test_two_equal_students_have_different_titles() -> None:
    store = RunStore()
    for _ in range(2):
        run = distilled(store, "2000,16,1,1,32", 0.9)
        store.rename(run.id, "the same")
    titles = [model.title for model in students(store)]
    assert len(set(titles)) == len(titles)


def test_a_title_begins_with_size_and_accuracy() -> None:
    """At 390 px the rest is cut."""
    starts = [re.match(r"\d\.\d\d MB · \d\d\.\d% · ", model.title) for model in students(RunStore())]
    assert all(starts) and len({found[0] for found in starts if found}) >= 4


def test_the_newest_comparison_of_the_student_in_the_form_is_shown(studio: Studio, open_page: Open) -> None:
    at = open_page("compare")
    no_traceback(at)
    assert "Ready-made" not in texts(at) and "This result is of" not in texts(at)
    assert at.header[0].value.startswith("The student keeps")
    assert field(at.multiselect, "Students").value == [studio.distill.id]
    assert is_about(studio.compare, families(studio.store)[0].students)


def test_a_result_of_another_student_says_whose_it_is(studio: Studio, open_page: Open) -> None:
    studio.store.delete(studio.compare.id)
    at = open_page("compare")
    no_traceback(at)
    (said,) = [one.value for one in at.info if "This result is of" in one.value]
    assert " MB · " in said and "bundled student" in said
    assert "Ready-made" in texts(at)


@pytest.mark.parametrize("name", ["exam", "lab", "export"])
def test_every_form_with_students_says_whose_the_result_is(studio: Studio, open_page: Open, name: str) -> None:
    at = open_page(name)
    no_traceback(at)
    shown = [one.value for one in at.info if "This result is of" in one.value]
    assert len(shown) == (name != "export"), "no export ships with the program"


@pytest.mark.parametrize("name", ["compare", "exam", "lab"])
def test_the_ready_made_result_is_of_the_student_in_the_form(open_page: Open, name: str) -> None:
    at = open_page(name)
    no_traceback(at)
    assert "Ready-made" in texts(at) and "This result is of" not in texts(at)


def test_what_one_megabyte_costs_is_said_from_the_first_second(open_page: Open) -> None:
    at = open_page("study")
    no_traceback(at)
    assert re.search(r"1 MB in place of 3 MB costs \d+\.\d points of accuracy\.", texts(at))


@pytest.mark.parametrize("task", ["vulnerability", "clone"])
def test_a_student_to_distill_has_its_minutes_and_milliseconds(open_page: Open, task: str) -> None:
    at = open_page("distill")
    field(at.selectbox, "Teacher").set_value(str(bundled_teacher(f"classroom-{task}"))).run()
    no_traceback(at)
    assert "Training takes about" in texts(at)
    assert re.search(r"Predicted latency of one query: \*\*\d+\.\d\d ms\*\* on a reference machine", texts(at))
    assert re.fullmatch(r"about \d+ minutes?", field(at.radio, "Preset").proto.captions[1])
