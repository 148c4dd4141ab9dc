"""Probes of models with functions whose changes keep the label, or flip it.

Under a label-preserving change, a flipped prediction is wrong either before or after (prediction flips: MORPH, ICSE
2025, which counts them for renamed variables). A student that mimics its teacher keeps answering as the teacher does:
agreement, distance of the probabilities, answers of which both are sure, and calibration, after the relations of
MetaCompress (arXiv 2511.05476). If the label changes, so should the answer.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from compressor_core.data.changes import CHANGES, changes_for
from compressor_core.data.dataset import Dataset, Example
from compressor_core.data.exam import vulnerability_exam
from compressor_core.data.labels import require_order
from compressor_core.data.registry import open_dataset
from compressor_core.data.substitutes import read_substitutes
from compressor_core.errors import DataError
from compressor_core.evaluate.changed import (
    MIXED,
    MOST_MIXED,
    SURE,
    Changed,
    Logits,
    drawn,
    probability,
    under_change,
)
from compressor_core.evaluate.comparison import examples_of
from compressor_core.evaluate.intervals import wilson
from compressor_core.evaluate.settings import ProbeSettings
from compressor_core.language import Language
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.compute import best_device
from compressor_core.progress import relay
from compressor_core.records import (
    ChangedExample,
    PairAnswers,
    ProbedChange,
    ProbeSummary,
    Progress,
    Work,
)
from compressor_core.task import Task

NATURAL: Final = "natural-names"


def probe(
    settings: ProbeSettings, *, dataset: Dataset | None = None, cancelled: Callable[[], bool] = lambda: False
) -> Work[ProbeSummary | None]:
    """Apply every kind of change to a sample, and compare all models' answers before and after; None if cancelled.

    Yields one record for each kind. `dataset` replaces the one that the settings name.

    Raises:
        DataError, ModelError, SettingsError: with a one-sentence message.
    """
    started = time.monotonic()
    yield Progress(message="Loading the models", fraction=0.0)
    models = {name: load(Path(folder)) for name, folder in zip(settings.titles, settings.models, strict=True)}
    for model in models.values():
        model.model.to(best_device())
    dataset = dataset or open_dataset(settings.dataset, settings.data, seed=settings.seed)
    examples, split = examples_of(dataset, settings.split, models)
    if dataset.language is None:
        raise DataError(
            f"changes must know the language, and {dataset.name} does not say in which its code is: "
            f"say it ({', '.join(Language)})"
        )
    halves = pairs_of(dataset)
    if halves:
        for name, one in models.items():
            require_order(one.card.labels, name, vulnerability_exam())
    sample = random.Random(settings.seed).sample(examples, min(settings.examples, len(examples)))
    kinds = drawn(sample, dataset.language, changes_for(dataset.language, settings.changes), settings.seed)
    if settings.substitutes is not None:
        rows = read_substitutes(settings.substitutes, dataset.task, random.Random(settings.seed), settings.examples)
        kinds[NATURAL] = [Changed(example, codes, (NATURAL,)) for example, codes in rows]
    known: dict[tuple[str, ...], int] = {}
    answers: dict[str, list[NDArray[Any]]] = {name: [] for name in models}
    found: dict[str, ProbedChange] = {}
    for number, (kind, changed) in enumerate(kinds.items()):
        # The functions before a change are the same for all kinds and are predicted once.
        for codes in (codes for example, after, _ in changed for codes in (example.codes, after)):
            known.setdefault(codes, len(known))
        what = f"Answers after the change: {kind}"
        if not (yield from _ask(models, list(known), answers, what, number / len(kinds), cancelled)):
            return None
        found[kind] = _probed(kind, changed, known, answers)
        yield found[kind]
    for codes in (half.codes for pair in halves for half in pair):
        known.setdefault(codes, len(known))
    if not (yield from _ask(models, list(known), answers, "Answers to pairs with different labels", 1.0, cancelled)):
        return None
    first = next(iter(models.values()))
    return ProbeSummary(
        models=dict(zip(models, settings.models, strict=True)),
        task=dataset.task,
        language=dataset.language,
        labels=first.card.labels,
        dataset=settings.dataset,
        data=settings.data,
        split=split,
        examples=len(sample),
        changes=found,
        pairs=_answers_to_pairs(halves, known, answers) if halves else {},
        sure=SURE,
        seconds=time.monotonic() - started,
    )


def pairs_of(dataset: Dataset) -> list[tuple[Example, Example]]:
    """Pairs of hand-written functions, unsafe and fixed, for a dataset of weaknesses in Python; none for others."""
    if dataset.task is not Task.VULNERABILITY or dataset.language is not Language.PYTHON:
        return []
    return [(unsafe, safe) for unsafe, safe in (pair.examples for pair in vulnerability_exam().pairs)]


def _ask(
    models: Mapping[str, Classifier],
    codes: Sequence[tuple[str, ...]],
    answers: dict[str, list[NDArray[Any]]],
    what: str,
    fraction: float | None,
    cancelled: Callable[[], bool],
) -> Work[bool]:
    """Append the logits of the codes that have no answer yet; False if cancelled."""
    for name, model in models.items():
        new = codes[sum(map(len, answers[name])) :]
        if not new:
            continue
        rows = yield from relay(model.predicting(new), _telling(what, fraction), cancelled)
        if rows is None:
            return False
        answers[name].append(rows.double().numpy())
    return True


def _telling(what: str, fraction: float | None) -> Callable[[int], Progress]:
    return lambda _: Progress(message=what, fraction=fraction)


def _probed(
    kind: str, changed: Sequence[Changed], known: Mapping[tuple[str, ...], int], answers: Mapping[str, Sequence[Any]]
) -> ProbedChange:
    logits = {name: np.concatenate(rows) for name, rows in answers.items() if rows}
    before = {name: rows[[known[example.codes] for example, _, _ in changed]] for name, rows in logits.items()}
    after = {name: rows[[known[codes] for _, codes, _ in changed]] for name, rows in logits.items()}
    described = {MIXED: f"Up to {MOST_MIXED} of the changes at once", NATURAL: "Natural names by ALERT for variables"}
    described |= {name: change.description for name, change in CHANGES.items()}
    gold = [example.label for example, _, _ in changed]
    return ProbedChange(
        change=kind,
        description=described[kind],
        functions=len(changed),
        models=under_change(gold, before, after) if changed else {},
        worst=_worst(changed, before, after) if changed else None,
    )


def _worst(changed: Sequence[Changed], before: Logits, after: Logits) -> ChangedExample:
    """Example with the largest change of a student's probability, or of the only model's if there is no student."""
    students = list(before)[1:] or list(before)
    shifts = np.array([np.abs(probability(after[name]) - probability(before[name])) for name in students])
    model, place = np.unravel_index(shifts.argmax(), shifts.shape)
    example, codes, names = changed[int(place)]
    return ChangedExample(
        before=example.codes,
        after=codes,
        changes=names,
        label=example.label,
        group=example.group,
        origin=example.origin,
        model=students[int(model)],
        probabilities_before={name: float(probability(rows)[place]) for name, rows in before.items()},
        probabilities={name: float(probability(rows)[place]) for name, rows in after.items()},
    )


def _answers_to_pairs(
    halves: Sequence[Sequence[Example]], known: Mapping[tuple[str, ...], int], answers: Mapping[str, Sequence[Any]]
) -> dict[str, PairAnswers]:
    """Answers of each model to pairs of halves with different labels."""
    logits = {name: np.concatenate(rows) for name, rows in answers.items()}
    sides = [[known[pair[side].codes] for pair in halves] for side in (0, 1)]
    found = {}
    for name, rows in logits.items():
        first, second = rows[sides[0]], rows[sides[1]]
        changed = first.argmax(-1) != second.argmax(-1)
        right = [rows.argmax(-1) == [pair[side].label for pair in halves] for side, rows in enumerate((first, second))]
        both = int((right[0] & right[1]).sum())
        distance = np.where(changed, np.inf, np.abs(probability(first) - probability(second)))
        place = int(distance.argmin())
        one, two = halves[place][0], halves[place][1]
        worst = ChangedExample(
            before=one.codes,
            after=two.codes,
            changes=("label",),
            label=one.label,
            group=one.group,
            origin=one.origin,
            model=name,
            probabilities_before={each: float(probability(rows[sides[0]])[place]) for each, rows in logits.items()},
            probabilities={each: float(probability(rows[sides[1]])[place]) for each, rows in logits.items()},
        )
        found[name] = PairAnswers(
            pairs=len(halves),
            changed=int(changed.sum()),
            both_right=both,
            interval=wilson(both, len(halves)),
            worst=None if changed.all() else worst,
        )
    return found
