"""The one timer: things that are compared take turns, in alternating order and warmed up, so that ratios hold.

Whatever else the machine does for a while affects all of them equally, and none always follows the same other.
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
    """A piece of work on each of several inputs, and how long it took: milliseconds, call by call.

    `times` is what one waits. `cpu_times` is what the processor worked for it, on all threads of this process
    together: on a machine that does something else meanwhile the first grows, and the second little.
    """

    inputs: Sequence[T]
    work: Callable[[T], object]
    times: list[float] = field(default_factory=list)
    cpu_times: list[float] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    """What `work` returned for each input in the first round."""

    def call(self, given: T) -> None:
        """One call that counts."""
        cpu, start = time.process_time(), time.perf_counter()
        answer = self.work(given)
        end, cpu_end = time.perf_counter(), time.process_time()
        self.times.append((end - start) * 1e3)
        self.cpu_times.append((cpu_end - cpu) * 1e3)
        if len(self.answers) < len(self.inputs):
            self.answers.append(answer)

    def turn(self) -> None:
        """All inputs, after one call that is not counted: it brings weights and code back into the caches."""
        self.work(self.inputs[0])
        for given in self.inputs:
            self.call(given)

    @property
    def by_round(self) -> NDArray[np.float64]:
        """The times (rounds, inputs)."""
        return np.reshape(self.times, (-1, len(self.inputs)))


def turns(things: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """Every thing once in each round, with the round's number; in every other round the last one comes first."""
    for number in range(rounds):
        for thing in things if number % 2 == 0 else reversed(things):
            yield number, thing


def in_turns(timed: Sequence[Timed[T]], rounds: int) -> Generator[tuple[int, int], None, None]:
    """Time all of them, each on all inputs at a time; yields the round and the place of each after its turn."""
    for number, place in turns(range(len(timed)), rounds):
        timed[place].turn()
        yield number, place


def input_by_input(timed: Sequence[Timed[T]], rounds: int) -> Generator[int, None, None]:
    """Time all of them, which take turns on every input; yields the number of rounds done.

    Two calls of each on its last inputs come first and are not counted.
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
    """PyTorch with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def time_models(
    models: Mapping[str, Classifier], examples: Sequence[tuple[str, ...]], *, rounds: int = 3, threads: int = 1
) -> Work[dict[str, ModelLatency]]:
    """The latency of each model by name: one example at a time, unpadded, on the CPU, tokenisation apart."""

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
    """Single times in ms, summed up; at most 300 of them are kept, evenly chosen."""
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
