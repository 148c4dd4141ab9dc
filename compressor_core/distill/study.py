"""A study: students at several budgets, each distilled with several seeds, to see what accuracy a megabyte buys.

`jobs` lists students that do not depend on each other, and `do` makes one of them, so that they may as well be made
side by side. `study` does one after the other.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from compressor_core.architecture import Architecture
from compressor_core.data.dataset import Dataset, Split
from compressor_core.data.registry import open_dataset
from compressor_core.distill.distillation import distil
from compressor_core.distill.distillation_settings import DistillConfig
from compressor_core.distill.soft_labels import model_fingerprint
from compressor_core.distill.study_settings import SPACES, StudyConfig
from compressor_core.distill.study_summary import budget_summaries
from compressor_core.errors import ModelError
from compressor_core.evaluate.latency import latency, machine
from compressor_core.evaluate.progress import until_cancelled
from compressor_core.files import storage_error, write_json
from compressor_core.models.card import read_card
from compressor_core.models.classifier import load
from compressor_core.search.exact import optimum
from compressor_core.search.fitness import Objective
from compressor_core.task import PairFeatures, Task

LATENCY_EXAMPLES: Final = 20
LATENCY_THREADS: Final = 1
DATA_SEED: Final = 0
"""One draw of the dataset for all students: seeds differ in the students alone, and the teacher has one accuracy."""
_TRAINING: Final = 0.95
"""The share of a student's time that is training; the rest is for what is measured afterwards."""

Record = dict[str, Any]
Place = tuple[float, int]
"""What tells a student of a study from the others: budget and seed."""


@dataclass(frozen=True)
class Job:
    """One student of a study; it depends on no other."""

    budget_mb: float
    seed: int
    distillation: DistillConfig

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


