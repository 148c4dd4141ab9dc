"""Several processes that train one model together, on one machine or more, as `torchrun` starts them.

All of them do the same work on the same data from the same seed. They share what is costly: each learns its part of
every batch, and each asks the teacher about its part of the examples. Whatever one of them alone could know, whether a
batch fitted into its memory or whether it was told to stop, is told to all before anything is decided: `any_of` and
`add_up` are why this is not DistributedDataParallel, which hangs where one process cannot finish a batch. So all hold
the same weights after every step, and those of one process up to the rounding of a sum.

A process that stands alone passes through here unchanged: then nothing is imported, sent or waited for.
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
"""For how long one process waits for another, which may have much more to do on a slower machine."""
_LAST_WORDS = timedelta(seconds=5)
"""For how long a process that fails waits for the one that failed first to say why."""

_state: PartialState | None = None
"""What Accelerate knows of this process and the others; None while it works alone."""


def launched() -> bool:
    """Whether `torchrun` has started this process as one of several."""
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextlib.contextmanager
def joined(device: str | None) -> Iterator[None]:
    """Let this process and the others do together what is done inside; all but the first are silent meanwhile.

    Does nothing where there are no others. Each process takes a CUDA device of its own if there are any, and a CPU
    otherwise; `device` is what the user asked for.

    Raises:
        SettingsError: accelerate is not installed, or the devices are too few or of another kind.
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
        # Not after an error: it would wait for processes that are gone.
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
    # Without cpu=True a machine that has no accelerator gets as many trainings of one process each, without a word.
    state = PartialState(cpu=not cuda, timeout=_TIMEOUT)
    assert state.num_processes == int(os.environ["WORLD_SIZE"]), "the processes did not find each other"
    return state


def main() -> bool:
    """Whether this process is the one that writes checkpoints and models."""
    return _state is None or bool(_state.is_main_process)


def main_here() -> bool:
    """Whether this process is the one that writes what each machine keeps for itself."""
    return _state is None or bool(_state.is_local_main_process)


def share() -> slice:
    """Which examples of a batch this process learns; in the order of a batch, so that all get short and long ones."""
    return slice(None) if _state is None else slice(_state.process_index, None, _state.num_processes)


def largest_share(size: int) -> int:
    """Examples that a process learns, at most, of a batch of that size."""
    return size if _state is None else -(-size // _state.num_processes)


def add_up(parameters: Sequence[nn.Parameter], value: float | None) -> float | None:
    """Put into each parameter the sum of its gradients in all processes; returns the sum of the values.

    None, whatever the gradients, if the value of any process is. A parameter that has a gradient nowhere has none
    afterwards: an optimizer passes it over, as it does in one process.

    All travels in one message, once per step: four bytes for each weight, sent and received about twice by each
    process (a ring), and as much memory again. For a student of 3 MB that is 6 MB per step, for CodeBERT 1 GB, which
    wants a fast network between machines.
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
    """Whether it is so in any of the processes; each must ask."""
    if _state is None:
        return said
    import torch
    from accelerate.utils import reduce

    return bool(reduce(torch.tensor(float(said), device=_state.device), "sum"))


def wait() -> None:
    """Wait until all processes are here."""
    any_of(False)


def from_main(work: Callable[[], T]) -> T:
    """What `work` returns in the first process; the others do not do it."""
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
            "give all machines the same command, files and versions"
        )


def own_dropout(seed: int) -> None:
    """Let each process but the first draw its own random numbers from here on: they drop units of other examples."""
    if _state is not None and not main():
        import torch

        torch.manual_seed(seed * _state.num_processes + _state.process_index)


def shared(
    items: Sequence[Item], work: Callable[[Sequence[Item]], Generator[int, None, Answer]]
) -> Generator[int, None, Answer]:
    """What `work` returns for the items, one row each in their order: each process works on its part of them, and all
    get all. Yields how many are done, by all processes if they are equally fast."""
    if _state is None or not items:
        return (yield from work(items))
    count, processes = len(items), _state.num_processes
    # All have equally many, and at least one: the last may be done twice.
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
    # From (process, place) to the order of the items, see `shared`.
    return every.unflatten(0, (_state.num_processes, -1)).transpose(0, 1).flatten(0, 1)[:count]


def until_cancelled(steps: Work[T], cancelled: Callable[[], bool]) -> Work[T | None]:
    """The same records, and what `steps` returns; None if it was cancelled. Several processes, which take different
    steps, ask at the end."""
    if _state is None:
        return (yield from progress.relay(steps, cancelled=cancelled))
    result = yield from steps
    return None if any_of(cancelled()) else result


def leave(code: int) -> NoReturn:
    """End this process with that code; one of several without Python taking itself down.

    A thread of gloo's that is still there then may abort the process, and `torchrun` would call a training failed
    whose student is whole.
    """
    if launched():
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def report(code: int, sentence: str) -> int:
    """Print why this process fails with that code, on standard error; returns the code to end with.

    Of several processes the first to fail speaks for all, and all end with its code: the others fail of the same,
    or because it is gone. They let it speak before they end, since `torchrun` ends all when the first of them has.
    """
    if not launched():
        print(sentence, file=sys.stderr)
        return code
    key, first = f"compressor/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", True
    with contextlib.suppress(Exception):  # of the network: then each speaks for itself
        from torch.distributed import TCPStore  # type: ignore[attr-defined]

        # The one that `torchrun` itself keeps for the processes to find each other.
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
