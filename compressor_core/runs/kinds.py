"""The kinds of runs, each described once: its words, its settings, its work and the page that shows it."""

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
"""Folder, in the run's own, of the one model that a run makes."""
STUDENTS: Final = "students"
"""Folder, in the run's own, of the many students that a run makes."""


QUICK_SEARCHES: Final = 40
"""Searches that a sweep may have at most and still be quick."""


@dataclass(frozen=True)
class Kind:
    """One kind of run."""

    name: str
    """As config.json names it."""
    title: str
    settings_class: str = ""
    """Module and class, imported when first asked for."""
    tell: Callable[[Any], str] = lambda _: ""
    """A few words about a summary."""
    noun: str = ""
    """As it is called in the middle of a sentence; by default the title."""
    page: str = ""
    """The page that shows its runs; by default that of its name."""
    told: bool = False
    """Whether a report can be made of it."""
    makes: str | None = None
    """What its runs keep: a `teacher`, a `student`, or many `students`."""
    searched: bool = False
    """Whether its students were made here, for an architecture that a search or a person has picked."""
    closed: bool = False
    """Whether visitors of a shared server may not start it: it reads whatever file it is given."""

    quick: Callable[[Mapping[str, Any]], bool] = lambda _: False
    """Whether a run with this configuration takes seconds: such runs never wait behind a training."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "noun", self.noun or self.title.lower())
        object.__setattr__(self, "page", self.page or self.name)

    @property
    def settings(self) -> type[Settings]:
        """Its settings class."""
        module, _, name = self.settings_class.partition(":")
        found: type[Settings] = getattr(import_module(f"compressor_core.{module}"), name)
        return found

    def read_settings(self, values: Mapping[str, Any]) -> Any:
        """The settings that plain values stand for. Raises CompressorError if there are none such."""
        return self.settings.model_validate(values)

    @property
    def work(self) -> Callable[[RunContext], Work[Record | None]]:
        """What its runs do: yields records, returns the summary."""
        work: Callable[[RunContext], Work[Record | None]] = getattr(
            import_module("compressor_core.runs.work"), self.name.replace("-", "_")
        )
        return work

    def headline(self, summary: Any) -> str:
        """What came out of a run, in a few words; empty without a summary."""
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
    share = math.floor(found.hypervolume_share * 1000 + 1e-9) / 1000  # 100% only where it is
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
"""Every kind of run, by its name."""


def kind_of(name: str) -> Kind:
    """The kind of this name. A run of no known kind, which another program wrote, is shown on the page of all runs."""
    return KINDS.get(name) or Kind(name, name, page="runs")
