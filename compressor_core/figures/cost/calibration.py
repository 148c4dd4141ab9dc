"""Results of a calibration for figures, sentences and tables: records → `LatencyInfo`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from compressor_core.latency_model import Runtime
from compressor_core.records import CalibrationPoint, CalibrationPrediction, CalibrationSummary, PredictionError, Record
from compressor_core.task import Task

RUNTIMES: Final = {Runtime.ONNX: "ONNX Runtime", Runtime.PYTORCH: "PyTorch"}
"""Title of each runtime."""
ROLES: Final = {"fit": "fitted to", "held-out": "held out", "budget": "most GFLOPs of its size, by layers"}
"""Title of each role of a point."""
PARTS: Final = {
    "call": "each call",
    "layers": "each layer: operators started",
    "weights": "weights read",
    "states": "hidden states: residuals, norms",
    "products": "matrix products",
    "activations": "activations of the feed-forward part",
    "attention": "attention weights of every head",
}
"""Title of each part of a predicted latency."""


@dataclass(frozen=True)
class LatencyInfo:
    """State of a calibration so far. Before the fit, there are neither predictions nor a summary."""

    points: tuple[CalibrationPoint, ...]
    predictions: dict[int, CalibrationPrediction]
    """Predictions by index of the point."""
    summary: CalibrationSummary | None

    def of_role(self, role: str) -> list[CalibrationPoint]:
        """Points of a role, sorted by number of layers."""
        chosen = (one for one in self.points if one.role == role)
        return sorted(chosen, key=lambda one: (one.num_hidden_layers, one.index))

    @property
    def fitted(self) -> bool:
        return bool(self.points) and all(point.index in self.predictions for point in self.points)

    @property
    def runtimes(self) -> list[Runtime]:
        """Runtimes in which every point was measured."""
        return [name for name in RUNTIMES if self.points and all(name in point.latency for point in self.points)]

    def held_out(self, runtime: str) -> PredictionError | None:
        """Errors on the held-out points; None before the fit."""
        return None if self.summary is None else _known(self.summary.held_out_error.get(runtime))

    def budget(self, runtime: str) -> PredictionError | None:
        """Errors on the students of one size; None before the fit, or if there are none."""
        return None if self.summary is None else _known(self.summary.budget_error.get(runtime))

    def predicted(self, point: CalibrationPoint, runtime: str) -> float | None:
        """Predicted latency in milliseconds; None before the fit."""
        prediction = self.predictions.get(point.index)
        return None if prediction is None else prediction.latency[runtime]


def latency_info(records: Iterable[Record]) -> LatencyInfo:
    """Build the info from the records of a calibration in any state; of repeated points the last counts."""
    points: dict[int, CalibrationPoint] = {}
    predictions: dict[int, CalibrationPrediction] = {}
    summary = None
    for record in records:
        if isinstance(record, CalibrationPoint):
            points[record.index] = record
        elif isinstance(record, CalibrationPrediction):
            predictions[record.index] = record
        elif isinstance(record, CalibrationSummary):
            summary = record
    return LatencyInfo(tuple(points[index] for index in sorted(points)), predictions, summary)


def stratum_sentence(info: LatencyInfo, runtime: str) -> str:
    """Measured latency of the student with the most GFLOPs among those of its size; empty with fewer than two."""
    students = [one for one in info.of_role("budget") if runtime in one.latency]
    if len(students) < 2:
        return ""
    most = max(students, key=lambda one: one.paper_gflops)
    least = min(students, key=lambda one: one.latency[runtime].mean)
    took, quickest = most.latency[runtime].mean, least.latency[runtime].mean
    rank = 1 + sum(one.latency[runtime].mean > took for one in students)
    place = "the slowest" if rank == 1 else f"number {rank} from the slowest"
    size = median(one.size_mb for one in students)
    sentence = (
        f"Of {len(students)} students of about {size:.2g} MB, the one with the most GFLOPs, "
        f"{_count(most.num_hidden_layers, 'layer')} and {most.paper_gflops:.2f} GFLOPs, is {place}: {_ms(took)} for a "
        f"query in {RUNTIMES[Runtime(runtime)]}"
    )
    if least is most:
        return f"{sentence}."
    return (
        f"{sentence}, {took / quickest:.1f} times the {_ms(quickest)} of the one with "
        f"{_count(least.num_hidden_layers, 'layer')} and {least.paper_gflops:.2f} GFLOPs."
    )


def error_sentence(info: LatencyInfo, runtime: str) -> str:
    """Accuracy of the predictions on points left out of the fit; empty before the fit."""
    if (error := info.held_out(runtime)) is None:
        return ""
    sentence = (
        f"{RUNTIMES[Runtime(runtime)]}: for {_count(error.architectures, 'architecture')} that the fit has not seen, "
        f"half of the predictions are off by at most {error.median:.1%}, the worst by {error.worst:.1%}"
    )
    if (budget := info.budget(runtime)) is None:
        return f"{sentence}."
    return (
        f"{sentence}; for {_count(budget.architectures, 'student')} with the most GFLOPs of one size, not fitted to "
        f"either, by at most {budget.median:.1%} and {budget.worst:.1%}."
    )


def noise_sentence(info: LatencyInfo) -> str:
    """Sentence on the noise of the measurements, and whether the machine was busy; empty before a second round."""
    ratios = [one.median / one.mean for point in info.points if point.rounds > 1 for one in point.latency.values()]
    if not ratios:
        return ""
    slower = median(ratios) - 1
    busy = " The machine was busy with other things." if slower > 0.25 else ""
    return f"A typical measurement took {slower:.0%} longer than the fastest of the same query.{busy}"


def point_rows(info: LatencyInfo) -> list[dict[str, Any]]:
    """One row per architecture for a table and its CSV, all with the same keys."""
    rows = []
    for one in info.points:
        row: dict[str, Any] = {
            "Architecture": one.short_form,
            "Role": ROLES[one.role],
            "Size (MB)": one.size_mb,
            "Parameters": one.parameters,
            "GFLOPs": one.paper_gflops,
            "Forward GFLOPs": one.forward_gflops,
        }
        for runtime in info.runtimes:
            title, times, predicted = RUNTIMES[runtime], one.latency[runtime], info.predicted(one, runtime)
            row |= {
                f"{title} (ms)": times.mean,
                f"{title}, 9 of 10 within (ms)": times.p90,
                f"{title}, predicted (ms)": predicted,
                f"{title}, off by": None if predicted is None else predicted / times.mean - 1,
            }
        rows.append(row)
    return rows


def machine_sentence(summary: CalibrationSummary) -> str:
    """Sentence on what was measured, how, and on which machine."""
    machine, lengths = summary.machine, summary.lengths
    what = "pairs of functions" if summary.task is Task.CLONE else "functions"
    return (
        f"{machine.in_words}, {machine.precision}, batch size {machine.batch_size}. "
        f"{len(lengths)} {what} of {summary.dataset}, without padding: {min(lengths)} to {max(lengths)} tokens with "
        "a vocabulary of 1,000, fewer with a larger one; tokenisation apart. Each was timed once in every round, the "
        "two runtimes taking turns; its fastest round counts."
    )


def _known(error: PredictionError | None) -> PredictionError | None:
    return error if error is not None and error.architectures else None


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _ms(value: float) -> str:
    return f"{value:.2f} ms" if value < 10 else f"{value:.1f} ms"
