"""Available models, bundled or made by finished runs, and how students are compared and exported."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compressor_core.bundled import bundled_benchmark_students, bundled_students, bundled_teacher, is_recorded
from compressor_core.data.registry import DATASETS, TRAINABLE
from compressor_core.errors import DAMAGED, CompressorError, ModelError, RunError, understood
from compressor_core.models.card import read_card, size_on_disk
from compressor_core.paper import DATASET, Column, Encoder
from compressor_core.records import CardScores
from compressor_core.runs.kinds import KINDS, kind_of
from compressor_core.runs.portable import RUN_ID
from compressor_core.runs.reproduction import teacher_of
from compressor_core.runs.run import Run
from compressor_core.runs.store import RunStore
from compressor_core.search.tradeoff import MeasuredStudent
from compressor_core.task import PairFeatures, Task


@dataclass(frozen=True)
class Model:
    """A model that can be chosen; `run` is the run that made it, None for a bundled model."""

    name: str
    title: str
    folder: Path
    task: Task
    dataset: str
    data: str | None
    accuracy: float | None
    size_mb: float
    run: Run | None = None

    @property
    def key(self) -> str:
        """Identity of the model; the run's id if it made no other model."""
        if self.run is None:
            return str(self.folder)
        return f"{self.run.id}/{self.folder.name}" if kind_of(self.run.kind).makes == "students" else self.run.id


@dataclass(frozen=True)
class Family:
    """Students that can be compared: of one teacher and one dataset, newest first."""

    title: str
    students: tuple[Model, ...]

    @property
    def key(self) -> str:
        return self.title


def teachers(store: RunStore) -> list[Model]:
    """Bundled teachers, then the trained ones, newest first."""
    found: list[Model] = []
    for info in TRAINABLE:
        if info.built_in:
            with suppress(ModelError):
                found += _bundled(f"{info.title} (bundled)", bundled_teacher(info.name), info.name)
    return found + _made_by(store, "teacher")


def students(store: RunStore) -> list[Model]:
    """Students made by runs, newest first, then the bundled ones. A cancelled run keeps its best."""
    found = _made_by(store, "student", "students")
    for info in TRAINABLE:
        for folder in reversed(bundled_students(info.name)):
            with suppress(ModelError):
                found += _bundled(f"{info.title}, bundled student", folder, info.name, measured=True)
    for folder in bundled_benchmark_students():
        with suppress(ModelError):
            if (card := read_card(folder)) is not None and card.dataset is not None:
                found += _bundled(f"{folder.name}, bundled student", folder, card.dataset, measured=True)
    return found


def bundled_scores(dataset: str) -> list[CardScores]:
    """Scores of the bundled students of a classroom dataset, smallest first."""
    return [known for folder in bundled_students(dataset) if (known := _scores(folder)) is not None]


def teacher_scores(dataset: str) -> CardScores | None:
    """Scores of the bundled teacher of a classroom dataset. Raises ModelError if there is none."""
    return _scores(bundled_teacher(dataset))


def _scores(folder: Path) -> CardScores | None:
    card = read_card(folder)
    if card is None or "accuracy" not in card.metrics:
        return None
    return CardScores(size_on_disk(folder) / 1e6, float(card.metrics["accuracy"]), card.metrics.get("written_by_hand"))


def models_of(run: Run) -> list[Model]:
    """Models made by a run that still exist. Raises CompressorError for a damaged run."""
    made = kind_of(run.kind).makes
    summary = run.status().summary if made else None
    if summary is None:
        return []
    name = run.name or run.id
    if made != "students":
        return _model(run, name, name, summary)
    found: list[Model] = []
    for one in summary.students:
        with suppress(CompressorError, *DAMAGED):
            own = f"{one.budget_mb:g} MB, seed {one.seed}"
            found += _model(run, own, f"{own} of study {name}", one)
    return found


def run_of(store: RunStore, path: str | Path | None) -> Run | None:
    """Run whose folder contains a path, even if the folder was moved since; None if the run no longer exists."""
    found = RUN_ID.search(str(path or ""))
    try:
        return store.get(found[0]) if found else None
    except RunError:
        return None


