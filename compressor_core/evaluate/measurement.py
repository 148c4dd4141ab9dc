"""What models cost where they run: latency, throughput, cold start, memory and energy, of several models in turns."""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
import torch

from compressor_core.data.dataset import Split
from compressor_core.data.registry import default_split, examples_for, open_dataset
from compressor_core.errors import DataError, ModelError
from compressor_core.evaluate.cold_start import cold_start
from compressor_core.evaluate.deployed import FILES, Deployment, Form, Prepared
from compressor_core.evaluate.energy import Meter, energy_source, estimated_joules
from compressor_core.evaluate.latency import summary
from compressor_core.evaluate.measurement_settings import MeasureSettings
from compressor_core.evaluate.rounds import Timed, in_turns, turns
from compressor_core.machine import machine
from compressor_core.models.card import size_on_disk
from compressor_core.models.classifier import load
from compressor_core.models.inputs import Encoded

Record = dict[str, Any]
_TOKENIZER: Final = "tokenizer.json"


@dataclass(frozen=True)
class Subject:
    """One model in one form, at the functions' true lengths or padded as in the paper."""

    model: int
    """Its place in `MeasureSettings.models`."""
    form: Form
    padded: bool
    deployment: Deployment
    encoded: Sequence[Encoded]
    length: int
    """Places that a function is padded to; 0: none."""
    timed: Timed[Prepared] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "timed", self.batches(1))

    def batches(self, size: int) -> Timed[Prepared]:
        """All examples in batches of this size, in the order given, ready to be timed."""
        chosen = [self.encoded[start : start + size] for start in range(0, len(self.encoded), size)]
        prepared = [self.deployment.prepare(self.form, batch, self.length) for batch in chosen]
        return Timed(prepared, partial(self.deployment.run, self.form))

    def logits(self) -> np.ndarray[Any, Any]:
        """(examples, 2), as they came out in the first round."""
        return np.concatenate([np.asarray(answer) for answer in self.timed.answers])

    def key(self) -> Record:
        """What tells its records from the others'."""
        return {"model": self.model, "form": self.form.value, "padded": self.padded}


def measure(config: MeasureSettings, *, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Record]:
    """Measure as configured; the last record is the result, of which there is none if it was cancelled.

    Before it come, beside progress: one `models` (names, sizes, forms, machine), a `latency` of each subject after
    each round, which takes the place of its last, then a `throughput` of each subject and batch size, an `energy` of
    each subject and a `start` of each model and form. The result has all of them in lists, without the single times.

    Raises:
        DataError, ModelError, StorageError, TrainingError: one sentence each.
    """
    started = time.monotonic()
    kept: dict[tuple[Any, ...], Record] = {}
    before = torch.get_num_threads()
    torch.set_num_threads(config.threads)
    try:
        with tempfile.TemporaryDirectory(prefix="measurement-") as folder:
            for record in _measured(config, Path(folder)):
                if record["type"] != "progress":
                    key = (record["type"], *(record.get(name) for name in ("model", "form", "padded", "batch_size")))
                    kept[key] = record
                yield record
                if cancelled():
                    return
    finally:
        torch.set_num_threads(before)
    lists: dict[str, Any] = {kind: [] for kind in ("latency", "throughput", "energy", "start")}
    for (kind, *_), record in kept.items():
        if kind in lists:
            lists[kind].append({name: value for name, value in record.items() if name not in ("type", "samples")})
    described = {name: value for name, value in kept["models", None, None, None, None].items() if name != "type"}
    yield {"type": "result", **described, **lists, "seconds": time.monotonic() - started}


