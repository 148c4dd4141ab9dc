"""Kinds of runs, each with its labels, its settings, its work and the page that shows it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from compressor_core.errors import DAMAGED

if TYPE_CHECKING:
    from compressor_core.records import Record, Work
    from compressor_core.runs.context import RunContext
    from compressor_core.settings import Settings

MODEL: Final = "model"
"""Subfolder of a run for the one model that it makes."""
STUDENTS: Final = "students"
"""Subfolder of a run for the many students that it makes."""


QUICK_SEARCHES: Final = 40
"""Maximum number of searches of a quick sweep."""


@dataclass(frozen=True)
class Kind:
    """One kind of run."""

    name: str
    """Name in config.json."""
    title: str
    settings_class: str = ""
    """Module and class, imported on first use."""
    tell: Callable[[Any], str] = lambda _: ""
    """Short description of a summary."""
    noun: str = ""
    """Name within a sentence; by default the title."""
    page: str = ""
    """Page that shows its runs; by default the page of its name."""
    told: bool = False
    """Whether a report can be made from it."""
    makes: str | None = None
    """What its runs make: a `teacher`, a `student`, or many `students`."""
    searched: bool = False
    """Whether its students are trained here, for an architecture chosen by a search or a person."""
    closed: bool = False
    """Whether visitors of a shared server may not start it, because it reads any given file."""

    quick: Callable[[Mapping[str, Any]], bool] = lambda _: False
    """Whether a run with this configuration takes only seconds; such runs never wait for a training."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "noun", self.noun or self.title.lower())
        object.__setattr__(self, "page", self.page or self.name)

    @property
    def trains(self) -> bool:
        """Whether its runs train models, for minutes or hours."""
        return self.searched or self.makes == "teacher"

    @property
    def settings(self) -> type[Settings]:
        """Its settings class."""
        module, _, name = self.settings_class.partition(":")
        found: type[Settings] = getattr(import_module(f"compressor_core.{module}"), name)
        return found

    def read_settings(self, values: Mapping[str, Any]) -> Any:
        """Settings from plain values. Raises CompressorError if invalid."""
        return self.settings.model_validate(values)

    @property
    def work(self) -> Callable[[RunContext], Work[Record | None]]:
        """Work of its runs, which yields records and returns the summary."""
        work: Callable[[RunContext], Work[Record | None]] = getattr(
            import_module("compressor_core.runs.work"), self.name.replace("-", "_")
        )
        return work

    def headline(self, summary: Any) -> str:
        """Result of a run in a few words; empty without a summary."""
        if summary is None:
            return ""
        try:
            return self.tell(summary)
        except DAMAGED:
            return "a damaged result"


def _search(found: Any) -> str:
    best = found.best
    return f"{best.paper_gflops:.2f} GFLOPs at {best.size_mb:.2f} MB" if best else "nothing within the budget"


def _teacher(made: Any) -> str:
    return f"accuracy {made.accuracy:.1%}, {made.size_mb:.1f} MB"


def _student(made: Any) -> str:
    teacher = "" if made.teacher_accuracy is None else f" (teacher {made.teacher_accuracy:.1%})"
    return f"accuracy {made.accuracy:.1%}{teacher}, {made.size_mb:.2f} MB"


def _comparison(found: Any) -> str:
    accuracies = [side.accuracy for side in found.students or ()]
    teacher = f"(teacher {found.teacher.accuracy:.1%})"
    if len(accuracies) > 1:
        span = f"{min(accuracies):.1%} to {max(accuracies):.1%}"
        return f"{len(accuracies)} students, accuracy {span} {teacher}"
    faster = "" if found.speedup is None else f", {found.speedup:.1f}× faster"
    return f"accuracy {found.student.accuracy:.1%} {teacher}{faster}"


def _export(made: Any) -> str:
    flag = " (flagged)" if made.flagged else ""
    return f"{made.zip_mb:.1f} MB to take away; {made.forms['model.int8.onnx'].size_mb:.2f} MB in 8 bits{flag}"


