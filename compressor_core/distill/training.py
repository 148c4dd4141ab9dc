"""Training prepared teachers and students, measuring them on the test split, and saving them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from compressor_core.data.answers import RecordedAnswers
from compressor_core.data.dataset import Dataset, Example, Split
from compressor_core.data.files import only_label, remedy_for_splits
from compressor_core.data.registry import written_by_hand
from compressor_core.distill import processes
from compressor_core.distill.batching import Data, EpochData
from compressor_core.distill.learner import Diverged, Outcome, spot_check
from compressor_core.distill.lessons import Lesson, Objective
from compressor_core.distill.settings import TrainingSettings
from compressor_core.distill.trainer import fit
from compressor_core.errors import DataError, TrainingError
from compressor_core.evaluate.changed import Changed, flips, mixed
from compressor_core.evaluate.quality import agreement, quality
from compressor_core.files import require_room
from compressor_core.language import Language
from compressor_core.models.card import size_on_disk
from compressor_core.models.classifier import Classifier
from compressor_core.models.graph import extracting
from compressor_core.progress import relay
from compressor_core.records import Notice, Progress, Work

CHANGED_EXAMPLES: Final = 100
"""Number of test examples that are changed to count flipped answers."""


@dataclass(frozen=True)
class Prepared:
    """A model ready for training, its card filled in, with everything the training needs."""

    model: Classifier
    dataset: Dataset
    settings: TrainingSettings
    epoch_data: EpochData
    validation: Data
    objective: Objective | Lesson
    bound: Mapping[str, Any]
    """What must be the same when the training is resumed, besides the settings."""
    stage: str = ""
    teacher: Classifier | RecordedAnswers | None = None
    """Teacher of a student, measured alongside it where it has answers."""


def train(
    prepared: Prepared, out: Path, *, checkpoint: Path | None = None, cancelled: Callable[[], bool] = lambda: False
) -> Work[dict[str, Any] | None]:
    """Train, measure on the test split, save to `out`; returns the summary fields that all trainings share.

    Returns None if cancelled before the first step; if cancelled later, the model is measured on a few test examples,
    see `test_sample`. With several processes, only the first saves the model, and the others return None.

    Raises:
        ModelError, SettingsError, TrainingError, StorageError: as `fit`. If the loss is no longer finite, the best
            model before that is saved to `out` first.
    """
    model = prepared.model
    # The model and a checkpoint: weights, two moments per weight, and the weights of the best epochs.
    require_room(out, 4 * model.parameters * (4 + prepared.settings.kept))
    yield from _one_class_notices(prepared.dataset)
    try:
        outcome = yield from fit(
            model.model,
            model.pad_id,
            prepared.settings,
            prepared.epoch_data,
            prepared.validation,
            prepared.objective,
            stage=prepared.stage,
            bound=prepared.bound,
            checkpoint=checkpoint,
            cancelled=cancelled,
        )
    except Diverged as error:
        raise save_best_and_describe(error, model, out) from error
    if outcome.cancelled and not outcome.steps:
        return None
    try:
        made = yield from _measured(prepared, outcome)
    except Exception as error:  # no error after the training may lose the model
        if processes.main():
            model.card = model.card.replace(metrics=outcome.metrics())
            model.save(out)
        reason = str(error).strip() or type(error).__name__
        raise TrainingError(f"{reason}; the trained model is in {out}, not measured on the test split") from error
    if made is None:
        return None
    model.save(out)
    return {"model": str(out), **made, "size_mb": size_on_disk(out) / 1e6}


def _measured(prepared: Prepared, outcome: Outcome) -> Work[dict[str, Any] | None]:
    """Measure a trained model and its teacher on the test split, and write the results to the card."""
    model, dataset = prepared.model, prepared.dataset
    yield Progress(message="Measuring on the test split")
    test = test_sample(dataset, cancelled=outcome.cancelled)
    changed = [] if outcome.cancelled else changed_sample(dataset, test, prepared.settings.seed)
    asked = [*test, *(replace(one.example, codes=one.after) for one in changed)]
    expected = yield from _expected(prepared.teacher, test, asked)
    hand = [] if outcome.cancelled else written_by_hand(dataset)
    said = yield from answers("teacher" if prepared.teacher is None else "student", model, [*asked, *hand])
    if not processes.main():
        return None
    said, of_hand = said[: len(asked)], said[len(asked) :]
    outside = {"written_by_hand": quality([example.label for example in hand], of_hand).accuracy} if hand else {}
    flipped = {"flips": flips(said, test, changed) / len(changed)} if changed else {}
    if changed and expected is not None and len(expected) == len(asked):
        flipped["teacher_flips"] = flips(expected, test, changed) / len(changed)
    said, expected = said[: len(test)], None if expected is None else expected[: len(test)]
    gold = [example.label for example in test]
    scores = quality(gold, said, [example.group for example in test])
    measured = {"accuracy": scores.accuracy}
    if expected is not None:
        measured |= {"teacher_accuracy": quality(gold, expected).accuracy, "agreement": agreement(expected, said)}
    tested = {"test_examples": len(test)} if outcome.cancelled else {}
    model.card = model.card.replace(
        metrics={**measured, **outside, **flipped, "f1": scores.f1, **outcome.metrics(), **tested}
    )
    return {
        **measured,
        **outside,
        **flipped,
        "validation_accuracy": outcome.best_accuracy,
        "test": scores,
        "parameters": model.parameters,
        "cancelled": outcome.cancelled,
    }


def require_splits(dataset: Dataset, *learned: Split) -> None:
    """Raise DataError if a split that the training needs is empty.

    `learned` are the splits it may learn from, one of which is enough; none if it learns from other code.
    """
    wanted = {learned: "to learn from", (Split.VALIDATION,): "to choose the best epoch by"}
    for splits, purpose in {**wanted, (Split.TEST,): "to measure the model on"}.items():
        if splits and not any(dataset.size(split) for split in splits):
            raise DataError(f"{dataset.name} has no {splits[0]} example {purpose}: {remedy_for_splits(dataset)}")


def require_both_classes(dataset: Dataset) -> None:
    """Raise DataError if all examples to learn from with their labels are of one class."""
    if (label := only_label(dataset, Split.TRAIN)) is not None:
        raise DataError(
            f"every row of the train split of {dataset.name} has the label {label}, and both classes are needed to "
            f"learn: {remedy_for_splits(dataset)}"
        )


def _one_class_notices(dataset: Dataset) -> Iterator[Notice]:
    for split in (Split.VALIDATION, Split.TEST):
        if (label := only_label(dataset, split)) is not None:
            yield Notice(
                message=f"Every row of the {split} split of {dataset.name} has the label {label}: "
                "the accuracy on it says nothing of the other class"
            )


def save_best_and_describe(error: Diverged, model: Classifier, out: Path) -> TrainingError:
    """Save the best weights, if any, to `out`; returns the error to raise instead of `error`."""
    outcome = error.outcome
    if outcome.best_epoch < 0:
        return TrainingError(f"{error}; no epoch had ended before, so no model is kept")
    if processes.main():
        model.card = model.card.replace(metrics=outcome.metrics())
        model.save(out)
    processes.wait()  # the first process to raise ends all
    return TrainingError(f"{error}; the model of epoch {outcome.best_epoch + 1}, the best before it, is in {out}")


def test_sample(dataset: Dataset, *, cancelled: bool) -> Sequence[Example]:
    """Test split, or a few of its examples if the training was cancelled."""
    test = dataset.examples(Split.TEST)
    return [test[index] for index in spot_check(len(test))] if cancelled else test


def changed_sample(dataset: Dataset, test: Sequence[Example], seed: int) -> list[Changed]:
    """Some test examples after label-preserving changes; none if the language is unknown."""
    if dataset.language is None:
        return []
    return mixed(random.Random(seed).sample(test, min(CHANGED_EXAMPLES, len(test))), dataset.language, seed)


def _expected(
    teacher: Classifier | RecordedAnswers | None, test: Sequence[Example], asked: Sequence[Example]
) -> Work[list[int] | None]:
    """Class that the teacher predicts for each example of `asked`, or of `test` if its answers are recorded.

    None if there is no teacher or the recorded answers do not cover all examples.
    """
    if teacher is None:
        return None
    if isinstance(teacher, Classifier):
        return (yield from answers("teacher", teacher, asked))
    known = teacher.of([example.codes for example in test])
    if len(known) == len(test):
        return [int(known[place].argmax()) for place in range(len(test))]
    yield Notice(
        message=f"{teacher.path.name} answers {len(known):,} of the {len(test):,} examples of the test split: the "
        "teacher's accuracy there, and its agreement with the student, are not known"
    )
    return None


def answers(who: str, model: Classifier, test: Sequence[Example]) -> Work[list[int]]:
    """Class that a model predicts for each example; several processes share the work."""
    logits = yield from relay(
        processes.shared([example.codes for example in test], model.predicting),
        lambda done: Progress(message=f"The {who} predicts {done:,} of {len(test):,} examples of the test split"),
    )
    found: list[int] = logits.argmax(-1).tolist()
    return found


def read_data_flow(codes: Iterable[str], language: Language, cancelled: Callable[[], bool]) -> Work[int | None]:
    """Extract the data flow of functions in advance; returns None if cancelled."""
    steps = relay(
        extracting(codes, language), lambda done: Progress(message=f"Reading the data flow of {done:,} functions")
    )
    return processes.until_cancelled(steps, cancelled)
