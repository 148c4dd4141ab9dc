"""Results of the public functions: they can be tabulated, plotted, saved, and shown by Jupyter.

Sizes are in MB of 10⁶ bytes, times in seconds unless stated to be in ms, shares from 0 to 1. The fields of a summary
(`compressor_core.records`) are attributes of its result as well.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from html import escape
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import compressor_core
from compressor_core import records
from compressor_core.errors import DAMAGED, CompressorError, DataError, ModelError, SettingsError, StorageError

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from compressor_core.architecture import Architecture
    from compressor_core.evaluate.predictions import Predictions
    from compressor_core.figures.compare.exam import ExamInfo
    from compressor_core.figures.compare.info import ComparisonInfo
    from compressor_core.figures.compare.probe import ProbeInfo
    from compressor_core.figures.cost.measurement import MeasurementInfo
    from compressor_core.figures.search.info import SearchInfo
    from compressor_core.figures.study.students import StudyInfo
    from compressor_core.models.card import ModelCard
    from compressor_core.models.classifier import Classifier

__all__ = [
    "Comparison",
    "Exam",
    "Export",
    "Measurement",
    "Prediction",
    "Probe",
    "SearchResult",
    "Student",
    "Study",
    "Teacher",
]

Figure = Callable[..., "go.Figure"]
TRAINING = "training.json"
"""File in a model folder that records how the model was trained."""


class Result:
    """A result: settings, records and summary of the work."""

    settings_class: ClassVar[str] = ""
    """Name of the settings class in `compressor_core`."""
    summary_class: ClassVar[type[records.Plain]] = records.Record

    def __init__(
        self, settings: Any, summary: Any, records: Iterable[records.Record] = (), *, folder: Path | None = None
    ) -> None:
        self.settings, self.summary, self.records = settings, summary, tuple(records)
        self.folder = folder
        """Folder that the work has written to, if any."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "summary" or not hasattr(self.summary, name):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.summary, name)

    @property
    def headline(self) -> str:
        """The result in one sentence."""
        raise NotImplementedError

    def to_frame(self) -> pd.DataFrame:
        """The result as a table."""
        raise NotImplementedError

    def figures(self) -> dict[str, Figure]:
        """Function that draws each kind of figure; the first kind is the default."""
        return {}

    def figure(self, kind: str = "", **options: Any) -> go.Figure:
        """A Plotly figure of one kind; `options` are passed to the function that draws it.

        Raises SettingsError for an unknown kind.
        """
        kinds = self.figures()
        draw = kinds.get(kind or next(iter(kinds), ""))
        if draw is None:
            raise SettingsError(f"there is no figure {kind!r} of it: choose from {', '.join(kinds) or 'none'}")
        from compressor_core.figures.theme import notebook_template

        return draw(**options).update_layout(template=notebook_template())

    def save(self, path: str | Path) -> Path:
        """Write settings, records and summary as JSON to `path`. Raises StorageError if the disk refuses."""
        from compressor_core.files import write_json

        values = {
            "result": type(self).__name__,
            "settings": None if self.settings is None else self.settings.model_dump(mode="json"),
            "folder": None if self.folder is None else str(self.folder),
            "summary": self.summary.model_dump(mode="json", exclude_none=True),
            "records": [one.model_dump(mode="json", exclude_none=True) for one in self.records],
        }
        write_json(Path(path), values)
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Load a result written by `save`. Raises DataError if the file is damaged or holds another kind of result."""
        from compressor_core.files import checked_path

        try:
            values = json.loads(checked_path(path).read_text("utf-8"))
            kind = next(one for one in _and_below(cls) if one.__name__ == values["result"])
            read = [records.read_record(one) for one in values["records"]]
            settings, folder = values["settings"], values["folder"]
            return kind(  # type: ignore[return-value]
                None if settings is None else getattr(compressor_core, kind.settings_class).model_validate(settings),
                kind.summary_class.model_validate(values["summary"]),
                [one for one in read if one is not None],
                folder=None if folder is None else Path(folder),
            )
        except (OSError, StopIteration, CompressorError, *DAMAGED) as error:
            why = str(error) or "it holds another result"
            raise DataError(f"{path} cannot be read as a saved {cls.__name__} ({why}): save it again") from error

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.headline}>"

    def _repr_html_(self) -> str:
        """Headline, and figure or table. The figure is self-contained and needs no network."""
        return self._words() + (self.figure().to_html(full_html=False) if self._drawn else "")

    def _ipython_display_(self) -> None:
        """Show headline, and figure or table, in Jupyter; print the repr in a terminal."""
        if not in_notebook():
            print(repr(self))
            return
        jupyter: Any = import_module("IPython.display")
        jupyter.display(jupyter.HTML(self._words()), *([self.figure()] if self._drawn else []))

    @property
    def _drawn(self) -> bool:
        return bool(self.figures())

    def _words(self) -> str:
        table = "" if self._drawn else self.to_frame().to_html(index=False, float_format="{:,.4g}".format)
        return f"<p><b>{type(self).__name__}</b> · {escape(self.headline)}</p>{table}"


class Found(records.Candidate):
    """The best architecture of a search, with the search's budget in MB."""

    budget_mb: float


