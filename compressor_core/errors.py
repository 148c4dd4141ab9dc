"""Errors that this program raises on purpose.

Users see the messages unchanged. They follow one pattern: what is wrong, with the value; a colon; what to do. If the
remedy is obvious: "NAME must be WHAT IT MAY BE, not VALUE". No full stop at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_BEGINNING, _END = 800, 400
DAMAGED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""Exceptions raised when a damaged file is read."""


class CompressorError(Exception):
    """Base class of all errors. A very long message is cut in the middle, so that the beginning and the remedy stay."""

    def __str__(self) -> str:
        text = super().__str__().removesuffix(".")
        return text if len(text) <= _BEGINNING + _END else f"{text[:_BEGINNING]} … {text[-_END:]}"


class ArchitectureError(CompressorError):
    """An architecture or a search space that cannot be built."""


class BudgetError(CompressorError):
    """A size budget that is not a positive number, or that nothing in the space can meet."""


class DataError(CompressorError):
    """A dataset that is unknown, missing, empty or malformed."""


class ModelError(CompressorError):
    """A model folder that is absent, incomplete, damaged or of another task."""


class RunError(CompressorError):
    """A run that does not exist, or whose state does not allow the request."""


class StorageError(CompressorError):
    """A disk that refuses a read or a write."""


class ClassroomError(CompressorError):
    """A class that is not open, or that refuses somebody."""


class SettingsError(CompressorError):
    """A setting that is out of range, unknown or missing."""


class TrainingError(CompressorError):
    """Work that failed, for example because the loss is no longer a number."""


@contextmanager
def understood(what: str, kind: type[CompressorError] = SettingsError) -> Iterator[None]:
    """Turn exceptions caused by a damaged value inside the block into one error of `kind` about `what`."""
    try:
        yield
    except DAMAGED as error:
        raise kind(f"{what} cannot be read ({type(error).__name__}: {error}): restore what was written") from error
