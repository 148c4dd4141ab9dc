"""What every fuzzed example is held to: a sentence or a result, within 5 seconds and 2 GB.

Seconds are those of the processor, which a busy machine does not stretch; what sleeps is held to more of the clock's.
"""

from __future__ import annotations

import faulthandler
import functools
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from compressor_core.errors import CompressorError

MOST_SECONDS = 5.0
MOST_WAITED = 30.0
MOST_BYTES = 2_000_000_000
LONGEST_SENTENCE = 1_500
"""Characters of an error, of which a path may have some hundred."""
_HUNG = 60.0
"""Seconds after which native code that never comes back is taken down with the whole process."""
_HEADROOM = 2 * MOST_BYTES
"""What an example may ask the system for beyond what the process has: enough to see that it is too much."""


@dataclass
class Counts:
    """What the examples of one target came to."""

    examples: int = 0
    longest: float = 0.0
    peak: int = 0
    """Bytes that one example added to the process at most."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@contextmanager
def clear() -> Iterator[None]:
    """Lets a CompressorError pass that says something, and nothing else.

    One that hides how memory ran out is refused too: on another machine it would not have run out in time.
    """
    try:
        yield
    except CompressorError as error:
        text = str(error)
        assert text.strip() and len(text) <= LONGEST_SENTENCE and "Traceback" not in text, text
        cause: BaseException | None = error
        while cause is not None:
            memory = isinstance(cause, MemoryError) or "t allocate memory" in str(cause)
            assert not memory, f"out of memory behind {text!r}"
            cause = cause.__cause__ or cause.__context__


def guarded(test: Callable[..., None], counts: Callable[[], Counts], stderr: int) -> Callable[..., None]:
    """The body of a property, counted and held to the limits."""
    process = psutil.Process()

    @functools.wraps(test)
    def run(*arguments: Any, **more: Any) -> None:
        count = counts()
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        memory = process.memory_info()
        before = _peak()
        faulthandler.dump_traceback_later(_HUNG, exit=True, file=stderr)
        resource.setrlimit(resource.RLIMIT_AS, (memory.vms + _HEADROOM, hard))
        start, begun = time.process_time(), time.perf_counter()
        try:
            test(*arguments, **more)
        finally:
            count.examples += 1
            seconds, waited = time.process_time() - start, time.perf_counter() - begun
            count.longest = max(count.longest, seconds)
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
            faulthandler.cancel_dump_traceback_later()
            after = _peak()
            if after > before:
                count.peak = max(count.peak, after - memory.rss)
        assert seconds <= MOST_SECONDS and waited <= MOST_WAITED, (
            f"one example took {seconds:.1f} s, {waited:.1f} s long"
        )
        assert after == before or after - memory.rss < MOST_BYTES, (
            f"one example took {(after - memory.rss) / 1e9:.1f} GB"
        )

    return run


def _peak() -> int:
    """Bytes that this process held at most, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
