"""Public functions: `import compressor_core as cc`, then `cc.search(…)`.

In addition to their own parameters, all functions share the following:

- Settings are keywords (`cc.search(budget_mb=3, generations=50, seed=1)`) or one object
  (`settings=cc.SearchSettings(budget_mb=3)`); keywords override the object.
- `progress`: whether to show a progress bar. None (default) shows it in a notebook or a terminal.
- `on_record`: called with every record as it is yielded, see `compressor_core.records`.
- Ctrl-C, or Jupyter's stop button, ends the work after the current step and returns the best result so far, with
  `cancelled` True. A second one raises KeyboardInterrupt at once; so does the first if there is no result yet.
- A model is a result of this module, a folder, or the name of a bundled model. Data are the name of a dataset, a path,
  a pandas DataFrame, a Hugging Face Dataset, or an open `compressor_core.data.dataset.Dataset`; the default is the
  data that the model was trained on. For a file or a table, `language` names the programming language and `positive`
  the label of class 1. Paths are `str` or `Path`; without one, results go to a new folder in the cache.
- Errors are `CompressorError`: one sentence with the value and the remedy.
"""

from __future__ import annotations

import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, TypeVar

from compressor_core import results
from compressor_core.cache import cache_folder
from compressor_core.errors import DataError, SettingsError
from compressor_core.files import checked_path
from compressor_core.progress import bar, finish
from compressor_core.records import Notice, Progress, Record, Work
from compressor_core.results import Model, Result, SearchResult, Student, Teacher

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare", "distill", "exam", "export", "load", "measure", "probe", "search", "study", "train_teacher"]

R = TypeVar("R", bound=Result)
M = TypeVar("M", bound=Model)
PathLike = str | Path
AnyModel = Model | str | Path
Start = Callable[..., Work[Any]]
"""A core loop, called with `cancelled`."""
_REDRAWN = 0.3
"""Seconds between two drawings of a live figure."""


def search(budget_mb: float | None = None, *, live: bool = False, **more: Any) -> SearchResult:
    """Find the architecture with the most computation within `budget_mb` MB (Shi et al., ASE 2022, Section 3.2).

    `more` are settings of `cc.SearchSettings`. With `live`, a notebook plots the population during the search.

    Raises BudgetError if nothing fits, SettingsError for a value out of range.

    Example: `cc.search(budget_mb=3, generations=50).best.short_form`
    """
    from compressor_core.search import genetic

    settings = _settings(genetic.SearchSettings, more, budget_mb=budget_mb)
    if live and results.in_notebook():
        more["on_record"] = _drawn(settings, more.get("on_record"))
    return _run(SearchResult, settings, partial(genetic.search, settings), more)


def distill(
    architecture: Any = None,
    teacher: AnyModel | pd.DataFrame | None = None,
    *,
    data: Any = None,
    out: PathLike | None = None,
    checkpoint: PathLike | None = None,
    **more: Any,
) -> Student:
    """Train a student on a teacher's soft labels (Shi et al., ASE 2022, Section 3.3), and test both.

    `architecture` is a search result or its best, an Architecture, or the short form "V,H,L,A,I". By default it is the
    best within `budget_mb` MB in the `space` "classroom" (the default) or "paper". `teacher` defaults to the bundled
    teacher of "classroom-vulnerability"; a file or a DataFrame of recorded answers can replace it, see
    `compressor_core.data.answers`. `more` are settings of `cc.DistillSettings`, such as `preset`: "smoke", "quick" or
    "full".

    The student is saved to the folder `out`. An interrupted training resumes from the file `checkpoint` (by default
    beside `out`), which is deleted when the training is done.

    Raises ArchitectureError, DataError, ModelError, SettingsError or StorageError, and TrainingError if the loss is no
    longer a number; `out` then holds the best student before that.

    Example: `cc.distill(found.best, teacher="classroom-vulnerability", preset="quick").accuracy`
    """
    from compressor_core.data.answers import kept_answers
    from compressor_core.distill import distillation
    from compressor_core.distill.settings import DistillSettings
    from compressor_core.distill.study import best_within

    folder = kept_answers(teacher) if hasattr(teacher, "columns") else _teacher(teacher, more)
    architecture = architecture.best if isinstance(architecture, SearchResult) else architecture
    if architecture is None and "settings" not in more and "search_run" not in more:
        if (budget_mb := more.get("budget_mb")) is None:
            raise SettingsError("a student needs an architecture or a budget: give found.best, V,H,L,A,I or budget_mb")
        more.setdefault("space", "classroom")
        head = {"pair_features": more["pair_features"]} if "pair_features" in more else {}
        architecture = best_within(budget_mb, folder, more["space"], **head)
    source, dataset = _data(data, more, folder)
    own = {"budget_mb": getattr(architecture, "budget_mb", None), **source, "teacher": str(folder)}
    own["architecture"] = getattr(architecture, "architecture", architecture)
    settings = _settings(DistillSettings, more, **own)
    return _trained(Student, settings, partial(distillation.distill, dataset=dataset), out, checkpoint, more)


