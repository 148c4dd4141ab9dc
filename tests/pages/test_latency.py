"""The page Latency: a calibration is started, watched, and shown with its errors."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from compressor_core.evaluate import calibration, design
from compressor_core.evaluate.settings import CalibrationSettings
from compressor_core.progress import finish
from compressor_core.records import CalibrationSummary, Record, Work
from compressor_core.runs import Run, RunStore, State
from compressor_core.runs.worker import run_worker
from tests.pages.studio import Open

TINY: dict[str, Any] = {"architectures": 4, "held_out": 1, "budget_mb": 0.13, "largest_mb": 0.3, "functions": 2}


def button(at: AppTest, label: str) -> Any:
    return next(one for one in at.button if one.label == label)


def texts(at: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*at.markdown, *at.caption, *at.info, *at.header, *at.error])


def metrics(at: AppTest) -> dict[str, str]:
    return {one.label: one.value for one in at.metric}


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """Of a real, tiny calibration."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (calibration, design):
            patch.setattr(module, "VOCABULARIES", (1_000,))
        found: list[Record] = []
        summary = finish(calibration.calibrate(CalibrationSettings(**TINY, rounds=2)), found.append)
        assert summary is not None
        return [*found, summary]


def told(records: list[Record]) -> Work[Record | None]:
    """A core loop that yields and returns them."""
    for record in records:
        if isinstance(record, CalibrationSummary):
            return record
        yield record
    return None


def recorded(monkeypatch: pytest.MonkeyPatch, records: list[Record]) -> Run:
    """A run of the app's store with these records, written by the worker."""
    run = RunStore().create("calibrate", TINY, name="tiny")
    monkeypatch.setattr("compressor_core.evaluate.calibration.calibrate", lambda *_, **__: told(records))
    run_worker(run.folder)
    return run


def test_a_finished_one_shows_its_errors_and_how_it_was_measured(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, records: list[Record]
) -> None:
    run = recorded(monkeypatch, records)
    assert run.status().state is State.FINISHED, run.status().error
    result = run.status().result or {}
    at = open_page("latency", run=run.id)
    assert not at.exception
    assert len(at.get("plotly_chart")) == 4
    error = result["held_out_error"]["onnxruntime"]
    assert metrics(at)["Median error, held out"] == f"{error['median']:.1%}"
    assert metrics(at)["Architectures held out"] == "1"
    said = texts(at)
    assert result["machine"]["processor"] in said and "1 thread" in said and "weights are random" in said
    assert " MB, the one with the most GFLOPs" in said and "in ONNX Runtime" in said
    at.segmented_control(key="latency_runtime").set_value("pytorch").run()
    assert not at.exception
    error = result["held_out_error"]["pytorch"]
    assert metrics(at)["Worst error, held out"] == f"{error['worst']:.1%}"
    assert "for a query in PyTorch" in texts(at)


def test_one_that_ended_before_the_fit_shows_what_it_measured(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, records: list[Record]
) -> None:
    run = recorded(monkeypatch, [record for record in records if record.type == "point"][:3])
    at = open_page("latency", run=run.id)
    assert not at.exception
    assert at.get("plotly_chart") and not at.metric
    assert "no predictions" in texts(at)


def test_what_is_chosen_is_what_the_run_does(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    # Queued, and no process started for it.
    monkeypatch.setattr("pages.parts.live.launch", lambda store, kind, config, **_: store.create(kind, config))
    at = open_page("latency")
    assert not at.exception and "Settings of the calibration" in [one.label for one in at.expander]
    at.radio(key="task").set_value("clone").run()
    at.radio(key="latency_pairs").set_value("concat").run()
    at.number_input(key="latency_architectures").set_value(9).run()
    assert at.number_input(key="latency_held_out").max == 8
    at.number_input(key="latency_rounds").set_value(2)
    button(at, "Measure this machine").click().run()
    assert not at.exception
    (run,) = RunStore().list()
    config = CalibrationSettings(**run.config)
    assert (run.kind, config.task, config.pair_features) == ("calibrate", "clone", "concat")
    assert (config.architectures, config.held_out, config.rounds, config.threads) == (9, 8, 2, 1)
