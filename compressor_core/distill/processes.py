"""Training one model with several processes, on one or more machines, started by `torchrun`.

All processes run the same code on the same data with the same seed. They share the expensive work: each learns its
part of every batch and labels its part of the examples. What only one process can know, such as whether a batch fitted
in memory or whether it was told to stop, is exchanged before any decision. This is why `any_of` and `add_up` are used
instead of DistributedDataParallel, which hangs if one process cannot finish a batch. All processes hold the same
weights after every step, equal to those of a single process up to the rounding of a sum.

For a single process these functions do nothing: nothing is imported, sent or waited for.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from compressor_core import progress
from compressor_core.errors import SettingsError
from compressor_core.records import Work

if TYPE_CHECKING:
    from accelerate import PartialState
    from torch import Tensor, nn

T = TypeVar("T")
Item = TypeVar("Item")
Answer = TypeVar("Answer", "Tensor", "tuple[Tensor, Tensor]")

_TIMEOUT = timedelta(hours=2)
"""How long a process waits for another, which may run on a slower machine."""
_LAST_WORDS = timedelta(seconds=5)
"""How long a failing process waits for the error of the process that failed first."""

_state: PartialState | None = None
"""Accelerate's state of the processes; None for a single process."""


def launched() -> bool:
    """Whether `torchrun` started this process as one of several."""
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextlib.contextmanager
def joined(device: str | None) -> Iterator[None]:
    """Context in which this process works together with the others; all but the first print nothing.

    Does nothing for a single process. Each process uses its own CUDA device if there are any, otherwise the CPU;
    `device` is the device that the user chose.

    Raises:
        SettingsError: accelerate is not installed, or the devices are too few or unsupported.
    """
    global _state
    if not launched():
        yield
        return
    _state = _join(device)
    try:
        with contextlib.ExitStack() as silence:
            if not main():
                nothing = silence.enter_context(open(os.devnull, "w", encoding="utf-8"))
                silence.enter_context(contextlib.redirect_stdout(nothing))
                silence.enter_context(contextlib.redirect_stderr(nothing))
            yield
        wait()
        # Not after an error: this would wait for processes that have ended.
        _state.destroy_process_group()
    finally:
        _state = None


def _join(device: str | None) -> PartialState:
    import torch

    try:
        from accelerate import PartialState
    except ImportError as error:
        raise SettingsError(
            "several processes need accelerate, which is not installed: pip install -r requirements-cluster.txt"
        ) from error
    cuda = torch.cuda.is_available() and device != "cpu"
    if not cuda and device != "cpu" and torch.backends.mps.is_available():
        raise SettingsError("several processes can train on CUDA or on CPUs, not on MPS: give --device cpu")
    here = int(os.environ["LOCAL_WORLD_SIZE"])
    if cuda and here > torch.cuda.device_count():
        raise SettingsError(
            f"{here} processes were started on a machine with {torch.cuda.device_count()} CUDA device(s): "
            "start one for each, or give --device cpu"
        )
    # Without cpu=True, each process on a machine with no accelerator would silently train on its own.
    state = PartialState(cpu=not cuda, timeout=_TIMEOUT)
    assert state.num_processes == int(os.environ["WORLD_SIZE"]), "the processes did not find each other"
    return state


def main() -> bool:
    """Whether this process is the one that writes checkpoints and models."""
    return _state is None or bool(_state.is_main_process)


def main_here() -> bool:
    """Whether this process is the one that writes the files of its machine."""
    return _state is None or bool(_state.is_local_main_process)


def share() -> slice:
    """Examples of a batch that this process learns, interleaved so that every process gets short and long ones."""
    return slice(None) if _state is None else slice(_state.process_index, None, _state.num_processes)


