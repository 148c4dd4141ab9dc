"""A study: students at several budgets, each distilled with several seeds, to see what accuracy a megabyte buys.

Its students do not depend on each other, see `study_jobs`. Here they are made one after the other; `cluster` makes
them side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from compressor_core.data.registry import open_dataset
from compressor_core.distill.study_jobs import DATA_SEED, LATENCY_THREADS, Job, Place, Record, do, jobs
from compressor_core.distill.study_settings import StudySettings
from compressor_core.distill.study_summary import budget_summaries
from compressor_core.errors import CompressorError, TrainingError
from compressor_core.machine import machine

_TRAINING: Final = 0.95
"""The share of a student's time that is training; the rest is for what is measured afterwards."""

Cancelled = Callable[[], bool]
Maker = Callable[[Sequence[Job], Path, Cancelled], Iterator[tuple[Job, Record]]]
"""How students are made in a folder: the records of `do`, each with its job, until all are made or it is cancelled.

A student that could not be made has a record of the type "failed", see `failed_record`, and the others go on.
"""


def one_after_another(planned: Sequence[Job], folder: Path, cancelled: Cancelled) -> Iterator[tuple[Job, Record]]:
    """The students in their order, in this process."""
    dataset = None
    for job in planned:
        if cancelled():
            return
        yield job, {"type": "progress", "message": "reading the dataset"}
        if dataset is None:
            dataset = open_dataset(job.distillation.dataset, job.distillation.data, seed=DATA_SEED)
        try:
            for record in do(job, folder, dataset=dataset, cancelled=cancelled):
                yield job, record
        except TrainingError as error:
            yield job, failed_record(job, error)


def study(
    config: StudySettings,
    folder: Path,
    cancelled: Cancelled = lambda: False,
    done: Iterable[Mapping[str, Any]] = (),
    make: Maker = one_after_another,
) -> Iterator[Record]:
    """The records of a whole study, its students in `folder`.

    - `progress`: `fraction` of the whole where it can be told, and `message`; `notice` as a distillation gives it.
    - `student` for each that is finished, see `do`; `failed` for each that cannot be made, see `failed_record`.
    - `result` at the end, see `study_summary`; with `"cancelled": True` if `cancelled()` said so.

    `done` are records of the same study, cut short before: their students are not made again. Those that are
    finished in `folder` are not trained again either; those that failed are tried again.

    Raises:
        TrainingError: not one student could be made.
        CompressorError: what is wrong with the settings, the teacher, the data or the folder.
    """
    yield {"type": "progress", "fraction": 0.0, "message": "Looking for the best architecture at each budget"}
    planned = jobs(config)
    places = {job.place for job in planned}
    students = {_place(record): dict(record) for record in done if record["type"] == "student"}
    students = {place: record for place, record in students.items() if place in places}
    failed: dict[Place, Record] = {}
    shares: dict[Place, float] = {}
    numbers: dict[Place, int] = {}
    waiting = [job for job in planned if job.place not in students]
    before = len(students)
    for job, record in make(waiting, folder, cancelled):
        place = job.place
        number = numbers.setdefault(place, before + len(numbers) + 1)
        if record["type"] == "student":
            shares.pop(place, None)
            students[place] = record
            yield record
        elif record["type"] == "failed":
            shares.pop(place, None)
            failed[place] = record
            yield record
        elif record["type"] == "progress":
            shares[place] = max(shares.get(place, 0.0), _TRAINING * record.get("fraction", 0.0))
            made = len(students) + len(failed) + sum(shares.values())
            title = f"{job.title} ({number} of {len(planned)})"
            yield _progress(made / len(planned), f"{title}: {record['message']}")
        elif record["type"] == "notice":
            yield {**record, "message": f"{job.title}: {record['message']}"}
    over = len(students) + len(failed)
    stopped = over < len(planned)
    if failed and not students and not stopped:
        raise TrainingError(
            f"not one of {_count(len(planned))} could be made: {next(iter(failed.values()))['message']}"
        )
    said = f"{len(students)} of {len(planned)} students are kept" if stopped else _count(len(students))
    said += f", {len(failed)} failed" if failed else ""
    yield _progress(over / len(planned), f"Stopped: {said}" if stopped else said)
    summary = study_summary(list(students.values()), config, list(failed.values()))
    yield {"type": "result", **summary, **({"cancelled": True} if stopped else {})}


def failed_record(job: Job, error: CompressorError | str) -> Record:
    """That a student could not be made: its budget_mb, its seed, and why (`message`)."""
    return {"type": "failed", "budget_mb": job.budget_mb, "seed": job.seed, "message": str(error)}


def study_summary(
    students: Sequence[Mapping[str, Any]], config: StudySettings, failed: Sequence[Mapping[str, Any]] = ()
) -> Record:
    """What came out of a study.

    `teacher_accuracy` (None without a student), `planned` (how many students), `students` (their records, by budget
    and seed), `failed` (likewise), `budgets` (one summary for each with a student, see `budget_summary`), `machine`
    (where the latencies were measured; on a cluster, where the summary is made) and `seconds` of all students together.
    """

    def ordered(records: Sequence[Mapping[str, Any]]) -> list[Record]:
        by_place = sorted(records, key=lambda record: (record["budget_mb"], config.seeds.index(record["seed"])))
        return [{key: value for key, value in record.items() if key not in ("type", "time")} for record in by_place]

    made = ordered(students)
    return {
        "teacher_accuracy": made[0]["teacher_accuracy"] if made else None,
        "planned": config.students,
        "students": made,
        "failed": ordered(failed),
        "budgets": budget_summaries(made),
        "machine": machine(LATENCY_THREADS).plain(),
        "seconds": sum(record["seconds"] for record in made),
    }


def _count(students: int) -> str:
    return f"{students} student{'' if students == 1 else 's'}"


def _progress(fraction: float, message: str) -> Record:
    return {"type": "progress", "fraction": fraction, "message": message}


def _place(record: Mapping[str, Any]) -> Place:
    return record["budget_mb"], record["seed"]
