"""Several things timed so that their ratio can be trusted: they take turns, in alternating order, warmed up."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


def turns(things: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """Every thing once in each round, with the round's number; in every other round the last one comes first.

    Whatever else the machine does for a while strikes all alike, and none always follows the same other.
    """
    for number in range(rounds):
        for thing in things if number % 2 == 0 else reversed(things):
            yield number, thing


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
    answers: list[object] = field(default_factory=list)
    """What `work` returned for each input in the first round."""

    def turn(self) -> None:
        """One round, after one call that is not counted: it brings weights and code back into the caches."""
        self.work(self.inputs[0])
        first = not self.answers
        for given in self.inputs:
            cpu, start = time.process_time(), time.perf_counter()
            answer = self.work(given)
            end, cpu_end = time.perf_counter(), time.process_time()
            self.times.append((end - start) * 1e3)
            self.cpu_times.append((cpu_end - cpu) * 1e3)
            if first:
                self.answers.append(answer)


def in_turns(timed: Sequence[Timed[T]], rounds: int) -> Generator[tuple[int, int], None, None]:
    """Time all of them in turns; yields the round and the place of each that has just had its turn."""
    for number, place in turns(range(len(timed)), rounds):
        timed[place].turn()
        yield number, place
