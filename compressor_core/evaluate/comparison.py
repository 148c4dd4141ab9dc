"""A teacher and its students side by side, on the same examples, in one run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from compressor_core.cost import cost
from compressor_core.data.dataset import Dataset, Example, Split
from compressor_core.data.registry import default_split, examples_for, open_dataset
from compressor_core.errors import DataError, ModelError, SettingsError
from compressor_core.evaluate.intervals import LEVEL, RESAMPLES, bootstrap, holm
from compressor_core.evaluate.latency import latency
from compressor_core.evaluate.predictions import MOST_STUDENTS, characters, write_predictions
from compressor_core.evaluate.quality import agreement, mcnemar, quality
from compressor_core.evaluate.statistics import by_length, calibration, curves, fidelity
from compressor_core.machine import machine
from compressor_core.models.card import size_on_disk
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.compute import best_device
from compressor_core.progress import told, until_cancelled
from compressor_core.task import PairFeatures
from compressor_core.threads import check_threads

Record = dict[str, Any]
Logits = Mapping[str, NDArray[Any]]

TEACHER: Final = "Teacher"
"""What the teacher is called among the predictions."""


@dataclass(frozen=True)
class CompareSettings:
    """What `compare` is asked for. `split` None: the test split, or all of a file.

    `others` are up to three more students, and `names` what all students are called, without which they are called
    as their folders are. Raises SettingsError for more students, or for one that is named twice.
    """

    teacher: str
    student: str
    dataset: str = "classroom-vulnerability"
    data: str | None = None
    split: str | None = None
    latency_examples: int = 100
    latency_rounds: int = 3
    threads: int = 1
    seed: int = 0
    others: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_threads(self.threads)
        object.__setattr__(self, "others", tuple(map(str, self.others)))
        object.__setattr__(self, "names", tuple(map(str, self.names)))
        if len(self.students) > MOST_STUDENTS:
            raise SettingsError(f"{len(self.students)} students are too many: compare {MOST_STUDENTS} at most")
        if twice := next((one for one in self.students if self.students.count(one) > 1), None):
            raise SettingsError(f"the student {twice} is given twice: give each student once")
        if self.names and len(self.names) != len(self.students):
            raise SettingsError(f"there are {len(self.names)} names for {len(self.students)} students: give one each")

    @property
    def students(self) -> tuple[str, ...]:
        """Their folders, in order."""
        return (self.student, *self.others)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "others": list(self.others), "names": list(self.names)}


def evaluate(model: Path, dataset: str, data: str | None, split: str | None, *, seed: int = 0) -> dict[str, Any]:
    """Scores of one model, see `quality`. Raises ModelError or DataError for what cannot be read."""
    classifier = load(model)
    classifier.model.to(best_device())
    examples, _ = _examples(classifier, open_dataset(dataset, data, seed=seed), split)
    predicted = classifier.logits([e.codes for e in examples]).argmax(-1).tolist()
    return quality([e.label for e in examples], predicted, [e.group for e in examples])


def compare(
    config: CompareSettings,
    predictions: Path | None = None,
    *,
    dataset: Dataset | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Record]:
    """Predictions, scores and latency of all models; the last record is the result.

    The result has, for one student as for several:

    - teacher: model (its folder), scores (see `quality`), intervals (of the scores, see `bootstrap`), calibration,
      curves, lengths (see `statistics`), size_mb, parameters, forward_gflops where known, and latency;
    - students: the same of each, with name, agreement and agreement_interval, speedup (ratio of the median
      latencies), mcnemar (see there; p_adjusted is `holm`'s among the students), difference_intervals (of the
      teacher's scores minus its own), and fidelity;
    - student, agreement, speedup, mcnemar and mcnemar_p of the first student once more;
    - statistics (level, resamples, seed), labels, task, language, dataset, data, split, examples,
      latency_examples, machine.

    What each model says of each example goes to the folder `predictions`, if one is given. `dataset` takes the place
    of the one that the configuration names.

    Raises:
        DataError, ModelError, StorageError: one sentence each.
    """
    yield {"type": "progress", "message": "Loading the models"}
    folders = _folders(config)
    models = {name: load(folder) for name, folder in folders.items()}
    _require_peers(models, folders)
    dataset = dataset or open_dataset(config.dataset, config.data, seed=config.seed)
    examples, split = _examples(models[TEACHER], dataset, config.split)
    codes = [example.codes for example in examples]
    logits: dict[str, NDArray[Any]] = {}
    for name, model in models.items():
        model.model.to(best_device())
        steps = told(model.predicting(codes), _words(name, len(codes)))
        rows = yield from until_cancelled(steps, cancelled)
        model.model.to("cpu")  # where latency is measured
        if rows is None:
            return
        logits[name] = rows.double().numpy()
    sample = random.Random(config.seed).sample(codes, min(config.latency_examples, len(codes)))
    times = yield from latency(models, sample, rounds=config.latency_rounds, threads=config.threads)
    teacher, students = _judged(examples, logits, config.seed)
    for name, side in zip(models, (teacher, *students), strict=True):
        side["model"] = str(folders[name])
        side |= _describe(models[name], folders[name], times[name]["tokens"] / len(codes[0]))
        side["latency"] = times[name]
    for side in students:
        side["speedup"] = teacher["latency"]["median"] / side["latency"]["median"]
    if predictions is not None:
        write_predictions(predictions, examples, logits)
    first = students[0]
    yield {
        "type": "result",
        "teacher": teacher,
        "student": first,
        "students": students,
        **{key: first[key] for key in ("agreement", "speedup", "mcnemar")},
        "mcnemar_p": first["mcnemar"]["p"],
        "statistics": {"level": LEVEL, "resamples": RESAMPLES, "seed": config.seed},
        "labels": list(models[TEACHER].card.labels),
        "task": models[TEACHER].card.task.value,
        "language": dataset.language.value if dataset.language else None,
        "dataset": config.dataset,
        "data": config.data,
        "split": split,
        "examples": len(examples),
        "latency_examples": len(sample),
        "machine": machine(config.threads),
    }


def _judged(examples: Sequence[Example], logits: Logits, seed: int) -> tuple[Record, list[Record]]:
    """What the predictions alone tell of the teacher and of each student."""
    gold = [example.label for example in examples]
    groups, lengths = [example.group for example in examples], [characters(example) for example in examples]
    predicted = {name: rows.argmax(-1) for name, rows in logits.items()}
    intervals = bootstrap(gold, list(predicted.values()), seed=seed)
    sides = {
        name: {
            "name": name,
            **quality(gold, predicted[name], groups),
            "intervals": intervals["scores"][place],
            "calibration": calibration(gold, logits[name]),
            "curves": curves(gold, logits[name]),
            "lengths": by_length(gold, predicted[name], lengths),
        }
        for place, name in enumerate(logits)
    }
    teacher = sides.pop(TEACHER)
    paired = {name: mcnemar(gold, predicted[TEACHER], predicted[name]) for name in sides}
    adjusted = holm([test["p"] for test in paired.values()])
    for place, (name, side) in enumerate(sides.items()):
        side["agreement"] = agreement(predicted[TEACHER], predicted[name])
        side["agreement_interval"] = intervals["agreement"][place]
        side["difference_intervals"] = intervals["differences"][place]
        side["mcnemar"] = {**paired[name], "p_adjusted": adjusted[place]}
        side["fidelity"] = fidelity(logits[TEACHER], logits[name])
    return teacher, list(sides.values())


def _folders(config: CompareSettings) -> dict[str, Path]:
    """The folders by name, the teacher's first; names that are taken get a number."""
    folders = {TEACHER: Path(config.teacher)}
    for place, student in enumerate(config.students):
        name = wanted = (config.names[place] if config.names else Path(student).name) or f"Student {place + 1}"
        number = 2
        while name in folders:
            name, number = f"{wanted} ({number})", number + 1
        folders[name] = Path(student)
    return folders


def _require_peers(models: Mapping[str, Classifier], folders: Mapping[str, Path]) -> None:
    """Raise ModelError unless all models answer the same question with the same classes in the same order."""
    teacher = models[TEACHER].card
    for name, model in models.items():
        card = model.card
        if card.task is not teacher.task:
            raise ModelError(
                f"the teacher is for {teacher.task} and the student {folders[name]} for {card.task}: "
                "compare models of the same task"
            )
        if card.labels != teacher.labels and set(card.labels) == set(teacher.labels):
            raise ModelError(
                f"the teacher's classes are {', '.join(teacher.labels)} in this order and those of the student "
                f"{folders[name]} {', '.join(card.labels)}: one of the two was edited; restore the model's own files"
            )


def _words(name: str, total: int) -> Callable[[int], str]:
    return lambda done: f"{name} predicts {done:,} of {total:,}"


def _examples(model: Classifier, dataset: Dataset, split: str | None) -> tuple[Sequence[Example], str]:
    """The examples to predict, and the split that they are, or "all"."""
    if dataset.task is not model.card.task:
        raise ModelError(
            f"the model is for {model.card.task} and the dataset {dataset.name} for {dataset.task}: "
            "choose a matching pair"
        )
    if split is not None and split not in set(Split):
        raise DataError(f"there is no split {split!r}: choose from {', '.join(Split)}")
    wanted = default_split(dataset) if split is None else Split(split)
    examples = examples_for(dataset, wanted)
    if not examples:
        raise DataError(f"{dataset.name} has no example in {wanted or 'it'}: choose another split, or other data")
    return examples, str(wanted or "all")


def _describe(model: Classifier, folder: Path, tokens: float) -> dict[str, Any]:
    """Size and computation, at the mean number of tokens of a function.

    GFLOPs need the architecture, which only models made by this program state.
    """
    described: dict[str, Any] = {"size_mb": size_on_disk(folder) / 1e6, "parameters": model.parameters}
    if model.card.architecture is not None:
        features = model.card.pair_features or PairFeatures.COMPARE
        length = max(1, round(tokens))
        priced = cost(model.card.architecture, model.card.task, features, sequence_length=length)
        described["forward_gflops"] = priced.forward_gflops
        described["paper_gflops"] = priced.paper_gflops
        described["architecture"] = model.card.architecture.to_dict()
    return described