def train_teacher(
    data: Any = None,
    base: PathLike | None = None,
    *,
    out: PathLike | None = None,
    checkpoint: PathLike | None = None,
    **more: Any,
) -> Teacher:
    """Train a teacher on labelled data: a small encoder from scratch, or the pre-trained `base` (a name or a folder).

    `data` defaults to "classroom-vulnerability". `more` are settings of `cc.TeacherSettings`. For `out`, `checkpoint`
    and the errors see `distill`.

    Example: `cc.train_teacher("functions.csv", base="microsoft/codebert-base", epochs=3).accuracy`
    """
    from compressor_core.distill import fine_tuning
    from compressor_core.distill.settings import TeacherSettings

    source, dataset = _data(data, more)
    settings = _settings(TeacherSettings, more, base=None if base is None else str(base), **source)
    return _trained(Teacher, settings, partial(fine_tuning.train_teacher, dataset=dataset), out, checkpoint, more)


def compare(
    teacher: AnyModel | None = None, *students: AnyModel, data: Any = None, out: PathLike | None = None, **more: Any
) -> results.Comparison:
    """Compare a teacher and one to four students on the same examples: scores, intervals, latency (ms), size (MB).

    `data` defaults to the test split of the teacher's dataset. Every answer is saved in the folder `out`. `more` are
    settings of `cc.CompareSettings`.

    Raises DataError, ModelError or SettingsError.

    Example: `cc.compare(student.teacher, student).headline`
    """
    from compressor_core.evaluate import comparison
    from compressor_core.evaluate.settings import CompareSettings

    first, *others = (str(_folder(one, student=True)) for one in students) if students else (None,)
    folder = _teacher(teacher, more)
    source, dataset = _data(data, more, folder)
    own = {"teacher": str(folder), "student": first, "others": tuple(others) or None, **source}
    settings = _settings(CompareSettings, more, **own)
    place = _place("compare", out)
    work = partial(comparison.compare, settings, place, dataset=dataset)
    return _run(results.Comparison, settings, work, more, place)


def measure(*models: AnyModel, data: Any = None, **more: Any) -> results.Measurement:
    """Measure the latency (ms), throughput, energy and cold starts of one to five models here, also as ONNX files.

    `more` are settings of `cc.MeasureSettings`.

    Raises DataError, ModelError or SettingsError.

    Example: `cc.measure(student.teacher, student, rounds=3, starts=0).figure("throughput")`
    """
    from compressor_core.evaluate import measurement
    from compressor_core.evaluate.settings import MeasureSettings

    folders = [_folder(one) for one in models]
    source, _ = _data(data, more, *folders[:1])
    settings = _settings(MeasureSettings, more, models=[str(one) for one in folders] or None, **source)
    return _run(results.Measurement, settings, partial(measurement.measure, settings), more)


def exam(*models: AnyModel, data: Any = None, **more: Any) -> results.Exam:
    """Examine one to five models beyond a test split that resembles their training data.

    The exam has hand-written functions, kinds of code withheld from training, and alarms on real code. A token-count
    baseline and Bandit take it as well. `more` are settings of `cc.ExamSettings`.

    Raises DataError, ModelError or SettingsError.

    Example: `cc.exam(student.teacher, student).headline`
    """
    from compressor_core.evaluate import exam as exams
    from compressor_core.evaluate.settings import ExamSettings

    folders = [_folder(one) for one in models]
    source, dataset = _data(data, more, *folders[:1])
    settings = _settings(ExamSettings, more, models=[str(one) for one in folders] or None, **source)
    return _run(results.Exam, settings, partial(exams.sit_exam, settings, dataset=dataset), more)


