"""What a calibration has found, for figures, sentences and tables: records → `LatencyInfo`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

RUNTIMES: Final[Mapping[str, str]] = {"onnxruntime": "ONNX Runtime", "pytorch": "PyTorch"}
"""A title for each runtime."""
ROLES: Final[Mapping[str, str]] = {
    "fit": "fitted to",
    "held-out": "held out",
    "budget": "most GFLOPs of its size, by layers",
}
"""What each role of a point means."""
PARTS: Final[Mapping[str, str]] = {
    "call": "each call",
    "layers": "each layer: operators started",
    "weights": "weights read",
    "states": "hidden states: residuals, norms",
    "products": "matrix products",
    "activations": "activations of the feed-forward part",
    "attention": "attention weights of every head",
}
"""A title for each part of a predicted latency."""

_GENES: Final = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
)


@dataclass(frozen=True)
class Measured:
    """One architecture by one runtime, in milliseconds for one query.

    `fastest` is the mean over the queries of each one's fastest round; half of all measurements took at most `median`
    by the same account, nine tenths at most `p90`.
    """

    fastest: float
    median: float
    p90: float


@dataclass(frozen=True)
class PointInfo:
    """One architecture. `measured`, `predicted` and `parts` are by runtime; the last two are empty before the fit."""

    index: int
    role: str
    genes: tuple[int, ...]
    size_mb: float
    paper_gflops: float
    forward_gflops: float
    parameters: int
    rounds: int
    measured: Mapping[str, Measured]
    predicted: Mapping[str, float]
    parts: Mapping[str, Mapping[str, float]]

    @property
    def layers(self) -> int:
        return self.genes[2]

    @property
    def name(self) -> str:
        """The short form of the architecture."""
        return ",".join(map(str, self.genes))


@dataclass(frozen=True)
class Error:
    """Relative errors of predictions for so many architectures that were not fitted to."""

    median: float
    worst: float
    architectures: int


@dataclass(frozen=True)
class LatencyInfo:
    """A calibration so far; `held_out` and `budget` are the errors by runtime, empty before the fit."""

    points: tuple[PointInfo, ...]
    held_out: Mapping[str, Error]
    budget: Mapping[str, Error]

    def of_role(self, role: str) -> list[PointInfo]:
        """The points of a role; those of the budget by their layers."""
        return sorted((one for one in self.points if one.role == role), key=lambda one: (one.layers, one.index))

    @property
    def fitted(self) -> bool:
        return bool(self.points) and all(point.predicted for point in self.points)

    @property
    def runtimes(self) -> list[str]:
        """The runtimes that every point was measured by."""
        return [name for name in RUNTIMES if self.points and all(name in point.measured for point in self.points)]


def latency_info(records: Iterable[Mapping[str, Any]]) -> LatencyInfo:
    """From the records of a calibration, in any state; of several points of one index the last counts."""
    points: dict[int, Mapping[str, Any]] = {}
    predictions: dict[int, Mapping[str, Any]] = {}
    result: Mapping[str, Any] = {}
    for record in records:
        if record["type"] == "point":
            points[record["index"]] = record
        elif record["type"] == "prediction":
            predictions[record["index"]] = record
        elif record["type"] == "result":
            result = record
    return LatencyInfo(
        points=tuple(_point(points[index], predictions.get(index, {})) for index in sorted(points)),
        held_out=_errors(result.get("held_out_error", {})),
        budget=_errors(result.get("budget_error", {})),
    )


def _point(record: Mapping[str, Any], prediction: Mapping[str, Any]) -> PointInfo:
    return PointInfo(
        index=record["index"],
        role=record["role"],
        genes=tuple(record[gene] for gene in _GENES),
        size_mb=record["size_mb"],
        paper_gflops=record["paper_gflops"],
        forward_gflops=record["forward_gflops"],
        parameters=record["parameters"],
        rounds=record["rounds"],
        measured={name: Measured(one["mean"], one["median"], one["p90"]) for name, one in record["latency"].items()},
        predicted=prediction.get("latency", {}),
        parts=prediction.get("parts", {}),
    )


def _errors(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Error]:
    return {
        runtime: Error(one["median"], one["worst"], one["architectures"])
        for runtime, one in values.items()
        if one["architectures"]
    }


def stratum_sentence(info: LatencyInfo, runtime: str) -> str:
    """How slow the student with the most GFLOPs is among those of its size, measured; empty with fewer than two."""
    students = [one for one in info.of_role("budget") if runtime in one.measured]
    if len(students) < 2:
        return ""
    times = sorted((one.measured[runtime].fastest for one in students), reverse=True)
    most = max(students, key=lambda one: one.paper_gflops)
    least = min(students, key=lambda one: one.measured[runtime].fastest)
    took = most.measured[runtime].fastest
    rank = times.index(took) + 1
    place = "the slowest" if rank == 1 else f"number {rank} from the slowest"
    size = median(one.size_mb for one in students)
    sentence = (
        f"Of {len(students)} students of about {size:.2g} MB, the one with the most GFLOPs, "
        f"{_count(most.layers, 'layer')} and {most.paper_gflops:.2f} GFLOPs, is {place}: {_ms(took)} for a query in "
        f"{RUNTIMES[runtime]}"
    )
    if least is most:
        return f"{sentence}."
    quickest = least.measured[runtime].fastest
    return (
        f"{sentence}, {took / quickest:.1f} times the {_ms(quickest)} of the one with {_count(least.layers, 'layer')} "
        f"and {least.paper_gflops:.2f} GFLOPs."
    )


def error_sentence(info: LatencyInfo, runtime: str) -> str:
    """Accuracy of the predictions on what was left out of the fit; empty before the fit."""
    if (error := info.held_out.get(runtime)) is None:
        return ""
    sentence = (
        f"{RUNTIMES[runtime]}: for {_count(error.architectures, 'architecture')} that the fit has not seen, half of "
        f"the predictions are off by at most {error.median:.1%}, the worst by {error.worst:.1%}"
    )
    if (budget := info.budget.get(runtime)) is None:
        return f"{sentence}."
    return (
        f"{sentence}; for {_count(budget.architectures, 'student')} with the most GFLOPs of one size, not fitted to "
        f"either, by at most {budget.median:.1%} and {budget.worst:.1%}."
    )


def noise_sentence(info: LatencyInfo) -> str:
    """What else the machine did meanwhile; empty before a second round."""
    ratios = [
        one.measured[runtime].median / one.measured[runtime].fastest
        for one in info.points
        if one.rounds > 1
        for runtime in one.measured
    ]
    if not ratios:
        return ""
    slower = median(ratios) - 1
    busy = " The machine was busy with other things." if slower > 0.25 else ""
    return f"A typical measurement took {slower:.0%} longer than the fastest of the same query.{busy}"


def point_rows(info: LatencyInfo) -> list[dict[str, Any]]:
    """One row per architecture, for a table and its CSV; all with the same keys."""
    rows = []
    for one in info.points:
        row: dict[str, Any] = {
            "Architecture": one.name,
            "Role": ROLES[one.role],
            "Size (MB)": one.size_mb,
            "Parameters": one.parameters,
            "GFLOPs": one.paper_gflops,
            "Forward GFLOPs": one.forward_gflops,
        }
        for runtime in info.runtimes:
            title, times = RUNTIMES[runtime], one.measured[runtime]
            predicted = one.predicted.get(runtime)
            row |= {
                f"{title} (ms)": times.fastest,
                f"{title}, 9 of 10 within (ms)": times.p90,
                f"{title}, predicted (ms)": predicted,
                f"{title}, off by": None if predicted is None else predicted / times.fastest - 1,
            }
        rows.append(row)
    return rows


def machine_sentence(result: Mapping[str, Any]) -> str:
    """What was measured, how and on which machine, from the result of a calibration."""
    machine: Mapping[str, Any] = result["machine"]
    lengths: Sequence[int] = result["lengths"]
    what = "pairs of functions" if result["task"] == "clone" else "functions"
    return (
        f"{machine['processor']}, {machine['system']}, {_count(machine['threads'], 'thread')}, "
        f"{machine['runtime']}, {machine['precision']}, batch size {machine['batch_size']}. "
        f"{len(lengths)} {what} of {result['dataset']}, without padding: {min(lengths)} to {max(lengths)} tokens with "
        "a vocabulary of 1,000, fewer with a larger one; tokenisation apart. Each was timed once in every round, the "
        "two runtimes taking turns; its fastest round counts."
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _ms(value: float) -> str:
    return f"{value:.2f} ms" if value < 10 else f"{value:.1f} ms"
