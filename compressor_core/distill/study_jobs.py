"""The students of a study: which there are, and how one of them is made. None depends on another."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from compressor_core.data.dataset import Dataset, Split
from compressor_core.data.registry import open_dataset
from compressor_core.distill.distillation import distill
from compressor_core.distill.distillation_settings import DistillSettings
from compressor_core.distill.soft_labels import model_fingerprint
from compressor_core.distill.study_settings import SPACES, StudySettings
from compressor_core.errors import ModelError
from compressor_core.evaluate.rounds import time_models
from compressor_core.files import storage_error, write_json
from compressor_core.models.card import read_card
from compressor_core.models.classifier import load
from compressor_core.progress import finish
from compressor_core.search.exact import optimum
from compressor_core.search.fitness import Objective
from compressor_core.task import PairFeatures, Task

LATENCY_EXAMPLES: Final = 20
LATENCY_THREADS: Final = 1
DATA_SEED: Final = 0
"""One draw of the dataset for all students: seeds differ in the students alone, and the teacher has one accuracy."""

Record = dict[str, Any]
Place = tuple[float, int]
"""What tells a student of a study from the others: budget and seed."""


@dataclass(frozen=True)
class Job:
    """One student of a study; it depends on no other."""

    budget_mb: float
    seed: int
    distillation: DistillSettings

    @property
    def place(self) -> Place:
        return self.budget_mb, self.seed

    @property
    def name(self) -> str:
        """What its folder is called."""
        return f"{self.budget_mb:.12g}-{self.seed}"

    @property
    def title(self) -> str:
        return f"{self.budget_mb:g} MB, seed {self.seed}"


def jobs(config: StudySettings) -> list[Job]:
    """The students of a study: for each budget the true optimum of the space, with every seed.

    Seeds take turns outermost, so that a study that is cut short has students at every budget first.

    Raises BudgetError if nothing in the space fits a budget, ModelError for a damaged teacher, SettingsError for a
    recipe that is out of range.
    """
    card = read_card(Path(config.teacher))
    task = Task.VULNERABILITY if card is None else card.task
    space, features = SPACES[config.space](), PairFeatures(config.pair_features)
    best = {}
    for budget in config.budgets:
        objective = Objective(
            budget_mb=budget,
            task=task,
            pair_features=features,
            goal=config.goal,
            min_gflops=config.min_gflops,
            latency=config.latency,
        )
        best[budget] = optimum(space, objective).architecture
    planned = [
        Job(
            budget,
            seed,
            DistillSettings(
                teacher=config.teacher,
                architecture=str(best[budget]),
                dataset=config.dataset,
                data=config.data,
                budget_mb=budget,
                preset=config.preset,
                epochs=config.epochs,
                seed=seed,
                threads=config.threads,
                pair_features=config.pair_features,
                **config.recipe(),
            ),
        )
        for seed in config.seeds
        for budget in config.budgets
    ]
    planned[0].distillation.training()  # refuses what is out of range
    return planned


def do(
    job: Job,
    folder: Path,
    *,
    dataset: Dataset | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Record]:
    """Make one student in `folder`/NAME and measure it; the last record is of the type "student".

    Beside that folder lie its checkpoint, while it is trained, and its record, once it is finished: then the record
    is all that is yielded, and one that was cut short goes on where it stood. Cancelled, there is none.

    The record has budget_mb, seed, the genes, size_mb, parameters, paper_gflops, accuracy and teacher_accuracy (test
    split), agreement, latency_ms and teacher_latency_ms (medians on the same examples), seconds (of the last sitting)
    and model. `dataset` is the one of the settings, where it is open already.

    Raises:
        ModelError: the folder holds a student of other settings.
        CompressorError: as `distill` raises.
    """
    settings = job.distillation
    if dataset is None:
        dataset = open_dataset(settings.dataset, settings.data, seed=DATA_SEED)
    place, note = folder / job.name, folder / f"{job.name}.json"
    checkpoint = folder / f"{job.name}.checkpoint.pt"
    origin = made_from(job, dataset)
    if note.exists():
        yield _finished(note, origin)
        return
    result: Record | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    for record in distill(settings, place, dataset=dataset, checkpoint=checkpoint, cancelled=cancelled):
        if record["type"] == "result":
            result = record
        else:
            yield record
    if result is None or result["cancelled"]:
        return
    models = {"teacher": load(Path(settings.teacher)), "student": load(place)}
    codes = [example.codes for example in dataset.examples(Split.TEST)]
    sample = random.Random(DATA_SEED).sample(codes, min(LATENCY_EXAMPLES, len(codes)))
    times = finish(time_models(models, sample, threads=LATENCY_THREADS))
    kept = ("size_mb", "parameters", "paper_gflops", "accuracy", "teacher_accuracy", "agreement", "seconds", "model")
    student = {
        "type": "student",
        "budget_mb": job.budget_mb,
        "seed": job.seed,
        **result["architecture"],
        **{key: result[key] for key in kept},
        "latency_ms": times["student"].median,
        "teacher_latency_ms": times["teacher"].median,
    }
    write_json(note, {"made_from": origin, "student": student})
    checkpoint.unlink(missing_ok=True)
    yield student


def made_from(job: Job, dataset: Dataset) -> Record:
    """What a student depends on, wherever it is made: the same data and the same teacher may lie elsewhere."""
    settings = job.distillation.resolved(dataset)
    origin = {
        **settings.to_dict(),
        "teacher": model_fingerprint(Path(settings.teacher)),
        "dataset": dataset.fingerprint,
    }
    del origin["data"], origin["threads"]
    return origin


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The names of what two students depend on where it is not the same."""
    return [name for name in {**now, **before} if before.get(name) != now.get(name)]


def _finished(note: Path, origin: Mapping[str, Any]) -> Record:
    """The record of a student that is finished. Raises ModelError if it is one of other settings."""
    try:
        found = json.loads(note.read_text("utf-8"))
        before, student = dict(found["made_from"]), dict(found["student"])
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ModelError(f"{note} cannot be read ({error}): delete it, and the student is made again") from error
    if changed := differences(before, origin):
        raise ModelError(
            f"{note.with_suffix('')} is a student of another {' and '.join(changed)}: "
            "choose another folder, or delete this one"
        )
    return student
