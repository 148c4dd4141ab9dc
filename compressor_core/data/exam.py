"""Hand-written exams, `exam-vulnerability` and `exam-clone`, which test a model beyond its training data.

The entries are in `assets/exam/`, one file per weakness or kind of clone pair, each entry with its reason. They were
written without looking at the generators of the classroom data. No model may learn from them: they have only a test
split.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from compressor_core.assets import ASSETS
from compressor_core.data.dataset import Example, Split, fingerprint_of
from compressor_core.errors import DataError
from compressor_core.language import Language
from compressor_core.task import Task

FOLDER = ASSETS / "exam"
CLEAN = "clean"
"""Group of the functions without a weakness."""
_CHIPS = (
    "89-built-where", "78-thumbnail", "22-attachment", "79-greeting", "502-queue-message", "327-triple-des",
    "295-requests-session", "798-database-password",
)  # fmt: skip
"""Ids of pairs with common weaknesses, offered as first examples."""


class Kind(StrEnum):
    """Distance of a pair from typical training data."""

    SURFACE = "surface"
    """A common API in an unusual form."""
    VARIANT = "variant"
    """A rarer API of the same weakness."""


class CloneKind(StrEnum):
    """Difference between the two functions of a pair."""

    TYPE_1 = "type-1"
    """Layout and comments."""
    TYPE_2 = "type-2"
    """Also names, literals and types."""
    TYPE_3 = "type-3"
    """Also statements that were added, removed or restructured."""
    ALGORITHM = "algorithm"
    """Same task, another algorithm: not a clone of type 1 to 3."""
    OPERATOR = "operator"
    """One operator that changes the result."""
    CONSTANT = "constant"
    """Constants that change the result."""
    CALL = "call"
    """One call that changes the result."""

    @property
    def is_clone(self) -> bool:
        """Whether pairs of this kind are clones."""
        return self.value.startswith("type-")


class Entry(BaseModel):
    """One entry of an exam; `reason` is a sentence for the reader."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    reason: str

    @field_validator("unsafe", "safe", "code", "first", "second", mode="after", check_fields=False)
    @classmethod
    def _without_last_line_break(cls, code: str) -> str:
        return code.rstrip("\n")

    @property
    def examples(self) -> tuple[Example, ...]:
        """Examples that a model is tested on."""
        raise NotImplementedError


class WeaknessPair(Entry):
    """The same function, unsafe and fixed."""

    weakness: str
    """CWE identifier, such as "CWE-89"."""
    title: str
    """Name of the weakness."""
    kind: Kind
    unsafe: str
    safe: str

    @property
    def examples(self) -> tuple[Example, ...]:
        """The unsafe half, then the fixed one."""
        return (
            Example((self.unsafe,), 1, self.weakness, f"{self.id}, unsafe"),
            Example((self.safe,), 0, self.weakness, f"{self.id}, fixed"),
        )


class CleanFunction(Entry):
    """A function without a weakness; the reason says why it could be mistaken for unsafe."""

    code: str

    @property
    def examples(self) -> tuple[Example, ...]:
        return (Example((self.code,), 0, CLEAN, self.id),)


class ClonePair(Entry):
    """Two functions that are clones, or only look like clones."""

    kind: CloneKind
    first: str
    second: str

    @property
    def examples(self) -> tuple[Example, ...]:
        return (Example((self.first, self.second), int(self.kind.is_clone), self.kind.value, self.id),)


@dataclass(frozen=True)
class Exam:
    """A dataset with only a test split."""

    entries: tuple[Entry, ...]
    name: ClassVar[str]
    task: ClassVar[Task]
    labels: ClassVar[tuple[str, str]]
    language: ClassVar[Language] = Language.PYTHON
    fresh: ClassVar[bool] = False

    @functools.cached_property
    def fingerprint(self) -> str:
        return fingerprint_of(text for e in self._examples for text in (str(e.label), *e.codes))

    def size(self, split: Split) -> int:
        return len(self._examples) if split is Split.TEST else 0

    def examples(self, split: Split, epoch: int = 0) -> Sequence[Example]:
        """All examples, in the order of the files. Raises DataError for any split but the test split."""
        if split is not Split.TEST:
            raise DataError(
                f"{self.name} has no {split} split, nothing may learn from it: train on classroom-{self.task}"
            )
        return self._examples

    @functools.cached_property
    def _examples(self) -> tuple[Example, ...]:
        return tuple(example for entry in self.entries for example in entry.examples)


