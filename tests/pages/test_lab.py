"""The tab Lab: a probe is started for a teacher and its student, and a finished one is shown."""

from __future__ import annotations

from typing import Any

import pytest

from compressor_core.bundled import bundled_student, bundled_teacher
from compressor_core.evaluate.settings import ProbeSettings
from compressor_core.runs import Run, RunStore
from compressor_core.runs.worker import run_worker
from tests.figures.test_probe_figures import change, probe
from tests.pages.studio import Open, button, no_traceback, texts
from tests.runs.lines import replayed

DATASET = "classroom-vulnerability"


def test_what_is_chosen_is_what_is_probed(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ProbeSettings]] = []

    def launched(kind: str, config: Any, *, name: str | None = None) -> Run:
        asked.append((kind, config))
        return RunStore().create(kind, config.model_dump(mode="json"), name)

    monkeypatch.setattr("pages.parts.live.launched", launched)
    at = open_page("lab")
    no_traceback(at)
    at.number_input(key="probe_examples").set_value(7).run()
    button(at, "Probe").click().run()
    no_traceback(at)
    ((kind, given),) = asked
    assert kind == "probe" and given.names == ("Teacher", "Student") and given.examples == 7
    assert given.models == (str(bundled_teacher(DATASET)), str(bundled_student(DATASET))) and given.dataset == DATASET


def test_a_finished_probe_with_its_worst_example(open_page: Open) -> None:
    info = probe(change("mixed", 50), change("quotes", 50, shift=0.8), change("alias", 0))
    made = RunStore().create("probe", ProbeSettings(models=("t", "s")).model_dump(mode="json"))
    run_worker(made.folder, work={"probe": lambda _: replayed([info.summary])})
    at = open_page("lab", run=made.id)
    no_traceback(at)
    assert "Student on 10.0% of 50 functions" in texts(at) and len(at.get("plotly_chart")) == 1
    at.selectbox(key="probe_kind").set_value("quotes").run()
    no_traceback(at)
    assert "Student 90.0% before and 10.0% after" in texts(at)
    assert at.code[0].value == " def f():\n-    return 'a'\n+    return \"a\""
