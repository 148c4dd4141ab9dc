"""Datasets: named splits of labelled examples, with a fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from compressor_core.language import Language
from compressor_core.task import Task

UNKNOWN = -1
"""Label of an unlabelled example, which is only allowed in the unlabelled split."""


class Split(StrEnum):
    """Splits of a dataset. The teacher learns from `train`, the student from `unlabelled`."""

    TRAIN = "train"
    UNLABELLED = "unlabelled"
    VALIDATION = "validation"
    TEST = "test"


class Rows(StrEnum):
    """Examples that models are evaluated on: a split, or all rows of a file."""

    TRAIN = Split.TRAIN.value
    UNLABELLED = Split.UNLABELLED.value
    VALIDATION = Split.VALIDATION.value
    TEST = Split.TEST.value
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Example:
    """One function, or two for the clone task, with its gold label (0, 1 or `UNKNOWN`).

    `group` is the kind of the example (a CWE, a clone type; empty if the data has none), by which accuracy can be
    broken down; `origin` says where it comes from (a module, a line of a file).
    """

    codes: tuple[str, ...]
    label: int
    group: str = ""
    origin: str = ""


class Dataset(Protocol):
    """Examples by split.

    `fresh` tells whether the training splits differ from epoch to epoch (an endless generator); the validation and test
    splits are the same in every epoch. `language` is the language of all code, None if not known.
    """

    @property
    def name(self) -> str: ...
    @property
    def task(self) -> Task: ...
    @property
    def language(self) -> Language | None: ...
    @property
    def labels(self) -> tuple[str, str]: ...
    @property
    def fresh(self) -> bool: ...
    @property
    def fingerprint(self) -> str: ...

    def size(self, split: Split) -> int:
        """Number of examples in a split, without generating them; each example counts in only one split."""

    def examples(self, split: Split, epoch: int = 0) -> Sequence[Example]: ...


@dataclass(frozen=True)
class Around:
    """Base class of datasets derived from a whole one, with its properties."""

    whole: Dataset

    @property
    def name(self) -> str:
        return self.whole.name

    @property
    def task(self) -> Task:
        return self.whole.task

    @property
    def language(self) -> Language | None:
        return self.whole.language

    @property
    def labels(self) -> tuple[str, str]:
        return self.whole.labels

    @property
    def fresh(self) -> bool:
        return self.whole.fresh


def fingerprint_of(texts: Iterable[str]) -> str:
    """Hash of texts and their order, as sixteen hexadecimal digits."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
    return digest.hexdigest()[:16]


def share_of(key: str) -> float:
    """A pseudo-random number in [0, 1) that depends only on the key: the same on every machine and in every process."""
    return int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:8], "big") / 2**64