def teacher_title(store: RunStore, folder: str | Path) -> str:
    """Title of the teacher in `folder`; the folder's name if the teacher is unknown."""
    return next((model.title for model in teachers(store) if model.folder == Path(folder)), Path(folder).name)


def teacher_of_student(store: RunStore, student: Model) -> Path:
    """Folder of the teacher that a student learned from; for a published student, of the teacher of its column.

    Raises:
        RunError: the teacher of a published student, or of a bundled one of a benchmark, is not available.
    """
    run = student.run
    if run is None:
        if student.folder in bundled_benchmark_students():
            raise RunError(
                f"{student.name} comes without its teacher, whose answers it learned from: compare it in docs/results, "
                "or with a teacher of your own by the command compare."
            )
        return bundled_teacher(student.dataset)
    if run.kind != "reproduce":
        card = read_card(student.folder)
        return Path(str(run.config.get("teacher") or (card.teacher if card else None)))
    with understood("the settings of the run", RunError):
        column = Column(Encoder(run.config["teacher"]), student.task)
    if (folder := teacher_of(store, column)) is None:
        raise RunError(
            f"A published student comes without its teacher: fine-tune {column.encoder.hub_name} on "
            f"{DATASET[column.task]} first, then the two can be compared."
        )
    return Path(folder)


def teacher_to_ask(store: RunStore, student: Model) -> Path:
    """Folder of the teacher that a student learned from, for predictions on any code.

    Raises:
        RunError: as `teacher_of_student`, or the teacher is a file of recorded answers.
    """
    teacher = teacher_of_student(store, student)
    if is_recorded(teacher):
        raise RunError(
            f"{student.name} learned from the recorded answers {teacher.name}, which say nothing of other code: ask "
            "the student alone."
        )
    return teacher


def families(store: RunStore) -> list[Family]:
    """Available students, by teacher and dataset; the family with the newest student first."""
    found: dict[tuple[str, str, str | None], list[Model]] = defaultdict(list)
    for model in students(store):
        try:
            teacher = str(teacher_of_student(store, model))
        except RunError:  # a published or bundled student whose teacher is not available
            card = read_card(model.folder)
            teacher = str(model.run.config["teacher"] if model.run else card and card.teacher)
        found[teacher, model.dataset, model.data].append(model)
    titles: dict[str, int] = defaultdict(int)
    known = {f"{info.title} (bundled)": info.name for info in DATASETS}
    made = []
    for (teacher, dataset, data), members in found.items():
        learned_on = Path(data).name if data else dataset
        title = teacher_title(store, teacher)
        title = title if learned_on in (title, known.get(title)) else f"{title}, on {learned_on}"
        titles[title] += 1
        made.append(Family(title if titles[title] == 1 else f"{title} ({titles[title]})", tuple(members)))
    return made


def comparison_of(store: RunStore, chosen: Sequence[Model]) -> dict[str, Any]:
    """Settings of a run that compares students with their teacher.

    For a file, the comparison uses the rows that none of the models learned from.

    Raises:
        RunError: the students do not share one teacher and one dataset, or the teacher is not available.
    """
    first, *others = chosen
    teacher = teacher_of_student(store, first)
    for other in others:
        if (teacher_of_student(store, other), other.dataset, other.data) != (teacher, first.dataset, first.data):
            raise RunError(
                f"{other.name} learned from another teacher or for other data than {first.name}: "
                "compare students of one teacher and one dataset."
            )
    return {
        "teacher": str(teacher),
        "student": str(first.folder),
        "others": [str(other.folder) for other in others],
        "names": [model.name for model in chosen],
        **_tested_on(first),
        "split": "test" if first.run else None,
    }


def export_of(student: Model) -> dict[str, Any]:
    """Settings of a run that exports a student."""
    split = "test" if student.run and student.run.kind != "reproduce" else None
    return {"model": str(student.folder), **_tested_on(student), "split": split, "format": "bundle", "overwrite": True}


