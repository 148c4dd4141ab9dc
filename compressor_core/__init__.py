"""Compressor Studio: shrink a pre-trained model of code to a size budget, and see every step.

```python
import compressor_core as cc

found = cc.search(budget_mb=3)
student = cc.distill(found.best, teacher="classroom-vulnerability", preset="quick")
cc.compare(student.teacher, student)
```

Everything is imported on first use. Modules are attributes as well, such as `cc.evaluate.intervals.wilson`. `search`,
`distill`, `export` and `cost` are both modules and functions.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from inspect import Signature, signature
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compressor_core.api import *  # noqa: F403
    from compressor_core.architecture import Architecture as Architecture
    from compressor_core.architecture import SearchSpace as SearchSpace
    from compressor_core.cost import cost as cost
    from compressor_core.distill.settings import DistillSettings as DistillSettings
    from compressor_core.distill.settings import StudySettings as StudySettings
    from compressor_core.distill.settings import TeacherSettings as TeacherSettings
    from compressor_core.errors import CompressorError as CompressorError
    from compressor_core.evaluate.settings import CompareSettings as CompareSettings
    from compressor_core.evaluate.settings import ExamSettings as ExamSettings
    from compressor_core.evaluate.settings import MeasureSettings as MeasureSettings
    from compressor_core.evaluate.settings import ProbeSettings as ProbeSettings
    from compressor_core.export.settings import ExportSettings as ExportSettings
    from compressor_core.results import *  # noqa: F403
    from compressor_core.search.genetic import SearchSettings as SearchSettings

__version__ = "0.1.0"

_MODULES = {
    "api": ("search", "distill", "train_teacher", "compare", "measure", "exam", "probe", "study", "export", "load"),
    "results": (
        "SearchResult",
        "Student",
        "Teacher",
        "Comparison",
        "Measurement",
        "Exam",
        "Probe",
        "Study",
        "Export",
        "Prediction",
    ),
    "architecture": ("Architecture", "SearchSpace"),
    "cost": ("cost",),
    "errors": ("CompressorError",),
    "search.genetic": ("SearchSettings",),
    "distill.settings": ("DistillSettings", "StudySettings", "TeacherSettings"),
    "evaluate.settings": ("CompareSettings", "ExamSettings", "MeasureSettings", "ProbeSettings"),
    "export.settings": ("ExportSettings",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}
"""Module of each public name."""
_CALLED = ("search", "distill", "export", "cost")
"""Functions that share the name of a module."""

__all__ = ["__version__", *_HOMES]


class _Package(ModuleType):
    """A package whose modules are imported on first access."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or find_spec(f"{self.__name__}.{name}") is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return import_module(f"{self.__name__}.{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        # The import system sets each loaded module as an attribute.
        if type(value) is ModuleType and value.__name__ == f"{self.__name__}.{name}":
            if value.__name__ == f"{__name__}.{name}" and name in _CALLED:
                value.__class__ = _Callable
            elif hasattr(value, "__path__"):
                value.__class__ = _Package
        super().__setattr__(name, value)


class _Callable(_Package):
    """A module that can be called like the public function of the same name."""

    @property
    def __call__(self) -> Callable[..., Any]:
        name = self.__name__.rpartition(".")[2]
        function: Callable[..., Any] = vars(import_module(f"{__name__}.{_HOMES[name]}"))[name]
        return function

    @property
    def __signature__(self) -> Signature:
        return signature(self.__call__)


class _FrontDoor(_Package):
    """This package: its public names, and its modules."""

    def __getattr__(self, name: str) -> Any:
        if name not in _HOMES or name in _CALLED:
            return super().__getattr__(name)
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *__all__})


sys.modules[__name__].__class__ = _FrontDoor
