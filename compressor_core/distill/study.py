"""A study: students at several budgets, each distilled with several seeds, to measure accuracy per megabyte.

The students do not depend on each other. This module makes them one after the other; `cluster` makes them in parallel.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from compressor_core.architecture import Architecture, read_space
from compressor_core.bundled import is_recorded
from compressor_core.data.answers import task_of_answers
from compressor_core.data.dataset import Dataset, Split
from compressor_core.data.registry import open_dataset
from compressor_core.distill.distillation import distill
from compressor_core.distill.settings import DistillSettings, Space, StudySettings
from compressor_core.distill.soft_labels import model_fingerprint
from compressor_core.errors import CompressorError, ModelError, TrainingError
from compressor_core.evaluate.rounds import time_models
from compressor_core.files import storage_error, write_json
from compressor_core.machine import machine
from compressor_core.models.card import read_card
from compressor_core.models.classifier import load
from compressor_core.progress import relay
from compressor_core.records import (
    BudgetSummary,
    Failed,
    LostStudent,
    Notice,
    Progress,
    Record,
    Student,
    StudyStudent,
    StudySummary,
    Work,
)
from compressor_core.search.exact import optimum
from compressor_core.search.fitness import Objective
from compressor_core.task import Task

LATENCY_EXAMPLES: Final = 20
LATENCY_THREADS: Final = 1
DATA_SEED: Final = 0
"""Seed of the dataset, the same for all students, so that the teacher has one accuracy."""
_TRAINING: Final = 0.95
"""Share of a student's time spent on training; the rest is measurement."""

Cancelled = Callable[[], bool]


@dataclass(frozen=True)
class Job:
    """One student of a study, independent of the others."""

    budget_mb: float
    seed: int
    settings: DistillSettings

    @property
    def key(self) -> tuple[float, int]:
        """Identity: budget and seed."""
        return self.budget_mb, self.seed

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"{self.budget_mb:.12g}-{self.seed}"

    @property
    def title(self) -> str:
        return f"{self.budget_mb:g} MB, seed {self.seed}"

    def failed(self, error: CompressorError | str) -> Failed:
        """Record of the failure to make this student."""
        return Failed(budget_mb=self.budget_mb, seed=self.seed, message=str(error))


Maker = Callable[[Sequence[Job], Path, Cancelled], Iterator[tuple[Job, Record]]]
"""Makes students in a folder; yields the records of `make_student`, each with its job, until all are made or it is
cancelled. A student that cannot be made yields `Failed`, and the others continue."""


def study(
    settings: StudySettings,
    folder: str | Path,
    cancelled: Cancelled = lambda: False,
    done: Iterable[Record] = (),
    make: Maker | None = None,
) -> Work[StudySummary]:
    """Make all students of a study in `folder`; yields `Student` for each finished one and `Failed` for each that
    cannot be made.

    `done` are records of an interrupted run of the same study, whose students are not made again. Students already
    finished in `folder` are not trained again; failed ones are retried. `make` makes the students, by default
    `one_after_another`.

    Raises:
        TrainingError: no student could be made.
        CompressorError: the settings, the teacher, the data or the folder are invalid.
    """
    yield Progress(fraction=0.0, message="Looking for the best architecture at each budget")
    planned = jobs(settings)
    keys = {job.key for job in planned}
    students: dict[tuple[float, int], Student] = {}
    for one in done:
        if isinstance(one, Student) and (one.budget_mb, one.seed) in keys:
            students[one.budget_mb, one.seed] = one
    failed: dict[tuple[float, int], Failed] = {}
    shares: dict[tuple[float, int], float] = {}
    numbers: dict[tuple[float, int], int] = {}
    waiting = [job for job in planned if job.key not in students]
    before = len(students)
    for job, record in (make or one_after_another)(waiting, Path(folder), cancelled):
        number = numbers.setdefault(job.key, before + len(numbers) + 1)
        if isinstance(record, Student | Failed):
            shares.pop(job.key, None)
            if isinstance(record, Student):
                students[job.key] = record
            else:
                failed[job.key] = record
            yield record
        elif isinstance(record, Progress):
            shares[job.key] = max(shares.get(job.key, 0.0), _TRAINING * (record.fraction or 0.0))
            made = len(students) + len(failed) + sum(shares.values())
            title = f"{job.title} ({number} of {len(planned)})"
            yield Progress(fraction=made / len(planned), message=f"{title}: {record.message}")
        elif isinstance(record, Notice):
            yield Notice(message=f"{job.title}: {record.message}")
    over = len(students) + len(failed)
    stopped = over < len(planned)
    if failed and not students and not stopped:
        raise TrainingError(f"not one of {_count(len(planned))} could be made: {next(iter(failed.values())).message}")
    said = f"{len(students)} of {len(planned)} students are kept" if stopped else _count(len(students))
    said += f", {len(failed)} failed" if failed else ""
    yield Progress(fraction=over / len(planned), message=f"Stopped: {said}" if stopped else said)
    return study_summary(list(students.values()), settings, list(failed.values()), cancelled=stopped)


def one_after_another(planned: Sequence[Job], folder: Path, cancelled: Cancelled) -> Iterator[tuple[Job, Record]]:
    """Make the students in order, in this process."""
    dataset = None
    for job in planned:
        if cancelled():
            return
        yield job, Progress(message="reading the dataset")
        if dataset is None:
            dataset = open_dataset(job.settings.dataset, job.settings.data, seed=DATA_SEED)
        try:
            for record in make_student(job, folder, dataset=dataset, cancelled=cancelled):
                yield job, record
        except TrainingError as error:
            yield job, job.failed(error)