def _measured(config: MeasureSettings, folder: Path) -> Iterator[Record]:
    yield {"type": "progress", "message": "Loading the models", "fraction": 0.0}
    deployments = []
    for number, name in enumerate(config.models):
        own = folder / str(number)
        own.mkdir()
        yield {"type": "progress", "message": f"Preparing {config.names[number]} in each of its forms"}
        deployments.append(Deployment(load(name), own, threads=config.threads))
    codes, split = chosen(config, deployments)
    subjects = [
        Subject(number, form, padded, one, encoded, one.places(config.padded_to) if padded else 0)
        for number, one in enumerate(deployments)
        for encoded in [list(one.classifier.encode(codes))]
        for form in one.forms
        for padded in (False, True)
    ]
    source = energy_source()
    yield {
        "type": "models",
        "models": [_described(config, number, one, subjects) for number, one in enumerate(deployments)],
        "dataset": config.dataset,
        "split": split,
        "examples": len(codes),
        "rounds": config.rounds,
        "starts": config.starts,
        "padded_to": config.padded_to,
        "machine": described_machine(config.threads),
        "energy_source": {**asdict(source), "watts": None if source.measured else config.watts},
    }
    total = _Fractions(config, subjects, deployments)
    yield from _latency(config, subjects, total)
    yield from _energy(config, subjects, measured=source.measured)
    yield from _throughput(config, subjects, total)
    yield from _starts(config, deployments, codes, total)


def _latency(config: MeasureSettings, subjects: Sequence[Subject], total: _Fractions) -> Iterator[Record]:
    reference: dict[int, Any] = {}
    for number, place in in_turns([subject.timed for subject in subjects], config.rounds):
        subject = subjects[place]
        if subject.form is Form.PYTORCH and not subject.padded:
            reference[subject.model] = subject.logits()
        yield total.step(
            f"Latency, round {number + 1} of {config.rounds}: {config.names[subject.model]}, {subject.form}"
        )
        yield _latency_record(subject, number + 1, reference.get(subject.model))


def _latency_record(subject: Subject, rounds: int, reference: Any) -> Record:
    """`difference` is the largest one to the logits of PyTorch at the true lengths; None while they are not there."""
    return {
        "type": "latency",
        **subject.key(),
        "rounds": rounds,
        **summary(subject.timed.times),
        "cpu_median": float(np.median(subject.timed.cpu_times)),
        "cpu_mean": float(np.mean(subject.timed.cpu_times)),
        "difference": None if reference is None else float(np.abs(subject.logits() - reference).max()),
    }


def _energy(config: MeasureSettings, subjects: Sequence[Subject], *, measured: bool) -> Iterator[Record]:
    meter = Meter() if measured else None
    try:
        for subject in subjects:
            timed = subject.timed
            if meter is None:
                joules = estimated_joules(float(np.mean(timed.cpu_times)) / 1e3, config.watts)
            else:
                yield {"type": "progress", "message": f"Energy: {config.names[subject.model]}, {subject.form}"}
                joules, done = meter.joules(timed.turn, config.energy_seconds)
                joules /= done * (len(timed.inputs) + 1)  # each turn begins with a call that is not timed
            yield {"type": "energy", **subject.key(), "joules_per_1000": 1000 * joules, "measured": measured}
    finally:
        if meter is not None:
            meter.close()


def _throughput(config: MeasureSettings, subjects: Sequence[Subject], total: _Fractions) -> Iterator[Record]:
    """The same examples in batches of each size."""
    for size in config.batch_sizes:
        timed = [subject.batches(size) for subject in subjects]
        for number, place in in_turns(timed, config.batch_rounds):
            subject = subjects[place]
            yield total.step(f"Throughput, batches of {size}: {config.names[subject.model]}, {subject.form}")
            if number + 1 == config.batch_rounds:
                seconds = np.reshape(timed[place].times, (config.batch_rounds, -1)).sum(axis=1) / 1e3
                rates = [len(subject.encoded) / value for value in seconds]
                yield {
                    "type": "throughput",
                    **subject.key(),
                    "batch_size": size,
                    "examples_per_second": statistics.median(rates),
                    "slowest": min(rates),
                    "fastest": max(rates),
                }


