"""Every error that this program raises on purpose.

Their texts follow one pattern, which a user reads as it is: what is wrong, with the value; a colon; what to do. Where
the remedy is plain, "NAME must be WHAT IT MAY BE, not VALUE". No full stop at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_BEGINNING, _END = 800, 400
DAMAGED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What reading a damaged file raises."""


class CompressorError(Exception):
    """Root of all errors. Of a very long text, as with a long value in it, the beginning and the remedy are kept."""

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
    """A run that does not exist, or is in a state that does not allow what was asked."""


class StorageError(CompressorError):
    """A disk that refuses a read or a write."""


class ClassroomError(CompressorError):
    """A class that is not open, or that refuses somebody."""


class SettingsError(CompressorError):
    """A setting that is out of range, unknown or missing."""


class TrainingError(CompressorError):
    """Work that failed by itself: a loss that is no longer a number, for example."""


@contextmanager
def understood(what: str, kind: type[CompressorError] = SettingsError) -> Iterator[None]:
    """Turn what a damaged value raises inside the block into one sentence about `what`, as an error of that kind."""
    try:
        yield
    except DAMAGED as error:
        raise kind(f"{what} cannot be read ({type(error).__name__}: {error}): restore what was written") from error
