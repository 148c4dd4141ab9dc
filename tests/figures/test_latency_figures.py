"""What the figures of a calibration show: of a whole one, a cancelled one, one point, and none."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
import pytest

from compressor_core.figures.cost.calibration import (
    PARTS,
    RUNTIMES,
    error_sentence,
    latency_info,
    machine_sentence,
    noise_sentence,
    point_rows,
    stratum_sentence,
)
from compressor_core.figures.cost.calibration_plots import (
    measured_figure,
    parts_figure,
    predicted_figure,
    stratum_figure,
)
from compressor_core.latency_model import PARTS as MODEL_PARTS
from compressor_core.latency_model import Runtime
from compressor_core.records import (
    CalibrationPoint,
    CalibrationPrediction,
    CalibrationSummary,
    Machine,
    PredictionError,
    Record,
)
from compressor_core.task import PairFeatures, Task


def point(index: int, role: str, layers: int, gflops: float, ms: float, rounds: int = 3) -> CalibrationPoint:
    values: dict[str, Any] = {
        **{"type": "point", "index": index, "role": role, "vocab_size": 1000, "hidden_size": 96},
        **{"num_hidden_layers": layers, "num_attention_heads": 8, "intermediate_size": 64, "size_mb": 2.9},
        **{"paper_gflops": gflops, "parameters": 700_000, "forward_gflops": gflops / 10, "tokens": 97.0},
        "rounds": rounds,
        "latency": {
            runtime: {"mean": factor * ms, "median": 1.1 * factor * ms, "p90": 2 * factor * ms, "measurements": 36}
            for runtime, factor in (("onnxruntime", 1.0), ("pytorch", 2.0))
        },
    }
    return CalibrationPoint(**values)


def prediction(index: int, ms: float) -> CalibrationPrediction:
    parts = dict.fromkeys(PARTS, 0.0) | {"layers": 0.75 * ms, "products": 0.25 * ms}
    doubled = {part: 2 * value for part, value in parts.items()}
    return CalibrationPrediction(
        index=index,
        latency={"onnxruntime": ms, "pytorch": 2 * ms},
        parts={"onnxruntime": parts, "pytorch": doubled},
    )


POINTS = [
    point(3, "budget", 1, 1.0, 1.0),
    point(0, "fit", 4, 1.5, 2.5),
    point(1, "held-out", 2, 3.0, 2.0),
    point(4, "budget", 12, 2.2, 4.0),
    point(2, "budget", 6, 1.7, 4.4),
]
ERRORS = {runtime.value: PredictionError(median=0.05, worst=0.125, architectures=1) for runtime in RUNTIMES}
NONE = {runtime.value: PredictionError(architectures=0) for runtime in RUNTIMES}
RESULT = CalibrationSummary(
    task=Task.CLONE,
    pair_features=PairFeatures.COMPARE,
    models={},
    held_out_error=ERRORS,
    budget_error=ERRORS,
    machine=Machine(
        processor="A processor",
        system="Linux",
        threads=1,
        batch_size=1,
        runtime="ONNX Runtime 1 and PyTorch 2",
        precision="float32",
    ),
    dataset="classroom-clone",
    functions=3,
    lengths=(42, 99, 300),
    seconds=100.0,
)
PREDICTIONS = [prediction(0, 2.5), prediction(1, 1.9), prediction(2, 4.4), prediction(3, 1.2), prediction(4, 4.0)]
WHOLE = latency_info([*POINTS, *PREDICTIONS, RESULT])
CANCELLED = latency_info(POINTS[:3])


def figures(records: Sequence[Record]) -> list[go.Figure]:
    info = latency_info(records)
    by_runtime = [draw(info, runtime) for draw in (predicted_figure, parts_figure) for runtime in RUNTIMES]
    return [measured_figure(info), stratum_figure(info), *by_runtime]


def notes(figure: go.Figure) -> str:
    return " ".join(one.text for one in figure.layout.annotations)


def test_runtimes_and_parts_are_those_of_the_model() -> None:
    assert list(RUNTIMES) == [runtime.value for runtime in Runtime]
    assert list(PARTS) == [part.name for part in MODEL_PARTS]


def test_a_whole_calibration() -> None:
    assert [one.index for one in WHOLE.points] == [0, 1, 2, 3, 4]
    assert [one.num_hidden_layers for one in WHOLE.of_role("budget")] == [1, 6, 12]
    assert WHOLE.fitted and WHOLE.runtimes == list(RUNTIMES)
    assert WHOLE.points[0].short_form == "1000,96,4,8,64"


def test_a_later_point_takes_the_place_of_an_earlier_one() -> None:
    info = latency_info([point(0, "fit", 2, 1.0, 5.0, rounds=1), point(0, "fit", 2, 1.0, 4.0, rounds=2)])
    (one,) = info.points
    assert one.latency["pytorch"].mean == 8.0 and one.rounds == 2


def test_the_student_with_the_most_gflops_is_held_against_the_others_of_its_size() -> None:
    sentence = stratum_sentence(WHOLE, "onnxruntime")
    assert sentence == (
        "Of 3 students of about 2.9 MB, the one with the most GFLOPs, 12 layers and 2.20 GFLOPs, is number 2 from the "
        "slowest: 4.00 ms for a query in ONNX Runtime, 4.0 times the 1.00 ms of the one with 1 layer and 1.00 GFLOPs."
    )
    slowest = latency_info([point(0, "budget", 1, 1.0, 1.0), point(1, "budget", 12, 2.0, 12.0)])
    assert "is the slowest: 24.0 ms" in stratum_sentence(slowest, "pytorch")
    fastest = latency_info([point(0, "budget", 1, 2.0, 1.0), point(1, "budget", 12, 1.0, 12.0)])
    assert stratum_sentence(fastest, "pytorch").endswith("number 2 from the slowest: 2.00 ms for a query in PyTorch.")
    assert stratum_sentence(latency_info(POINTS[:1]), "pytorch") == ""


def test_the_star_is_the_most_gflops_in_both_runtimes() -> None:
    star = stratum_figure(WHOLE).data[-1]
    assert star.marker.symbol == "star"
    assert list(zip(star.x, star.y, strict=True)) == [(2.2, 4.0), (2.2, 8.0)]
    line = stratum_figure(WHOLE).data[0]
    assert list(line.text) == ["1", "6", "12"] and list(line.y) == [1.0, 4.4, 4.0]


def test_held_out_points_stand_apart() -> None:
    by_name = {trace.name: trace for trace in predicted_figure(WHOLE, "onnxruntime").data if trace.name}
    held_out = by_name["held out"]
    assert (list(held_out.x), list(held_out.y)) == ([2.0], [1.9])
    assert held_out.customdata[0][1] == pytest.approx(-0.05)
    fitted, budget = by_name["fitted to"], by_name["most GFLOPs of its size, by layers"]
    assert list(fitted.x) == [2.5] and len(budget.x) == 3
    symbols = {trace.marker.symbol for trace in (held_out, fitted, budget)}
    assert len(symbols) == 3


def test_the_band_is_within_fifteen_per_cent_of_the_truth() -> None:
    band = predicted_figure(WHOLE, "pytorch").data[0]
    for x, y in zip(band.x, band.y, strict=True):
        assert abs(y / x - 1) == pytest.approx(0.15)


def test_the_bars_of_the_parts_sum_up_to_the_prediction() -> None:
    figure = parts_figure(WHOLE, "pytorch")
    assert [trace.name for trace in figure.data] == ["each layer: operators started", "matrix products"]
    totals = [sum(values) for values in zip(*(trace.x for trace in figure.data), strict=True)]
    assert totals == pytest.approx([2.4, 8.8, 8.0])
    assert [share for _, share in figure.data[0].customdata] == pytest.approx([0.75] * 3)
    assert list(figure.data[0].y) == ["1", "6", "12"]
    assert figure.data[0].marker.pattern.shape != figure.data[1].marker.pattern.shape
    without = latency_info([*POINTS[1:3], prediction(0, 2.5), prediction(1, 1.9), RESULT])
    assert list(parts_figure(without, "pytorch").data[0].y) == ["1000,96,2,8,64"]  # the held-out one


def test_what_a_cancelled_one_measured_is_drawn_and_nothing_is_predicted() -> None:
    assert not CANCELLED.fitted and CANCELLED.held_out("pytorch") is None
    assert len(measured_figure(CANCELLED).data[0].x) == 3
    assert len(stratum_figure(CANCELLED).data[0].x) == 1
    for figure in (predicted_figure(CANCELLED, "pytorch"), parts_figure(CANCELLED, "pytorch")):
        assert not figure.data and "The fit follows" in notes(figure)
    assert error_sentence(CANCELLED, "pytorch") == ""
    assert point_rows(CANCELLED)[0]["PyTorch, predicted (ms)"] is None


@pytest.mark.parametrize(
    "records",
    [
        [],
        POINTS[:1],
        POINTS[1:2],
        [POINTS[1], prediction(0, 2.0), RESULT.model_copy(update={"held_out_error": NONE, "budget_error": NONE})],
        [point(0, "budget", 1, 0.001, 0.0001), prediction(0, 0.0002)],
        POINTS,
        [*POINTS, *PREDICTIONS, RESULT],
    ],
)
def test_whatever_there_is_can_be_drawn(records: Sequence[Record]) -> None:
    for figure in figures(records):
        spec = json.loads(figure.to_json())
        assert spec["data"] or notes(figure)
        for axis in ("xaxis", "yaxis"):
            assert all(math.isfinite(end) for end in spec["layout"][axis].get("range", []))


def test_nothing_yet() -> None:
    info = latency_info([])
    assert "Waiting for the first" in notes(measured_figure(info))
    assert "Waiting for the students" in notes(stratum_figure(info))
    assert noise_sentence(info) == "" and point_rows(info) == [] and not info.fitted
    none = latency_info([POINTS[1], prediction(0, 2.0)])
    assert "No students of one size were asked for" in notes(stratum_figure(none))


def test_sentences() -> None:
    assert error_sentence(WHOLE, "pytorch") == (
        "PyTorch: for 1 architecture that the fit has not seen, half of the predictions are off by at most 5.0%, the "
        "worst by 12.5%; for 1 student with the most GFLOPs of one size, not fitted to either, by at most 5.0% "
        "and 12.5%."
    )
    assert error_sentence(latency_info([RESULT.model_copy(update={"budget_error": NONE})]), "pytorch").endswith(
        "worst by 12.5%."
    )
    assert noise_sentence(WHOLE) == "A typical measurement took 10% longer than the fastest of the same query."
    busy = point(0, "fit", 1, 1.0, 1.0)
    slow = {runtime: one.model_copy(update={"median": 2 * one.median}) for runtime, one in busy.latency.items()}
    assert noise_sentence(latency_info([busy.model_copy(update={"latency": slow})])).endswith(
        "The machine was busy with other things."
    )
    assert noise_sentence(latency_info([point(0, "fit", 1, 1.0, 1.0, rounds=1)])) == ""
    told = machine_sentence(RESULT)
    for part in ("A processor", "1 thread,", "float32", "3 pairs of functions", "42 to 300 tokens", "classroom-clone"):
        assert part in told


def test_the_table_has_the_same_columns_throughout() -> None:
    rows = point_rows(WHOLE)
    assert len({tuple(row) for row in rows}) == 1 and len(rows) == 5
    assert rows[1]["ONNX Runtime, off by"] == pytest.approx(-0.05)
    assert rows[1]["Role"] == "held out"