def _starts(
    config: MeasureSettings, deployments: Sequence[Deployment], codes: Sequence[tuple[str, ...]], total: _Fractions
) -> Iterator[Record]:
    """Fresh processes, one at a time, in turns; of each model and form the medians."""
    pairs = [(number, form) for number, one in enumerate(deployments) for form in one.forms]
    found: dict[tuple[int, Form], list[Record]] = {pair: [] for pair in pairs}
    for number, (model, form) in turns(pairs, config.starts):
        deployment = deployments[model]
        card = deployment.classifier.card
        yield total.step(f"Cold start {number + 1} of {config.starts}: {config.names[model]}, {form}")
        place, tokenizer = Path(config.models[model]), None
        if form in FILES:
            place, tokenizer = deployment.folder / FILES[form], deployment.folder / _TOKENIZER
            if not tokenizer.exists():
                deployment.classifier.tokenizer.backend_tokenizer.save(str(tokenizer))
        found[model, form].append(
            cold_start(place, codes[0], max_length=card.max_length, threads=config.threads, tokenizer=tokenizer)
        )
        records = found[model, form]
        medians = {name: statistics.median(one[name] for one in records) for name in records[0] if name != "label"}
        yield {"type": "start", "model": model, "form": form.value, **medians, "starts": len(records)}


def chosen(config: MeasureSettings, deployments: Sequence[Deployment]) -> tuple[list[tuple[str, ...]], str]:
    """The functions to measure on, a sample of the split, and what that split is called.

    Raises:
        DataError, ModelError: the split is unknown or empty, or models and data are of different tasks.
    """
    dataset = open_dataset(config.dataset, config.data, seed=config.seed)
    for name, one in zip(config.names, deployments, strict=True):
        if one.classifier.card.task is not dataset.task:
            raise ModelError(
                f"{name} is for {one.classifier.card.task} and the dataset {config.dataset} for {dataset.task}: "
                "measure models of one task on a dataset of that task"
            )
    if config.split is not None and config.split not in set(Split):
        raise DataError(f"there is no split {config.split!r}: choose from {', '.join(Split)}")
    split = default_split(dataset) if config.split is None else Split(config.split)
    examples = [example.codes for example in examples_for(dataset, split)]
    return random.Random(config.seed).sample(examples, min(config.examples, len(examples))), str(split or "all")


def _described(config: MeasureSettings, number: int, one: Deployment, subjects: Sequence[Subject]) -> Record:
    encoded = next(subject.encoded for subject in subjects if subject.model == number)
    card = one.classifier.card
    return {
        "name": config.names[number],
        "folder": config.models[number],
        "size_mb": size_on_disk(Path(config.models[number])) / 1e6,
        "parameters": one.classifier.parameters,
        "architecture": None if card.architecture is None else str(card.architecture),
        "data_flow": card.data_flow is not None,
        "tokens": float(np.mean([len(function) for example in encoded for function in example])),
        "places": one.places(config.padded_to),
        "forms": {form.value: one.size_mb(form) for form in one.forms},
    }


def described_machine(threads: int) -> Mapping[str, Any]:
    described = machine(threads)
    runtime = f"{described['runtime']} and ONNX Runtime {onnxruntime.__version__}"
    return {**described, "runtime": runtime, "cores": os.cpu_count(), "precision": "float32 and int8"}


class _Fractions:
    """How far a measurement is, by the turns that it consists of."""

    def __init__(self, config: MeasureSettings, subjects: Sequence[Subject], deployments: Sequence[Deployment]) -> None:
        starts = sum(len(one.forms) for one in deployments) * config.starts
        batches = len(config.batch_sizes) * config.batch_rounds
        self._total = len(subjects) * (config.rounds + batches) + starts
        self._done = 0

    def step(self, message: str) -> Record:
        self._done += 1
        return {"type": "progress", "message": message, "fraction": self._done / self._total}
