"""Every error this program raises on purpose: one root, and a sentence that names the value and the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_BEGINNING, _END = 800, 400
DAMAGED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What reading values raises that are not as they were written."""


class CompressorError(Exception):
    """Root of all errors; its text is one sentence that can be shown to a user as it is.

    Of a sentence with a value in it that nobody would read to its end, the beginning and the remedy are shown.
    """

    def __str__(self) -> str:
        text = super().__str__()
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


class SettingsError(CompressorError):
    """A setting of a training or a run that is out of range, unknown or missing."""


class TrainingError(CompressorError):
    """The work itself failed: a loss that is no longer a number, for example."""


@contextmanager
def understood(what: str, kind: type[CompressorError] = SettingsError) -> Iterator[None]:
    """Turn what values of the wrong kind raise inside into one sentence: "`what` cannot be read (why)".

    Raises CompressorError, of the given kind if it is not one already.
    """
    try:
        yield
    except DAMAGED as error:
        raise kind(f"{what} cannot be read ({type(error).__name__}: {error}): restore what was written") from error