class SearchResult(Result):
    """Result of `search`.

    ```python
    found = cc.search(budget_mb=3)
    found.best.architecture, found.gap
    found.figure("fitness")
    ```
    """

    settings_class, summary_class = "SearchSettings", records.SearchSummary
    optimum: records.Candidate | None
    """The true optimum of the whole space; None if it cannot be certified."""
    gap: float | None
    """How far `best` is below `optimum`, as a share of `optimum`."""
    evaluations: int
    """Number of different architectures evaluated."""
    cancelled: bool

    @property
    def best(self) -> Found | None:
        """The fittest architecture; None if none within the budget was found."""
        best = self.summary.best
        return None if best is None else Found(**dict(best), budget_mb=self.settings.budget_mb)

    @property
    def generations(self) -> tuple[records.Generation, ...]:
        """The population after each round, starting with the random one."""
        return tuple(one for one in self.records if isinstance(one, records.Generation))

    @property
    def headline(self) -> str:
        best = self.best
        found = f"{best.short_form}, {best.paper_gflops:.3f} GFLOPs, {best.size_mb:.3f} MB. " if best else ""
        from compressor_core.figures.search.info import gap_sentence

        return found + gap_sentence(self._info)

    def to_frame(self) -> pd.DataFrame:
        """One row for each architecture that survived a generation, in order of creation."""
        from compressor_core.figures.search.info import individual_rows

        return _frame(individual_rows(self._info))

    def figures(self) -> dict[str, Figure]:
        from compressor_core.figures.search.info import diversity_figure, fitness_figure
        from compressor_core.figures.search.population import population_figure

        drawn = {"population": population_figure, "fitness": fitness_figure, "diversity": diversity_figure}
        return _of(self._info, drawn)

    @cached_property
    def _info(self) -> SearchInfo:
        from compressor_core.figures.search.info import search_info

        return search_info(self.records, self.settings)


class Prediction(Result):
    """A model's answer for one function, or for a pair."""

    summary_class = records.Prediction
    label: str
    probabilities: dict[str, float]
    """Probability of each label."""
    milliseconds: float
    """Median of five calls on one thread, tokenisation included."""
    side = "teacher"
    """Role of the model: "teacher" or "student"."""

    @property
    def headline(self) -> str:
        return f"{self.label}, {self.probabilities[self.label]:.1%}, in {self.milliseconds:.2f} ms"

    def to_frame(self) -> pd.DataFrame:
        """One row for each label."""
        return _frame({"label": list(self.probabilities), "probability": list(self.probabilities.values())})

    def figures(self) -> dict[str, Figure]:
        from compressor_core.figures.compare.answers import AnswersInfo, answers_figure

        return _of(AnswersInfo({self.side: self.summary}), {"answers": answers_figure})


