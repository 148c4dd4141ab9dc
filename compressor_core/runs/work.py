"""Work of each kind of run: core loops with the settings and the folder of the run.

Heavy modules are imported only by the kinds that need them.
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
    """Search for an architecture. It takes seconds, so a resumed one starts again."""
    from compressor_core.search.genetic import search

    return _fresh(context, search(context.run.settings, cancelled=context.cancelled))


def tradeoff(context: RunContext) -> Loop:
    """Search with several objectives. A resumed one starts again."""
    from compressor_core.search.pareto import tradeoff

    summary = yield from _fresh(context, tradeoff(context.run.settings, cancelled=context.cancelled))
    # The front is in the records; the summary is read every second and must stay small.
    return summary.model_copy(update={"front": ()})


def sweep(context: RunContext) -> Loop:
    """Run many searches; a resumed sweep makes only those not recorded yet."""
    from compressor_core.search.sweep import sweep

    return sweep(context.run.settings, cancelled=context.cancelled, done=context.run.records()[0])


def train_teacher(context: RunContext) -> Loop:
    """Train a teacher; it is saved in the run's folder `model`."""
    from compressor_core.distill.fine_tuning import train_teacher

    return train_teacher(
        context.run.settings, context.path(MODEL), checkpoint=context.path(CHECKPOINT), cancelled=context.cancelled
    )


def distill(context: RunContext) -> Loop:
    """Distill a student; it is saved in the run's folder `model`.

    Settings with a `search_run` but no `architecture` use the best of that search, its budget and its space.
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
    """Distill students at several budgets and seeds, into the run's folder `students`.

    A resumed study makes only those not recorded yet, and continues the interrupted one.
    """
    from compressor_core.distill.study import study

    return study(context.run.settings, context.path(STUDENTS), context.cancelled, context.run.records()[0])


def compare(context: RunContext) -> Loop:
    """Compare models; their answers are written to the run's folder `predictions`."""
    from compressor_core.evaluate.comparison import compare
    from compressor_core.evaluate.predictions import FOLDER

    settings = context.run.settings
    context.require_made(settings.teacher, *settings.students)
    return compare(settings, context.path(FOLDER), cancelled=context.cancelled)


def reproduce(context: RunContext) -> Loop:
    """Import and measure a published student."""
    from compressor_core.evaluate.reproduction import reproduce

    return reproduce(context.run.settings, context.path(MODEL), cancelled=context.cancelled)


def calibrate(context: RunContext) -> Loop:
    """Calibrate this machine; a resumed run measures everything again."""
    from compressor_core.evaluate.calibration import calibrate

    return calibrate(context.run.settings, cancelled=context.cancelled)


def measure(context: RunContext) -> Loop:
    """Measure models; a resumed run measures everything again."""
    from compressor_core.evaluate.measurement import measure

    return measure(context.run.settings, cancelled=context.cancelled)


def probe(context: RunContext) -> Loop:
    """Probe models; a resumed run starts again."""
    from compressor_core.evaluate.probe import probe

    settings = context.run.settings
    context.require_made(*settings.models)
    return probe(settings, cancelled=context.cancelled)


def exam(context: RunContext) -> Loop:
    """Let models sit the honest exam; a resumed run starts again."""
    from compressor_core.evaluate.exam import sit_exam

    settings = context.run.settings
    context.require_made(*settings.models)
    return sit_exam(settings, cancelled=context.cancelled)


def export(context: RunContext) -> Loop:
    """Export the bundle of a student into the run's folder, where an interrupted run may have written it already."""
    from compressor_core.export.exporting import export

    settings = context.run.settings
    context.require_made(settings.model)
    return export(settings.replace(overwrite=True), context.path(BUNDLE), cancelled=context.cancelled)


def _fresh(context: RunContext, work: Work[T]) -> Work[T]:
    """Records of deterministic work that the run does not have yet."""
    recorded = {_place(record) for record in context.run.records()[0]}
    return relay(work, lambda record: record if _place(record) not in recorded else None)


def _place(record: Record) -> tuple[str, int | None]:
    """Identity of a record among those of a search."""
    return record.type, getattr(record, "generation", None)
