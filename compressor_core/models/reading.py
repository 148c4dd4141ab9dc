"""Reading model folders through libraries with various errors: quietly, with a one-sentence error message."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers.utils import logging

from compressor_core.errors import CompressorError, ModelError


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Turn any library error for damaged files into one ModelError, and silence the libraries."""
    try:
        with QUIET:
            yield
    except CompressorError:
        raise
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"The weights in {folder} are a pickle that holds more than tensors, or damaged, and were not opened: "
            "get them as model.safetensors."
        ) from error
    except BaseException as error:  # transformers, tokenizers and safetensors each raise their own errors
        if not isinstance(error, Exception) and not panicked(error):
            raise
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"The model in {folder} cannot be read ({reason}): a file is damaged or incomplete; copy it again."
        ) from error


def _set_bars(hook: Any) -> Any:
    """Set the hook that makes the progress bars of transformers, None for its own; returns the previous hook.

    Transformers 4.x can only switch the bars off.
    """
    if hasattr(logging, "set_tqdm_hook"):
        return logging.set_tqdm_hook(hook)
    (logging.disable_progress_bar if hook else logging.enable_progress_bar)()  # type: ignore[no-untyped-call]
    return None


class _Quiet:
    """Silences the messages and progress bars of transformers while any thread is inside.

    Loading and saving take milliseconds, and missing weights are checked by this program.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._verbosity = logging.get_verbosity()
                logging.set_verbosity_error()  # type: ignore[no-untyped-call]
                self._hook = _set_bars(lambda _, arguments, __: logging.EmptyTqdm(*arguments))  # type: ignore[no-untyped-call]

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                logging.set_verbosity(self._verbosity)
                _set_bars(self._hook)


QUIET = _Quiet()


def panicked(error: BaseException) -> bool:
    """Whether the Rust code of tokenizers panicked, which raises something that is not an Exception."""
    return type(error).__name__ == "PanicException"