def jobs(config: StudyConfig) -> list[Job]:
    """The students of a study: for each budget the true optimum of the space, with every seed.

    Seeds take turns outermost, so that a study that is cut short has students at every budget first.

    Raises BudgetError if nothing in the space fits a budget, ModelError for a damaged teacher.
    """
    card = read_card(Path(config.teacher))
    task = Task.VULNERABILITY if card is None else card.task
    space, features = SPACES[config.space](), PairFeatures(config.pair_features)
    best = {}
    for budget in config.budgets:
        objective = Objective(budget, task=task, pair_features=features, goal=config.goal, latency=config.latency)
        best[budget] = Architecture.from_dict(dict(optimum(space, objective)))
    return [
        Job(
            budget,
            seed,
            DistillConfig(
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
            ),
        )
        for seed in config.seeds
        for budget in config.budgets
    ]


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
        CompressorError: as `distil` raises.
    """
    settings = job.distillation
    if dataset is None:
        dataset = open_dataset(settings.dataset, settings.data, seed=DATA_SEED)
    place, note = folder / job.name, folder / f"{job.name}.json"
    checkpoint = folder / f"{job.name}.checkpoint.pt"
    made_from = {
        **settings.to_dict(),
        "teacher": model_fingerprint(Path(settings.teacher)),
        "dataset": dataset.fingerprint,
    }
    del made_from["data"], made_from["threads"]  # the same data may lie elsewhere
    if note.exists():
        yield _finished(note, made_from)
        return
    result: Record | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    for record in distil(settings, place, dataset=dataset, checkpoint=checkpoint, cancelled=cancelled):
        if record["type"] == "result":
            result = record
        else:
            yield record
    if result is None or result["cancelled"]:
        return
    models = {"teacher": load(Path(settings.teacher)), "student": load(place)}
    codes = [example.codes for example in dataset.examples(Split.TEST)]
    sample = random.Random(DATA_SEED).sample(codes, min(LATENCY_EXAMPLES, len(codes)))
    steps = latency(models, sample, threads=LATENCY_THREADS)
    times = yield from until_cancelled(steps, cancelled)
    if times is None:
        return
    kept = ("size_mb", "parameters", "paper_gflops", "accuracy", "teacher_accuracy", "agreement", "seconds", "model")
    student = {
        "type": "student",
        "budget_mb": job.budget_mb,
        "seed": job.seed,
        **result["architecture"],
        **{key: result[key] for key in kept},
        "latency_ms": times["student"]["median"],
        "teacher_latency_ms": times["teacher"]["median"],
    }
    write_json(note, {"made_from": made_from, "student": student})
    checkpoint.unlink(missing_ok=True)
    yield student


def study(
    config: StudyConfig,
    folder: Path,
    cancelled: Callable[[], bool] = lambda: False,
    done: Iterable[Mapping[str, Any]] = (),
) -> Iterator[Record]:
    """The records of a whole study, its students in `folder`.

    - `progress`: `fraction` of the whole where it can be told, and `message`; `notice` as a distillation gives it.
    - `student` for each that is finished, see `do`.
    - `result` at the end, see `study_summary`; with `"cancelled": True` if `cancelled()` said so.

    `done` are records of the same study, cut short before: their students are not made again. Those that are
    finished in `folder` are not trained again either.
    """
    yield {"type": "progress", "fraction": 0.0, "message": "Looking for the best architecture at each budget"}
    planned = jobs(config)
    places = {job.place for job in planned}
    students = {_place(record): dict(record) for record in done if record["type"] == "student"}
    students = {place: record for place, record in students.items() if place in places}
    dataset: Dataset | None = None
    stopped = False
    for job in planned:
        if job.place in students:
            continue
        if stopped := cancelled():
            break
        title = f"{job.title} ({len(students) + 1} of {len(planned)})"
        yield _progress(len(students) / len(planned), f"{title}: reading the dataset")
        if dataset is None:
            dataset = open_dataset(config.dataset, config.data, seed=DATA_SEED)
        share = 0.0
        for record in do(job, folder, dataset=dataset, cancelled=cancelled):
            if record["type"] == "student":
                students[job.place] = record
                yield record
            elif record["type"] == "progress":
                share = max(share, _TRAINING * record.get("fraction", 0.0))
                yield _progress((len(students) + share) / len(planned), f"{title}: {record['message']}")
            elif record["type"] == "notice":
                yield {**record, "message": f"{job.title}: {record['message']}"}
        if job.place not in students:
            stopped = True
            break
    said = f"{len(students)} of {len(planned)} students are kept" if stopped else f"{len(students)} students"
    yield _progress(len(students) / len(planned), f"Stopped: {said}" if stopped else said)
    summary = study_summary(list(students.values()), config)
    yield {"type": "result", **summary, **({"cancelled": True} if stopped else {})}


def study_summary(students: Sequence[Mapping[str, Any]], config: StudyConfig) -> Record:
    """What came out of a study.

    `teacher_accuracy` (None without a student), `planned` (how many students), `students` (their records, by budget
    and seed), `budgets` (one summary for each with a student, see `budget_summary`), `machine` (where the latencies
    were measured) and `seconds` of all students together.
    """
    ordered = sorted(students, key=lambda record: (record["budget_mb"], config.seeds.index(record["seed"])))
    return {
        "teacher_accuracy": ordered[0]["teacher_accuracy"] if ordered else None,
        "planned": config.students,
        "students": [
            {key: value for key, value in record.items() if key not in ("type", "time")} for record in ordered
        ],
        "budgets": budget_summaries(ordered),
        "machine": machine(LATENCY_THREADS),
        "seconds": sum(record["seconds"] for record in ordered),
    }


def _finished(note: Path, made_from: Mapping[str, Any]) -> Record:
    """The record of a student that is finished. Raises ModelError if it is one of other settings."""
    try:
        found = json.loads(note.read_text("utf-8"))
        before, student = dict(found["made_from"]), dict(found["student"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{note} cannot be read ({error}): delete it, and the student is made again") from error
    changed = [name for name in {**made_from, **before} if before.get(name) != made_from.get(name)]
    if changed:
        raise ModelError(
            f"{note.with_suffix('')} is a student of another {' and '.join(changed)}: "
            "choose another folder, or delete this one"
        )
    return student


def _progress(fraction: float, message: str) -> Record:
    return {"type": "progress", "fraction": fraction, "message": message}


def _place(record: Mapping[str, Any]) -> Place:
    return record["budget_mb"], record["seed"]
