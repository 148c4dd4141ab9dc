"""Examples before and after label-preserving changes, and the effect of a change on the answers of models."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compressor_core.data.changes import Change, change_example, changes_for
from compressor_core.data.dataset import Example
from compressor_core.evaluate.intervals import wilson
from compressor_core.evaluate.statistics import calibration, log_probabilities
from compressor_core.language import Language
from compressor_core.records import Mimicry, UnderChange

SURE: Final = 0.9
"""Minimum probability of the predicted class for an answer to count as sure."""
MIXED: Final = "mixed"
MOST_MIXED: Final = 3
"""Maximum number of changes per function in the mixed draw."""
Logits = Mapping[str, NDArray[Any]]


class Changed(NamedTuple):
    """An example, its functions after a change, and the names of the applied changes."""

    example: Example
    after: tuple[str, ...]
    changes: tuple[str, ...]


def drawn(
    sample: Sequence[Example], language: Language, changes: Sequence[Change], seed: int
) -> dict[str, list[Changed]]:
    """Changed examples by kind: first mixed, with up to MOST_MIXED random changes at once, then each kind by itself.

    Examples that a kind cannot change are left out of it.
    """
    kinds = {MIXED: (changes, MOST_MIXED)} if len(changes) > 1 else {}
    kinds |= {change.name: ([change], 1) for change in changes}
    return {kind: _changed(sample, language, *what, f"{seed}/{kind}") for kind, what in kinds.items()}


def mixed(sample: Sequence[Example], language: Language, seed: int) -> list[Changed]:
    """Only the mixed draw, from all changes of the language."""
    return _changed(sample, language, changes_for(language), MOST_MIXED, f"{seed}/{MIXED}")


def _changed(
    sample: Sequence[Example], language: Language, changes: Sequence[Change], most: int, seed: str
) -> list[Changed]:
    rng = random.Random(seed)
    changed = (Changed(example, *change_example(example.codes, language, rng, changes, most)) for example in sample)
    return [one for one in changed if one.changes]


def flips(predicted: Sequence[int], examples: Sequence[Example], changed: Sequence[Changed]) -> int:
    """Number of changed examples with a different answer than before; `predicted` are the classes of all examples,
    followed by those of the changed ones."""
    place = {example.codes: at for at, example in enumerate(examples)}
    after = predicted[len(examples) :]
    return sum(int(said != predicted[place[one.example.codes]]) for said, one in zip(after, changed, strict=True))


def under_change(gold: Sequence[int], before: Logits, after: Logits) -> dict[str, UnderChange | Mimicry]:
    """Effect of a change on the answers of models, by name, the others compared with the first; logits (n, 2) each."""
    teacher = next(iter(before))
    labels = np.asarray(gold)
    found: dict[str, UnderChange | Mimicry] = {}
    for name in before:
        one, two = before[name], after[name]
        flipped = int((one.argmax(-1) != two.argmax(-1)).sum())
        own: dict[str, Any] = {
            "flips": flipped,
            "rate": flipped / len(labels),
            "interval": wilson(flipped, len(labels)),
            "shift": float(np.abs(probability(two) - probability(one)).mean()),
            "accuracy": float((two.argmax(-1) == labels).mean()),
            "accuracy_before": float((one.argmax(-1) == labels).mean()),
            "ece": calibration(labels, two).ece,
            "ece_before": calibration(labels, one).ece,
        }
        if name == teacher:
            found[name] = UnderChange(**own)
            continue
        same = after[teacher].argmax(-1) == two.argmax(-1)
        sure = _confidence(after[teacher]) >= SURE
        found[name] = Mimicry(
            **own,
            agreement=float(same.mean()),
            agreement_interval=wilson(int(same.sum()), len(labels)),
            agreement_before=float((before[teacher].argmax(-1) == one.argmax(-1)).mean()),
            distance=float(np.abs(probability(after[teacher]) - probability(two)).mean()),
            sure=int(sure.sum()),
            sure_as_well=int((sure & same & (_confidence(two) >= SURE)).sum()),
        )
    return found


def probability(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Probability of class 1 (n,)."""
    return np.exp(log_probabilities(logits)[:, 1])


def _confidence(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Probability of the predicted class (n,)."""
    confidence: NDArray[np.float64] = np.exp(log_probabilities(logits).max(-1))
    return confidence