class VulnerabilityExam(Exam):
    """Pairs of an unsafe and a fixed function, and functions without a weakness."""

    name = "exam-vulnerability"
    task = Task.VULNERABILITY
    labels = ("safe", "vulnerable")

    @property
    def pairs(self) -> tuple[WeaknessPair, ...]:
        return tuple(entry for entry in self.entries if isinstance(entry, WeaknessPair))

    @property
    def clean(self) -> tuple[CleanFunction, ...]:
        return tuple(entry for entry in self.entries if isinstance(entry, CleanFunction))


class CloneExam(Exam):
    """Pairs of functions that are clones, or only look like clones."""

    name = "exam-clone"
    task = Task.CLONE
    labels = ("different", "clone")

    @property
    def pairs(self) -> tuple[ClonePair, ...]:
        return tuple(entry for entry in self.entries if isinstance(entry, ClonePair))


@functools.cache
def vulnerability_exam(folder: Path = FOLDER / "vulnerability") -> VulnerabilityExam:
    """The exam of `classroom-vulnerability`. Raises DataError if a file is missing or malformed."""
    entries: list[Entry] = []
    for path, table in _tables(folder):
        entries += _entries(path, WeaknessPair, table, "pair", weakness=table.get("weakness"), title=table.get("title"))
        entries += _entries(path, CleanFunction, table, "clean")
    return VulnerabilityExam(tuple(entries))


@functools.cache
def clone_exam(folder: Path = FOLDER / "clone") -> CloneExam:
    """The exam of `classroom-clone`. Raises DataError if a file is missing or malformed."""
    pairs = [_entries(path, ClonePair, table, "pair", kind=table.get("kind")) for path, table in _tables(folder)]
    return CloneExam(tuple(pair for one in pairs for pair in one))


@dataclass(frozen=True)
class Chip:
    """A pair of the exam as a first example. `other` is the fixed function, or the same pair in the other order."""

    title: str
    codes: tuple[str, ...]
    other: tuple[str, ...]
    truths: tuple[int, int]
    """Class numbers of `codes` and of `other`."""
    reason: str


def chips(task: Task, language: Language | None = None) -> tuple[Chip, ...]:
    """First examples: pairs of common weaknesses, or the first pair of each kind of clone (Java if asked for, else
    Python). Raises DataError as the exams do."""
    if task is Task.VULNERABILITY:
        return tuple(
            Chip(f"{pair.weakness} {pair.title}", (pair.unsafe,), (pair.safe,), (1, 0), pair.reason)
            for pair in vulnerability_exam().pairs
            if pair.id in _CHIPS
        )
    java = task is Task.CLONE and language is Language.JAVA
    kinds = {pair.kind: pair for pair in reversed(clone_exam(FOLDER / ("clone-java" if java else "clone")).pairs)}
    return tuple(
        Chip(kind.value.capitalize(), (pair.first, pair.second), (pair.second, pair.first), (label, label), pair.reason)
        for kind in CloneKind
        if (pair := kinds.get(kind)) is not None
        for label in [int(kind.is_clone)]
    )


E = TypeVar("E", bound=Entry)


def _tables(folder: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise DataError(f"{folder} holds no exam: install this program again")
    for path in paths:
        try:
            yield path, tomllib.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read ({error}): restore it") from error


def _entries(path: Path, entry: type[E], table: Mapping[str, Any], name: str, **shared: Any) -> list[E]:
    rows: Iterable[Any] = table.get(name, ())
    try:
        return [entry.model_validate(shared | row) for row in rows]
    except (ValidationError, TypeError) as error:
        raise DataError(f"{path} has a malformed {name} ({error}): restore it") from error
