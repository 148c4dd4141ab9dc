"""Pool of unlabelled code: files of any size, streamed shard by shard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from compressor_core.data.columns import Columns
from compressor_core.data.dataset import Dataset, Split
from compressor_core.data.formats import column_names, open_table
from compressor_core.data.lines import BadRow, bad_rows
from compressor_core.data.tables import functions_in
from compressor_core.errors import DataError
from compressor_core.files import checked_path
from compressor_core.task import Task

SHARD = 10_000
"""Examples of a shard, which is labelled, encoded and stored as one file. No shard has rows of two files."""
_MOST_CHARACTERS = 200_000_000
"""Largest number of characters of a shard, ten times that of 10,000 typical functions."""
_KINDS = (".jsonl", ".jsonl.gz", ".json", ".json.gz", ".parquet")


@dataclass(frozen=True)
class Shard:
    """Consecutive examples of a pool; the last shard of each file may have fewer than SHARD."""

    number: int
    codes: list[tuple[str, ...]]


class Pool:
    """Functions (pairs for the clone task) in a JSONL file (also gzipped), a Parquet file, or a folder of such files.

    A folder is read recursively, in the order of the paths. Columns are guessed by name; only the code is used. `bad`
    is the number of unusable rows in the last reading.

    Raises:
        DataError: the file or folder does not exist, or the folder has no file of these kinds.
    """

    def __init__(self, path: Path | str, task: Task, *, skip_bad_rows: bool = False) -> None:
        self.path = checked_path(path)
        self.bad = 0
        self._width = 2 if task is Task.CLONE else 1
        self._skip = skip_bad_rows
        if self.path.is_dir():
            self._files = sorted(p for p in self.path.rglob("*") if p.name.lower().endswith(_KINDS) and p.is_file())
        else:
            self._files = [self.path] if self.path.exists() else []
        if not self._files:
            what = f"holds none of the kinds {', '.join(_KINDS)}" if self.path.is_dir() else "is not there"
            raise DataError(
                f"the unlabelled code {self.path} {what}: give a JSONL or Parquet file, or a folder of them"
            )

    def shards(self) -> Iterator[Shard]:
        """All shards, one in memory at a time.

        Raises:
            DataError: a file is damaged, has no column with code, the wrong number of functions per row for the task,
                or a bad row that is not skipped; or the pool is empty.
        """
        self.bad = 0
        numbers = count()
        for path in self._files:
            examples = self._examples(path)
            while codes := _taken(examples):
                yield Shard(next(numbers), codes)
        if next(numbers) == 0:
            raise DataError(f"the unlabelled code {self.path} has no function that can be used: give other files")

    def _examples(self, path: Path) -> Iterator[tuple[str, ...]]:
        names = column_names(path)
        columns = self._columns(path, names) if names else ("func",)
        for row in open_table(path, columns).rows:
            found = row if isinstance(row, BadRow) else functions_in(row[0], row[1], columns)
            if not isinstance(found, BadRow):
                yield found
            elif self._skip:
                self.bad += 1
            else:
                raise bad_rows(path, [found])

    def _columns(self, path: Path, names: tuple[str, ...]) -> tuple[str, ...]:
        code = Columns().completed(names).code
        if len(code) == self._width:
            return code
        wanted = "pairs, as func1 and func2" if self._width == 2 else "single functions, as func"
        found = f"{len(code)} function{'s' if len(code) > 1 else ''} in a row" if code else "no column known to be code"
        raise DataError(f"{path} has {found}, and the teacher reads {wanted}: give rows of that kind")


def _taken(examples: Iterator[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Examples of the next shard."""
    codes: list[tuple[str, ...]] = []
    room = _MOST_CHARACTERS
    while len(codes) < SHARD and room > 0 and (example := next(examples, None)):
        codes.append(example)
        room -= sum(map(len, example))
    return codes


def held_out(dataset: Dataset) -> frozenset[str]:
    """Functions of the validation and test splits, normalised for `is_held_out`; a pool must not contain them."""
    splits = (Split.VALIDATION, Split.TEST)
    return frozenset(_plain(code) for split in splits for e in dataset.examples(split) for code in e.codes)


def is_held_out(codes: tuple[str, ...], functions: frozenset[str]) -> bool:
    """Whether any function of an example is one of `held_out`, regardless of white space."""
    return any(_plain(code) in functions for code in codes)


def held_out_examples(dataset: Dataset) -> frozenset[tuple[str, ...]]:
    """Examples of the validation and test splits, normalised by `plain_example`."""
    splits = (Split.VALIDATION, Split.TEST)
    return frozenset(plain_example(e.codes) for split in splits for e in dataset.examples(split))


def plain_example(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Functions of an example with normalised white space, in alphabetical order."""
    return tuple(sorted(map(_plain, codes)))


def _plain(code: str) -> str:
    return " ".join(code.split())