def largest_share(size: int) -> int:
    """Maximum number of examples that one process learns from a batch of `size`."""
    return size if _state is None else -(-size // _state.num_processes)


def add_up(parameters: Sequence[nn.Parameter], value: float | None) -> float | None:
    """Sum each parameter's gradients over all processes, in place; returns the sum of the values.

    Returns None, whatever the gradients, if the value of any process is None. A parameter without a gradient in every
    process has none afterwards, so that the optimizer skips it, as with a single process.

    Everything is sent in one message per step: four bytes per weight, sent and received about twice by each process (a
    ring), and as much additional memory. For a student of 3 MB that is 6 MB per step; for CodeBERT it is 1 GB, which
    needs a fast network between machines.
    """
    if _state is None:
        return value
    import torch
    from accelerate.utils import reduce

    gradients = [p.new_zeros(p.numel()) if p.grad is None else p.grad.flatten() for p in parameters]
    said = [*(float(p.grad is not None) for p in parameters), value or 0.0, float(value is None)]
    flat = reduce(torch.cat([*gradients, parameters[0].new_tensor(said)]), "sum")
    *sums, said_by_all = flat.split([*(p.numel() for p in parameters), len(said)])
    *somewhere, total, failed = said_by_all.tolist()
    for parameter, gradient, found in zip(parameters, sums, somewhere, strict=True):
        parameter.grad = gradient.view_as(parameter) if found else None
    return None if failed else float(total)


def any_of(said: bool) -> bool:
    """Whether `said` is true in any process; every process must call this."""
    if _state is None:
        return said
    import torch
    from accelerate.utils import reduce

    return bool(reduce(torch.tensor(float(said), device=_state.device), "sum"))


def wait() -> None:
    """Wait until all processes have called this."""
    any_of(False)


def from_main(work: Callable[[], T]) -> T:
    """Result of `work` in the first process; the others do not run it."""
    if _state is None:
        return work()
    from accelerate.utils import broadcast_object_list

    found: list[T | None] = [work() if main() else None]
    result: T = broadcast_object_list(found)[0]
    return result


def same_weights(*modules: nn.Module) -> None:
    """Give all processes the weights of the first."""
    if _state is not None:
        from accelerate.utils import broadcast

        for module in modules:
            module.load_state_dict(broadcast(module.state_dict()))


def require_same(settings: Mapping[str, Any]) -> None:
    """Raise SettingsError, naming the differences, unless all processes have the same settings and data."""
    if _state is None:
        return
    from accelerate.utils import gather_object

    found: list[dict[str, str]] = gather_object([{name: json.dumps(value) for name, value in settings.items()}])
    differ = [name for name in settings if len({each.get(name) for each in found}) > 1]
    if differ:
        raise SettingsError(
            f"the processes were given another {' and '.join(differ)}: "
            "use the same command, files and versions on all machines"
        )


def own_dropout(seed: int) -> None:
    """Seed each process but the first differently from here on, since each applies dropout to other examples."""
    if _state is not None and not main():
        import torch

        torch.manual_seed(seed * _state.num_processes + _state.process_index)


def shared(
    items: Sequence[Item], work: Callable[[Sequence[Item]], Generator[int, None, Answer]]
) -> Generator[int, None, Answer]:
    """Result of `work` for the items, one row each, in order; each process does a part and all get the whole result.
    Yields how many are done, assuming that all processes are equally fast."""
    if _state is None or not items:
        return (yield from work(items))
    count, processes = len(items), _state.num_processes
    # All processes have the same number, at least one: some items may be done twice.
    mine = [(_state.process_index + place * processes) % count for place in range(largest_share(count))]
    steps = work([items[index] for index in mine])
    while True:
        try:
            done = next(steps)
        except StopIteration as end:
            found: Answer = _gathered(end.value, count)
            return found
        yield min(done * processes, count)


def _gathered(found: Any, count: int) -> Any:
    from accelerate.utils import gather

    assert _state is not None
    if isinstance(found, tuple):
        return tuple(_gathered(each, count) for each in found)
    every = gather(found.to(_state.device)).to(found.device)
    # Reorder from (process, place) to the order of the items, see `shared`.
    return every.unflatten(0, (_state.num_processes, -1)).transpose(0, 1).flatten(0, 1)[:count]


def until_cancelled(steps: Work[T], cancelled: Callable[[], bool]) -> Work[T | None]:
    """Yield the records of `steps` and return its result; None if cancelled. Several processes, whose steps differ,
    check only at the end."""
    if _state is None:
        return (yield from progress.relay(steps, cancelled=cancelled))
    result = yield from steps
    return None if any_of(cancelled()) else result


def leave(code: int) -> NoReturn:
    """End this process with the given code; one of several exits without Python's shutdown.

    A remaining gloo thread may abort the process during shutdown, and `torchrun` would then report a successful
    training as failed.
    """
    if launched():
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def report(code: int, sentence: str) -> int:
    """Print the error of this process on standard error; returns the exit code.

    With several processes, only the first to fail prints, and all end with its code: the others fail for the same
    reason or because it is gone. They wait for it to print, since `torchrun` ends all processes when one has ended.
    """
    if not launched():
        print(sentence, file=sys.stderr)
        return code
    key, first = f"compressor/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", True
    with contextlib.suppress(Exception):  # network errors: then each process prints its own error
        from torch.distributed import TCPStore  # type: ignore[attr-defined]

        # The store that `torchrun` itself keeps for rendezvous.
        host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        store = TCPStore(host, port, is_master=False, timeout=_LAST_WORDS)
        first = store.add(f"{key}/failed", 1) == 1
        if not first:
            return int(store.get(f"{key}/code"))
    if first:
        print(sentence, file=sys.stderr, flush=True)
        with contextlib.suppress(Exception):
            store.set(f"{key}/code", str(code))
    return code
