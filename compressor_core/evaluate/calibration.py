"""What computation costs on this machine: a sample of architectures is measured once, and a latency model fitted.

The weights are random: how long a forward pass takes does not depend on them. The lengths are real: those of the
classroom's functions, cut by a tokenizer of each architecture's own vocabulary.
"""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from compressor_core.architecture import Architecture
from compressor_core.cost import Cost, Genes, cost
from compressor_core.evaluate.design import VOCABULARIES, CalibrationSettings, chosen_queries, sample
from compressor_core.export.onnx import export_onnx, open_onnx, run_onnx
from compressor_core.latency_model import LatencyModel, Lengths, Runtime
from compressor_core.machine import machine
from compressor_core.models.inference import forward
from compressor_core.models.inputs import Encoded
from compressor_core.models.student import build
from compressor_core.task import PairFeatures, Task

if TYPE_CHECKING:
    pass

Record = dict[str, Any]

_WARMUP: Final = 2


@dataclass(frozen=True)
class Subject:
    """One architecture of a calibration; `role` is fit, held-out or budget."""

    index: int
    role: str
    architecture: Architecture
    price: Cost
    queries: Sequence[Encoded]
    times: dict[Runtime, list[list[float]]] = field(default_factory=lambda: {runtime: [] for runtime in Runtime})
    """Milliseconds: round by round, query by query."""

    def fastest(self, runtime: Runtime) -> NDArray[np.float64]:
        """Each query's fastest round, in milliseconds: what the machine takes by itself.

        The median would also say what else the machine did, and what fits such times predicts others less well.
        """
        fastest: NDArray[np.float64] = np.min(self.times[runtime], axis=0)
        return fastest

    def latency(self, runtime: Runtime) -> float:
        """Mean over the queries of `fastest`."""
        return float(self.fastest(runtime).mean())

    def record(self) -> Record:
        """The point as it stands now; one that comes later, of the same index, takes its place."""
        return {
            "type": "point",
            "index": self.index,
            "role": self.role,
            **self.architecture.to_dict(),
            "size_mb": self.price.size_mb,
            "paper_gflops": self.price.paper_gflops,
            "parameters": self.price.parameters,
            "forward_gflops": self.price.forward_gflops,
            "tokens": _mean(sum(map(len, query)) for query in self.queries),
            "rounds": len(self.times[Runtime.ONNX]),
            "latency": {runtime.value: self._summary(runtime) for runtime in Runtime},
        }

    def _summary(self, runtime: Runtime) -> Record:
        """`mean` as `latency`; half of the single measurements were at most `median` by the same account, nine
        tenths at most `p90`: how much else the machine did."""
        times = np.array(self.times[runtime])
        mean = self.latency(runtime)
        median, p90 = np.percentile(times / times.min(axis=0), [50, 90]) * mean
        return {"mean": mean, "median": float(median), "p90": float(p90), "measurements": times.size}


def calibrate(config: CalibrationSettings, *, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Record]:
    """Measure, fit, and judge the fit on what it has not seen; the last record is the result.

    A point is yielded for each architecture and round, see `Subject.record`, and a prediction for each architecture
    once all are measured. The result has task, pair_features,
    models and held_out_error (each by runtime), budget_error, machine, functions, lengths and seconds. Cancelled,
    there is none: a fit needs all of its points.

    Raises:
        SettingsError, BudgetError: one sentence each.
    """
    started = time.monotonic()
    task, features = Task(config.task), PairFeatures(config.pair_features)
    yield {"type": "progress", "message": "Choosing the architectures", "fraction": 0.0}
    roles = sample(config)
    yield {"type": "progress", "message": "Cutting real functions by vocabularies of several sizes"}
    sizes = sorted({*VOCABULARIES, *(architecture.vocab_size for architecture, _ in roles)})
    queries = chosen_queries(config, sizes)
    lengths = Lengths(
        vocab_sizes=tuple(sizes),
        tokens=tuple(_mean(sum(map(len, query)) for query in queries[size]) for size in sizes),
        squares=tuple(_mean(sum(len(one) ** 2 for one in query) for query in queries[size]) for size in sizes),
    )
    subjects = []
    for index, (architecture, role) in enumerate(roles):
        own = queries[architecture.vocab_size]
        length = max(1, round(_mean(len(one) for query in own for one in query)))
        price = cost(architecture, task, features, sequence_length=length)
        subjects.append(Subject(index, role, architecture, price, own))
    rng = random.Random(config.seed)
    total, done = config.rounds * len(subjects), 0
    with tempfile.TemporaryDirectory(prefix="calibration-") as folder, _torch_threads(config.threads):
        for turn in range(config.rounds):
            # Each round in another order: what slows the machine for a while strikes another part of the sample.
            for subject in rng.sample(subjects, len(subjects)):
                if cancelled():
                    return
                _measure(subject, task, features, Path(folder), config.threads)
                done += 1
                yield subject.record()
                yield {
                    "type": "progress",
                    "message": f"Round {turn + 1} of {config.rounds}: measured {subject.architecture}",
                    "fraction": done / total,
                }
    models = [_fitted(runtime, subjects, task, features, lengths) for runtime in Runtime]
    for subject in subjects:
        yield _prediction(subject, models)
    yield {
        "type": "result",
        "task": task.value,
        "pair_features": features.value,
        "models": {model.runtime.value: model.to_dict() for model in models},
        "held_out_error": {model.runtime.value: _error(model, subjects, "held-out") for model in models},
        "budget_error": {model.runtime.value: _error(model, subjects, "budget") for model in models},
        "machine": _machine(config.threads),
        "dataset": config.dataset,
        "functions": config.functions,
        "lengths": [sum(map(len, query)) for query in queries[1_000]],
        "seconds": time.monotonic() - started,
    }


