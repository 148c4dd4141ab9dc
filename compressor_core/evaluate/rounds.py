"""Timer for comparisons: subjects take turns, in alternating order and after a warm-up, so that ratios are reliable.

Temporary load on the machine affects all subjects equally, and none always follows the same other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from compressor_core.models.classifier import Classifier
from compressor_core.models.inference import forward
from compressor_core.models.inputs import Encoded
from compressor_core.records import Latency, ModelLatency, Progress, Work

T = TypeVar("T")
_KEPT_SAMPLES = 300


@dataclass
class Timed(Generic[T]):
    """A piece of work on each of several inputs, with the milliseconds of each call.

    `times` is wall-clock time. `cpu_times` is processor time of all threads of this process together; other load on
    the machine increases the former, but hardly the latter.
    """

    inputs: Sequence[T]
    work: Callable[[T], object]
    times: list[float] = field(default_factory=list)
    cpu_times: list[float] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    """Results of `work` for each input in the first round."""

    def call(self, given: T) -> None:
        """Make one timed call."""
        cpu, start = time.process_time(), time.perf_counter()
        answer = self.work(given)
        end, cpu_end = time.perf_counter(), time.process_time()
        self.times.append((end - start) * 1e3)
        self.cpu_times.append((cpu_end - cpu) * 1e3)
        if len(self.answers) < len(self.inputs):
            self.answers.append(answer)

    def turn(self) -> None:
        """Time all inputs, after one untimed call that brings weights and code back into the caches."""
        self.work(self.inputs[0])
        for given in self.inputs:
            self.call(given)

    @property
    def by_round(self) -> NDArray[np.float64]:
        """Times (rounds, inputs)."""
        return np.reshape(self.times, (-1, len(self.inputs)))


def turns(things: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """Yield everything once per round, with the round's number; every other round is in reverse order."""
    for number in range(rounds):
        for thing in things if number % 2 == 0 else reversed(things):
            yield number, thing


def in_turns(timed: Sequence[Timed[T]], rounds: int) -> Generator[tuple[int, int], None, None]:
    """Time all, each on all inputs per turn; yields the round and the index of each after its turn."""
    for number, place in turns(range(len(timed)), rounds):
        timed[place].turn()
        yield number, place


def input_by_input(timed: Sequence[Timed[T]], rounds: int) -> Generator[int, None, None]:
    """Time all, taking turns on every input; yields the number of rounds done.

    Two untimed calls of each on its last inputs come first.
    """
    for one in timed:
        for given in one.inputs[-2:]:
            one.work(given)
    for number in range(rounds):
        for place in range(len(timed[0].inputs)):
            for one in timed if (number + place) % 2 == 0 else reversed(timed):
                one.call(one.inputs[place])
        yield number + 1


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Context in which PyTorch uses this number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def time_models(
    models: Mapping[str, Classifier], examples: Sequence[tuple[str, ...]], *, rounds: int = 3, threads: int = 1
) -> Work[dict[str, ModelLatency]]:
    """Latency of each model by name: one example at a time, unpadded, on the CPU, without tokenization."""

    def answering(model: Classifier) -> Callable[[Encoded], object]:
        return torch.inference_mode()(lambda encoded: forward(model.model, [encoded], model.pad_id))

    with torch_threads(threads):
        timed = [Timed(list(model.encode(examples)), answering(model)) for model in models.values()]
        for done in input_by_input(timed, rounds):
            yield Progress(message=f"Measuring latency, round {done} of {rounds}", fraction=done / rounds)
        cutting = [Timed(examples, lambda example, cut=model.encode: cut([example])) for model in models.values()]  # type: ignore[misc]
        for _ in input_by_input(cutting, 1):
            pass
    return {
        name: ModelLatency(
            **dict(summary(one.times)),
            tokenization=float(np.median(cut.times)),
            tokens=float(np.mean([sum(map(len, inputs)) for inputs in one.inputs])),
        )
        for name, one, cut in zip(models, timed, cutting, strict=True)
    }


def summary(times: Sequence[float]) -> Latency:
    """Summary of single times in ms; at most 300 of them are kept, evenly chosen."""
    values = np.sort(np.asarray(times))
    low, median, high, p90, p95, p99 = map(float, np.percentile(values, [25, 50, 75, 90, 95, 99]))
    kept = values[np.linspace(0, len(values) - 1, min(_KEPT_SAMPLES, len(values))).astype(int)]
    return Latency(
        median=median,
        mean=float(values.mean()),
        p90=p90,
        p95=p95,
        p99=p99,
        min=float(values[0]),
        iqr=high - low,
        measurements=len(values),
        samples=tuple(round(float(value), 4) for value in kept),
    )
