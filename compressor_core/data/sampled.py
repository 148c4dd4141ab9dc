"""Sample of a dataset, for quick experiments."""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compressor_core.data.dataset import Around, Example, Split, fingerprint_of
from compressor_core.errors import DataError


@dataclass(frozen=True)
class Sampled(Around):
    """A dataset with at most `most` examples in some splits, drawn once for all epochs; other splits are complete.

    Raises DataError if a split would keep less than one example.
    """

    most: Mapping[Split, int]

    def __post_init__(self) -> None:
        for split, most in self.most.items():
            if most < 1:
                raise DataError(f"the {split} split cannot be cut to {most} examples: keep at least 1")

    @functools.cached_property
    def fingerprint(self) -> str:
        return fingerprint_of([self.whole.fingerprint, *(f"{split}/{self.most[split]}" for split in sorted(self.most))])

    def size(self, split: Split) -> int:
        whole = self.whole.size(split)
        return min(whole, self.most.get(split, whole))

    def examples(self, split: Split, epoch: int = 0) -> Sequence[Example]:
        """The drawn examples, in the order of the whole dataset."""
        examples = self.whole.examples(split, epoch)
        if split not in self.most or len(examples) <= self.most[split]:
            return examples
        places = random.Random(f"{self.name}/{split}").sample(range(len(examples)), self.most[split])
        return [examples[place] for place in sorted(places)]