class Model(Result):
    """A model folder. It predicts and exports, and shows its training curves if this program trained it."""

    @property
    def path(self) -> Path:
        """Folder of the model; Hugging Face's `from_pretrained` reads it as well."""
        assert self.folder is not None
        return self.folder

    @cached_property
    def card(self) -> ModelCard | None:
        """Model card of the folder; None for a model that this program did not make."""
        from compressor_core.models.card import read_card

        return read_card(self.path)

    @cached_property
    def classifier(self) -> Classifier:
        """The loaded model, for the logits of many examples. Raises ModelError if it cannot be read."""
        from compressor_core.models.classifier import load

        return load(self.path)

    @property
    def size_mb(self) -> float:
        """Size of the weights on disk."""
        from compressor_core.models.card import size_on_disk

        return size_on_disk(self.path) / 1e6

    @property
    def architecture(self) -> Architecture | None:
        """The five genes; None for a model that does not state them."""
        return self.card.architecture if self.card else None

    @property
    def accuracy(self) -> float | None:
        """Accuracy on the test split after training; None if not measured."""
        return self._metric("accuracy")

    @property
    def curves(self) -> pd.DataFrame:
        """One row for each training epoch: loss, validation accuracy, speed. Empty if the training is not known."""
        return _frame([one.plain() for one in self.records if one.type == "epoch"])

    @property
    def headline(self) -> str:
        accuracy = "" if self.accuracy is None else f"accuracy {self.accuracy:.1%} on the test split, "
        return f"{accuracy}{self.size_mb:.2f} MB, {self.path}"

    def to_frame(self) -> pd.DataFrame:
        """One row."""
        metrics = {name: self._metric(name) for name in ("accuracy", "f1", "teacher_accuracy", "agreement")}
        row = {"path": str(self.path), "architecture": str(self.architecture), "size_mb": self.size_mb, **metrics}
        return _frame([{name: value for name, value in row.items() if value is not None}])

    def figures(self) -> dict[str, Figure]:
        from compressor_core.figures.study.training import accuracy_figure, loss_figure, training_info

        return _of(training_info(self.records), {"accuracy": accuracy_figure, "loss": loss_figure})

    def predict(self, *code: str | Sequence[str]) -> Prediction:
        """Answer for one function, or for a pair: `predict(one, other)` or `predict((one, other))`.

        Raises DataError if the model expects another number of functions.
        """
        codes = [part for one in code for part in ([one] if isinstance(one, str) else one)]
        from compressor_core.evaluate.prediction import predict_once

        found = Prediction(None, predict_once(self.classifier, tuple(codes)))
        found.side = "student" if isinstance(self, Student) else "teacher"
        return found

    def export(self, format: str = "bundle", out: str | Path | None = None, **settings: Any) -> Export:
        """Export the model, see `compressor_core.api.export`: as ONNX, as 8-bit ONNX, or as a bundle."""
        from compressor_core import api

        return api.export(self, format, out, **settings)

    def save(self, path: str | Path) -> Path:
        """Copy the model folder to `path`. Raises StorageError if `path` exists or the disk refuses."""
        from compressor_core.files import storage_error

        path = Path(path)
        if path.exists():
            raise StorageError(f"{path} exists already: choose another place")
        try:
            return Path(shutil.copytree(self.path, path))
        except OSError as error:
            raise storage_error(error, path) from error

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The model in a folder. Raises ModelError if there is none."""
        from compressor_core.models.folder import require_files

        path, saved = Path(path).absolute(), None
        require_files(path)
        with suppress(DataError):  # a model trained elsewhere has no such file
            saved = Result.load(path / TRAINING)
        return cls(*(saved.settings, saved.summary, saved.records) if saved else (None, None), folder=path)

    @property
    def _drawn(self) -> bool:
        return bool(self.records)

    def _metric(self, name: str) -> float | None:
        value = getattr(self.summary, name, None)
        return self.card.metrics.get(name) if value is None and self.card is not None else value


class Teacher(Model):
    """Result of `train_teacher`, or a teacher found by `load`: a model that a student can learn from."""

    settings_class, summary_class = "TeacherSettings", records.TeacherSummary


class Student(Model):
    """Result of `distill`, or a student found by `load`.

    ```python
    student = cc.distill("1000,96,2,8,64", teacher="classroom-vulnerability", preset="smoke")
    student.predict("def f(x): return eval(x)").label
    ```
    """

    settings_class, summary_class = "DistillSettings", records.DistillSummary

    @property
    def teacher(self) -> Teacher:
        """Teacher of this student. Raises ModelError if its folder no longer exists."""
        if self.card is None or self.card.teacher is None:
            raise ModelError(f"{self.path} does not say who its teacher was: load the teacher by its folder")
        return Teacher.load(self.card.teacher)

    @property
    def teacher_accuracy(self) -> float | None:
        """Accuracy of the teacher on the test split."""
        return self._metric("teacher_accuracy")

    @property
    def agreement(self) -> float | None:
        """Share of the test split on which student and teacher give the same answer."""
        return self._metric("agreement")

    def figure(self, kind: str = "", **options: Any) -> go.Figure:
        """As `Result.figure`; the accuracy figure also shows the teacher's accuracy."""
        level = {"teacher": self.teacher_accuracy} if kind in ("", "accuracy") else {}
        return super().figure(kind, **level | options)