def _measure(subject: Subject, task: Task, features: PairFeatures, folder: Path, threads: int) -> None:
    """One more round: each query once by each runtime, which take turns; both are warmed up on the longest."""
    model = build(subject.architecture, task, features).eval()
    path = folder / f"{subject.index}.onnx"
    if not path.exists():
        export_onnx(model, path)
    session = open_onnx(path, threads=threads)
    pad_id = 1
    run: dict[Runtime, Callable[[Encoded], object]] = {
        Runtime.ONNX: lambda query: run_onnx(session, query),
        Runtime.PYTORCH: lambda query: forward(model, [query], pad_id),
    }
    with torch.inference_mode():
        for runtime in Runtime:
            for _ in range(_WARMUP):
                run[runtime](subject.queries[-1])
        times: dict[Runtime, list[float]] = {runtime: [] for runtime in Runtime}
        for number, query in enumerate(subject.queries):
            for runtime in Runtime if number % 2 == 0 else reversed(Runtime):
                start = time.perf_counter()
                run[runtime](query)
                times[runtime].append((time.perf_counter() - start) * 1e3)
    for runtime in Runtime:
        subject.times[runtime].append(times[runtime])


def _fitted(
    runtime: Runtime, subjects: Sequence[Subject], task: Task, features: PairFeatures, lengths: Lengths
) -> LatencyModel:
    """The model of a runtime, from the subjects of the role fit alone."""
    seen = [subject for subject in subjects if subject.role == "fit"]
    queries = [query for subject in seen for query in subject.queries]
    return LatencyModel.fit(
        runtime,
        task,
        features,
        lengths,
        Genes.of([subject.architecture for subject in seen for _ in subject.queries]),
        np.array([sum(map(len, query)) for query in queries], np.float64),
        np.array([sum(len(function) ** 2 for function in query) for query in queries], np.float64),
        np.concatenate([subject.fastest(runtime) for subject in seen]),
    )


def _error(model: LatencyModel, subjects: Sequence[Subject], role: str) -> Record:
    """Median and worst relative error of the predictions for the subjects of a role, None without any."""
    chosen = [subject for subject in subjects if subject.role == role]
    if not chosen:
        return {"median": None, "worst": None, "architectures": 0}
    measured = np.array([subject.latency(model.runtime) for subject in chosen])
    errors = np.abs(model.predict(Genes.of([subject.architecture for subject in chosen])) / measured - 1)
    return {"median": float(np.median(errors)), "worst": float(errors.max()), "architectures": len(chosen)}


def _prediction(subject: Subject, models: Sequence[LatencyModel]) -> Record:
    """What the fitted models say of a subject, in milliseconds, whole and part by part."""
    genes = Genes.of([subject.architecture])
    return {
        "type": "prediction",
        "index": subject.index,
        "latency": {model.runtime.value: float(model.predict(genes)[0]) for model in models},
        "parts": {
            model.runtime.value: {name: float(part[0]) for name, part in model.parts(genes).items()} for model in models
        },
    }


def _machine(threads: int) -> Record:
    described = machine(threads)
    return {**described, "runtime": f"ONNX Runtime {onnxruntime.__version__} and {described['runtime']}"}


@contextmanager
def _torch_threads(threads: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return math.fsum(listed) / len(listed)
