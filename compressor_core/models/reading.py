"""Model folders read through libraries that have many words for what is wrong: quietly, and with one sentence."""

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
    """Turn whatever the libraries raise for damaged files into one ModelError, and keep them quiet."""
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
    except BaseException as error:  # transformers, tokenizers and safetensors each have their own
        if not isinstance(error, Exception) and not panicked(error):
            raise
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"The model in {folder} cannot be read ({reason}): a file is damaged or incomplete; copy it again."
        ) from error


def _set_bars(hook: Any) -> Any:
    """Let `hook` make the bars of transformers, None its own; returns the hook before. 4.x can but leave them out."""
    if hasattr(logging, "set_tqdm_hook"):
        return logging.set_tqdm_hook(hook)
    (logging.disable_progress_bar if hook else logging.enable_progress_bar)()  # type: ignore[no-untyped-call]
    return None


class _Quiet:
    """Transformers without its messages and progress bars, as long as any thread is inside.

    Loading and saving takes milliseconds, and missing weights are checked here.
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
    """Whether the tokenizers' own language gave up, which Python is told by something that is no Exception."""
    return type(error).__name__ == "PanicException"
