"""Real functions beside the drawn ones of a dataset: what installed packages hold, with Bandit's word as weak labels.

A teacher learns as safe what Bandit is silent on, and as vulnerable what it raises an alarm about; what it only hints
at is left out. A student needs no labels: its teacher answers to these functions too. The modules of the packages are
split like those of the dataset, so that the exam asks about others.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from compressor_core.data.classroom import together
from compressor_core.data.dataset import UNKNOWN, Dataset, Example, Split
from compressor_core.data.hosts import UNSAFE_ALREADY
from compressor_core.data.installed import PACKAGES, installed_functions
from compressor_core.data.kept import kept, texts
from compressor_core.errors import SettingsError
from compressor_core.evaluate.bandit import COUNTS, alarm, describe, findings
from compressor_core.language import Language
from compressor_core.task import Task

_ALL = 10**6


@dataclass(frozen=True)
class WithRealFunctions:
    """A dataset whose training splits hold `count` real functions besides, others in every draw.

    Raises:
        SettingsError: its task is not vulnerability prediction in Python, or Bandit is not installed.
    """

    dataset: Dataset
    count: int

    def __post_init__(self) -> None:
        if self.dataset.task is not Task.VULNERABILITY or self.dataset.language is not Language.PYTHON:
            raise SettingsError(
                f"real functions are Python and labelled by Bandit, and {self.dataset.name} is for {self.dataset.task} "
                f"in {self.dataset.language or 'an unknown language'}: set real_functions to 0"
            )

    def __getattr__(self, name: str) -> Any:
        return getattr(self.dataset, name)

    def size(self, split: Split) -> int:
        return len(self.examples(split))

    def examples(self, split: Split, epoch: int = 0) -> Sequence[Example]:
        """Those of the dataset, then the real ones, as many as fill its groups of examples that belong together."""
        own = self.dataset.examples(split, epoch)
        if split not in (Split.TRAIN, Split.UNLABELLED):
            return own
        pool = real_functions(split)
        count = min(self.count, len(pool)) // together(self.dataset) * together(self.dataset)
        rng = random.Random(f"{self.dataset.fingerprint}/{split}/{epoch}/real")
        return [*own, *rng.sample(pool, count)]


def beside(dataset: Dataset, count: int) -> Dataset:
    """The dataset, with real functions in its training splits if there are to be any. Raises as WithRealFunctions."""
    return WithRealFunctions(dataset, count) if count else dataset


@functools.cache
def real_functions(split: Split) -> tuple[Example, ...]:
    """The functions of installed packages in modules of a split; those to train on with Bandit's labels, found once.

    Raises:
        SettingsError: they need labels and Bandit is not installed.
    """
    key = [split, *(f"{name} {_version(name)}" for name in PACKAGES), *([describe()] if split is Split.TRAIN else [])]
    return kept("weak-labels", key, lambda: _labelled(split), _example)


def _labelled(split: Split) -> list[Example]:
    found = installed_functions(_ALL, split)
    if split is not Split.TRAIN:
        return found
    labelled = []
    for example, said in zip(found, findings([example.codes[0] for example in found]), strict=True):
        if said is None or (not said and UNSAFE_ALREADY.search(example.codes[0])):
            continue  # not read, or of weaknesses that Bandit has no rule for
        if not said or alarm(said, COUNTS):
            labelled.append(replace(example, label=int(bool(said))))
    return labelled


def _example(codes: list[str], label: int, group: str, origin: str) -> Example:
    """An example from the cache. Raises TypeError for what is none."""
    if not (len(codes) == 1 and texts(*codes, group, origin) and label in (0, 1, UNKNOWN)):
        raise TypeError("an example is text and a label")
    return Example(tuple(codes), label, group, origin)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
