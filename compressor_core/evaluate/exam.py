"""The honest exam: how models perform beyond the test split, which resembles their training data.

Besides their own test split, the exam has APIs, phrasings and weaknesses (for clones: ways of rewriting) held out of
training, functions written by hand (`data/exam.py`), and real functions of installed packages without any finding by
Bandit. A token-counting baseline trained on the same data and Bandit itself sit the same exam.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from compressor_core.data.classroom_vulnerability import ClassroomVulnerability, Unseen, unseen
from compressor_core.data.clones import ClassroomClone, near_miss_pairs, unseen_pairs
from compressor_core.data.dataset import Dataset, Example, Rows, Split
from compressor_core.data.exam import CLEAN, Kind, vulnerability_exam
from compressor_core.data.installed import installed_functions
from compressor_core.data.registry import open_dataset
from compressor_core.errors import ModelError
from compressor_core.evaluate.bandit import COUNTS, Severity, alarms, bandit_version, describe
from compressor_core.evaluate.baselines import BagOfTokens, TokenOverlap
from compressor_core.evaluate.comparison import examples_of
from compressor_core.evaluate.intervals import wilson
from compressor_core.evaluate.quality import mcnemar, quality
from compressor_core.evaluate.settings import ExamSettings
from compressor_core.language import Language
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.compute import best_device
from compressor_core.progress import relay
from compressor_core.records import Examinee, ExamPart, ExamSummary, Notice, Progress, Rate, Work
from compressor_core.task import Task

_UNSEEN: Final = {
    Unseen.API: ExamPart.UNSEEN_API,
    Unseen.PHRASING: ExamPart.UNSEEN_PHRASING,
    Unseen.WEAKNESS: ExamPart.UNSEEN_WEAKNESS,
}
_COIN: Final = {Task.VULNERABILITY: 0.25, Task.CLONE: 0.5}
"""Chance level of the score in the verdict: both halves of a pair right, or accuracy."""
_NOISE: Final = 0.05
_BANDIT: Final = "Bandit"

Answers = Mapping[ExamPart, NDArray[np.int64]]
"""Class numbers by exam part: OWN_TEST, the unseen ones, EXAM, and ALARMS for real functions."""


@dataclass(frozen=True)
class _Paper:
    """Questions of the exam. Keys as in `Answers`."""

    task: Task
    questions: Mapping[ExamPart, Sequence[Example]]

    @property
    def gold(self) -> NDArray[np.int64]:
        """Gold labels of the hand-written part."""
        return np.array([example.label for example in self.questions[ExamPart.EXAM]])


def sit_exam(
    settings: ExamSettings, *, dataset: Dataset | None = None, cancelled: Callable[[], bool] = lambda: False
) -> Work[ExamSummary | None]:
    """Let models and baselines sit the exam of their task; None if cancelled.

    `dataset` replaces the one that the settings name.

    Raises:
        DataError: the dataset cannot be read.
        ModelError: a model is missing, is for another task than the first, or learned another language.
    """
    started = time.monotonic()
    yield Progress(message="Loading the models")
    models = dict(zip(settings.titles, (load(Path(folder)) for folder in settings.models), strict=True))
    card = next(iter(models.values())).card
    _require_peers(models)
    data = dataset or open_dataset(settings.dataset, settings.data, seed=settings.seed)
    yield Progress(message="Reading the questions")
    questions = _questions(data, models, settings)
    if card.task is Task.VULNERABILITY and settings.functions:
        if bandit_version() is None:
            yield Notice(
                message="No alarms on real code are counted: Bandit, which says which are calm, is not installed"
            )
        else:
            questions[ExamPart.ALARMS] = _calm(settings.functions)
    paper = _Paper(card.task, questions)
    total = sum(map(len, questions.values()))
    answers: dict[str, Answers] = {}
    for name, model in models.items():
        given: dict[ExamPart, NDArray[np.int64]] = {}
        done = 0
        model.model.to(best_device())
        for part, examples in questions.items():
            words = _words(name, done, total)
            logits = yield from relay(model.predicting([e.codes for e in examples]), words, cancelled)
            if logits is None:
                return None
            given[part] = logits.argmax(-1).numpy()
            done += len(examples)
        model.model.to("cpu")
        answers[name] = given
    baselines: dict[str, tuple[Literal["tokens", "rules"], str, Answers]] = {}
    if settings.baselines:
        yield Progress(message="A counter of tokens learns from the training split")
        baselines.update(_tokens(paper, data))
        if cancelled():
            return None
        if card.task is Task.VULNERABILITY and bandit_version() is not None:
            yield Progress(message="Bandit reads the functions")
            baselines.update(_rules(paper))
    return ExamSummary(
        task=card.task,
        dataset=data.name,
        data=settings.data,
        models=tuple(
            _examinee(paper, name, "model", _note(models[name]), answers[name]).model_copy(
                update={
                    "model": folder,
                    "verdict": _verdict(paper, name, _own(models[name], data), answers[name], baselines),
                }
            )
            for name, folder in zip(models, settings.models, strict=True)
        ),
        baselines=tuple(_examinee(paper, name, *described) for name, described in baselines.items()),
        packages=Counter(example.group for example in questions.get(ExamPart.ALARMS, ())),
        seconds=time.monotonic() - started,
    )


def _note(model: Classifier) -> str:
    """Short description of a model."""
    return f"{model.parameters:,} parameters, learned from {model.card.dataset or 'unknown data'}"


def _words(name: str, before: int, total: int) -> Callable[[int], Progress]:
    return lambda done: Progress(
        message=f"{name} answers {before + done:,} of {total:,}", fraction=(before + done) / total
    )


def _require_peers(models: Mapping[str, Classifier]) -> None:
    task = next(iter(models.values())).card.task
    for name, model in models.items():
        if model.card.task is not task:
            raise ModelError(
                f"{name} is for {model.card.task} and the first model for {task}: choose models of one task"
            )
        if model.card.language not in (None, Language.PYTHON):
            raise ModelError(f"{name} reads {model.card.language} and the exam is Python: choose a model of Python")


def _questions(
    data: Dataset, models: Mapping[str, Classifier], settings: ExamSettings
) -> dict[ExamPart, Sequence[Example]]:
    questions: dict[ExamPart, Sequence[Example]] = {ExamPart.OWN_TEST: examples_of(data, settings.split, models)[0]}
    if data.name == ClassroomVulnerability.name:
        questions |= {part: unseen(kind, settings.seed) for kind, part in _UNSEEN.items()}
    if data.name == ClassroomClone.name:
        questions[ExamPart.UNSEEN_REWRITING] = unseen_pairs(settings.seed)
        questions[ExamPart.NEAR_MISS] = near_miss_pairs(settings.seed)
    questions[ExamPart.EXAM] = examples_of(open_dataset(f"exam-{data.task}"), Rows.TEST, models)[0]
    return questions


def _calm(count: int) -> list[Example]:
    """Real functions without any finding by Bandit, of any severity."""
    found = installed_functions(count)
    said = alarms([example.codes[0] for example in found], Severity.LOW)
    return [example for example, alarm in zip(found, said, strict=True) if alarm is False]


def _tokens(paper: _Paper, data: Dataset) -> Iterator[tuple[str, tuple[Literal["tokens"], str, Answers]]]:
    training = data.examples(Split.TRAIN)
    if paper.task is Task.CLONE:
        name, note = "Token overlap", "calls pairs clones that share enough tokens"
        learned: TokenOverlap | BagOfTokens = TokenOverlap(training)
    else:
        name, note = "Bag of tokens", "logistic regression on which tokens occur, whatever their order"
        learned = BagOfTokens(training)
    answers = {part: learned.predict(examples) for part, examples in paper.questions.items()}
    yield name, ("tokens", f"{note}; learned from {len(training):,} examples of {data.name}", answers)


def _rules(paper: _Paper) -> Iterator[tuple[str, tuple[Literal["rules"], str, Answers]]]:
    """Bandit's answers; unreadable functions raise no alarm, nor do the real ones, which are chosen that way."""
    asked = {part: examples for part, examples in paper.questions.items() if part is not ExamPart.ALARMS}
    said = iter(alarms([example.codes[0] for examples in asked.values() for example in examples], COUNTS))
    answers: dict[ExamPart, NDArray[np.int64]] = {
        part: np.array([int(bool(next(said))) for _ in examples]) for part, examples in asked.items()
    }
    yield _BANDIT, ("rules", describe(), answers)


