"""What a report is made of: the runs of a story, as much of it as is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from compressor_core.errors import CompressorError, RunError
from compressor_core.models.card import CARD, ModelCard, read_card
from compressor_core.runs.store import Run, RunStore, State, Status
from compressor_core.runs.work import MODEL, STUDENTS

KINDS: Final = ("compare", "distill", "train-teacher", "search")
"""The kinds of runs that a report can be made of, from the end of a story to its beginning."""
_NAMES: Final[Mapping[str, str]] = {
    "compare": "comparison",
    "distill": "distillation",
    "train-teacher": "training of the teacher",
    "search": "search",
    "study": "study of budgets",
    "reproduce": "import of the published student",
}
_STANDS: Final[Mapping[State, str]] = {
    State.QUEUED: "has not begun",
    State.RUNNING: "is not over yet",
    State.CANCELLED: "was cancelled",
    State.FAILED: "failed",
    State.INTERRUPTED: "was interrupted",
}

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Chapter:
    """One run of a story, with its records; its result may be missing."""

    run: Run
    status: Status
    records: Sequence[Record]

    @property
    def name(self) -> str:
        return _NAMES.get(self.run.kind, self.run.kind)

    @property
    def config(self) -> Mapping[str, Any]:
        return self.run.config

    @property
    def result(self) -> Mapping[str, Any] | None:
        return self.status.result


@dataclass(frozen=True)
class Material:
    """A story as it is on the disk; None is for what it does not have, or what is there no more."""

    run: Run
    """The one that the report is asked of."""
    search: Chapter | None
    training: Chapter | None
    """Of the teacher, if it was trained here."""
    making: Chapter | None
    """Of the student: a distillation, a study of budgets or the import of a published one."""
    comparison: Chapter | None
    teacher: ModelCard | None
    student: ModelCard | None
    teacher_folder: str | None
    missing: tuple[str, ...]
    """What is not in the report and why, in sentences."""

    @property
    def chapters(self) -> tuple[Chapter, ...]:
        """In the order of the story."""
        found = (self.search, self.training, self.making, self.comparison)
        return tuple(chapter for chapter in found if chapter is not None)


def material(store: RunStore, run_id: str) -> Material:
    """The story that ends with a run. Raises RunError if there is no such run or it ends none, StorageError."""
    run = store.get(run_id)
    if run.kind not in KINDS:
        raise RunError(
            f"Run {run.id} is of the kind {run.kind}, of which there is no report: choose a comparison, a "
            "distillation, a search or the training of a teacher."
        )
    missing: list[str] = []
    first = _read(run)
    own = {run.kind: first}
    comparison = own.get("compare")
    making = own.get("distill") or _linked(store, comparison, "student_run", missing)
    search = own.get("search") or _linked(store, making, "search_run", missing)
    folder = _teacher_folder(comparison, making)
    training = own.get("train-teacher") or _trained_here(store, folder)
    student_folder = _student_folder(comparison, making)
    teacher = _card(training.run.folder / MODEL if training else folder, "teacher", missing)
    student = _card(student_folder, "student", missing)
    said = [_state(one) for one in (search, training, making, comparison) if one is not None]
    missing = [*filter(None, said), *missing]
    return Material(run, search, training, making, comparison, teacher, student, folder, tuple(missing))


def _read(run: Run) -> Chapter:
    return Chapter(run, run.status(), run.events()[0])


def _linked(store: RunStore, chapter: Chapter | None, key: str, missing: list[str]) -> Chapter | None:
    """The run that a chapter builds on."""
    if chapter is None or chapter.config.get(key) is None:
        return None
    run_id = str(chapter.config[key])
    try:
        return _read(store.get(run_id))
    except CompressorError as error:
        missing.append(f"The {chapter.name} builds on run {run_id[:80]}, which cannot be shown: {error}")
        return None


def _trained_here(store: RunStore, folder: str | None) -> Chapter | None:
    """The run that trained the teacher. A teacher's folder lies in its run's, which may have moved since."""
    try:
        found = None if folder is None else _read(store.get(Path(folder).parent.name))
    except CompressorError:  # bundled, or from elsewhere
        return None
    return found if found is not None and found.run.kind == "train-teacher" else None


def _teacher_folder(comparison: Chapter | None, making: Chapter | None) -> str | None:
    named = making.config.get("teacher") if making and making.run.kind != "reproduce" else None
    named = named or (comparison.config.get("teacher") if comparison else None)
    if named is None and comparison and comparison.result:
        named = comparison.result["teacher"]["model"]
    return None if named is None else str(named)


def _student_folder(comparison: Chapter | None, making: Chapter | None) -> Path | str | None:
    named = comparison.config.get("student") if comparison else None
    if making is None:
        return None if named is None else str(named)
    if making.run.kind == "study":
        return None if named is None else making.run.folder / STUDENTS / Path(str(named)).name
    return making.run.folder / MODEL if making.result is not None else None


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
    """What has to be said of a run that is not finished."""
    stands = _STANDS.get(chapter.status.state)
    if stands is None:
        return None
    kept = "what it has recorded is shown" if chapter.records else "it has recorded nothing"
    reason = f" {chapter.status.error}" if chapter.status.error else ""
    return f"The {chapter.name} {stands}: {kept}.{reason}"
