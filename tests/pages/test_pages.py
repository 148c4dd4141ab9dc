"""Every page: that it opens."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pages.parts.frame import SECTIONS, TABS
from tests.pages.studio import APP, PATHS, Open, no_traceback

NAMES = list(PATHS)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_opens_with_nothing_there_under_its_own_label(open_page: Open, name: str) -> None:
    at = open_page(name)
    no_traceback(at)
    assert [one.value for one in at.title] == [tab.label for tab in TABS if tab.name == name]
    assert 1 <= at.caption[0].value.count(". ") + 1 <= 2


def test_the_navigation_has_six_entries_and_marks_where_one_is(open_page: Open) -> None:
    at = open_page("sweeps")
    labels = [link.proto.label for link in at.get("page_link")]
    assert labels[:6] == list(SECTIONS) and len(SECTIONS) == 6
    assert labels[6:10] == ["Single search", "Trade-offs", "Sweeps", "Latency"]


def test_every_file_of_the_pages_is_a_tab() -> None:
    assert {str(path.relative_to(APP.parent)) for path in APP.parent.glob("pages/*/*.py")} - {
        str(path.relative_to(APP.parent)) for path in APP.parent.glob("pages/parts/*.py")
    } == {*PATHS.values()}


def test_the_first_page_needs_no_torch() -> None:
    program = (
        "import sys; from streamlit.testing.v1 import AppTest;"
        f"at = AppTest.from_file({str(APP)!r}, default_timeout=30).run(); assert not at.exception;"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=APP.parent)
    assert done.stdout.strip().endswith("[]"), done.stderr


@pytest.mark.parametrize("name", [name for name in NAMES if name != "board"])
def test_an_unknown_run_in_the_link_is_one_sentence(open_page: Open, name: str) -> None:
    at = open_page(name, **{"story" if name == "start" else "run": "../../etc"})
    no_traceback(at)
    assert "is not the id of a run" in at.error[0].value
