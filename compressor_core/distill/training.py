"""Teachers and students once they are prepared: trained, measured on the test split, saved."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from compressor_core.data.answers import RecordedAnswers
from compressor_core.data.dataset import Dataset, Example, Split
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
"""Examples of the test split that are changed, to count the answers that flip."""


@dataclass(frozen=True)
class Prepared:
    """A model that is ready to learn, its card filled in, with all that its training needs."""

    model: Classifier
    dataset: Dataset
    settings: TrainingSettings
    epoch_data: EpochData
    validation: Data
    objective: Objective | Lesson
    bound: Mapping[str, Any]
    """What two sittings must have in common besides the settings."""
    stage: str = ""
    teacher: Classifier | RecordedAnswers | None = None
    """The teacher of a student, which is measured beside it as far as it has answers."""


def train(
    prepared: Prepared, out: Path, *, checkpoint: Path | None = None, cancelled: Callable[[], bool] = lambda: False
) -> Work[dict[str, Any] | None]:
    """Train, measure on the test split, save to `out`; returns the fields of the summary that all trainings share.

    None if it was cancelled before the first step; cancelled later, all is measured on a few examples of the split, see
    `test_sample`. Of several processes only the first saves the model, and the others get None.

    Raises:
        ModelError, SettingsError, TrainingError, StorageError: as `fit`. Where the loss is no longer a number, the best
            model before it is saved to `out` first.
    """
    model = prepared.model
    # The model, and a checkpoint: its weights, two moments of each, and those of the best epochs.
    require_room(out, 4 * model.parameters * (4 + prepared.settings.kept))
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
    except Exception as error:  # nothing that comes after a training may lose it
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
    """Measure a trained model on the test split, beside its teacher, and note it on the card."""
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
        **flipped,
        "validation_accuracy": outcome.best_accuracy,
        "test": scores,
        "parameters": model.parameters,
        "cancelled": outcome.cancelled,
    }


def require_splits(dataset: Dataset, *learned: Split) -> None:
    """Raise DataError before the first step if one of all the splits that a training needs has no example.

    `learned` are those that it may learn from, of which one is enough; none where it learns from other code.
    """
    wanted = {learned: "to learn from", (Split.VALIDATION,): "to choose the best epoch by"}
    for splits, purpose in {**wanted, (Split.TEST,): "to measure the model on"}.items():
        if splits and not any(dataset.size(split) for split in splits):
            raise DataError(
                f"{dataset.name} has no {splits[0]} example {purpose}: add rows, or leave out its column 'split', and "
                "all rows are split 80/10/10"
            )


def save_best_and_describe(error: Diverged, model: Classifier, out: Path) -> TrainingError:
    """The error to raise in place of `error`, once the best weights before it, if there are any, are in `out`."""
    outcome = error.outcome
    if outcome.best_epoch < 0:
        return TrainingError(f"{error}; no epoch had ended before, so no model is kept")
    if processes.main():
        model.card = model.card.replace(metrics=outcome.metrics())
        model.save(out)
    processes.wait()  # the first to raise ends all
    return TrainingError(f"{error}; the model of epoch {outcome.best_epoch + 1}, the best before it, is in {out}")


def test_sample(dataset: Dataset, *, cancelled: bool) -> Sequence[Example]:
    """The test split; after a training that was cancelled a few examples of it."""
    test = dataset.examples(Split.TEST)
    return [test[index] for index in spot_check(len(test))] if cancelled else test


def changed_sample(dataset: Dataset, test: Sequence[Example], seed: int) -> list[Changed]:
    """Some examples of the test split after changes that keep their label; none where the language is not known."""
    if dataset.language is None:
        return []
    return mixed(random.Random(seed).sample(test, min(CHANGED_EXAMPLES, len(test))), dataset.language, seed)


def _expected(
    teacher: Classifier | RecordedAnswers | None, test: Sequence[Example], asked: Sequence[Example]
) -> Work[list[int] | None]:
    """The class that the teacher predicts for each example that is asked, or of recorded answers for those of the test
    split; None where there is no teacher, or its answers are not to all."""
    if teacher is None:
        return None
    if isinstance(teacher, Classifier):
        return (yield from answers("teacher", teacher, asked))
    known = teacher.of([example.codes for example in test])
    if len(known) == len(test):
        return [int(known[place].argmax()) for place in range(len(test))]
    yield Notice(
        message=f"{teacher.path.name} answers {len(known):,} of the {len(test):,} examples of the test split: the "
        "teacher's accuracy there, and how often the student agrees with it, are not known"
    )
    return None


def answers(who: str, model: Classifier, test: Sequence[Example]) -> Work[list[int]]:
    """The class that a model predicts for each example; several processes share the work."""
    logits = yield from relay(
        processes.shared([example.codes for example in test], model.predicting),
        lambda done: Progress(message=f"The {who} predicts {done:,} of {len(test):,} examples of the test split"),
    )
    found: list[int] = logits.argmax(-1).tolist()
    return found


def read_data_flow(codes: Iterable[str], language: Language, cancelled: Callable[[], bool]) -> Work[int | None]:
    """Extract the data flow of functions ahead of their use; None if it was cancelled."""
    steps = relay(
        extracting(codes, language), lambda done: Progress(message=f"Reading the data flow of {done:,} functions")
    )
    return processes.until_cancelled(steps, cancelled)