def measured_students(
    store: RunStore, task: Task = Task.VULNERABILITY, pair_features: PairFeatures = PairFeatures.COMPARE
) -> dict[str, tuple[MeasuredStudent, ...]]:
    """Students of a task by the dataset they were distilled and tested on, newest first.

    Only students of the same dataset can be compared with each other. Imported students are left out, since they
    learned from other data. `pair_features` matters for the clone task only.
    """
    found: dict[str, list[MeasuredStudent]] = defaultdict(list)
    for model in students(store):
        card = read_card(model.folder)
        if model.run is None or not kind_of(model.run.kind).searched or card is None or card.architecture is None:
            continue
        if card.task is not task or (task is Task.CLONE and card.pair_features is not pair_features):
            continue
        dataset = f"{model.dataset}, {model.data}" if model.data else model.dataset
        found[dataset].append(
            MeasuredStudent(
                architecture=card.architecture,
                accuracy=float(model.accuracy or 0.0),
                flips=card.metrics.get("flips"),
                dataset=dataset,
                run=model.run.id,
            )
        )
    return {dataset: tuple(measured) for dataset, measured in found.items()}


def _tested_on(model: Model) -> dict[str, Any]:
    seed = model.run.config.get("seed", 0) if model.run else 0
    return {"dataset": model.dataset, "data": model.data, "seed": seed}


def _made_by(store: RunStore, *makes: str) -> list[Model]:
    """Models of runs whose kind makes one of `makes`, newest first."""
    found: list[Model] = []
    for run in store.list(*(kind.name for kind in KINDS.values() if kind.makes in makes)):
        with suppress(CompressorError, *DAMAGED):
            found += models_of(run)
    return told_apart(found)


def told_apart(models: Sequence[Model]) -> list[Model]:
    """Models, newest first, of which a later one of the same title ends like the ID of its run.

    The first keeps its title, which a visitor may have chosen already: Streamlit forgets a choice whose words change.
    """
    apart, seen = [], set()
    for model in reversed(models):
        again = model.run is not None and model.title in seen
        apart.append(replace(model, title=f"{model.title} · {model.run.id[-4:]}") if again and model.run else model)
        seen.add(model.title)
    return apart[::-1]


def _model(run: Run, name: str, title: str, summary: Any) -> list[Model]:
    """Model made by a run, if it still exists."""
    folder = Path(summary.model)
    *_, inside = RUN_ID.split(summary.model)
    if (card := read_card(folder)) is None and inside != summary.model:
        # The run may be a copy, and the original folder of its model may be gone.
        folder = Path(f"{run.folder}{inside}")
        card = read_card(folder)
    if card is None:
        return []
    dataset, data = str(run.config.get("dataset", "classroom-vulnerability")), run.config.get("data")
    accuracy, size_mb = float(summary.accuracy), float(summary.size_mb)
    title = _measured(title, size_mb, accuracy, card.metrics.get("written_by_hand"))
    return [Model(name, title, folder, card.task, dataset, None if data is None else str(data), accuracy, size_mb, run)]


def _bundled(title: str, folder: Path, dataset: str, *, measured: bool = False) -> Iterator[Model]:
    """Bundled model, if it has a card."""
    if (card := read_card(folder)) is not None:
        accuracy, size_mb = card.metrics.get("accuracy"), size_on_disk(folder) / 1e6
        name = f"bundled student, {size_mb:.2g} MB" if measured else folder.name
        title = _measured(title, size_mb, accuracy or 0.0, card.metrics.get("written_by_hand")) if measured else title
        yield Model(name, title, folder, card.task, dataset, None, accuracy, size_mb)


def _measured(title: str, size_mb: float, accuracy: float, by_hand: float | None) -> str:
    """Title that begins with what tells students apart where a narrow screen cuts it."""
    outside = "" if by_hand is None else f"; {by_hand:.1%} of what is written by hand"
    return f"{size_mb:.2f} MB · {accuracy:.1%} · {title} (accuracy on its own test split{outside})"
