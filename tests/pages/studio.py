"""What the tests of pages share beside fixtures."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from compressor_core.runs import Run, RunStore, Status
from pages.parts.frame import TABS

APP = Path(__file__).resolve().parents[2] / "app.py"
PATHS = {tab.name: tab.path for tab in TABS}
"""The file of each tab, by its name."""
Open = Callable[..., AppTest]


@dataclass(frozen=True)
class Studio:
    """A store with one finished run of each kind."""

    store: RunStore
    search: Run
    teacher: Run
    distill: Run
    compare: Run


def page(name: str, **parameters: str) -> AppTest:
    """A page of the app for a new visitor."""
    at = AppTest.from_file(str(APP), default_timeout=60).run()
    for key, value in parameters.items():
        at.query_params[key] = value
    at.switch_page(PATHS[name]).run()
    assert not at.exception
    return at


def until_over(run: Run, seconds: float = 120) -> Status:
    deadline = time.monotonic() + seconds
    while (status := run.status()).live:
        assert time.monotonic() < deadline, f"{run.id} is {status.state}: {status.message}"
        time.sleep(0.1)
    return status


def button(at: AppTest, label: str) -> Any:
    return next(one for one in at.button if one.label == label)


def field(widgets: Any, label: str) -> Any:
    return next(one for one in widgets if one.label == label)


def texts(at: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*at.markdown, *at.caption, *at.info, *at.header])


def metric(at: AppTest, label: str) -> str:
    return str(next(one.value for one in at.metric if one.label == label))


def parameter(at: AppTest, name: str) -> str:
    value = at.query_params[name]  # a list until the page itself has set it
    return value if isinstance(value, str) else value[0]


def charts(at: AppTest) -> list[dict[str, Any]]:
    return [json.loads(one.proto.spec) for one in at.get("plotly_chart")]


def no_traceback(at: AppTest) -> None:
    assert not at.exception, at.exception
