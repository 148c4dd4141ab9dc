"""Costs of running models: latency, throughput, cold start, memory and energy, measured in turns."""

from __future__ import annotations

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import onnxruntime

from compressor_core.data.registry import open_dataset
from compressor_core.evaluate.cold_start import cold_start
from compressor_core.evaluate.comparison import examples_of
from compressor_core.evaluate.deployed import FILES, Deployment, Prepared
from compressor_core.evaluate.energy import Meter, energy_source
from compressor_core.evaluate.rounds import Timed, in_turns, summary, torch_threads, turns
from compressor_core.evaluate.settings import MeasureSettings
from compressor_core.machine import machine
from compressor_core.models.card import size_on_disk
from compressor_core.models.classifier import load
from compressor_core.models.inputs import Encoded
from compressor_core.records import (
    ColdStart,
    Energy,
    Form,
    Machine,
    MeasuredLatency,
    MeasuredModel,
    MeasurementSetup,
    MeasurementSummary,
    Progress,
    Record,
    Start,
    Throughput,
    Work,
)

R = TypeVar("R", bound=Record)
_TOKENIZER: Final = "tokenizer.json"


@dataclass(frozen=True)
class Subject:
    """One model in one form, with functions at their true lengths or padded as in the paper."""

    model: int
    """Index in `MeasureSettings.models`."""
    form: Form
    padded: bool
    deployment: Deployment
    encoded: Sequence[Encoded]
    length: int
    """Tokens that a function is padded to; 0 for no padding."""
    timed: Timed[Prepared] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "timed", self.batches(1))

    def batches(self, size: int) -> Timed[Prepared]:
        """All examples in batches of this size, in the given order, ready to be timed."""
        chosen = [self.encoded[start : start + size] for start in range(0, len(self.encoded), size)]
        prepared = [self.deployment.prepare(self.form, batch, self.length) for batch in chosen]
        return Timed(prepared, partial(self.deployment.run, self.form))

    def logits(self) -> np.ndarray[Any, Any]:
        """Logits (examples, 2) of the first round."""
        return np.concatenate([np.asarray(answer) for answer in self.timed.answers])

    @property
    def key(self) -> dict[str, Any]:
        """Fields that identify its records."""
        return {"model": self.model, "form": self.form, "padded": self.padded}


def measure(
    settings: MeasureSettings, *, cancelled: Callable[[], bool] = lambda: False
) -> Work[MeasurementSummary | None]:
    """Measure latency, energy, throughput and cold starts; None if cancelled.

    Records: first the setup; then the latency of each subject after each round, replacing its previous one; the
    energy of each subject; the throughput of each subject and batch size; and a start of each model and form.

    Raises:
        DataError, ModelError, StorageError, TrainingError: with a one-sentence message.
    """
    started = time.monotonic()
    kept: dict[tuple[Any, ...], Record] = {}
    with torch_threads(settings.threads), tempfile.TemporaryDirectory(prefix="measurement-") as folder:
        for record in _measured(settings, Path(folder)):
            key = (getattr(record, name, None) for name in ("type", "model", "form", "padded", "batch_size"))
            kept[tuple(key)] = record
            yield record
            if cancelled():
                return None

    def all_of(kind: type[R]) -> tuple[R, ...]:
        return tuple(record for record in kept.values() if isinstance(record, kind))

    return MeasurementSummary(
        **{name: value for name, value in all_of(MeasurementSetup)[0] if name != "type"},
        latency=tuple(one.model_copy(update={"samples": ()}) for one in all_of(MeasuredLatency)),
        throughput=all_of(Throughput),
        energy=all_of(Energy),
        start=all_of(ColdStart),
        seconds=time.monotonic() - started,
    )


def _measured(settings: MeasureSettings, folder: Path) -> Iterator[Record]:
    yield Progress(message="Loading the models", fraction=0.0)
    deployments = []
    for number, (name, title) in enumerate(zip(settings.models, settings.titles, strict=True)):
        own = folder / str(number)
        own.mkdir()
        yield Progress(message=f"Preparing {title} in each of its forms")
        deployments.append(Deployment(load(name), own, threads=settings.threads))
    dataset = open_dataset(settings.dataset, settings.data, seed=settings.seed)
    models = {title: one.classifier for title, one in zip(settings.titles, deployments, strict=True)}
    examples, split = examples_of(dataset, settings.split, models)
    chosen = random.Random(settings.seed).sample(examples, min(settings.examples, len(examples)))
    codes = [example.codes for example in chosen]
    subjects = [
        Subject(number, form, padded, one, encoded, one.padded_tokens(settings.padded_to) if padded else 0)
        for number, one in enumerate(deployments)
        for encoded in [list(one.classifier.encode(codes))]
        for form in Form
        for padded in (False, True)
    ]
    source = energy_source(watts=settings.watts)
    yield MeasurementSetup(
        models=tuple(_described(settings, number, one, subjects) for number, one in enumerate(deployments)),
        dataset=settings.dataset,
        split=split,
        examples=len(codes),
        rounds=settings.rounds,
        starts=settings.starts,
        padded_to=settings.padded_to,
        machine=described_machine(settings.threads),
        energy_source=source,
    )
    total = _Fractions(settings, subjects, deployments)
    yield from _latency(settings, subjects, total)
    yield from _energy(settings, subjects, measured=source.measured)
    yield from _throughput(settings, subjects, total)
    yield from _starts(settings, deployments, codes, total)


