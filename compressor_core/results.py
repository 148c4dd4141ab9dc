"""What the functions of the front door return: results that can be tabulated, drawn, saved, and shown by Jupyter.

Sizes are in MB of 10⁶ bytes, times in seconds unless they are said to be in ms, shares from 0 to 1. What a summary has
(`compressor_core.records`) is an attribute of its result as well.
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
"""The file of a model folder that says how the model was trained."""


class Result:
    """A result: the settings of the work, the records that it yielded, and its summary."""

    settings_class: ClassVar[str] = ""
    """The name of its settings in `compressor_core`."""
    summary_class: ClassVar[type[records.Plain]] = records.Record

    def __init__(
        self, settings: Any, summary: Any, records: Iterable[records.Record] = (), *, folder: Path | None = None
    ) -> None:
        self.settings, self.summary, self.records = settings, summary, tuple(records)
        self.folder = folder
        """What the work has filled, if it fills a folder."""

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
        """What draws each kind of figure there is of it; the first is the default."""
        return {}

    def figure(self, kind: str = "", **options: Any) -> go.Figure:
        """A Plotly figure of one kind; `options` go to the function that draws it.

        Raises SettingsError if there is no such kind.
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
        """The result that `save` has written. Raises DataError if it is another one, or damaged."""
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
        """Headline, and figure or table, with all that the figure needs: no network."""
        return self._words() + (self.figure().to_html(full_html=False) if self._drawn else "")

    def _ipython_display_(self) -> None:
        """The same, the figure as Jupyter shows it best; in a terminal the repr."""
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
    """The best architecture of a search, with the budget in MB that it was searched for."""

    budget_mb: float


class SearchResult(Result):
    """What `search` returns.

    ```python
    found = cc.search(budget_mb=3)
    found.best.architecture, found.gap
    found.figure("fitness")
    ```
    """

    settings_class, summary_class = "SearchSettings", records.SearchSummary
    optimum: records.Candidate | None
    """The true optimum of the whole space; None where it cannot be certified."""
    gap: float | None
    """How far `best` is below `optimum`, as a share of it."""
    evaluations: int
    """Different architectures judged."""
    cancelled: bool

    @property
    def best(self) -> Found | None:
        """The fittest architecture; None if nothing within the budget was met."""
        best = self.summary.best
        return None if best is None else Found(**dict(best), budget_mb=self.settings.budget_mb)

    @property
    def generations(self) -> tuple[records.Generation, ...]:
        """The population after each round, from the random first one on."""
        return tuple(one for one in self.records if isinstance(one, records.Generation))

    @property
    def headline(self) -> str:
        best = self.best
        found = f"{best.short_form}, {best.paper_gflops:.3f} GFLOPs, {best.size_mb:.3f} MB. " if best else ""
        from compressor_core.figures.search.info import gap_sentence

        return found + gap_sentence(self._info)

    def to_frame(self) -> pd.DataFrame:
        """One row for each architecture that survived a generation, by birth."""
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
    """What a model says of one function, or of a pair."""

    summary_class = records.Prediction
    label: str
    probabilities: dict[str, float]
    """Of each label."""
    milliseconds: float
    """Tokenisation and model together, on one thread: the median of five calls."""
    side = "teacher"
    """Or "student"."""

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
    """A model folder: it predicts, is exported, and shows how it was trained if this program has trained it."""

    @property
    def path(self) -> Path:
        """Its folder, which Hugging Face's `from_pretrained` reads as well."""
        assert self.folder is not None
        return self.folder

    @cached_property
    def card(self) -> ModelCard | None:
        """What the folder says of itself; None for a model that is not this program's."""
        from compressor_core.models.card import read_card

        return read_card(self.path)

    @cached_property
    def classifier(self) -> Classifier:
        """The loaded model, for the logits of many examples. Raises ModelError if it cannot be read."""
        from compressor_core.models.classifier import load

        return load(self.path)

    @property
    def size_mb(self) -> float:
        """The weights on disk."""
        from compressor_core.models.card import size_on_disk

        return size_on_disk(self.path) / 1e6

    @property
    def architecture(self) -> Architecture | None:
        """The five genes; None for a model that does not state them."""
        return self.card.architecture if self.card else None

    @property
    def accuracy(self) -> float | None:
        """Share of the test split that it got right after its training; None if that was not measured."""
        return self._metric("accuracy")

    @property
    def curves(self) -> pd.DataFrame:
        """One row for each epoch of its training: loss, validation accuracy, speed. Empty where it is not known."""
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
        """The answer for one function, or for a pair: `predict(one, other)` or `predict((one, other))`.

        Raises DataError if the number of functions is not what the model takes.
        """
        codes = [part for one in code for part in ([one] if isinstance(one, str) else one)]
        from compressor_core.evaluate.prediction import predict_once

        found = Prediction(None, predict_once(self.classifier, tuple(codes)))
        found.side = "student" if isinstance(self, Student) else "teacher"
        return found

    def export(self, format: str = "bundle", out: str | Path | None = None, **settings: Any) -> Export:
        """Write it as ONNX, in 8 bits or as a bundle: `compressor_core.api.export` of this model."""
        from compressor_core import api

        return api.export(self, format, out, **settings)

    def save(self, path: str | Path) -> Path:
        """Copy the folder. Raises StorageError if `path` exists, or the disk refuses."""
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
        with suppress(DataError):  # a model that was trained elsewhere is none the worse for it
            saved = Result.load(path / TRAINING)
        return cls(*(saved.settings, saved.summary, saved.records) if saved else (None, None), folder=path)

    @property
    def _drawn(self) -> bool:
        return bool(self.records)

    def _metric(self, name: str) -> float | None:
        value = getattr(self.summary, name, None)
        return self.card.metrics.get(name) if value is None and self.card is not None else value


