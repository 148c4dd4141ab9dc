"""Real functions of installed packages added to the drawn ones of a dataset, with Bandit's findings as weak labels.

A teacher learns functions without findings as safe and those with alarms as vulnerable; functions with only minor
findings are left out. A student needs no labels: its teacher labels these functions too. The modules of the packages
are split like the dataset, so that the exam uses other modules.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from compressor_core.data.classroom import together
from compressor_core.data.dataset import Around, Dataset, Example, Split
from compressor_core.data.hosts import UNSAFE_ALREADY
from compressor_core.data.installed import PACKAGES, installed_functions
from compressor_core.data.kept import kept, read_example
from compressor_core.errors import SettingsError
from compressor_core.evaluate.bandit import COUNTS, alarm, describe, findings
from compressor_core.language import Language
from compressor_core.machine import installed_version
from compressor_core.task import Task

_ALL = 10**6


@dataclass(frozen=True)
class WithRealFunctions(Around):
    """A dataset whose training splits hold `count` additional real functions, different ones in every draw.

    Raises:
        SettingsError: its task is not vulnerability prediction in Python, or Bandit is not installed.
    """

    count: int

    def __post_init__(self) -> None:
        if self.whole.task is not Task.VULNERABILITY or self.whole.language is not Language.PYTHON:
            raise SettingsError(
                f"real functions are Python and labelled by Bandit, and {self.whole.name} is for {self.whole.task} "
                f"in {self.whole.language or 'an unknown language'}: set real_functions to 0"
            )

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the dataset, since the data for measuring are the same."""
        return self.whole.fingerprint

    @property
    def together(self) -> int:
        return together(self.whole)

    def size(self, split: Split) -> int:
        return self.whole.size(split) + len(self._drawn(split, 0))

    def examples(self, split: Split, epoch: int = 0) -> Sequence[Example]:
        """Examples of the dataset, then real ones, as many as fill its groups of examples that belong together."""
        own = self.whole.examples(split, epoch)
        return [*own, *drawn] if (drawn := self._drawn(split, epoch)) else own

    def _drawn(self, split: Split, epoch: int) -> list[Example]:
        if split not in (Split.TRAIN, Split.UNLABELLED):
            return []
        pool = real_functions(split)
        count = min(self.count, len(pool)) // self.together * self.together
        return random.Random(f"{self.fingerprint}/{split}/{epoch}/real").sample(pool, count)


def beside(dataset: Dataset, count: int) -> Dataset:
    """Dataset with `count` real functions added to its training splits, if not 0. Raises as WithRealFunctions."""
    return WithRealFunctions(dataset, count) if count else dataset


@functools.cache
def real_functions(split: Split) -> tuple[Example, ...]:
    """Functions of installed packages in modules of a split, cached; those to train on have Bandit's labels.

    Raises:
        SettingsError: the functions need labels and Bandit is not installed.
    """
    judge = describe() if split is Split.TRAIN else ""
    key = [split, judge, *(f"{name} {installed_version(name)}" for name in PACKAGES)]
    return kept("weak-labels", key, lambda: _labelled(split), read_example)


def _labelled(split: Split) -> list[Example]:
    found = installed_functions(_ALL, split)
    if split is not Split.TRAIN:
        return found
    labelled = []
    for example, said in zip(found, findings([example.codes[0] for example in found]), strict=True):
        if said is None or (not said and UNSAFE_ALREADY.search(example.codes[0])):
            continue  # unreadable, or of weaknesses that Bandit has no rule for
        if not said or alarm(said, COUNTS):
            labelled.append(replace(example, label=int(bool(said))))
    return labelled