def _latency(settings: MeasureSettings, subjects: Sequence[Subject], total: _Fractions) -> Iterator[Record]:
    reference: dict[int, np.ndarray[Any, Any]] = {}
    for number, place in in_turns([subject.timed for subject in subjects], settings.rounds):
        subject, timed = subjects[place], subjects[place].timed
        if subject.form is Form.PYTORCH and not subject.padded:
            reference[subject.model] = subject.logits()
        yield total.step(f"Latency, round {number + 1} of {settings.rounds}", subject.model, subject.form)
        expected = reference.get(subject.model)
        yield MeasuredLatency(
            **subject.key,
            **dict(summary(timed.times)),
            rounds=number + 1,
            cpu_median=float(np.median(timed.cpu_times)),
            cpu_mean=float(np.mean(timed.cpu_times)),
            difference=None if expected is None else float(np.abs(subject.logits() - expected).max()),
        )


def _energy(settings: MeasureSettings, subjects: Sequence[Subject], *, measured: bool) -> Iterator[Record]:
    meter = Meter() if measured else None
    try:
        for subject in subjects:
            timed = subject.timed
            if meter is None:
                joules = float(np.mean(timed.cpu_times)) / 1e3 * settings.watts
            else:
                yield Progress(message=f"Energy: {settings.titles[subject.model]}, {subject.form}")
                joules, done = meter.joules(timed.turn, settings.energy_seconds)
                joules /= done * (len(timed.inputs) + 1)  # each turn begins with an untimed call
            yield Energy(**subject.key, joules_per_1000=1000 * joules, measured=measured)
    finally:
        if meter is not None:
            meter.close()


def _throughput(settings: MeasureSettings, subjects: Sequence[Subject], total: _Fractions) -> Iterator[Record]:
    """Throughput of the same examples in batches of each size."""
    for size in settings.batch_sizes:
        timed = [subject.batches(size) for subject in subjects]
        for number, place in in_turns(timed, settings.batch_rounds):
            subject = subjects[place]
            yield total.step(f"Throughput, batches of {size}", subject.model, subject.form)
            if number + 1 == settings.batch_rounds:
                rates = (len(subject.encoded) / timed[place].by_round.sum(axis=1) * 1e3).tolist()
                yield Throughput(
                    **subject.key,
                    batch_size=size,
                    examples_per_second=statistics.median(rates),
                    slowest=min(rates),
                    fastest=max(rates),
                )


def _starts(
    settings: MeasureSettings, deployments: Sequence[Deployment], codes: Sequence[tuple[str, ...]], total: _Fractions
) -> Iterator[Record]:
    """Cold starts in fresh processes, one at a time, in turns."""
    pairs = [(number, form) for number, one in enumerate(deployments) for form in Form]
    found: dict[tuple[int, Form], list[Start]] = {pair: [] for pair in pairs}
    for number, (model, form) in turns(pairs, settings.starts):
        deployment, starts = deployments[model], found[model, form]
        yield total.step(f"Cold start {number + 1} of {settings.starts}", model, form)
        file, tokenizer = Path(settings.models[model]), None
        if form in FILES:
            folder, file, tokenizer = file, deployment.folder / FILES[form], deployment.folder / _TOKENIZER
            if deployment.classifier.card.data_flow is not None:
                tokenizer = folder
            elif not tokenizer.exists():
                deployment.classifier.tokenizer.backend_tokenizer.save(str(tokenizer))
        longest = deployment.classifier.card.max_length
        starts.append(cold_start(file, codes[0], max_length=longest, threads=settings.threads, tokenizer=tokenizer))
        parts = ("imports", "load", "first", "imports_mb", "peak_mb")
        medians = {name: statistics.median(getattr(one, name) for one in starts) for name in parts}
        yield ColdStart(model=model, form=form, **medians, starts=len(starts))


def _described(settings: MeasureSettings, number: int, one: Deployment, subjects: Sequence[Subject]) -> MeasuredModel:
    encoded = next(subject.encoded for subject in subjects if subject.model == number)
    card, size_mb = one.classifier.card, size_on_disk(Path(settings.models[number])) / 1e6
    return MeasuredModel(
        name=settings.titles[number],
        folder=settings.models[number],
        size_mb=size_mb,
        parameters=one.classifier.parameters,
        architecture=None if card.architecture is None else str(card.architecture),
        data_flow=card.data_flow is not None,
        tokens=float(np.mean([len(function) for example in encoded for function in example])),
        padded_tokens=one.padded_tokens(settings.padded_to),
        forms={form: one.file_mb(form) or size_mb for form in Form},
    )


def described_machine(threads: int) -> Machine:
    """Description of the machine, with both runtimes."""
    here = machine(threads)
    runtime = f"{here.runtime} and ONNX Runtime {onnxruntime.__version__}"
    return here.model_copy(update={"runtime": runtime, "cores": os.cpu_count(), "precision": "float32 and int8"})


class _Fractions:
    """Progress of a measurement, counted in turns."""

    def __init__(
        self, settings: MeasureSettings, subjects: Sequence[Subject], deployments: Sequence[Deployment]
    ) -> None:
        starts = len(Form) * len(deployments) * settings.starts
        batches = len(settings.batch_sizes) * settings.batch_rounds
        self._titles = settings.titles
        self._total = len(subjects) * (settings.rounds + batches) + starts
        self._done = 0

    def step(self, what: str, model: int, form: Form) -> Progress:
        self._done += 1
        return Progress(message=f"{what}: {self._titles[model]}, {form}", fraction=self._done / self._total)
