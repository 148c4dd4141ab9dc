"""What the figures of a measurement show: of a whole one, one at its start, and none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from compressor_core.figures.cost.measurement import (
    FORMS,
    MeasurementInfo,
    busy_sentence,
    data_flow_sentence,
    energy_sentence,
    measurement_info,
    method_sentence,
    speed_sentences,
    table_rows,
)
from compressor_core.figures.cost.measurement_plots import (
    distribution_figure,
    energy_figure,
    memory_figure,
    percentiles_figure,
    start_figure,
    throughput_figure,
)
from compressor_core.records import (
    ColdStart,
    Energy,
    EnergySource,
    Form,
    Machine,
    MeasuredLatency,
    MeasuredModel,
    MeasurementSetup,
    Record,
    Throughput,
)
from compressor_core.runs.kinds import KINDS

SPEEDS = {"pytorch": 4.0, "onnx": 2.0, "onnx-int8": 1.0}


def models(*, measured: bool = False, data_flow: bool = False, threads: int = 1) -> MeasurementSetup:
    def one(name: str, size: float, flow: bool = False) -> MeasuredModel:
        return MeasuredModel(
            name=name,
            folder=name,
            size_mb=size,
            parameters=7,
            data_flow=flow,
            tokens=120.5,
            padded_tokens=400,
            forms={Form.PYTORCH: size} | ({} if flow else {Form.ONNX: size, Form.INT8: size / 4}),
        )

    return MeasurementSetup(
        models=(one("Teacher", 12.0), one("Small", 3.0, data_flow)),
        dataset="devign",
        split="test",
        examples=32,
        rounds=5,
        starts=3,
        padded_to=400,
        machine=Machine(
            processor="A chip",
            system="Linux",
            threads=threads,
            batch_size=1,
            cores=2,
            runtime="PyTorch 2 and ONNX Runtime 1",
            precision="float32 and int8",
        ),
        energy_source=EnergySource(measured=measured, reason="Because.", watts=None if measured else 4.0),
    )


def latency(model: int, form: str, padded: bool, ms: float, cpu: float = 1.0, rounds: int = 5) -> MeasuredLatency:
    times: dict[str, Any] = {"median": ms, "mean": ms, "p90": 1.5 * ms, "p95": 1.75 * ms, "p99": 2 * ms}
    return MeasuredLatency(
        model=model,
        form=form,
        padded=padded,
        rounds=rounds,
        **times,
        min=0.5 * ms,
        iqr=0.5 * ms,
        measurements=4,
        samples=(0.5 * ms, ms, 1.5 * ms, 2 * ms),
        cpu_median=cpu * ms,
        cpu_mean=cpu * ms,
        difference=1e-6,
    )


def whole() -> list[Record]:
    records: list[Record] = [models()]
    for model, factor in ((0, 10.0), (1, 1.0)):
        for form, ms in SPEEDS.items():
            key: dict[str, Any] = {"model": model, "form": form}
            for padded in (False, True):
                length = 3 if padded else 1
                records.append(latency(model, form, padded, 99.0, rounds=1))
                records.append(latency(model, form, padded, factor * ms * length))
                records.append(Energy(**key, padded=padded, joules_per_1000=ms, measured=False))
                for size in (2, 1):
                    rate = size * 100.0 / factor
                    ends: dict[str, Any] = {"examples_per_second": rate, "slowest": rate, "fastest": rate}
                    records.append(Throughput(**key, padded=padded, batch_size=size, **ends))
            seconds: dict[str, Any] = {"imports": 0.5, "load": 0.25, "first": 0.125}
            records.append(ColdStart(**key, **seconds, imports_mb=60.0, peak_mb=80.0 + model, starts=3))
    return records


@pytest.fixture
def info() -> MeasurementInfo:
    return measurement_info(whole())


def test_the_last_record_of_a_kind_counts(info: MeasurementInfo) -> None:
    assert [model.name for model in info.models] == ["Teacher", "Small"] and info.forms == tuple(FORMS)
    assert len(info.latency) == 12 and len(info.starts) == 6 and info.estimated
    key = (1, Form.ONNX, True)
    assert info.latency[key].median == 6.0 and info.rates[key] == {1: 100.0, 2: 200.0} and info.joules[key] == 2.0
    assert info.starts[0, Form.PYTORCH].seconds == 0.875
    assert [(row.form, row.model) for row in info.of_length(False)] == [(form, m) for form in FORMS for m in (0, 1)]


def test_speed_is_told_like_against_like_and_across(info: MeasurementInfo) -> None:
    (sentence,) = speed_sentences(info, True)
    assert "10.0× faster in PyTorch (12.0 ms against 120 ms)" in sentence
    assert "10.0× faster in ONNX Runtime, int8 (3.00 ms against 30.0 ms)" in sentence
    assert "In its fastest form, ONNX Runtime, int8, it is 40.0× faster than Teacher in PyTorch." in sentence
    slower = measurement_info([models(), latency(0, "pytorch", False, 2.0), latency(1, "pytorch", False, 5.0)])
    assert speed_sentences(slower, False) == ["**Small** is 2.5× slower in PyTorch (5.00 ms against 2.00 ms)."]


def test_where_and_how_it_was_measured_is_said(info: MeasurementInfo) -> None:
    said = method_sentence(info)
    for part in ("32 examples of devign (the test split)", "5 rounds", "A chip, 2 cores, Linux, 1 thread, PyTorch 2"):
        assert part in said
    assert "Estimated" in energy_sentence(info) and "4 watts" in energy_sentence(info)
    counters = measurement_info([models(measured=True)])
    assert energy_sentence(counters).startswith("Because. They count") and not counters.estimated
    assert data_flow_sentence(info) == ""
    assert "Small reads data flow" in data_flow_sentence(measurement_info([models(data_flow=True)]))


def test_a_busy_machine_is_named() -> None:
    quiet = [latency(0, "onnx", False, 10.0, cpu=0.9)]
    busy = [latency(0, "onnx", False, 10.0, cpu=0.5)]
    assert busy_sentence(measurement_info([models(), *quiet])) == ""
    assert "2.0 times what the processor worked" in busy_sentence(measurement_info([models(), *busy]))
    both = [models(), latency(0, "onnx", False, 12.0, cpu=0.5), latency(1, "onnx", False, 1.0, cpu=0.25)]
    assert speed_sentences(measurement_info(both), False) == [
        "**Small** is 12.0× faster in ONNX Runtime (1.00 ms against 12.0 ms; 24.0× less CPU time)."
    ]
    # Several threads work at once: the two clocks tell nothing of each other.
    assert busy_sentence(measurement_info([models(threads=2), *busy])) == ""
    assert busy_sentence(measurement_info([])) == ""


def test_the_table_has_units_and_ratios(info: MeasurementInfo) -> None:
    rows = table_rows(info, False)
    assert len(rows) == 6 and rows[1]["Model"] == "Small" and rows[1]["Form"] == "PyTorch"
    assert rows[1]["p50 (ms)"] == 4.0 and rows[1]["p99 (ms)"] == 8.0 and rows[1]["Times faster, same form"] == 10.0
    assert rows[1]["Tokens"] == 120.5 and table_rows(info, True)[1]["Tokens"] == 400
    assert [row["File (MB)"] for row in rows] == [12.0, 3.0, 12.0, 3.0, 3.0, 0.75]
    assert rows[0]["Energy, estimated (J per 1,000)"] == 4.0


def test_figures_show_what_the_info_holds(info: MeasurementInfo) -> None:
    figure = percentiles_figure(info, False)
    assert len(figure.data) == 6 and list(figure.data[0].x) == [40.0, 60.0, 70.0, 80.0]
    assert figure.layout.xaxis.type == "log" and "(ms)" in figure.layout.xaxis.title.text
    assert [trace.y[0] for trace in figure.data] == [0, 1, 2, 3, 4, 5]
    assert figure.layout.yaxis.ticktext[3] == "Small<br>ONNX Runtime"
    curves = distribution_figure(info, Form.ONNX, True)
    assert [trace.name for trace in curves.data] == ["Teacher", "Small"]
    assert list(curves.data[1].x) == [3.0, 6.0, 9.0, 12.0] and list(curves.data[1].y) == [0.25, 0.5, 0.75, 1.0]
    assert len({(trace.line.color, trace.line.dash) for trace in curves.data}) == 2
    rates = throughput_figure(info, Form.ONNX, False)
    assert list(rates.data[1].x) == [1, 2] and list(rates.data[1].y) == [100.0, 200.0]
    assert rates.layout.xaxis.ticktext == ("1", "2") and "examples/s" in rates.layout.yaxis.title.text
    starts = start_figure(info)
    assert starts.layout.barmode == "stack" and [bar.x[0] for bar in starts.data] == [0.5, 0.25, 0.125]
    memory = memory_figure(info)
    assert [bar.x[1] for bar in memory.data] == [60.0, 21.0] and "MB" in memory.layout.xaxis.title.text
    energy = energy_figure(info, False)
    assert list(energy.data[0].x) == [4.0, 4.0, 2.0, 2.0, 1.0, 1.0] and "estimated" in energy.layout.xaxis.title.text


def test_one_that_has_just_begun_says_what_is_to_come() -> None:
    for info in (measurement_info([]), measurement_info([models()])):
        for figure in (
            percentiles_figure(info, False),
            distribution_figure(info, Form.ONNX, False),
            throughput_figure(info, Form.ONNX, False),
            start_figure(info),
            memory_figure(info),
            energy_figure(info, False),
        ):
            assert not figure.data and figure.layout.annotations[0].text
        assert speed_sentences(info, False) == [] and table_rows(info, False) == []
    assert method_sentence(measurement_info([])) == energy_sentence(measurement_info([])) == ""


def test_a_model_in_one_form_only_stands_beside_the_others() -> None:
    records = [models(data_flow=True)] + [
        one for one in whole()[1:] if getattr(one, "model", 0) == 0 or getattr(one, "form", "") == "pytorch"
    ]
    info = measurement_info(records)
    assert len(info.of_length(False)) == 4
    (sentence,) = speed_sentences(info, False)
    assert sentence == "**Small** is 10.0× faster in PyTorch (4.00 ms against 40.0 ms)."
    assert [trace.name for trace in distribution_figure(info, Form.ONNX, False).data] == ["Teacher"]


def test_a_run_has_a_headline() -> None:
    measured = [latency(0, "onnx", False, 5.0), latency(1, "onnx", False, 1.25)]
    told = SimpleNamespace(models=[None, None], latency=measured)
    assert KINDS["measure"].headline(told) == "2 models, p50 from 1.25 ms"