def _examinee(
    paper: _Paper, name: str, role: Literal["model", "tokens", "rules"], note: str, answers: Answers
) -> Examinee:
    exam = paper.questions[ExamPart.EXAM]
    return Examinee(
        name=name,
        role=role,
        note=note,
        scores=dict(_scores(paper, answers)),
        groups=quality(paper.gold, answers[ExamPart.EXAM], [example.group for example in exam]).groups,
    )


def _scores(paper: _Paper, answers: Answers) -> Iterator[tuple[ExamPart, Rate]]:
    for part, examples in paper.questions.items():
        if part in answers and part is not ExamPart.ALARMS:
            yield part, _rate(answers[part] == np.array([example.label for example in examples]))
    gold, right = paper.gold, answers[ExamPart.EXAM] == paper.gold
    if paper.task is Task.CLONE:
        yield ExamPart.CLONES_FOUND, _rate(right[gold == 1])
        yield ExamPart.OTHERS_APART, _rate(right[gold == 0])
        return
    clean = np.array([example.group == CLEAN for example in paper.questions[ExamPart.EXAM]])
    yield ExamPart.UNSAFE_FOUND, _rate(right[gold == 1])
    yield ExamPart.FIXED_SAFE, _rate(right[(gold == 0) & ~clean])
    yield ExamPart.CLEAN_SAFE, _rate(right[clean])
    both = _both(right[~clean])
    kinds = np.array([pair.kind for pair in vulnerability_exam().pairs])
    yield ExamPart.BOTH_RIGHT, _rate(both)
    yield ExamPart.BOTH_SURFACE, _rate(both[kinds == Kind.SURFACE])
    yield ExamPart.BOTH_VARIANT, _rate(both[kinds == Kind.VARIANT])
    if ExamPart.ALARMS in answers:
        yield ExamPart.ALARMS, _rate(answers[ExamPart.ALARMS] == 1)


