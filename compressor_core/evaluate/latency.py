"""Latency of several models on the same inputs, measured so that the ratio can be trusted."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from compressor_core.models.classifier import Classifier
from compressor_core.models.inference import forward


def latency(
    models: Mapping[str, Classifier],
    examples: Sequence[tuple[str, ...]],
    *,
    rounds: int = 3,
    warmup: int = 5,
    threads: int = 1,
) -> Generator[dict[str, Any], None, dict[str, dict[str, Any]]]:
    """Milliseconds per example, batch 1, unpadded, tokenization apart; yields progress records.

    The models take turns on every example, in alternating order, so that whatever else the machine does strikes
    all alike. Returned by name: median, mean, p90, p95, p99, min, iqr (all in ms), tokenization (median, ms), tokens
    (mean length), measurements, and samples (the sorted times, at most 300 evenly chosen, for a plot).
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        encoded = {name: model.encode(examples) for name, model in models.items()}
        times: dict[str, list[float]] = {name: [] for name in models}
        names = list(models)
        with torch.inference_mode():
            for name in names:
                for inputs in encoded[name][:warmup]:
                    forward(models[name].model, [inputs], models[name].pad_id)
            for turn in range(rounds):
                for index in range(len(examples)):
                    for name in names if (turn + index) % 2 == 0 else reversed(names):
                        start = time.perf_counter()
                        forward(models[name].model, [encoded[name][index]], models[name].pad_id)
                        times[name].append((time.perf_counter() - start) * 1e3)
                yield {
                    "type": "progress",
                    "message": f"Measuring latency, round {turn + 1} of {rounds}",
                    "fraction": (turn + 1) / rounds,
                }
        tokenization = {name: _tokenization(models[name], examples) for name in names}
    finally:
        torch.set_num_threads(before)
    return {
        name: {
            **summary(times[name]),
            "tokenization": tokenization[name],
            "tokens": float(np.mean([sum(map(len, inputs)) for inputs in encoded[name]])),
        }
        for name in names
    }


def _tokenization(model: Classifier, examples: Sequence[tuple[str, ...]]) -> float:
    times = []
    for example in examples:
        start = time.perf_counter()
        model.encode([example])
        times.append((time.perf_counter() - start) * 1e3)
    return float(np.median(times))


def summary(times: Sequence[float]) -> dict[str, Any]:
    values = np.sort(np.asarray(times))
    low, median, high, p90, p95, p99 = np.percentile(values, [25, 50, 75, 90, 95, 99])
    shown = values[np.linspace(0, len(values) - 1, min(300, len(values))).astype(int)]
    return {
        "median": float(median),
        "mean": float(values.mean()),
        "p90": float(p90),
        "p95": float(p95),
        "p99": float(p99),
        "min": float(values[0]),
        "iqr": float(high - low),
        "measurements": len(values),
        "samples": [round(float(value), 4) for value in shown],
    }
