"""Material of a report: the runs of a story, as far as they are available."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from compressor_core.errors import CompressorError, RunError
from compressor_core.models.card import CARD, ModelCard, read_card
from compressor_core.records import Record
from compressor_core.runs import Run, RunStore, State, Status
from compressor_core.runs.kinds import MODEL, STUDENTS, kind_of
from compressor_core.runs.library import run_of
from compressor_core.runs.portable import RUN_ID

_STANDS: Final[Mapping[State, str]] = {
    State.QUEUED: "has not begun",
    State.RUNNING: "is not finished",
    State.CANCELLED: "was cancelled",
    State.FAILED: "failed",
    State.INTERRUPTED: "was interrupted",
}


@dataclass(frozen=True)
class Chapter:
    """One run of a story, with its records; its summary may be missing."""

    run: Run
    status: Status
    records: Sequence[Record]

    @property
    def name(self) -> str:
        return kind_of(self.run.kind).noun

    @property
    def settings(self) -> Any:
        """Settings of the run. Raises CompressorError if they are damaged."""
        return self.run.settings

    @property
    def summary(self) -> Any:
        return self.status.summary


@dataclass(frozen=True)
class Student:
    """One student of a story: the run that made it and the search before that, as far as available."""

    making: Chapter | None
    """Distillation, study of budgets, or import of a published student."""
    search: Chapter | None
    card: ModelCard | None
    folder: str | None
    """Folder as named in the settings of the comparison, if there is one."""

    @property
    def distilled(self) -> bool:
        return self.making is not None and self.making.run.kind == "distill"

    @property
    def of_study(self) -> bool:
        return self.making is not None and kind_of(self.making.run.kind).makes == "students"


@dataclass(frozen=True)
class Material:
    """A story as stored on disk; None for parts that it does not have or that were deleted."""

    run: Run
    """Run that the report was requested for."""
    searches: tuple[Chapter, ...]
    training: Chapter | None
    """Training of the teacher, if it was trained here."""
    students: tuple[Student, ...]
    """Students in the order of the comparison."""
    comparison: Chapter | None
    teacher: ModelCard | None
    teacher_folder: str | None
    missing: tuple[str, ...]
    """Sentences on what the report lacks and why."""

    @property
    def chapters(self) -> tuple[Chapter, ...]:
        """Chapters in the order of the story, each once."""
        makings = (student.making for student in self.students)
        found = (*self.searches, self.training, *makings, self.comparison)
        return tuple({chapter.run.id: chapter for chapter in found if chapter is not None}.values())


def material(store: RunStore, run_id: str) -> Material:
    """Story that ends with a run.

    Raises RunError if the run does not exist or its kind ends no story, StorageError if it cannot be read.
    """
    run = store.get(run_id)
    if not kind_of(run.kind).told:
        raise RunError(
            f"Run {run.id} is of the kind {run.kind}, for which there is no report: choose a comparison, a "
            "distillation, a search or the training of a teacher."
        )
    missing: list[str] = []
    last = {run.kind: _read(run)}
    comparison, distillation = last.get("compare"), last.get("distill")
    students: tuple[Student, ...] = ()
    if comparison is not None:
        folders = [comparison.run.config.get("student"), *(comparison.run.config.get("others") or ())]
        students = tuple(_student(store, comparison, str(folder), missing) for folder in folders)
    elif distillation is not None:
        students = (_of(store, distillation, None, missing),)
    found = [last.get("search"), *(student.search for student in students)]
    searches = tuple({one.run.id: one for one in found if one is not None}.values())
    first = comparison or distillation
    folder = None if first is None or first.run.config.get("teacher") is None else str(first.run.config["teacher"])
    training = last.get("train-teacher") or _trained_here(store, folder)
    teacher = _card(training.run.folder / MODEL if training else folder, "teacher", missing)
    story = Material(run, searches, training, students, comparison, teacher, folder, ())
    said = [_state(chapter) for chapter in story.chapters]
    return replace(story, missing=tuple(dict.fromkeys([*filter(None, said), *missing])))


def _student(store: RunStore, comparison: Chapter, folder: str, missing: list[str]) -> Student:
    found = RUN_ID.search(folder)
    making = _linked(store, comparison, found[0] if found else None, missing)
    if making is None:
        return Student(None, None, None if found else _card(folder, "student", missing), folder)
    return _of(store, making, folder, missing)


def _of(store: RunStore, making: Chapter, folder: str | None, missing: list[str]) -> Student:
    """Student that a run made; for a study, the one in `folder`."""
    search = _linked(store, making, making.run.config.get("search_run"), missing)
    student = Student(making, search, None, folder)
    place = making.run.folder / MODEL if making.summary is not None else None
    if student.of_study:
        place = None if folder is None else making.run.folder / STUDENTS / Path(folder).name
    return replace(student, card=_card(place, "student", missing))


def _read(run: Run) -> Chapter:
    return Chapter(run, run.status(), run.records()[0])


def _linked(store: RunStore, chapter: Chapter, run_id: Any, missing: list[str]) -> Chapter | None:
    """Run that a chapter builds on; None, with a sentence in `missing`, if it cannot be read."""
    if run_id is None:
        return None
    try:
        return _read(store.get(str(run_id)))
    except CompressorError as error:
        missing.append(f"The {chapter.name} builds on run {str(run_id)[:80]}, which cannot be shown: {error}")
        return None


def _trained_here(store: RunStore, folder: str | None) -> Chapter | None:
    """Run that trained the teacher; None if the teacher is bundled or from elsewhere."""
    run = run_of(store, folder)
    return _read(run) if run is not None and kind_of(run.kind).makes == "teacher" else None


def _card(folder: Path | str | None, side: str, missing: list[str]) -> ModelCard | None:
    if folder is None:
        return None
    try:
        card = read_card(Path(folder))
    except CompressorError as error:
        missing.append(f"What the {side} says of itself is not here: {error}")
        return None
    if card is None:
        missing.append(f"What the {side} says of itself is not here: there is no {CARD} in {folder}.")
    return card


def _state(chapter: Chapter) -> str | None:
    """Sentence on a run that is unfinished or whose result is damaged, or None."""
    stands = _STANDS.get(chapter.status.state)
    if stands is None:
        return None if chapter.summary else f"The result of the {chapter.name} is damaged: launch it again."
    kept = "what it has recorded is shown" if chapter.records else "it has recorded nothing"
    reason = f" {chapter.status.error}" if chapter.status.error else ""
    return f"The {chapter.name} {stands}: {kept}.{reason}"
