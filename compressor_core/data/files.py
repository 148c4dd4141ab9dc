"""Datasets read from files: the user's own file, or rows from a benchmark's reader."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from compressor_core.data.dataset import UNKNOWN, Around, Dataset, Example, Split, fingerprint_of, share_of
from compressor_core.data.tables import Row, check, read_rows, strictly
from compressor_core.errors import DataError
from compressor_core.language import Language
from compressor_core.task import Task

_TRAINING_SHARE, _VALIDATION_SHARE = 0.8, 0.9


@dataclass(frozen=True)
class FileDataset:
    """Labelled functions or pairs, each in one split.

    If no row is `unlabelled`, teacher and student are trained on the same functions; the student does not see their
    labels. `published` means that the splits are a benchmark's own; `notes` are sentences about rows left out in
    reading, and about splits with one class. `split_column` tells whether rows name their split; None if the data are
    not one file of rows.
    """

    path: Path
    name: str
    rows: tuple[tuple[Split, Example], ...]
    labels: tuple[str, str]
    language: Language | None = None
    published: bool = False
    notes: tuple[str, ...] = ()
    split_column: bool | None = None
    fresh: bool = False

    @property
    def task(self) -> Task:
        return Task.CLONE if len(self.rows[0][1].codes) == 2 else Task.VULNERABILITY

    @functools.cached_property
    def fingerprint(self) -> str:
        @functools.cache  # pairs name few functions many times
        def digest(code: str) -> str:
            return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()

        return fingerprint_of(f"{split}\n{e.label}\n{digest(code)}" for split, e in self.rows for code in e.codes)

    def size(self, split: Split) -> int:
        return len(self._parts.get(split, ()))

    def examples(self, split: Split, epoch: int = 0) -> Sequence[Example]:
        """Rows of one split in file order. Raises DataError if there are none."""
        found = self._parts.get(split)
        if not found and split in (Split.TRAIN, Split.UNLABELLED) and Split.UNLABELLED not in self._parts:
            found = self._parts.get(Split.TRAIN)
        if not found:
            raise DataError(
                f"{self.path} has no {split} example among its {len(self.rows)} rows: {remedy_for_splits(self)}"
            )
        return found

    def everything(self) -> Sequence[Example]:
        """All labelled rows, in file order."""
        return [example for _, example in self.rows if example.label != UNKNOWN]

    @functools.cached_property
    def _parts(self) -> Mapping[Split, Sequence[Example]]:
        parts: dict[Split, list[Example]] = {}
        for split, example in self.rows:
            parts.setdefault(split, []).append(example)
        return parts


def read_file(
    path: Path | str, name: str = "file", labels: tuple[str, str] | None = None, language: Language | None = None
) -> FileDataset:
    """Read a file of labelled functions or pairs whose columns can be recognised by name.

    The file is split by content hash, 80/10/10, unless its rows have a `split`; the same code is always in the same
    split. If `labels` and `language` are None, they are taken from the file.

    Raises:
        DataError: the file is missing, empty, not text, malformed (with the line), or has one class only.
    """
    path = Path(path)
    return dataset_of(path, strictly(path, read_rows(path)), name, labels, language)


def dataset_of(
    path: Path | str,
    rows: Sequence[Row],
    name: str = "file",
    labels: tuple[str, str] | None = None,
    language: Language | None = None,
) -> FileDataset:
    """Dataset of rows read from `path`, see `read_file`. Raises DataError if there is only one class."""
    path = Path(path)
    check(path, {row.example.label: row.label_name for row in rows})
    spoken = {row.language for row in rows}
    dataset = FileDataset(
        path,
        name,
        tuple((row.split or split_of(row.example), row.example) for row in rows),
        labels or label_names(rows),
        language or (spoken.pop() if len(spoken) == 1 else None),
        split_column=any(row.split for row in rows),
    )
    return replace(dataset, notes=tuple(_one_class_notes(dataset)))


def only_label(dataset: Dataset, split: Split) -> str | None:
    """Name of the label that all examples of a split have; None if they have two or none, or are drawn anew."""
    found = set() if dataset.fresh or not dataset.size(split) else {e.label for e in dataset.examples(split)}
    return dataset.labels[found.pop()] if len(found) == 1 and UNKNOWN not in found else None


def remedy_for_splits(dataset: Dataset) -> str:
    """What to do about a split without examples, or without examples of a class."""
    while isinstance(dataset, Around):
        dataset = dataset.whole
    column = dataset.split_column if isinstance(dataset, FileDataset) else None
    if column is None:
        return "give all of its data"
    if column:
        return "add rows, or leave out its column 'split', and all rows are split 80/10/10"
    return "add rows, which are split 80/10/10 by their code, or name the split of each in a column 'split'"


def _one_class_notes(dataset: Dataset) -> Iterator[str]:
    for split in (Split.TRAIN, Split.VALIDATION, Split.TEST):
        if (label := only_label(dataset, split)) is not None:
            yield f"Every row of the {split} split has the label {label}."


def split_of(example: Example) -> Split:
    """Split of an example without one, by a hash of its code."""
    share = share_of("\n".join(example.codes))
    if share < _TRAINING_SHARE:
        return Split.TRAIN
    return Split.VALIDATION if share < _VALIDATION_SHARE else Split.TEST


def label_names(rows: Iterable[Row]) -> tuple[str, str]:
    """Names of the two classes in the rows; if class 0 has several, it is "not" and the name of class 1."""
    words: tuple[set[str], set[str]] = (set(), set())
    for row in rows:
        if row.example.label != UNKNOWN:
            words[row.example.label].add(row.label_name)
    negative, positive = (min(found) if len(found) == 1 else "" for found in words)
    return (negative or (f"not {positive}" if positive else "0"), positive or "1")