class Comparison(Result):
    """Result of `compare`: a teacher and its students on the same examples; one row for each student.

    ```python
    versus = cc.compare("classroom-vulnerability", "classroom-vulnerability")
    versus.headline, versus.speedup, versus.figure("latency")
    ```
    """

    settings_class, summary_class = "CompareSettings", records.ComparisonSummary
    teacher: records.Side
    """Scores, intervals and costs of the teacher."""
    students: tuple[records.StudentSide, ...]
    """Scores, intervals and costs of each student, compared with the teacher."""
    agreement: float
    """Share of the examples on which the first student gives the teacher's answer."""
    speedup: float | None
    """Speed of the first student relative to the teacher; None if the teacher's answers are recorded."""
    mcnemar_p: float
    """p-value of McNemar's exact test of teacher and first student: the probability of a difference at least as large
    by chance alone."""

    @property
    def accuracy(self) -> dict[str, float]:
        """Accuracy by name, the teacher first."""
        return {side.name: side.accuracy for side in (self.teacher, *self.students)}

    @property
    def latency(self) -> dict[str, float]:
        """Median ms per example by name, the teacher first if measured; `teacher.latency` has the percentiles."""
        sides = (self.teacher, *self.students)
        return {side.name: side.latency.median for side in sides if side.latency is not None}

    @property
    def headline(self) -> str:
        from compressor_core.figures.compare.verdicts import headline

        return headline(self._info)

    @property
    def sentences(self) -> tuple[str, ...]:
        """For each student, whether its accuracy differs from the teacher's by more than chance."""
        from compressor_core.figures.compare.verdicts import noise_sentence

        return tuple(noise_sentence(self._info, place) for place in range(len(self.students)))

    @property
    def predictions(self) -> Predictions:
        """Every model's answer to every example."""
        from compressor_core.evaluate.predictions import read_predictions

        assert self.folder is not None
        return read_predictions(self.folder)

    def to_frame(self) -> pd.DataFrame:
        """One row for each student."""
        from compressor_core.figures.compare.verdicts import student_rows

        return _frame(student_rows(self._info))

    def figures(self) -> dict[str, Figure]:
        from compressor_core.figures.compare import breakdown, costs, curves, scores

        drawn: dict[str, Figure] = {
            "scores": scores.scores_figure,
            "latency": costs.latency_figure,
            "cost": costs.cost_figure,
            "groups": breakdown.groups_figure,
            "lengths": breakdown.lengths_figure,
            "losses": scores.losses_figure,
            "reliability": curves.reliability_figure,
            "roc": curves.roc_figure,
            "precision_recall": curves.precision_recall_figure,
        }
        return _of(self._info, drawn)

    @cached_property
    def _info(self) -> ComparisonInfo:
        from compressor_core.figures.compare.info import comparison_info

        return comparison_info(self.summary)


class Measurement(Result):
    """Result of `measure`: latency, throughput, energy and cold starts of models in each of their forms."""

    settings_class, summary_class = "MeasureSettings", records.MeasurementSummary
    latency: tuple[records.MeasuredLatency, ...]
    throughput: tuple[records.Throughput, ...]
    energy: tuple[records.Energy, ...]
    start: tuple[records.ColdStart, ...]

    @property
    def headline(self) -> str:
        from compressor_core.figures.cost.measurement import speed_sentences

        return " ".join(speed_sentences(self._info, padded=False)).replace("**", "")

    def to_frame(self) -> pd.DataFrame:
        """One row for each model and form, at the true lengths of the functions."""
        from compressor_core.figures.cost.measurement import table_rows

        return _frame(table_rows(self._info, padded=False))

    def figures(self) -> dict[str, Figure]:
        """As `Result.figures`. Options: `padded` for functions padded to equal length; `form` is "pytorch", "onnx" or
        "onnx-int8"."""
        from compressor_core.figures.cost import measurement_plots as plots

        drawn: dict[str, Figure] = {
            "percentiles": partial(plots.percentiles_figure, padded=False),
            "distribution": partial(plots.distribution_figure, form="pytorch", padded=False),
            "throughput": partial(plots.throughput_figure, form="pytorch", padded=False),
            "start": plots.start_figure,
            "memory": plots.memory_figure,
            "energy": partial(plots.energy_figure, padded=False),
        }
        return _of(self._info, drawn)

    @cached_property
    def _info(self) -> MeasurementInfo:
        from compressor_core.figures.cost.measurement import measurement_info

        return measurement_info((*self.records, self.summary))


