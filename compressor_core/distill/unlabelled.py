"""Unlabelled code with the teacher's answers, some of it renamed or changed, for a student to learn from."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from compressor_core.data.changes import change_example, changes_for
from compressor_core.data.classroom import together
from compressor_core.data.dataset import Dataset, Split
from compressor_core.data.renaming import rename_example, vocabulary
from compressor_core.distill.batching import Data, EpochData, remembered
from compressor_core.distill.lessons import transfer_targets
from compressor_core.distill.soft_labels import SoftLabels
from compressor_core.distill.tokens import encoded
from compressor_core.distill.warm_up import masked
from compressor_core.errors import SettingsError
from compressor_core.language import Language
from compressor_core.models.classifier import Classifier
from compressor_core.models.encoded import Joined
from compressor_core.records import Progress, Work

EPOCHS_PER_DRAW = 2
"""Epochs that use one draw of a fresh dataset; drawing and labelling cost about a third of learning from it."""
MOST_CHANGES = 3
"""Maximum number of changes to one example."""
_REPORTED = 256
"""Examples renamed or changed between two progress reports."""


@dataclass(frozen=True)
class Unlabelled:
    """The unlabelled split of a dataset, as a student reads it.

    `renaming` is the share of its examples repeated in each draw with all their own names replaced, with the teacher's
    answer to the renamed code: the augmentation of MORPH (ICSE 2025). `consistency` is the share repeated after up to
    MOST_CHANGES label-preserving changes (`data/changes`), with the teacher's answer to the original. With `states`,
    targets also hold the teacher's pooled states, see `transfer_targets`.

    Raises:
        SettingsError: `renaming` or `consistency` is set, but the language is unknown.
    """

    dataset: Dataset
    labels: SoftLabels
    seed: int
    renaming: float = 0.0
    consistency: float = 0.0
    states: bool = False

    def __post_init__(self) -> None:
        for name in ("renaming", "consistency"):
            if getattr(self, name) and self.dataset.language is None:
                raise SettingsError(
                    f"{name} must know the language, and {self.dataset.name} does not say in which its code is: "
                    f"say it ({', '.join(Language)}), or set {name} to 0"
                )

    def labelled(self, student: Classifier) -> EpochData:
        """Examples with the teacher's answers, epoch by epoch: logits (n, 2), or the targets of a transfer."""
        drawn = self.dataset.fresh or self.renaming > 0 or self.consistency > 0
        return remembered(
            functools.partial(self._labelled, student), lambda epoch: epoch // EPOCHS_PER_DRAW if drawn else 0
        )

    def masked(self, student: Classifier) -> EpochData:
        """Functions with masked tokens and the original tokens, epoch by epoch; the teacher is not used."""
        fresh = self.dataset.fresh
        draw_of = (lambda epoch: epoch // EPOCHS_PER_DRAW) if fresh else (lambda epoch: 0)
        return masked(student, self._codes, self.seed, draw_of, keep=not fresh)

    def _codes(self, draw: int) -> list[tuple[str, ...]]:
        return [example.codes for example in self.dataset.examples(Split.UNLABELLED, draw)]

    def _labelled(self, student: Classifier, draw: int) -> Work[Data]:
        codes = self._codes(draw if self.dataset.fresh else 0)
        renamed = yield from self._renamed(codes, random.Random(f"{self.seed}/{draw}/renaming"))
        # Labelled separately: in a fixed dataset, the originals are cached.
        targets = yield from self._targets([part for part in (codes, renamed) if part])
        # A fresh draw is not read again, so caching it would only fill the disk.
        inputs = [(yield from encoded(student, codes, keep=not self.dataset.fresh, together=together(self.dataset)))]
        if renamed:
            inputs.append((yield from encoded(student, renamed, keep=False)))
        if self.consistency:
            chosen, changed = yield from self._changed(codes, random.Random(f"{self.seed}/{draw}/consistency"))
            inputs.append((yield from encoded(student, changed, keep=False)))
            targets = torch.cat([targets, targets[chosen]])
        return inputs[0] if len(inputs) == 1 else Joined(inputs), targets

    def _targets(self, parts: Sequence[Sequence[tuple[str, ...]]]) -> Work[Tensor]:
        logits, states = [], []
        for part in parts:
            if self.states:
                found = yield from self.labels.with_states(part)
                logits.append(found[0])
                states.append(found[1])
            else:
                logits.append((yield from self.labels.of(part)))
        return transfer_targets(torch.cat(logits), torch.cat(states)) if states else torch.cat(logits)

    def _renamed(self, codes: Sequence[tuple[str, ...]], rng: random.Random) -> Work[list[tuple[str, ...]]]:
        """Rename some of the examples; one with nothing to rename is repeated unchanged, so that every epoch has the
        same length."""
        if not self.renaming:
            return []
        assert self.dataset.language is not None
        chosen = self._some(len(codes), self.renaming, rng)
        renamed = []
        for done, index in enumerate(chosen):
            if done % _REPORTED == 0:
                yield Progress(message=f"Renaming, {done:,} of {len(chosen):,} examples done")
            renamed.append(rename_example(codes[index], self.dataset.language, rng, self._names) or codes[index])
        return renamed

    def _changed(
        self, codes: Sequence[tuple[str, ...]], rng: random.Random
    ) -> Work[tuple[list[int], list[tuple[str, ...]]]]:
        """Change some of the examples; returns their indices and changed codes. Unchangeable ones stay as they are."""
        assert self.dataset.language is not None
        kinds = changes_for(self.dataset.language)
        chosen = self._some(len(codes), self.consistency, rng)
        changed = []
        for done, index in enumerate(chosen):
            if done % _REPORTED == 0:
                yield Progress(message=f"Changing, {done:,} of {len(chosen):,} examples done")
            changed.append(change_example(codes[index], self.dataset.language, rng, kinds, MOST_CHANGES)[0])
        return chosen, changed

    def _some(self, count: int, share: float, rng: random.Random) -> list[int]:
        """Random share of the indices 0 … `count`−1; examples that belong together are chosen together."""
        size = together(self.dataset)
        groups = rng.sample(range(count // size), round(share * count / size))
        return [group * size + place for group in groups for place in range(size)]

    @functools.cached_property
    def _names(self) -> tuple[str, ...]:
        """Names to draw from: the most common ones in the dataset."""
        assert self.dataset.language is not None
        return vocabulary(dict.fromkeys(code for codes in self._codes(0) for code in codes), self.dataset.language)
