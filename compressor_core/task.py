"""Tasks of code models."""

from __future__ import annotations

from enum import StrEnum


class Task(StrEnum):
    """The two tasks of the paper (Section 4.1)."""

    VULNERABILITY = "vulnerability"
    """One function in, 1 if it is vulnerable."""
    CLONE = "clone"
    """Two functions in, 1 if they do the same."""


class PairFeatures(StrEnum):
    """Features of a pair, built from the encodings u and v of its two functions."""

    COMPARE = "compare"
    """[u, v, |u − v|, u · v] of the mean-pooled states."""
    CONCAT = "concat"
    """[u, v] of the `<s>` states: the paper's head."""
