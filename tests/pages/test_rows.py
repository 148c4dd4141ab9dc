from __future__ import annotations

import subprocess
import sys
from typing import Any

from pages.parts.rows import arrow
from tests.pages.studio import APP


def test_rows_come_out_as_they_went_in() -> None:
    rows: list[dict[str, Any]] = [
        {"name": "Grüße 🙂 \ud800", "when": "2026-11-23", "size": 3, "share": 0.5, "fits": True, "none": None},
        {"name": 'a "b"\n\\', "when": None, "size": 2**53 - 1, "share": None, "fits": None, "more": 1},
    ]
    found = arrow(rows).to_pylist()
    names = ["name", "when", "size", "share", "fits", "none", "more"]
    assert [list(row) for row in found] == [names, names]
    assert found[1] == {name: rows[1].get(name) for name in names}
    assert found[0] == {**{name: rows[0].get(name) for name in names}, "name": "Grüße 🙂 ?"}


def test_no_rows_are_an_empty_table() -> None:
    assert arrow([]).num_rows == 0


def test_a_table_does_without_pandas() -> None:
    page = "from pages.parts.rows import table; table([{'a': 1, 'b': 'x'}], 'rows')"
    program = (
        "import sys; from streamlit.testing.v1 import AppTest;"
        f"at = AppTest.from_string({page!r}, default_timeout=30).run();"
        "assert not at.exception and len(at.dataframe) == 1;"
        "print([name for name in ('pandas', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=APP.parent)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr
