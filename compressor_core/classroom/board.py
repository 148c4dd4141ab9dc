"""Results of a class for its board: every search and every student, ranked by the challenge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from compressor_core.architecture import SPACES
from compressor_core.bundled import bundled_teacher
from compressor_core.classroom.record import LOST, MOST_MB, Challenge, ClassRecord
from compressor_core.errors import DAMAGED, CompressorError
from compressor_core.figures.classroom.board import BoardInfo, Foretold, Made
from compressor_core.models.card import read_card
from compressor_core.runs import Run, RunStore
from compressor_core.runs.jobs import cancel
from compressor_core.search.known import known_front
from compressor_core.task import Task

_KINDS = ("search", "distill", "study", "compare")


def runs_of(store: RunStore, record: ClassRecord, id: str | None = None) -> list[Run]:
    """Runs of a class, or of one of its participants, newest first. Raises StorageError."""
    known = {one.id for one in record.participants} if id is None else {id}
    return [
        run for run in store.list() if run.maker and run.maker.participant in known and run.created >= record.opened
    ]


def cancel_all(store: RunStore, record: ClassRecord, id: str) -> int:
    """Cancel all queued or running runs of a participant and return their number. Raises StorageError."""
    count = 0
    for run in runs_of(store, record, id):
        with suppress(CompressorError):  # deleted since the listing
            if run.status().live:
                cancel(run)
                count += 1
    return count


def board(store: RunStore, record: ClassRecord) -> BoardInfo:
    """Current board of a class; damaged and deleted runs are ignored. Raises StorageError."""
    names = {one.id: one.name for one in record.participants}
    runs = [run for run in runs_of(store, record) if run.kind in _KINDS]
    faster: dict[str, float] = {}
    made: list[Made] = []
    for run in runs:  # newest first, so the newest comparison of a student counts
        with suppress(CompressorError, *DAMAGED):
            if run.kind == "compare" and (summary := run.status().summary) is not None:
                for side in summary.students:
                    if side.speedup is not None:
                        faster.setdefault(side.model, side.speedup)
    for run in runs:
        with suppress(CompressorError, *DAMAGED):
            if run.maker and run.maker.participant:
                made += _made(run, names[run.maker.participant], record, faster)
    challenge = record.settings.challenge
    placed = _placed(made, challenge)
    students = sorted((one for one in placed if one.accuracy is not None), key=lambda one: -(one.accuracy or 0.0))
    outcomes = {one.who: one for one in [*reversed(students), *(one for one in students if one.place)]}
    teachers = [one.teacher_accuracy for one in students if one.teacher_accuracy is not None]
    accurate = challenge is Challenge.ACCURATE
    return BoardInfo(
        made=tuple(placed),
        foretold=tuple(
            Foretold(one.name, one.forecast.accuracy, one.forecast.size_mb, outcomes[one.name])
            for one in record.participants
            if one.forecast and one.name in outcomes
        ),
        optima={
            name: tuple((one.size_mb, one.paper_gflops) for one in known_front(name, record.settings.task))
            for name in _spaces(runs)
        },
        teacher=max(teachers, default=_bundled_accuracy(record.dataset)),
        most_mb=MOST_MB if accurate else None,
        lost=None if accurate else LOST,
    )


def _bundled_accuracy(dataset: str) -> float | None:
    """Accuracy of the bundled teacher on its test split."""
    with suppress(CompressorError):
        card = read_card(bundled_teacher(dataset))
        return card.metrics.get("accuracy") if card else None
    return None


def _spaces(runs: Sequence[Run]) -> list[str]:
    """Named spaces of the searches among the runs; the classroom space if there are none."""
    asked = [run.config.get("space") for run in runs if run.kind == "search"]
    return [name for name, make in SPACES.items() if make().to_dict() in asked] or ["classroom"]


def _made(run: Run, who: str, record: ClassRecord, faster: Mapping[str, float]) -> Iterator[Made]:
    """Searches and students that a run has made for the task and dataset of the class."""
    summary = run.status().summary
    common: dict[str, Any] = {"who": who, "run": run.id, "created": run.created}
    if summary is None:
        return
    if run.kind == "search":
        best = summary.best
        if best is not None and run.config.get("task", Task.VULNERABILITY) == record.settings.task:
            yield Made(
                kind="search",
                size_mb=best.size_mb,
                gflops=best.paper_gflops,
                architecture=best.short_form,
                gap=summary.gap,
                **common,
            )
    elif run.config.get("dataset", "classroom-vulnerability") == record.dataset:
        for one in summary.students if run.kind == "study" else [summary] if run.kind == "distill" else []:
            genes = one if run.kind == "study" else one.architecture
            measured = one.teacher_latency_ms / one.latency_ms if run.kind == "study" else None
            yield Made(
                kind="student",
                size_mb=one.size_mb,
                gflops=one.paper_gflops,
                architecture=genes.short_form,
                accuracy=one.accuracy,
                teacher_accuracy=one.teacher_accuracy,
                flips=getattr(one, "flips", None),
                speedup=faster.get(one.model, measured),
                **common,
            )


def _placed(made: Sequence[Made], challenge: Challenge) -> list[Made]:
    """All points, ranked ones first: the best student of each participant that meets the challenge has a place."""
    places: dict[str, Made] = {}
    for one in sorted((one for one in made if _meets(one, challenge)), key=lambda one: _order(one, challenge)):
        places.setdefault(one.who, one)
    first = list(places.values())
    rest = sorted((one for one in made if one not in first), key=lambda one: -one.created)
    return [*(replace(one, place=at) for at, one in enumerate(first, start=1)), *rest]


def _meets(one: Made, challenge: Challenge) -> bool:
    if one.accuracy is None:
        return False
    if challenge is Challenge.ACCURATE:
        return one.size_mb <= MOST_MB
    near = one.teacher_accuracy is not None and one.accuracy >= one.teacher_accuracy - LOST - 1e-9
    return near and (challenge is Challenge.SMALL or one.speedup is not None)


def _order(one: Made, challenge: Challenge) -> tuple[float, float, float]:
    """Sort key, best first; ties go to the earlier point."""
    accuracy, speed = one.accuracy or 0.0, one.speedup or 0.0
    if challenge is Challenge.ACCURATE:
        return -accuracy, one.size_mb, one.created
    return (one.size_mb, -accuracy, one.created) if challenge is Challenge.SMALL else (-speed, one.size_mb, one.created)