class Teacher(Model):
    """What `train_teacher` returns, or `load` finds: a model that a student can learn from."""

    settings_class, summary_class = "TeacherSettings", records.TeacherSummary


class Student(Model):
    """What `distill` returns, or `load` finds.

    ```python
    student = cc.distill("1000,96,2,8,64", teacher="classroom-vulnerability", preset="smoke")
    student.predict("def f(x): return eval(x)").label
    ```
    """

    settings_class, summary_class = "DistillSettings", records.DistillSummary

    @property
    def teacher(self) -> Teacher:
        """The model that it learned from. Raises ModelError if its folder is not there any more."""
        if self.card is None or self.card.teacher is None:
            raise ModelError(f"{self.path} does not say who its teacher was: load the teacher by its folder")
        return Teacher.load(self.card.teacher)

    @property
    def teacher_accuracy(self) -> float | None:
        """Share of the test split that the teacher gets right."""
        return self._metric("teacher_accuracy")

    @property
    def agreement(self) -> float | None:
        """Share of the test split on which it answers as its teacher does."""
        return self._metric("agreement")

    def figure(self, kind: str = "", **options: Any) -> go.Figure:
        """Accuracy is drawn with the teacher's as a level to reach; otherwise as of any result."""
        level = {"teacher": self.teacher_accuracy} if kind in ("", "accuracy") else {}
        return super().figure(kind, **level | options)


class Comparison(Result):
    """What `compare` returns: a teacher and its students on the same examples; one row for each student.

    ```python
    versus = cc.compare("classroom-vulnerability", "classroom-vulnerability")
    versus.headline, versus.speedup, versus.figure("latency")
    ```
    """

    settings_class, summary_class = "CompareSettings", records.ComparisonSummary
    teacher: records.Side
    """Scores, intervals and costs."""
    students: tuple[records.StudentSide, ...]
    """The same, held against the teacher."""
    agreement: float
    """Share of the examples on which the first student answers as the teacher does."""
    speedup: float | None
    """How many times as fast as the teacher the first student is; None where the teacher's answers are recorded."""
    mcnemar_p: float
    """Of McNemar's exact test of the two: how likely chance alone gives a difference at least as large."""

    @property
    def accuracy(self) -> dict[str, float]:
        """By name, the teacher first."""
        return {side.name: side.accuracy for side in (self.teacher, *self.students)}

    @property
    def latency(self) -> dict[str, float]:
        """Median ms of one example by name, the teacher first if it is here; `teacher.latency` has the percentiles."""
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
    """What `measure` returns: latency, throughput, energy and cold starts of models in each of their forms."""

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
        """As of any result; `padded` draws functions of equal length, `form` is "pytorch", "onnx" or "onnx-int8"."""
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
    """What `exam` returns: scores of models and baselines on what they have not seen; one row for each score."""

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
    """What `probe` returns: answers under changes that keep a function's label; one row for each change and model."""

    settings_class, summary_class = "ProbeSettings", records.ProbeSummary
    changes: dict[str, records.ProbedChange]
    """By kind of change; the mixed draw, up to three changes at once, comes first."""
    pairs: dict[str, records.PairAnswers]
    """By model: answers to hand-written pairs with different labels; empty where there are none."""

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
    """What `study` returns: students at several budgets and seeds; one row for each."""

    settings_class, summary_class = "StudySettings", records.StudySummary
    students: tuple[records.StudyStudent, ...]
    budgets: tuple[records.BudgetSummary, ...]
    """The students of each budget, summed up."""

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
    """What `export` returns: the files that were written, and how their answers differ from the model's in PyTorch."""

    settings_class, summary_class = "ExportSettings", records.ExportSummary
    size_mb: float
    """Of the file; of a bundle, of its folder."""
    max_abs_difference: float
    """Of a logit."""

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
    """Whether a Jupyter kernel runs this."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def _of(info: Any, drawn: Mapping[str, Figure]) -> dict[str, Figure]:
    """Functions that draw, given what they draw."""
    return {kind: partial(draw, info) for kind, draw in drawn.items()}


def _frame(rows: Any) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows)


def _and_below(kind: type[Result]) -> list[type[Result]]:
    return [kind, *(found for one in kind.__subclasses__() for found in _and_below(one))]
