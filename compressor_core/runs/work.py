"""The work of each kind of run: core loops, with the settings and the folder of the run they work for.

Heavy modules are imported by the kinds that need them.
"""

from __future__ import annotations

from typing import Any, TypeVar

from compressor_core.errors import RunError
from compressor_core.progress import relay
from compressor_core.records import Record, Work
from compressor_core.runs.context import RunContext
from compressor_core.runs.kinds import MODEL, STUDENTS

T = TypeVar("T")
Loop = Work[Any]

CHECKPOINT = "checkpoint.pt"
BUNDLE = "student"


def search(context: RunContext) -> Loop:
    """A search. It is over in seconds, so a resumed one starts again."""
    from compressor_core.search.genetic import search

    return _fresh(context, search(context.run.settings, cancelled=context.cancelled))


def tradeoff(context: RunContext) -> Loop:
    """Several objectives. As a search, a resumed one starts again."""
    from compressor_core.search.pareto import tradeoff

    summary = yield from _fresh(context, tradeoff(context.run.settings, cancelled=context.cancelled))
    # The records have the front; a summary is read every second.
    return summary.model_copy(update={"front": ()})


def sweep(context: RunContext) -> Loop:
    """Many searches; a resumed one makes only those that are not recorded yet."""
    from compressor_core.search.sweep import sweep

    return sweep(context.run.settings, cancelled=context.cancelled, done=context.run.records()[0])


def train_teacher(context: RunContext) -> Loop:
    """A teacher; it is saved in the run's folder `model`."""
    from compressor_core.distill.fine_tuning import train_teacher

    return train_teacher(
        context.run.settings, context.path(MODEL), checkpoint=context.path(CHECKPOINT), cancelled=context.cancelled
    )


def distill(context: RunContext) -> Loop:
    """A student; it is saved in the run's folder `model`.

    Settings that name a `search_run` and no `architecture` take the best of that search, its budget and its space.
    """
    from compressor_core.distill.distillation import distill

    settings = context.run.settings
    if settings.architecture is None:
        run, found = context.dependency(settings.search_run)
        if found.best is None:
            raise RunError(f"The search {run.id} found nothing within its budget: search with a larger one")
        settings = settings.replace(
            architecture=found.best.architecture,
            budget_mb=settings.budget_mb or run.settings.budget_mb,
            space=settings.space or run.settings.space.name,
        )
    return distill(settings, context.path(MODEL), checkpoint=context.path(CHECKPOINT), cancelled=context.cancelled)


def study(context: RunContext) -> Loop:
    """Students at several budgets and seeds; they lie in the run's folder `students`.

    A resumed one makes only those that are not recorded yet, and goes on with the one that was cut short.
    """
    from compressor_core.distill.study import study

    return study(context.run.settings, context.path(STUDENTS), context.cancelled, context.run.records()[0])


def compare(context: RunContext) -> Loop:
    """A comparison; the answers of the models go to the run's folder `predictions`."""
    from compressor_core.evaluate.comparison import compare
    from compressor_core.evaluate.predictions import FOLDER

    settings = context.run.settings
    context.require_made(settings.teacher, *settings.students)
    return compare(settings, context.path(FOLDER), cancelled=context.cancelled)


def reproduce(context: RunContext) -> Loop:
    """A published student, imported and measured."""
    from compressor_core.evaluate.reproduction import reproduce

    return reproduce(context.run.settings, context.path(MODEL), cancelled=context.cancelled)


def calibrate(context: RunContext) -> Loop:
    """This machine measured; a resumed one measures everything again."""
    from compressor_core.evaluate.calibration import calibrate

    return calibrate(context.run.settings, cancelled=context.cancelled)


def measure(context: RunContext) -> Loop:
    """Models measured; a resumed one measures everything again."""
    from compressor_core.evaluate.measurement import measure

    return measure(context.run.settings, cancelled=context.cancelled)


def probe(context: RunContext) -> Loop:
    """Models probed; a resumed one asks everything again."""
    from compressor_core.evaluate.probe import probe

    settings = context.run.settings
    context.require_made(*settings.models)
    return probe(settings, cancelled=context.cancelled)


def exam(context: RunContext) -> Loop:
    """An honest exam; a resumed one asks everything again."""
    from compressor_core.evaluate.exam import sit_exam

    settings = context.run.settings
    context.require_made(*settings.models)
    return sit_exam(settings, cancelled=context.cancelled)


def export(context: RunContext) -> Loop:
    """The bundle of a student; it lies in the run's folder, and an interrupted run may have written it already."""
    from compressor_core.export.exporting import export

    settings = context.run.settings
    context.require_made(settings.model)
    return export(settings.replace(overwrite=True), context.path(BUNDLE), cancelled=context.cancelled)


def _fresh(context: RunContext, work: Work[T]) -> Work[T]:
    """The records that are not there yet, of work that goes the same way each time."""
    recorded = {_place(record) for record in context.run.records()[0]}
    return relay(work, lambda record: record if _place(record) not in recorded else None)


def _place(record: Record) -> tuple[str, int | None]:
    """Identity of a record among those of a search."""
    return record.type, getattr(record, "generation", None)