def probe(*models: AnyModel, data: Any = None, **more: Any) -> results.Probe:
    """Apply label-preserving changes to functions and count the answers that flip, for one to five models.

    The other models are compared with the first. `more` are settings of `cc.ProbeSettings`.

    Raises DataError, ModelError or SettingsError.

    Example: `cc.probe(student.teacher, student, changes=["rename", "quotes"]).headline`
    """
    from compressor_core.evaluate import probe as probes
    from compressor_core.evaluate.settings import ProbeSettings

    folders = [_folder(one) for one in models]
    source, dataset = _data(data, more, *folders[:1])
    settings = _settings(ProbeSettings, more, models=[str(one) for one in folders] or None, **source)
    return _run(results.Probe, settings, partial(probes.probe, settings, dataset=dataset), more)


def study(
    teacher: AnyModel | None = None, *, data: Any = None, out: PathLike | None = None, **more: Any
) -> results.Study:
    """Distill students at several `budgets` (MB) and with several `seeds`, to relate accuracy to size.

    `more` are settings of `cc.StudySettings`. The students are saved in the folder `out`; students already there are
    not trained again.

    Raises the same errors as `distill`, and TrainingError if no student could be trained.

    Example: `cc.study(budgets=(0.5, 1, 3), seeds=(0, 1, 2)).figure()`
    """
    from compressor_core.distill import study as studies
    from compressor_core.distill.settings import StudySettings

    folder, place = _teacher(teacher, more), _place("study", out)
    settings = _settings(StudySettings, more, teacher=str(folder), **_data(data, more, folder)[0])
    return _run(results.Study, settings, partial(studies.study, settings, place), more, place)


def export(
    model: AnyModel | None = None,
    format: str | None = None,
    out: PathLike | None = None,
    *,
    data: Any = None,
    **more: Any,
) -> results.Export:
    """Export a model as a folder and its zip ("bundle", the default), or as one file ("onnx", or 8-bit "onnx-int8").

    The files written to `out` are tested on `data`. `more` are settings of `cc.ExportSettings`; with `overwrite`, `out`
    may hold an earlier export, which is replaced.

    Raises DataError if `out` is taken, ModelError if a file's answers differ from the model's, StorageError.

    Example: `cc.export(student, "bundle", "out/").files`
    """
    from compressor_core.export import exporting
    from compressor_core.export.settings import ExportSettings

    place, folder = _place("export", out), None if model is None else str(_folder(model))
    settings = _settings(ExportSettings, more, model=folder, format=format, **_data(data, more)[0])
    return _run(results.Export, settings, partial(exporting.export, settings, place), more, place)


def load(path: PathLike) -> Any:
    """Load a model folder or a bundled model as Student or Teacher, or any other result from its file.

    Bundled models are "students/DATASET" and "teachers/DATASET"; the name of a dataset alone means its teacher.

    Raises ModelError or DataError if nothing can be read.

    Example: `cc.load("students/classroom-vulnerability").predict("def f(x): return eval(x)").label`
    """
    if checked_path(path).is_file():
        return Result.load(path)
    found = Student.load(_folder(path))
    return found if found.card is not None and found.card.teacher else Teacher.load(found.path)


def _settings(kind: type[Any], more: dict[str, Any], **own: Any) -> Any:
    """Settings from one object, or from keywords; None means not given. Leaves the options of `_run` in `more`."""
    own = {name: value for name, value in own.items() if value is not None}
    given = more.pop("settings", None)
    values = own | {name: more.pop(name) for name in list(more) if name not in ("progress", "on_record")}
    if given is None:
        return kind(**values)
    if not isinstance(given, kind):
        raise SettingsError(f"settings must be {kind.__name__}, not {type(given).__name__}: use that class")
    return given.replace(**values)


def _run(kind: type[R], settings: Any, work: Start, more: dict[str, Any], folder: Path | None = None) -> R:
    """Result of interruptible work; `more` has `progress` and `on_record`."""
    kept: list[Record] = []
    interrupts = 0

    def interrupt(*_: object) -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts > 1:
            raise KeyboardInterrupt

    def see(record: Record) -> None:
        if not isinstance(record, Progress):
            kept.append(record)
        show(record)
        try:
            (more.get("on_record") or (lambda _: None))(record)
        except KeyboardInterrupt:
            interrupt()

    with _heard(interrupt), _bar(more.get("progress")) as show:
        summary = finish(work(cancelled=lambda: interrupts > 0), see)
    if summary is None:
        raise KeyboardInterrupt("there is nothing to keep yet")
    return kind(settings, summary, kept, folder=folder)