def study_summary(
    students: Sequence[StudyStudent],
    settings: StudySettings,
    failed: Sequence[LostStudent] = (),
    *,
    cancelled: bool = False,
) -> StudySummary:
    """Summary of a study."""

    def order(one: StudyStudent | LostStudent) -> tuple[float, int]:
        return one.budget_mb, settings.seeds.index(one.seed)

    made = sorted(students, key=order)
    return StudySummary(
        teacher_accuracy=made[0].teacher_accuracy if made else None,
        planned=settings.students,
        students=tuple(made),
        failed=tuple(sorted(failed, key=order)),
        budgets=BudgetSummary.each(made),
        machine=machine(LATENCY_THREADS),
        seconds=sum(student.seconds for student in made),
        cancelled=cancelled,
    )


def best_within(budget_mb: float, teacher: str | Path, space: str = Space.CLASSROOM, **objective: Any) -> Architecture:
    """True optimum of a named space within a budget, for the task of a teacher.

    `objective` are further fields of `Objective`. Raises BudgetError if nothing fits, ModelError for a damaged teacher,
    DataError for a damaged file of recorded answers.
    """
    card = None if is_recorded(teacher) else read_card(teacher)
    usual = task_of_answers(teacher) if is_recorded(teacher) else Task.VULNERABILITY
    task = usual if card is None else card.task
    return optimum(read_space(space), Objective(budget_mb=budget_mb, task=task, **objective)).architecture


def jobs(settings: StudySettings) -> list[Job]:
    """Jobs of a study: for each budget the true optimum of the space, with every seed.

    The outer loop is over seeds, so that an interrupted study first has students at every budget.

    Raises BudgetError if nothing in the space fits a budget, ModelError for a damaged teacher.
    """
    own = {name: getattr(settings, name) for name in ("pair_features", "goal", "min_gflops", "latency")}
    best = {budget: best_within(budget, settings.teacher, settings.space, **own) for budget in settings.budgets}
    return [
        Job(budget, seed, settings.student(best[budget], budget, seed))
        for seed in settings.seeds
        for budget in settings.budgets
    ]


def make_student(
    job: Job, folder: Path, *, dataset: Dataset | None = None, cancelled: Cancelled = lambda: False
) -> Iterator[Record]:
    """Make one student in `folder`/NAME and measure it; the last record is its `Student`, unless cancelled.

    The checkpoint lies beside that folder during training, and the record once the student is finished. For a finished
    student only the record is yielded; an interrupted one resumes. `dataset` is the dataset of the settings, if
    already open.

    Raises:
        ModelError: the folder holds a student with other settings.
        CompressorError: as `distill`.
    """
    settings = job.settings
    if dataset is None:
        dataset = open_dataset(settings.dataset, settings.data, seed=DATA_SEED)
    out, note = folder / job.name, folder / f"{job.name}.json"
    checkpoint = folder / f"{job.name}.checkpoint.pt"
    origin = made_from(job, dataset)
    if note.exists():
        yield _finished(note, origin)
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    made = yield from distill(settings, out, dataset=dataset, checkpoint=checkpoint, cancelled=cancelled)
    if made is None or made.cancelled:
        return
    models = {"teacher": load(settings.teacher), "student": load(out)}
    codes = [example.codes for example in dataset.examples(Split.TEST)]
    sample = random.Random(DATA_SEED).sample(codes, min(LATENCY_EXAMPLES, len(codes)))
    times = yield from relay(time_models(models, sample, threads=LATENCY_THREADS), cancelled=cancelled)
    if times is None:
        return
    student = Student(
        **dict(made.architecture),
        **{name: value for name, value in made if name in StudyStudent.model_fields},
        budget_mb=job.budget_mb,
        seed=job.seed,
        latency_ms=times["student"].median,
        teacher_latency_ms=times["teacher"].median,
    )
    write_json(note, {"made_from": origin, "student": student.model_dump(mode="json", exclude_none=True)})
    checkpoint.unlink(missing_ok=True)
    yield student


def made_from(job: Job, dataset: Dataset) -> dict[str, Any]:
    """What a student depends on, regardless of the paths of the teacher and the data."""
    return {
        **job.settings.resolved(dataset).model_dump(mode="json", exclude={"data", "threads"}),
        "teacher": model_fingerprint(job.settings.teacher),
        "dataset": dataset.fingerprint,
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Names of the entries in which two results of `made_from` differ."""
    return [name for name in {**now, **before} if before.get(name) != now.get(name)]


def _finished(note: Path, origin: Mapping[str, Any]) -> Student:
    """Record of a finished student. Raises ModelError if it has other settings."""
    try:
        found = json.loads(note.read_text("utf-8"))
        before, student = dict(found["made_from"]), Student.model_validate(found["student"])
    except (OSError, KeyError, TypeError, ValueError, RecursionError, ValidationError) as error:
        why = "it holds no student" if isinstance(error, ValidationError) else error
        raise ModelError(f"{note} cannot be read ({why}): delete it to make the student again") from error
    if changed := differences(before, origin):
        raise ModelError(
            f"{note.with_suffix('')} is a student of another {' and '.join(changed)}: "
            "choose another folder, or delete this one"
        )
    return student


def _count(students: int) -> str:
    return f"{students} student{'' if students == 1 else 's'}"
