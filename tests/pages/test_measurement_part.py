"""Latency and cost on a page: a measurement is started, watched and shown."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from compressor_core.evaluate.settings import MeasureSettings
from compressor_core.records import Record
from compressor_core.runs import Run, RunStore
from compressor_core.runs.worker import run_worker
from tests.figures.test_measurement_figures import whole
from tests.runs.lines import replayed


def page() -> None:
    from pages.parts.measurement import latency_and_cost

    latency_and_cost({"Teacher": "models/teacher", "Small": "models/small"}, "devign")


def run(records: list[Record]) -> Run:
    """A run of the app's store with these records, written by the worker."""
    made = RunStore().create(
        "measure", MeasureSettings(models=["models/teacher", "models/small"], dataset="devign").model_dump(mode="json")
    )
    run_worker(made.folder, work={"measure": lambda _: replayed(records)})
    return made


def texts(at: AppTest) -> str:
    return "\n".join(str(one.value) for one in [*at.markdown, *at.caption, *at.info, *at.warning])


def opened() -> AppTest:
    return AppTest.from_function(page, default_timeout=60).run()


def test_what_is_set_is_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    launched: list[tuple[str, MeasureSettings]] = []
    monkeypatch.setattr("pages.parts.measurement.launched", lambda kind, config, name: launched.append((kind, config)))
    at = opened()
    assert not at.exception and "not been measured together" in texts(at)
    at.number_input(key="measure_examples").set_value(7)
    at.number_input(key="measure_starts").set_value(0)
    at.button(key="measure").click().run()
    assert not at.exception
    ((kind, given),) = launched
    assert kind == "measure" and given.models == ("models/teacher", "models/small") and given.dataset == "devign"
    assert given.names == ("Teacher", "Small") and (given.examples, given.starts, given.threads) == (7, 0, 1)


def test_a_finished_one_is_shown_with_its_choices() -> None:
    run(whole())
    at = opened()
    assert not at.exception and len(at.get("plotly_chart")) == 6
    assert "10.0× faster in ONNX Runtime" in texts(at) and "A chip" in texts(at) and "Estimated" in texts(at)
    assert at.dataframe[0].value["p50 (ms)"].tolist() == [40.0, 4.0, 20.0, 2.0, 10.0, 1.0]
    at.segmented_control(key="measure_lengths").set_value(True).run()
    assert not at.exception
    assert at.dataframe[0].value["p50 (ms)"].tolist() == [120.0, 12.0, 60.0, 6.0, 30.0, 3.0]
    at.segmented_control(key="measure_form").set_value("pytorch").run()
    assert not at.exception and "by batch size**, PyTorch" in texts(at)


def test_one_that_was_cut_short_shows_what_it_has() -> None:
    run(whole()[:4])
    at = opened()
    assert not at.exception and len(at.get("plotly_chart")) == 6 and len(at.dataframe[0].value) == 1


def test_the_measurement_of_other_models_is_not_shown() -> None:
    other = MeasureSettings(models=["models/teacher", "models/other"], dataset="devign")
    RunStore().create("measure", other.model_dump(mode="json"))
    assert "not been measured together" in texts(opened())
