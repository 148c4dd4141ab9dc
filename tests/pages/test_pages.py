"""Every page: that it opens."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.pages.studio import APP, Open, no_traceback

NAMES = (
    "home",
    "teacher",
    "search",
    "tradeoffs",
    "sweeps",
    "latency",
    "distill",
    "study",
    "compare",
    "playground",
    "export",
    "runs",
    "paper",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_opens_with_nothing_there_and_says_what_to_do_next(open_page: Open, name: str) -> None:
    at = open_page(name)
    no_traceback(at)
    assert len(at.title) == 1
    assert "**Next:**" in at.markdown[0].value or "**Next:**" in at.markdown[1].value


def test_the_first_page_needs_no_torch() -> None:
    program = (
        "import sys; from streamlit.testing.v1 import AppTest;"
        f"at = AppTest.from_file({str(APP)!r}, default_timeout=30).run(); assert not at.exception;"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=APP.parent)
    assert done.stdout.strip().endswith("[]"), done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_run_in_the_link_is_one_sentence(open_page: Open, name: str) -> None:
    at = open_page(name, **{"story" if name == "home" else "run": "../../etc"})
    no_traceback(at)
    assert "is not the id of a run" in at.error[0].value