class Exam(Result):
    """Result of `exam`: scores of models and baselines on unseen code; one row for each score."""

    settings_class, summary_class = "ExamSettings", records.ExamSummary
    models: tuple[records.Examinee, ...]
    baselines: tuple[records.Examinee, ...]

    @property
    def headline(self) -> str:
        return " ".join(one.verdict for one in self.models if one.verdict)

    def to_frame(self) -> pd.DataFrame:
        """One row for each score, with a column for each model and baseline."""
        from compressor_core.figures.compare.exam import exam_rows

        return _frame(exam_rows(self._info))

    def figures(self) -> dict[str, Figure]:
        from compressor_core.figures.compare.exam import exam_figure

        return _of(self._info, {"scores": exam_figure})

    @cached_property
    def _info(self) -> ExamInfo:
        from compressor_core.figures.compare.exam import exam_info

        return exam_info(self.summary)


class Probe(Result):
    """Result of `probe`: answers under label-preserving changes; one row for each change and model."""

    settings_class, summary_class = "ProbeSettings", records.ProbeSummary
    changes: dict[str, records.ProbedChange]
    """By kind of change; mixed changes, up to three at once, come first."""
    pairs: dict[str, records.PairAnswers]
    """By model: answers to hand-written pairs with different labels; empty if there are none."""

    @property
    def headline(self) -> str:
        from compressor_core.figures.compare.probe import probe_sentence

        return probe_sentence(self._info)

    def to_frame(self) -> pd.DataFrame:
        """One row for each kind of change and model."""
        from compressor_core.figures.compare.probe import probe_rows

        return _frame(probe_rows(self._info))

    def figures(self) -> dict[str, Figure]:
        from compressor_core.figures.compare.probe import flips_figure

        return _of(self._info, {"flips": flips_figure})

    @cached_property
    def _info(self) -> ProbeInfo:
        from compressor_core.figures.compare.probe import probe_info

        return probe_info(self.summary)


class Study(Result):
    """Result of `study`: students at several budgets and seeds; one row for each student."""

    settings_class, summary_class = "StudySettings", records.StudySummary
    students: tuple[records.StudyStudent, ...]
    budgets: tuple[records.BudgetSummary, ...]
    """Summary of the students of each budget."""

    @property
    def headline(self) -> str:
        from compressor_core.figures.study.students import study_sentence

        return study_sentence(self._info)

    def to_frame(self) -> pd.DataFrame:
        """One row for each student."""
        from compressor_core.figures.study.students import student_rows

        return _frame(student_rows(self._info))

    def figures(self) -> dict[str, Figure]:
        from compressor_core.figures.study.students import latency_figure, size_figure

        return _of(self._info, {"size": size_figure, "latency": latency_figure})

    @cached_property
    def _info(self) -> StudyInfo:
        from compressor_core.figures.study.students import study_info

        return study_info(self.records)


class Export(Result):
    """Result of `export`: the files written, and how their outputs differ from the PyTorch model's."""

    settings_class, summary_class = "ExportSettings", records.ExportSummary
    size_mb: float
    """Size of the file; for a bundle, of its folder."""
    max_abs_difference: float
    """Largest difference of a logit from PyTorch's."""

    @property
    def files(self) -> tuple[Path, ...]:
        """One ONNX file, or the folder of a bundle and its zip."""
        return tuple(map(Path, self.summary.files))

    @property
    def headline(self) -> str:
        return f"{', '.join(self.summary.files)}, {self.size_mb:.2f} MB. {self.warning or ''}".rstrip(". ")

    def to_frame(self) -> pd.DataFrame:
        """One row for each ONNX file."""
        return _frame([{"file": name, **form.model_dump(exclude={"latency"})} for name, form in self.forms.items()])


def in_notebook() -> bool:
    """Whether this code runs in a Jupyter kernel."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def _of(info: Any, drawn: Mapping[str, Figure]) -> dict[str, Figure]:
    """Drawing functions with `info` bound as their first argument."""
    return {kind: partial(draw, info) for kind, draw in drawn.items()}


def _frame(rows: Any) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows)


def _and_below(kind: type[Result]) -> list[type[Result]]:
    return [kind, *(found for one in kind.__subclasses__() for found in _and_below(one))]