def _both(right: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether both halves of each pair are right; the halves follow each other."""
    return np.logical_and(right[::2], right[1::2])


def _rate(hits: NDArray[np.bool_]) -> Rate:
    count, examples = int(hits.sum()), len(hits)
    return Rate(
        count=count, examples=examples, share=count / examples if examples else 0.0, interval=wilson(count, examples)
    )


def _own(model: Classifier, data: Dataset) -> str:
    """Name of the first part for a model: its own test split, unless it learned from other data or another edition."""
    learned = model.card.dataset_fingerprint
    return f"the test split of {data.name}" if learned not in (None, data.fingerprint) else "its own test split"


def _verdict(
    paper: _Paper,
    name: str,
    own: str,
    answers: Answers,
    baselines: Mapping[str, tuple[Literal["tokens", "rules"], str, Answers]],
) -> str:
    """Two sentences comparing hand-written code with the model's own test split, and the model with the baselines."""
    scores = dict(_scores(paper, answers))
    figure = scores[ExamPart.BOTH_RIGHT if paper.task is Task.VULNERABILITY else ExamPart.EXAM]
    halves = "both halves of " if paper.task is Task.VULNERABILITY else ""
    low, high = figure.interval
    coin = _COIN[paper.task]
    if low > coin:
        judged = f"better than a coin ({coin:.0%})"
    elif high < coin:
        judged = f"worse than a coin ({coin:.0%})"
    else:
        judged = f"no better than a coin ({coin:.0%}) as far as they can tell"
    first = (
        f"{name} gets {scores[ExamPart.OWN_TEST].share:.0%} of {own} right, and {halves}{figure.share:.0%} of "
        f"{figure.examples} hand-written pairs (95%: {low:.0%} to {high:.0%}), {judged}."
    )
    against = []
    for other, (_, _, theirs) in baselines.items():
        test = mcnemar(paper.gold, answers[ExamPart.EXAM], theirs[ExamPart.EXAM])
        word = (
            "on a par with"
            if test.p >= _NOISE
            else ("better than" if test.only_first > test.only_second else "worse than")
        )
        against.append(f"{word} {other if other == _BANDIT else f'the {other.lower()}'} (p = {test.p:.2g})")
    parts = [f"on all hand-written functions it is {' and '.join(against)}"] if against else []
    if (alarm := scores.get(ExamPart.ALARMS)) is not None:
        parts.append(
            f"it raises an alarm on {alarm.share:.1%} of {alarm.examples:,} real functions that Bandit finds calm"
        )
    parts.append("of other code this says nothing")
    second = "; ".join(parts)
    return f"{first} {second[0].upper()}{second[1:]}."
