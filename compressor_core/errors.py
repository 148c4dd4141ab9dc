"""Every error this program raises on purpose: one root, and a sentence that names the value and the remedy."""

from __future__ import annotations


class CompressorError(Exception):
    """Root of all errors; its text is one sentence that can be shown to a user as it is."""


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
