"""Scores of one model, and comparison of a teacher and its students on the same examples in one run."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compressor_core.bundled import is_recorded
from compressor_core.cost import cost
from compressor_core.data.answers import read_answers
from compressor_core.data.dataset import Dataset, Example, Rows
from compressor_core.data.files import FileDataset
from compressor_core.data.labels import crossed, require_order
from compressor_core.data.registry import default_rows, examples_for, open_dataset
from compressor_core.errors import DataError, ModelError
from compressor_core.evaluate.changed import flips, mixed
from compressor_core.evaluate.intervals import LEVEL, RESAMPLES, bootstrap, holm, score_intervals, wilson
from compressor_core.evaluate.predictions import characters, make_folder, write_predictions
from compressor_core.evaluate.quality import agreement, mcnemar, quality
from compressor_core.evaluate.rounds import time_models
from compressor_core.evaluate.settings import TEACHER, CompareSettings, EvaluateSettings
from compressor_core.evaluate.shape import beside_codebert
from compressor_core.evaluate.statistics import by_length, calibration, curves, fidelity
from compressor_core.machine import machine
from compressor_core.models.card import ModelCard, size_on_disk
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.compute import best_device
from compressor_core.progress import relay
from compressor_core.records import (
    ComparisonSummary,
    Evaluation,
    Genes,
    Notice,
    Progress,
    Resampling,
    Side,
    StudentSide,
    Work,
)
from compressor_core.task import PairFeatures


def evaluate(settings: EvaluateSettings) -> Evaluation:
    """Scores of one model. Raises ModelError or DataError if the model or the data cannot be read."""
    classifier = load(Path(settings.model))
    classifier.model.to(best_device())
    dataset = open_dataset(settings.dataset, settings.data, seed=settings.seed)
    examples, rows = examples_of(dataset, settings.split, {"the model": classifier})
    predicted = classifier.logits([e.codes for e in examples]).argmax(-1).tolist()
    scores = quality([e.label for e in examples], predicted, [e.group for e in examples])
    return Evaluation(**dict(scores), split=rows, rows=in_words(dataset, rows, len(examples), [classifier.card]))


def compare(
    settings: CompareSettings,
    predictions: str | Path | None = None,
    *,
    dataset: Dataset | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Work[ComparisonSummary | None]:
    """Predictions, scores and latency of all models; None if cancelled.

    The answer of each model to each example is written to the folder `predictions`, if given. `dataset` replaces the
    one that the settings name.

    Raises:
        DataError, ModelError, StorageError: with a one-sentence message.
    """
    if predictions is not None:
        make_folder(Path(predictions))
    yield Progress(message="Loading the models")
    folders = settings.folders
    recorded = is_recorded(settings.teacher)
    models = {name: load(folder) for name, folder in folders.items() if not (recorded and name == TEACHER)}
    _require_peers(models, folders)
    dataset = dataset or open_dataset(settings.dataset, settings.data, seed=settings.seed)
    cards = [model.card for model in models.values()]
    examples, split = examples_of(dataset, settings.split, {_who(name, folders): one for name, one in models.items()})
    logits: dict[str, NDArray[Any]] = {}
    if recorded:
        answers = read_answers(settings.teacher, dataset)
        known = answers.of([example.codes for example in examples])
        if not known:
            raise DataError(
                f"{answers.path} answers none of the {len(examples):,} examples of {dataset.name}, {split}: give a "
                "teacher that does, or evaluate the student alone"
            )
        if len(known) < len(examples):
            yield Notice(
                message=f"{answers.path.name} answers {len(known):,} of the {len(examples):,} examples: the models are "
                "compared on these alone"
            )
        examples = [examples[number] for number in known]
        logits[TEACHER] = np.array(list(known.values()), np.float64)
    codes = [example.codes for example in examples]
    chosen = random.Random(settings.seed).sample(examples, min(settings.changed_examples, len(codes)))
    changed = [] if dataset.language is None else mixed(chosen, dataset.language, settings.seed)
    shares: dict[str, dict[str, Any]] = {}
    for name, model in models.items():
        model.model.to(best_device())
        asked = [*codes, *(one.after for one in changed)]
        rows = yield from relay(model.predicting(asked), _words(name, len(asked)), cancelled)
        model.model.to("cpu")  # where latency is measured
        if rows is None:
            return None
        logits[name] = rows.double().numpy()[: len(codes)]
        if changed:
            flipped = flips(rows.argmax(-1).tolist(), examples, changed)
            shares[name] = {"flips": flipped / len(changed), "flips_interval": wilson(flipped, len(changed))}
    sample = random.Random(settings.seed).sample(codes, min(settings.latency_examples, len(codes)))
    times = yield from time_models(models, sample, rounds=settings.latency_rounds, threads=settings.threads)
    beside = None
    if settings.beside_codebert:
        first = next(name for name in models if name != TEACHER)
        beside = yield from beside_codebert(models[first], sample, threads=settings.threads)
    if predictions is not None:
        write_predictions(Path(predictions), examples, logits)
    described = {
        name: {**_described(model, folders[name], times[name].tokens / len(codes[0])), "latency": times[name]}
        | shares.get(name, {})
        for name, model in models.items()
    }
    if recorded:
        described[TEACHER] = {"model": settings.teacher}
    teacher, students = _judged(examples, logits, described, settings.seed)
    card = next(iter(models.values())).card
    return ComparisonSummary(
        teacher=teacher,
        students=students,
        statistics=Resampling(level=LEVEL, resamples=RESAMPLES, seed=settings.seed),
        labels=card.labels,
        task=card.task,
        language=dataset.language,
        dataset=settings.dataset,
        data=settings.data,
        split=split,
        rows=in_words(dataset, split, len(examples), cards),
        examples=len(examples),
        latency_examples=len(sample),
        changed_examples=len(changed),
        codebert=beside,
        machine=machine(settings.threads),
    )


def _judged(
    examples: Sequence[Example],
    logits: Mapping[str, NDArray[Any]],
    described: Mapping[str, Mapping[str, Any]],
    seed: int,
) -> tuple[Side, tuple[StudentSide, ...]]:
    """Results of the teacher and its students; `described` has everything that is not derived from predictions."""
    gold = [example.label for example in examples]
    groups, lengths = [example.group for example in examples], [characters(example) for example in examples]
    predicted = {name: rows.argmax(-1) for name, rows in logits.items()}
    differences = bootstrap(gold, list(predicted.values()), seed=seed)
    sides = {
        name: {
            **dict(quality(gold, predicted[name], groups)),
            **described[name],
            "name": name,
            "intervals": score_intervals(gold, predicted[name]),
            "calibration": calibration(gold, logits[name]),
            "curves": curves(gold, logits[name]),
            "lengths": by_length(gold, predicted[name], lengths),
        }
        for name in logits
    }
    teacher = Side(**sides.pop(TEACHER))
    paired = [mcnemar(gold, predicted[TEACHER], predicted[name]) for name in sides]
    adjusted = holm([test.p for test in paired])
    return teacher, tuple(
        StudentSide(
            **side,
            agreement=agreement(predicted[TEACHER], predicted[name]),
            agreement_interval=wilson(int((predicted[TEACHER] == predicted[name]).sum()), len(gold)),
            difference_intervals=differences[place],
            speedup=None if teacher.latency is None else teacher.latency.median / side["latency"].median,
            mcnemar=paired[place].model_copy(update={"p_adjusted": adjusted[place]}),
            fidelity=fidelity(logits[TEACHER], logits[name]),
        )
        for place, (name, side) in enumerate(sides.items())
    )


def _require_peers(models: Mapping[str, Classifier], folders: Mapping[str, Path]) -> None:
    """Raise ModelError unless all models have the same task."""
    first = next(iter(models))
    teacher = models[first].card
    for name, model in models.items():
        if model.card.task is not teacher.task:
            raise ModelError(
                f"{_who(first, folders)} is for {teacher.task} and {_who(name, folders)} for {model.card.task}: "
                "compare models of the same task"
            )


def _who(name: str, folders: Mapping[str, Path]) -> str:
    return f"the {'teacher' if name == TEACHER else 'student'} {folders[name]}"


def _words(name: str, total: int) -> Callable[[int], Progress]:
    return lambda done: Progress(message=f"{name} predicts {done:,} of {total:,}")


def examples_of(dataset: Dataset, rows: Rows | None, models: Mapping[str, Classifier]) -> tuple[Sequence[Example], str]:
    """Examples to predict, and a description of their rows.

    The default is the test split for a file that any of the models has learned from.

    Raises:
        ModelError: a model, named in the message, is for another task, or has its classes in another order than the
            dataset or the first model.
        DataError: there is no example.
    """
    for name, model in models.items():
        if model.card.task is not dataset.task:
            raise ModelError(
                f"{name} is for {model.card.task} and the dataset {dataset.name} for {dataset.task}: "
                "choose a matching pair"
            )
        require_order(model.card.labels, name, dataset)
    _require_one_order(models)
    learned = _learned([model.card for model in models.values()])
    wanted = rows or default_rows(dataset, learned)
    examples = examples_for(dataset, wanted)
    if not examples:
        raise DataError(f"{dataset.name} has no example among {wanted} rows: choose other rows, or other data")
    return examples, wanted.value


def _require_one_order(models: Mapping[str, Classifier]) -> None:
    """Raise ModelError if, judging by their names, two models have the same classes in opposite order."""
    (first, model), *others = models.items()
    ours = model.card.labels
    for name, other in others:
        if crossed(other.card.labels, ours):
            raise ModelError(
                f"{first} has the classes {', '.join(ours)} in this order and {name} {', '.join(other.card.labels)}: "
                "one of the two was edited or made elsewhere; restore its own files, or exchange its two classes"
            )


def in_words(dataset: Dataset, rows: str, count: int, cards: Sequence[ModelCard]) -> str:
    """Description of the rows used, and why others were not.

    A card identifies a file as a whole, so that rows of a shuffled, shortened or longer copy are not recognised. Since
    rows without a `split` are split by their code, the copy's test split has none that the model has learned from.
    """
    if rows == Rows.ALL:
        if dataset.fingerprint in _learned(cards):
            return f"all {count:,} rows, some of which a model has learned from"
        if any(card.dataset == dataset.name and card.learned for card in cards):
            return (
                f"all {count:,} rows; a model has learned from another file: if this one has rows of it, choose the "
                "test split, which leaves those out"
            )
        return f"all {count:,} rows"
    known = isinstance(dataset, FileDataset) and not dataset.published and dataset.fingerprint in _learned(cards)
    rest = "; a model has learned from the others of this file" if known and rows == Rows.TEST else ""
    return f"the {rows} split, {count:,} rows{rest}"


def _learned(cards: Sequence[ModelCard]) -> frozenset[str]:
    return frozenset().union(*(card.learned for card in cards))


def _described(model: Classifier, folder: Path, tokens: float) -> dict[str, Any]:
    """Size and computation at the mean number of tokens of a function.

    GFLOPs need the architecture, which only models of this program state.
    """
    described: dict[str, Any] = {
        "model": str(folder),
        "size_mb": size_on_disk(folder) / 1e6,
        "parameters": model.parameters,
        "written_by_hand": model.card.metrics.get("written_by_hand"),
    }
    if (architecture := model.card.architecture) is None:
        return described
    features = model.card.pair_features or PairFeatures.COMPARE
    priced = cost(architecture, model.card.task, features, sequence_length=max(1, round(tokens)))
    return {
        **described,
        "forward_gflops": priced.forward_gflops,
        "paper_gflops": priced.paper_gflops,
        "architecture": Genes(**architecture.to_dict()),
    }
