"""Finished calibrations and their fitted latency models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from compressor_core.assets import ASSETS
from compressor_core.errors import CompressorError, RunError, SettingsError
from compressor_core.files import checked_path
from compressor_core.latency_model import LatencyModel, Runtime
from compressor_core.records import CalibrationSummary, read_record
from compressor_core.runs.run import Run
from compressor_core.runs.store import RunStore
from compressor_core.task import PairFeatures, Task

BUNDLED: Final = ASSETS / "latency.json"
"""Latency models of another machine, by task, fitted to single functions; for clones, with the lengths of pairs."""


@dataclass(frozen=True)
class Predictor:
    """Default latency predictor, and a description of where it was measured."""

    model: LatencyModel
    where: str


@dataclass(frozen=True)
class Calibration:
    """One finished calibration: its name, its models by runtime, and its full summary."""

    run: Run
    title: str
    models: Mapping[Runtime, LatencyModel]
    summary: CalibrationSummary


def calibrations(
    store: RunStore, task: Task = Task.VULNERABILITY, pair_features: PairFeatures = PairFeatures.COMPARE
) -> list[Calibration]:
    """Finished calibrations for a task, newest first; `pair_features` matters for the clone task only."""
    found = []
    for run in store.list("calibrate"):
        with suppress(CompressorError):
            summary = run.summary()
            models = _by_runtime(summary)
            if summary.task is task and (task is Task.VULNERABILITY or summary.pair_features is pair_features):
                found.append(Calibration(run, run.name or run.id, models, summary))
    return found


def predictor(store: RunStore, task: Task) -> Predictor:
    """Newest calibration of this machine for a task, or else the bundled one of another machine."""
    if known := calibrations(store, task):
        return Predictor(next(iter(known[0].models.values())), "on this machine")
    given = json.loads(BUNDLED.read_text("utf-8"))
    return Predictor(LatencyModel.from_dict(given[task]), f"on {given['machine']}")


def open_calibration(store: RunStore, run_or_file: str) -> dict[Runtime, LatencyModel]:
    """Models of a calibration, given by its run or by a file with the JSON of `calibrate --json`.

    Raises RunError or SettingsError with a one-sentence message.
    """
    path = checked_path(run_or_file)
    if path.is_file():
        try:
            values = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise SettingsError(f"{path} cannot be read as JSON: give what `calibrate --json` printed") from error
        if not isinstance(values, Mapping):
            raise SettingsError(f"{path} holds no calibration: give what `calibrate --json` printed")
        return _by_runtime(read_record({**values, "type": "calibration-summary"}))
    run = store.get(run_or_file)
    summary = run.summary() if run.kind == "calibrate" else None
    if summary is None:
        raise RunError(f"Run {run.id} is no finished calibration: start one with `calibrate`, or on the page Latency.")
    return _by_runtime(summary)


def _by_runtime(summary: object) -> dict[Runtime, LatencyModel]:
    if not isinstance(summary, CalibrationSummary) or not summary.models:
        raise SettingsError("there are no latency models in it: take the result of a finished calibration")
    return {model.runtime: model for model in summary.models.values()}
