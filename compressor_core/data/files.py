"""Datasets that are read from files: one's own file, or rows that a benchmark's reader has put together."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from compressor_core.data.dataset import UNKNOWN, Example, Split, fingerprint_of, share_of
from compressor_core.data.tables import Row, check, read_rows, strictly
from compressor_core.errors import DataError
from compressor_core.language import Language
from compressor_core.task import Task

_TRAINING_SHARE, _VALIDATION_SHARE = 0.8, 0.9


@dataclass(frozen=True)
class FileDataset:
    """Labelled functions or pairs, each in one split.

    Where no row is `unlabelled`, the teacher's and the student's training parts are the same functions: the student
    is shown no label of theirs. `published` tells that the splits are a benchmark's own; `notes` are sentences on what
    was left out in reading.
    """

    path: Path
    name: str
    rows: tuple[tuple[Split, Example], ...]
    labels: tuple[str, str]
    language: Language | None = None
    published: bool = False
    notes: tuple[str, ...] = ()
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
        """The rows of one split in the file's order. Raises DataError if there are none."""
        found = self._parts.get(split)
        if not found and split in (Split.TRAIN, Split.UNLABELLED) and Split.UNLABELLED not in self._parts:
            found = self._parts.get(Split.TRAIN)
        if not found:
            raise DataError(
                f"{self.path} has no {split} example among its {len(self.rows)} rows: add rows, or a column 'split'"
            )
        return found

    def everything(self) -> Sequence[Example]:
        """All labelled rows, in the file's order."""
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
    """Read a JSONL or CSV file of labelled functions or pairs whose columns can be told by their names.

    The file is split by content hash, 80/10/10, unless its rows have a `split` of their own; the same code is always
    in the same split. `labels` and `language` None: as the file has them.

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
    """The dataset of rows that were read from `path`, see `read_file`. Raises DataError if there is one class only."""
    path = Path(path)
    check(path, {row.example.label: row.label_name for row in rows})
    spoken = {row.language for row in rows}
    return FileDataset(
        path,
        name,
        tuple((row.split or split_of(row.example), row.example) for row in rows),
        labels or label_names(rows),
        language or (spoken.pop() if len(spoken) == 1 else None),
    )


def split_of(example: Example) -> Split:
    """The split of an example that has none of its own: by a hash of its code."""
    share = share_of("\n".join(example.codes))
    if share < _TRAINING_SHARE:
        return Split.TRAIN
    return Split.VALIDATION if share < _VALIDATION_SHARE else Split.TEST


def label_names(rows: Iterable[Row]) -> tuple[str, str]:
    """Names of the two classes in the rows; where class 0 has several, "not" the name of class 1."""
    words: tuple[set[str], set[str]] = (set(), set())
    for row in rows:
        if row.example.label != UNKNOWN:
            words[row.example.label].add(row.label_name)
    negative, positive = (min(found) if len(found) == 1 else "" for found in words)
    return (negative or (f"not {positive}" if positive else "0"), positive or "1")
