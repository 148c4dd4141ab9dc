"""What each kind of run does: generators of records, see `compressor_core.runs.worker.run_worker`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from compressor_core.architecture import GENES
from compressor_core.errors import RunError
from compressor_core.progress import only
from compressor_core.records import Record, Work
from compressor_core.runs.context import RunContext
from compressor_core.runs.kinds import MODEL, STUDENTS

Records = Iterator[Any]
T = TypeVar("T")


def search(context: RunContext) -> Iterator[Record]:
    """A search as configured. It is over in seconds, so a resumed one starts again."""
    from compressor_core.search.genetic import search

    return _fresh(context, search(context.run.settings, cancelled=context.cancelled))


def _fresh(context: RunContext, work: Work[T]) -> Work[T]:
    """The records that are not there yet, of work that goes the same way each time."""
    recorded = {_place(record) for record in context.run.records()[0]}
    return only(work, lambda record: _place(record) not in recorded)


def _place(record: Record) -> tuple[str, int | None]:
    """What tells a record of a search from the others of its run."""
    return record.type, getattr(record, "generation", None)


def train_teacher(context: RunContext) -> Iterator[Record]:
    """A teacher as configured, see `TeacherSettings`; it is saved in the run's folder `model`."""
    from compressor_core.distill.fine_tuning import train_teacher

    return train_teacher(
        context.run.settings, context.path(MODEL), checkpoint=context.path(CHECKPOINT), cancelled=context.cancelled
    )


def distill(context: RunContext) -> Iterator[Record]:
    """A student as configured, see `DistillSettings`; it is saved in the run's folder `model`.

    Settings that name a `search_run` and no `architecture` take the best of that search, its budget and its space.
    """
    from compressor_core.distill.distillation import distill

    settings = context.run.settings
    if settings.architecture is None:
        run, found = context.dependency(settings.search_run)
        if found.best is None:
            raise RunError(f"The search {run.id} found nothing within its budget: search with a larger one.")
        settings = settings.replace(
            architecture={gene: getattr(found.best, gene) for gene in GENES},
            budget_mb=settings.budget_mb or run.settings.budget_mb,
            space=settings.space or run.settings.space.name,
        )
    return distill(settings, context.path(MODEL), checkpoint=context.path(CHECKPOINT), cancelled=context.cancelled)


def compare(context: RunContext) -> Records:
    """A comparison as configured, see `CompareSettings`; the answers of the models go to the folder `predictions`."""
    from compressor_core.evaluate.comparison import compare
    from compressor_core.evaluate.predictions import FOLDER

    settings = context.run.settings
    context.require_made(settings.teacher, *settings.students)
    return compare(settings, context.path(FOLDER), cancelled=context.cancelled)


def reproduce(context: RunContext) -> Records:
    """A published student imported and measured as configured, see `ReproduceSettings`."""
    from compressor_core.evaluate.reproduction import reproduce

    return reproduce(context.run.settings, context.path(MODEL), cancelled=context.cancelled)


def calibrate(context: RunContext) -> Records:
    """This machine measured as configured, see `CalibrationSettings`; a resumed one measures everything again."""
    from compressor_core.evaluate.calibration import calibrate

    return calibrate(context.run.settings, cancelled=context.cancelled)


def measure(context: RunContext) -> Records:
    """Models measured as configured, see `MeasureSettings`; a resumed one measures everything again."""
    from compressor_core.evaluate.measurement import measure

    return measure(context.run.settings, cancelled=context.cancelled)


def sweep(context: RunContext) -> Iterator[Record]:
    """Many searches as configured; a resumed one makes only those that are not recorded yet."""
    from compressor_core.search.sweep import sweep

    return sweep(context.run.settings, cancelled=context.cancelled, done=context.run.records()[0])


def tradeoff(context: RunContext) -> Work[Record]:
    """Several objectives as configured. As a search, a resumed one starts again."""
    from compressor_core.search.pareto import tradeoff

    summary = yield from _fresh(context, tradeoff(context.run.settings, cancelled=context.cancelled))
    # The records have the front; a summary is read every second.
    return summary.model_copy(update={"front": ()})


def study(context: RunContext) -> Iterator[Record]:
    """Students at several budgets and seeds, see `StudySettings`; they lie in the run's folder `students`.

    A resumed one makes only those that are not recorded yet, and goes on with the one that was cut short.
    """
    from compressor_core.distill.study import study

    return study(context.run.settings, context.path(STUDENTS), context.cancelled, context.run.records()[0])


def export(context: RunContext) -> Records:
    """The bundle of a student as configured, see `ExportSettings`; it lies in the run's folder.

    An interrupted run may have written it already, so settings that replace nothing are overruled.
    """
    from compressor_core.export.exporting import export

    settings = context.run.settings
    context.require_made(settings.model)
    return export(settings, context.path(BUNDLE), cancelled=context.cancelled)


CHECKPOINT = "checkpoint.pt"
BUNDLE = "student"
