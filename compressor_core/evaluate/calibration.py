"""Calibration of this machine: measure a sample of architectures once, and fit a latency model.

The weights are random, since the duration of a forward pass does not depend on them. The lengths are real: those of
the classroom's functions, tokenized with each architecture's vocabulary size.
"""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from compressor_core.architecture import Architecture
from compressor_core.cost import Cost, Genes, cost
from compressor_core.evaluate.design import VOCABULARIES, Role, chosen_queries, sample
from compressor_core.evaluate.rounds import Timed, input_by_input, torch_threads
from compressor_core.evaluate.settings import CalibrationSettings
from compressor_core.export.onnx import export_onnx, open_onnx, run_onnx
from compressor_core.latency_model import LatencyModel, Lengths, Runtime
from compressor_core.machine import machine
from compressor_core.models.inference import forward
from compressor_core.models.inputs import Encoded
from compressor_core.models.student import build
from compressor_core.records import (
    CalibrationPoint,
    CalibrationPrediction,
    CalibrationSummary,
    PredictionError,
    Progress,
    RuntimeLatency,
    Work,
)


@dataclass(frozen=True)
class Subject:
    """One architecture of a calibration."""

    index: int
    role: Role
    architecture: Architecture
    price: Cost
    queries: Sequence[Encoded]
    times: dict[Runtime, list[list[float]]] = field(default_factory=lambda: {runtime: [] for runtime in Runtime})
    """Milliseconds by round and query."""

    def fastest(self, runtime: Runtime) -> NDArray[np.float64]:
        """Fastest round of each query, in milliseconds: the time without other load.

        The median would include other load on the machine, and a model fitted to it predicts worse.
        """
        fastest: NDArray[np.float64] = np.min(self.times[runtime], axis=0)
        return fastest

    def latency(self, runtime: Runtime) -> float:
        """Mean of `fastest` over the queries."""
        return float(self.fastest(runtime).mean())

    def record(self) -> CalibrationPoint:
        """Current point."""
        genes: dict[str, Any] = self.architecture.to_dict()
        return CalibrationPoint(
            **genes,
            index=self.index,
            role=self.role,
            size_mb=self.price.size_mb,
            paper_gflops=self.price.paper_gflops,
            parameters=self.price.parameters,
            forward_gflops=self.price.forward_gflops,
            tokens=_mean(sum(map(len, query)) for query in self.queries),
            rounds=len(self.times[Runtime.ONNX]),
            latency={runtime.value: self._summary(runtime) for runtime in Runtime},
        )

    def _summary(self, runtime: Runtime) -> RuntimeLatency:
        times = np.array(self.times[runtime])
        mean = self.latency(runtime)
        median, p90 = np.percentile(times / times.min(axis=0), [50, 90]) * mean
        return RuntimeLatency(mean=mean, median=float(median), p90=float(p90), measurements=times.size)


