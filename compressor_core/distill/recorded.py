"""Distilling from a teacher's recorded answers instead of the teacher itself."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from compressor_core.data.answers import RecordedAnswers
from compressor_core.data.dataset import Dataset
from compressor_core.data.pool import held_out_examples, plain_example
from compressor_core.data.renaming import rename, vocabulary
from compressor_core.distill.batching import Data, EpochData, remembered
from compressor_core.distill.tokens import encoded
from compressor_core.distill.warm_up import masked_in
from compressor_core.errors import DataError
from compressor_core.models.classifier import Classifier
from compressor_core.models.encoded import Examples, Functions
from compressor_core.records import Progress, Work

MAX_TOKENS = 400
"""Tokens that a student reads per function, as in the paper, if there is no teacher to derive it from."""
_REPORTED = 512
"""Functions renamed between two progress reports."""


@dataclass(frozen=True)
class Recorded:
    """Recorded answers, without those to examples of the validation and test splits.

    A pair is left out only if the same pair is in those splits, not if its functions occur there in other pairs:
    BigCloneBench has the same text under several ids, on both sides of its published splits, and a comparison with
    published figures has to learn from the same data as those students.

    `renaming` is the share of the functions that are renamed in an epoch, a different sample in each; the answers
    remain those to the original, since the teacher is not available. A function is the same in all its pairs of one
    epoch, so it is encoded only once.

    Raises:
        DataError: no answer is left to learn from.
    """

    answers: RecordedAnswers
    dataset: Dataset
    seed: int
    renaming: float = 0.0

    def __post_init__(self) -> None:
        if not len(self):
            raise DataError(
                f"every answer of {self.answers.path} is to an example of the validation or test split of "
                f"{self.dataset.name}: give answers to other examples"
            )

    def __len__(self) -> int:
        return len(self._kept)

    def texts(self) -> list[str]:
        """The different functions."""
        return list(self._places)

    def labelled(self, student: Classifier) -> EpochData:
        """All examples with their logits (n, 2), epoch by epoch."""
        rows = np.array([[self._places[code] for code in self.answers.codes[i]] for i in self._kept], np.int32)
        targets = torch.from_numpy(self.answers.logits[self._kept])

        def load(epoch: int) -> Work[Data]:
            functions = yield from self._functions(student)
            if not self.renaming:
                return Examples(functions, rows), targets
            rng = random.Random(f"{self.seed}/{epoch}/renaming")
            chosen = rng.sample(range(len(functions)), round(self.renaming * len(functions)))
            renamed = yield from self._renamed(chosen, rng)
            others = yield from encoded(student, [(code,) for code in renamed], keep=False)
            now = np.arange(len(functions), dtype=np.int32)
            now[chosen] = len(functions) + others.rows.ravel()
            return Examples(Functions.joined([functions, others.functions]), now[rows]), targets

        return remembered(load, lambda epoch: epoch if self.renaming else 0)

    def masked(self, student: Classifier) -> EpochData:
        """Functions with masked tokens and the original tokens, epoch by epoch, see `mask`."""

        def epoch_data(epoch: int) -> Work[Data]:
            functions = yield from self._functions(student)
            return masked_in(student, functions, self.seed, epoch)

        return epoch_data

    def _functions(self, student: Classifier) -> Work[Functions]:
        return (yield from encoded(student, [(code,) for code in self._places], keep=True)).functions

    def _renamed(self, chosen: Sequence[int], rng: random.Random) -> Work[list[str]]:
        """Rename these functions; one with nothing to rename stays as it is."""
        assert self.dataset.language is not None
        codes, renamed = self.texts(), []
        for done, index in enumerate(chosen):
            if done % _REPORTED == 0:
                yield Progress(message=f"Renaming, {done:,} of {len(chosen):,} functions done")
            renamed.append(rename(codes[index], self.dataset.language, rng, self._names) or codes[index])
        return renamed

    @functools.cached_property
    def _kept(self) -> list[int]:
        forbidden = held_out_examples(self.dataset)
        return [place for place, codes in enumerate(self.answers.codes) if plain_example(codes) not in forbidden]

    @functools.cached_property
    def _places(self) -> dict[str, int]:
        codes = dict.fromkeys(code for place in self._kept for code in self.answers.codes[place])
        return {code: place for place, code in enumerate(codes)}

    @functools.cached_property
    def _names(self) -> tuple[str, ...]:
        assert self.dataset.language is not None
        return vocabulary(self._places, self.dataset.language)
