"""What each kind of run does: generators of records, see `compressor_core.runs.worker.run_worker`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from compressor_core.errors import RunError
from compressor_core.plain import from_plain
from compressor_core.runs.context import RunContext
from compressor_core.runs.kinds import MODEL, STUDENTS

Records = Iterator[dict[str, Any]]


def search(context: RunContext) -> Records:
    """A search as configured: the records of `search_records`, then the result of `search_summary`.

    A search is determined by its configuration and over in seconds, so a resumed one starts again and leaves
    out what is recorded already.
    """
    from compressor_core.search.genetic import SearchSettings, search_records, search_summary

    config = SearchSettings.from_dict(context.config)
    yield from _bred(context, search_records(config), config.generations, search_summary)


def _bred(
    context: RunContext, records: Records, generations: int, summarise: Callable[[Records], dict[str, Any]]
) -> Records:
    """The records that are not there yet, with progress, until the last generation or a cancel; then the result."""
    recorded = {_place(record) for record in context.run.events()[0]}
    kept = []
    stopped = False
    start = time.perf_counter()
    for record in records:
        kept.append(record)
        if _place(record) not in recorded:
            yield record
        if record["type"] == "generation":
            number = record["generation"]
            yield {
                "type": "progress",
                "fraction": number / generations,
                "message": f"Generation {number} of {generations}",
            }
            # Not before there is a generation: a result needs one.
            if number < generations and context.cancelled():
                stopped = True
                break
    summary = {**summarise(iter(kept)), "seconds": time.perf_counter() - start}
    yield {"type": "result", **summary, **({"cancelled": True} if stopped else {})}


def _place(record: dict[str, Any]) -> tuple[str, int | None]:
    """What tells a record of a search from the others of its run."""
    return record["type"], record.get("generation")


def train_teacher(context: RunContext) -> Records:
    """A teacher as configured, see `TeacherSettings`; it is saved in the run's folder `model`."""
    from compressor_core.distill.fine_tuning import TeacherSettings, train_teacher

    return train_teacher(
        from_plain(TeacherSettings, context.config),
        context.path(MODEL),
        checkpoint=context.path(CHECKPOINT),
        cancelled=context.cancelled,
    )


def distill(context: RunContext) -> Records:
    """A student as configured, see `DistillSettings`; it is saved in the run's folder `model`.

    The config may name a `search_run` in the place of an `architecture`: its best is taken.
    """
    from compressor_core.architecture import Architecture
    from compressor_core.distill.distillation import distill
    from compressor_core.distill.distillation_settings import DistillSettings

    config = dict(context.config)
    if (search_run := config.pop("search_run", None)) is not None:
        _, found = context.dependency(search_run)
        if found.best is None:
            raise RunError(f"The search {search_run} found nothing within its budget: search with a larger one.")
        config["architecture"] = str(Architecture.from_dict(dict(found.best)))
    yield from distill(
        from_plain(DistillSettings, config),
        context.path(MODEL),
        checkpoint=context.path(CHECKPOINT),
        cancelled=context.cancelled,
    )


def compare(context: RunContext) -> Records:
    """A comparison as configured, see `CompareSettings`; the answers of the models go to the folder `predictions`."""
    from compressor_core.evaluate.comparison import compare
    from compressor_core.evaluate.predictions import FOLDER

    settings = context.run.settings
    context.require_made(settings.teacher, *settings.students)
    return compare(settings, context.path(FOLDER), cancelled=context.cancelled)


def reproduce(context: RunContext) -> Records:
    """A published student imported and measured as configured, see `ReproduceSettings`."""
    from compressor_core.evaluate.reproduction import ReproduceSettings, reproduce

    config = from_plain(ReproduceSettings, context.config)
    return reproduce(config, context.path(MODEL), cancelled=context.cancelled)


def calibrate(context: RunContext) -> Records:
    """This machine measured as configured, see `CalibrationSettings`; a resumed one measures everything again."""
    from compressor_core.evaluate.calibration import calibrate
    from compressor_core.evaluate.design import CalibrationSettings

    return calibrate(from_plain(CalibrationSettings, context.config), cancelled=context.cancelled)


def measure(context: RunContext) -> Records:
    """Models measured as configured, see `MeasureSettings`; a resumed one measures everything again."""
    from compressor_core.evaluate.measurement import measure
    from compressor_core.evaluate.measurement_settings import MeasureSettings

    return measure(MeasureSettings.from_dict(context.config), cancelled=context.cancelled)


def sweep(context: RunContext) -> Records:
    """Many searches as configured, see `SweepSettings`; a resumed one makes only those that are not recorded yet."""
    from compressor_core.search.sweep import SweepSettings, sweep_records

    return sweep_records(SweepSettings.from_dict(context.config), context.cancelled, context.run.events()[0])


def tradeoff(context: RunContext) -> Records:
    """Several objectives as configured: the records of `tradeoff_records`, then a result without the front itself.

    As a search, a resumed one starts again and leaves out what is recorded already.
    """
    from compressor_core.search.pareto import tradeoff_records, tradeoff_summary
    from compressor_core.search.tradeoff import TradeoffSettings

    config = TradeoffSettings.from_dict(context.config)
    yield {"type": "progress", "fraction": 0.0, "message": "Looking through the whole space"}

    def summary(records: Records) -> dict[str, Any]:
        found = tradeoff_summary(records)
        # The records have the front; a result is read every second.
        return {**found, "front": len(found["front"])}

    yield from _bred(context, tradeoff_records(config), config.generations, summary)


def study(context: RunContext) -> Records:
    """Students at several budgets and seeds, see `StudySettings`; they lie in the run's folder `students`.

    A resumed one makes only those that are not recorded yet, and goes on with the one that was cut short.
    """
    from compressor_core.distill.study import study
    from compressor_core.distill.study_settings import StudySettings

    config = StudySettings.from_dict(context.config)
    return study(config, context.path(STUDENTS), context.cancelled, context.run.events()[0])


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