def _measurement(found: Any) -> str:
    return f"{len(found.models)} models, p50 from {min(one.median for one in found.latency):.2f} ms"


def _probe(found: Any) -> str:
    change = next((change for change in found.changes.values() if change.functions), None)
    rates = [] if change is None else [f"{model.rate:.1%}" for model in change.models.values()]
    return f"answers that flip: {' and '.join(rates)}" if rates else "nothing to change"


def _exam(found: Any) -> str:
    accuracies = [one.scores["exam"].share for one in found.models]
    return f"hand-written code: {' and '.join(f'{accuracy:.1%}' for accuracy in accuracies)} right"


def _calibration(found: Any) -> str:
    errors = [error.median for error in found.held_out_error.values()]
    return f"held-out error {min(errors):.1%} to {max(errors):.1%}"


def _reproduction(found: Any) -> str:
    return f"accuracy {found.accuracy:.1%} of {found.examples:,}, {found.size_mb:.2f} MB"


def _tradeoff(found: Any) -> str:
    share = math.floor(found.hypervolume_share * 1000 + 1e-9) / 1000  # rounded down, so that only a full share is 100%
    return f"{found.points:,} points, {share:.1%} of the true hypervolume"


def _sweep(found: Any) -> str:
    first = found.groups[0]
    if first.hit_rate is None:
        return f"{found.searches} searches, {found.budgets} optima"
    return f"the optimum in {first.hits} of {first.searches} searches"


def _study(found: Any) -> str:
    if not found.budgets:
        return "no student yet"
    first, last = found.budgets[0], found.budgets[-1]
    ends = f"{first.mean:.1%} at {first.budget_mb:g} MB"
    if last is not first:
        ends += f" to {last.mean:.1%} at {last.budget_mb:g} MB"
    return f"{ends} (teacher {found.teacher_accuracy:.1%})"


def _always(config: Mapping[str, Any]) -> bool:
    return True


def _few_searches(config: Mapping[str, Any]) -> bool:
    counts = [len(values) for name in ("seeds", "budgets", "operators") if isinstance(values := config.get(name), list)]
    return math.prod(max(count, 1) for count in counts) <= QUICK_SEARCHES


_ALL = (
    Kind("search", "Search", "search.genetic:SearchSettings", _search, told=True, quick=_always),
    Kind(
        "train-teacher", "Teacher", "distill.settings:TeacherSettings", _teacher, noun="training of the teacher",
        page="teacher", told=True, makes="teacher",
    ),
    Kind(
        "distill", "Distillation", "distill.settings:DistillSettings", _student, told=True,
        makes="student", searched=True,
    ),
    Kind("compare", "Comparison", "evaluate.settings:CompareSettings", _comparison, told=True),
    Kind("export", "Export", "export.settings:ExportSettings", _export),
    Kind("measure", "Measurement", "evaluate.settings:MeasureSettings", _measurement, page="compare"),
    Kind("exam", "Exam", "evaluate.settings:ExamSettings", _exam),
    Kind("probe", "Probe", "evaluate.settings:ProbeSettings", _probe, page="lab"),
    Kind(
        "reproduce", "Reproduction", "evaluate.settings:ReproduceSettings", _reproduction,
        noun="import of the published student", page="paper", makes="student", closed=True,
    ),
    Kind("calibrate", "Calibration", "evaluate.settings:CalibrationSettings", _calibration, page="latency"),
    Kind("tradeoff", "Trade-off", "search.tradeoff:TradeoffSettings", _tradeoff, page="tradeoffs", quick=_always),
    Kind("sweep", "Sweep", "search.sweep:SweepSettings", _sweep, page="sweeps", quick=_few_searches),
    Kind(
        "study", "Budget study", "distill.settings:StudySettings", _study, noun="study of budgets",
        makes="students", searched=True,
    ),
)  # fmt: skip
KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in _ALL}
"""All kinds of runs, by name."""


def kind_of(name: str) -> Kind:
    """Kind with this name. Runs of an unknown kind, from another program, are shown on the page of all runs."""
    return KINDS.get(name) or Kind(name, name, page="runs")