def calibrate(
    settings: CalibrationSettings, *, cancelled: Callable[[], bool] = lambda: False
) -> Work[CalibrationSummary | None]:
    """Measure, fit, and evaluate the fit on held-out architectures.

    Yields a point for each architecture and round, and a prediction for each architecture once all are measured.
    Returns None if cancelled, since a fit needs all points.

    Raises:
        SettingsError, BudgetError: with a one-sentence message.
    """
    started = time.monotonic()
    yield Progress(message="Choosing the architectures", fraction=0.0)
    roles = sample(settings)
    yield Progress(message="Tokenizing real functions with vocabularies of several sizes")
    sizes = sorted({*VOCABULARIES, *(architecture.vocab_size for architecture, _ in roles)})
    queries = chosen_queries(settings, sizes)
    lengths = Lengths(
        vocab_sizes=tuple(sizes),
        tokens=tuple(_mean(sum(map(len, query)) for query in queries[size]) for size in sizes),
        squares=tuple(_mean(sum(len(one) ** 2 for one in query) for query in queries[size]) for size in sizes),
    )
    subjects = []
    for index, (architecture, role) in enumerate(roles):
        own = queries[architecture.vocab_size]
        length = max(1, round(_mean(len(one) for query in own for one in query)))
        price = cost(architecture, settings.task, settings.pair_features, sequence_length=length)
        subjects.append(Subject(index, role, architecture, price, own))
    rng = random.Random(settings.seed)
    total, done = settings.rounds * len(subjects), 0
    with tempfile.TemporaryDirectory(prefix="calibration-") as folder, torch_threads(settings.threads):
        for number in range(1, settings.rounds + 1):
            # A new order each round, so that a temporary slowdown does not always affect the same architectures.
            for subject in rng.sample(subjects, len(subjects)):
                if cancelled():
                    return None
                _measure(subject, settings, Path(folder))
                done += 1
                yield subject.record()
                message = f"Round {number} of {settings.rounds}: measured {subject.architecture}"
                yield Progress(message=message, fraction=done / total)
    models = [_fitted(runtime, subjects, settings, lengths) for runtime in Runtime]
    for subject in subjects:
        yield _prediction(subject, models)
    here = machine(settings.threads)
    return CalibrationSummary(
        task=settings.task,
        pair_features=settings.pair_features,
        models={model.runtime.value: model for model in models},
        held_out_error={model.runtime.value: _error(model, subjects, "held-out") for model in models},
        budget_error={model.runtime.value: _error(model, subjects, "budget") for model in models},
        machine=here.model_copy(update={"runtime": f"ONNX Runtime {onnxruntime.__version__} and {here.runtime}"}),
        dataset=settings.dataset,
        functions=settings.functions,
        lengths=tuple(sum(map(len, query)) for query in queries[1_000]),
        seconds=time.monotonic() - started,
    )


def _measure(subject: Subject, settings: CalibrationSettings, folder: Path) -> None:
    """Measure one more round: each query once with each runtime."""
    model = build(subject.architecture, settings.task, settings.pair_features).eval()
    path = folder / f"{subject.index}.onnx"
    if not path.exists():
        export_onnx(model, path)
    session = open_onnx(path, threads=settings.threads)
    pad_id = 1
    timed = {
        Runtime.ONNX: Timed(subject.queries, lambda query: run_onnx(session, query)),
        Runtime.PYTORCH: Timed(subject.queries, torch.inference_mode()(lambda query: forward(model, [query], pad_id))),
    }
    for _ in input_by_input(list(timed.values()), 1):
        pass
    for runtime, one in timed.items():
        subject.times[runtime].append(one.times)


def _fitted(
    runtime: Runtime, subjects: Sequence[Subject], settings: CalibrationSettings, lengths: Lengths
) -> LatencyModel:
    """Latency model of a runtime, fitted only to the subjects with the role fit."""
    seen = [subject for subject in subjects if subject.role == "fit"]
    queries = [query for subject in seen for query in subject.queries]
    return LatencyModel.fit(
        runtime,
        settings.task,
        settings.pair_features,
        lengths,
        Genes.of([subject.architecture for subject in seen for _ in subject.queries]),
        np.array([sum(map(len, query)) for query in queries], np.float64),
        np.array([sum(len(function) ** 2 for function in query) for query in queries], np.float64),
        np.concatenate([subject.fastest(runtime) for subject in seen]),
    )


def _error(model: LatencyModel, subjects: Sequence[Subject], role: Role) -> PredictionError:
    """Median and worst relative error of the predictions for the subjects of a role."""
    chosen = [subject for subject in subjects if subject.role == role]
    if not chosen:
        return PredictionError(architectures=0)
    measured = np.array([subject.latency(model.runtime) for subject in chosen])
    errors = np.abs(model.predict(Genes.of([subject.architecture for subject in chosen])) / measured - 1)
    return PredictionError(median=float(np.median(errors)), worst=float(errors.max()), architectures=len(chosen))


def _prediction(subject: Subject, models: Sequence[LatencyModel]) -> CalibrationPrediction:
    genes = Genes.of([subject.architecture])
    return CalibrationPrediction(
        index=subject.index,
        latency={model.runtime.value: float(model.predict(genes)[0]) for model in models},
        parts={
            model.runtime.value: {name: float(part[0]) for name, part in model.parts(genes).items()} for model in models
        },
    )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return math.fsum(listed) / len(listed)