@contextmanager
def _heard(interrupt: Callable[..., None]) -> Iterator[None]:
    """Call `interrupt` on Ctrl-C. Only the main thread receives it; elsewhere this does nothing."""
    try:
        before = signal.signal(signal.SIGINT, interrupt)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _bar(progress: bool | None) -> Iterator[Callable[[Record], object]]:
    """Function that shows records in a notebook or a terminal; elsewhere it turns notices into warnings."""
    notebook = results.in_notebook()
    stream = sys.stdout if notebook else sys.stderr
    if not (notebook or stream.isatty() if progress is None else progress):
        yield lambda record: warnings.warn(record.message, stacklevel=2) if isinstance(record, Notice) else None
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "IProgress not found")
        with bar(stream, shown=True) as show:
            yield show


def _drawn(settings: Any, on_record: Callable[[Record], object] | None) -> Callable[[Record], None]:
    """Wrap `on_record` so that it also redraws the population in one place of the notebook."""
    jupyter: Any = import_module("IPython.display")
    seen: list[Record] = []
    last, begun = 0.0, {"text/plain": "The first generation is bred"}
    handle = jupyter.display(begun, raw=True, display_id=True)

    def draw(record: Record) -> None:
        nonlocal last
        if not isinstance(record, Progress):
            seen.append(record)
        final = getattr(record, "generation", None) == settings.generations
        if record.type == "generation" and (final or time.monotonic() - last > _REDRAWN):
            figure = SearchResult(settings, None, seen).figure()
            handle.update(figure._repr_mimebundle_(None, None), raw=True)
            last = time.monotonic()
        if on_record is not None:
            on_record(record)

    return draw


def _trained(
    kind: type[M], settings: Any, work: Start, out: PathLike | None, checkpoint: PathLike | None, more: dict[str, Any]
) -> M:
    """Train into `out`, and save the training record beside the model."""
    place = _place(kind.__name__.lower(), out)
    if place.is_dir() and any(place.iterdir()) and not (place / "compressor.json").is_file():
        raise DataError(f"{place} holds something else than a model of this program: choose another out")
    point = Path(checkpoint) if checkpoint is not None else place.with_name(f"{place.name}.checkpoint.pt")
    model = _run(kind, settings, partial(work, settings, place, checkpoint=point), more, place)
    Result.save(model, place / results.TRAINING)
    if not model.cancelled:
        point.unlink(missing_ok=True)
    return model


def _place(kind: str, out: PathLike | None) -> Path:
    """Output path, by default a new one in the cache. Raises DataError if it cannot be used."""
    new = cache_folder() / "results" / f"{kind}-{time.strftime('%Y%m%d-%H%M%S')}-{token_hex(2)}"
    place = new if out is None else checked_path(out).absolute()
    if place.is_file() and kind != "export":
        raise DataError(f"{place} is a file: choose another out")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make the folder of {place} ({error.strerror}): choose another out") from error
    return place


def _folder(model: AnyModel, *, student: bool = False) -> Path:
    """The folder of a model; the name of a dataset alone means its bundled teacher, or its bundled `student`."""
    from compressor_core.bundled import bundled_student, model_folder

    if isinstance(model, Model):
        return model.path
    bundled = bundled_student(model) if student and isinstance(model, str) and not Path(model).exists() else None
    return bundled or model_folder(model).absolute()


def _teacher(given: AnyModel | None, more: dict[str, Any]) -> Path:
    """The given teacher, else that of the settings, else the bundled one."""
    return _folder(getattr(more.get("settings"), "teacher", "classroom-vulnerability") if given is None else given)


def _data(given: Any, more: dict[str, Any], model: Path | None = None) -> tuple[dict[str, Any], Any]:
    """Settings that name the data (by default the model's dataset), and the dataset itself if it is already open."""
    from compressor_core.data.given import source_of
    from compressor_core.data.registry import DATASETS
    from compressor_core.models.card import read_card

    if hasattr(given, "fingerprint") and hasattr(given, "examples"):
        return {"dataset": given.name}, given
    if given is not None:
        said = {name: more.pop(name) for name in ("language", "positive") if name in more}
        return source_of(given, **said)._asdict(), None
    card = read_card(model) if model is not None and "settings" not in more else None
    known = {info.name for info in DATASETS if not info.needs_data}
    return ({"dataset": card.dataset} if card is not None and card.dataset in known else {}), None
