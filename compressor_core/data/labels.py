"""Meaning of labels: numbers in all forms, and words whose class is obvious."""

from __future__ import annotations

import math
import re
from typing import Final

from compressor_core.data.dataset import Dataset
from compressor_core.errors import ModelError

_NEGATIVE: Final = frozenset(
    ("0", "no", "n", "none", "safe", "secure", "clean", "good", "benign", "fixed", "patched", "different", "negative")
)
_POSITIVE: Final = frozenset(
    (
        *("1", "yes", "y", "vulnerable", "unsafe", "insecure", "vul", "vuln", "buggy", "bug", "bad", "defective"),
        *("malicious", "clone", "same", "positive"),
    )
)
_DENIED: Final = re.compile(r"(?:non|not|no)(?:[\s_-]+|(?=vul))(.+)")
_TRUTH: Final = {"true": "1", "t": "1", "false": "0", "f": "0"}


def plain(value: object) -> str:
    """A label as text: 1, 1.0, "1.000000", "1e0", True and "true" are all "1"."""
    text = "" if value is None else str(value).strip()
    if (word := text.lower()) in _TRUTH:
        return _TRUTH[word]
    try:
        number = float(text)
    except ValueError:
        return text
    if math.isnan(number):
        return ""
    return str(int(number)) if number.is_integer() and abs(number) < 1e9 else text


def same(label: str, other: str) -> bool:
    """Whether two labels are equal, regardless of case and number format."""
    return plain(label).casefold() == plain(other).casefold()


def meaning(label: str) -> int | None:
    """Class of a label (1 is the class to detect); None if it is not obvious."""
    word = plain(label).lower()
    if denied := _DENIED.fullmatch(word):
        denied_class = meaning(denied[1])
        return None if denied_class is None else 1 - denied_class
    return 1 if word in _POSITIVE else 0 if word in _NEGATIVE else None


def crossed(labels: tuple[str, str], others: tuple[str, str]) -> bool:
    """Whether, judging by their names, two classes 0 and 1 are the others' 1 and 0."""
    ours, theirs = _order(labels), _order(others)
    renamed = ours is not None and theirs is not None and ours != theirs
    return renamed or same(labels[1], others[0]) or same(labels[0], others[1])


def require_order(told: tuple[str, str], model: str, dataset: Dataset) -> None:
    """Raise ModelError if, judging by their names, a model's classes 0 and 1 are the dataset's 1 and 0."""
    if crossed(told, dataset.labels):
        raise ModelError(
            f"{model} tells {told[0]!r} (class 0) from {told[1]!r} (class 1), and {dataset.name} has them the other "
            f"way round, {dataset.labels[0]!r} and {dataset.labels[1]!r}: say which label of a file is class 1 with "
            f"--positive {dataset.labels[0]!r}, or exchange the two classes of the model"
        )


def _order(labels: tuple[str, str]) -> int | None:
    """Number of the class to detect, 0 or 1; None if the names do not say."""
    negative, positive = map(meaning, labels)
    if positive is not None:
        return positive
    return None if negative is None else 1 - negative
