"""Finished calibrations, and the latency models that they have fitted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from compressor_core.errors import DAMAGED, CompressorError, RunError, SettingsError
from compressor_core.files import checked_path
from compressor_core.latency_model import LatencyModel, Runtime
from compressor_core.runs.run import Run
from compressor_core.runs.store import RunStore
from compressor_core.task import PairFeatures, Task


@dataclass(frozen=True)
class Calibration:
    """One finished calibration: what it is called, its models by runtime, and all of its result."""

    run: Run
    title: str
    models: Mapping[Runtime, LatencyModel]
    result: Mapping[str, Any]


def calibrations(
    store: RunStore, task: Task = Task.VULNERABILITY, pair_features: PairFeatures = PairFeatures.COMPARE
) -> list[Calibration]:
    """The finished calibrations for a task, newest first; `pair_features` matters for the clone task only."""
    found = []
    for run in store.list("calibrate"):
        with suppress(CompressorError, *DAMAGED):
            result = run.status().result
            if result is None:
                continue
            models = latency_models(result)
            first = next(iter(models.values()))
            if first.task is task and (task is Task.VULNERABILITY or first.pair_features is pair_features):
                found.append(Calibration(run, run.name or run.id, models, result))
    return found


def latency_models(result: Mapping[str, Any]) -> dict[Runtime, LatencyModel]:
    """The models in the result of a calibration, by runtime. Raises SettingsError if there are none."""
    values = result.get("models")
    if not isinstance(values, Mapping) or not values:
        raise SettingsError("there are no latency models in it: take the result of a finished calibration")
    models = [LatencyModel.from_dict(one) for one in values.values()]
    return {model.runtime: model for model in models}


def open_calibration(store: RunStore, run_or_file: str) -> dict[Runtime, LatencyModel]:
    """The models of a calibration that is named by its run, or by a file with the JSON of `calibrate --json`.

    Raises RunError or SettingsError, one sentence each.
    """
    path = checked_path(run_or_file)
    if path.is_file():
        try:
            values = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise SettingsError(f"{path} cannot be read as JSON: give what `calibrate --json` printed") from error
        if not isinstance(values, Mapping):
            raise SettingsError(f"{path} holds no calibration: give what `calibrate --json` printed")
        return latency_models(values)
    run = store.get(run_or_file)
    result = run.status().result if run.kind == "calibrate" else None
    if result is None:
        raise RunError(f"Run {run.id} is no finished calibration: start one with `calibrate`, or on the page Latency.")
    return latency_models(result)
