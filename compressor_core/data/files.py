"""Labelled code from a file: CodeXGLUE's Devign layout, or one's own JSONL or CSV."""

from __future__ import annotations

import csv
import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compressor_core.data.dataset import Example, Split, fingerprint_of, share_of
from compressor_core.errors import DataError
from compressor_core.language import Language
from compressor_core.task import Task

_TRAINING_SHARE, _VALIDATION_SHARE = 0.8, 0.9
_LABEL_COLUMNS = ("label", "target")


@dataclass(frozen=True)
class FileDataset:
    """One file of labelled functions (`func`, and `label` or `target`) or pairs (`func1`, `func2`, `label`).

    The file is split by content hash, 80/10/10, unless its rows have a `split` of their own; the same code is
    always in the same split. The teacher's and the student's training parts are the same functions: the student
    is shown no label of theirs.
    """

    path: Path
    name: str
    rows: tuple[tuple[Split, Example], ...]
    labels: tuple[str, str]
    language: Language | None = None
    fresh: bool = False

    @property
    def task(self) -> Task:
        return Task.CLONE if len(self.rows[0][1].codes) == 2 else Task.VULNERABILITY

    @functools.cached_property
    def fingerprint(self) -> str:
        return fingerprint_of(f"{split}\n{e.label}\n{code}" for split, e in self.rows for code in e.codes)

    def examples(self, split: Split, epoch: int = 0) -> Sequence[Example]:
        """The rows of one split in the file's order. Raises DataError if there are none."""
        wanted = {Split.TRAIN, Split.UNLABELLED} if split in (Split.TRAIN, Split.UNLABELLED) else {split}
        if any(own is Split.UNLABELLED for own, _ in self.rows):
            wanted = {split}  # the file tells the two apart itself
        found = [example for own, example in self.rows if own in wanted]
        if not found:
            raise DataError(
                f"{self.path} has no {split} example among its {len(self.rows)} rows: add rows, or a column 'split'"
            )
        return found

    def everything(self) -> Sequence[Example]:
        """All rows, in the file's order."""
        return [example for _, example in self.rows]


def read_file(
    path: Path | str, name: str = "file", labels: tuple[str, str] = ("0", "1"), language: Language | None = None
) -> FileDataset:
    """Read a JSONL or CSV file of labelled functions or pairs.

    Raises:
        DataError: the file is missing, empty, not text, malformed (with the line), or has one class only.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"there is no file {path}: check the path given as data")
    rows = _csv_rows(path) if path.suffix.lower() == ".csv" else _jsonl_rows(path)
    try:
        examples = tuple(_example(path, line, row) for line, row in rows)
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): check the file and its permissions") from error
    except csv.Error as error:
        raise DataError(f"{path} is not a CSV file that can be read ({error}): export it again") from error
    if not examples:
        raise DataError(f"{path} is empty: it needs one row for each function")
    present = {example.label for _, example in examples}
    if len(present) == 1:
        raise DataError(f"every row of {path} has the label {present.pop()}: both classes are needed to learn")
    if len({len(example.codes) for _, example in examples}) > 1:
        raise DataError(f"{path} mixes single functions and pairs: keep one kind of row in a file")
    return FileDataset(path, name, examples, labels, language)


def _jsonl_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (json.JSONDecodeError, RecursionError) as error:
                hint = "the file seems half-written" if not line.endswith("\n") else "it is no JSON object"
                raise DataError(
                    f"line {number} of {path} cannot be read, {hint}: repair or remove that line"
                ) from error
            if not isinstance(row, dict):
                raise DataError(f"line {number} of {path} is no JSON object: repair or remove that line")
            yield number, row


def _csv_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            yield reader.line_num, row


def _example(path: Path, line: int, row: Mapping[str, Any]) -> tuple[Split, Example]:
    codes = (row.get("func1"), row.get("func2")) if "func1" in row else (row.get("func"),)
    for code in codes:
        if not isinstance(code, str) or not code.strip():
            raise DataError(
                f"line {line} of {path} has no code: each row needs 'func', or 'func1' and 'func2'; "
                "repair or remove that line"
            )
    column = next((name for name in _LABEL_COLUMNS if name in row), None)
    label = str(row[column]).strip() if column is not None else ""
    label = {"true": "1", "false": "0"}.get(label.lower(), label.removesuffix(".0"))
    if label not in ("0", "1"):
        given = f"the label {row[column]!r}" if column is not None else "no label"
        raise DataError(f"line {line} of {path} has {given}: 'label' (or 'target') must be 0 or 1")
    example = Example(tuple(str(code) for code in codes), int(label), str(row.get("group") or ""), f"line {line}")
    return _split(path, line, row.get("split"), example), example


def _split(path: Path, line: int, given: object, example: Example) -> Split:
    if given not in (None, ""):
        word = str(given).strip().lower()
        word = {"valid": "validation", "val": "validation", "dev": "validation", "training": "train"}.get(word, word)
        try:
            return Split(word)
        except ValueError:
            raise DataError(
                f"line {line} of {path} has the split {given!r}: use {', '.join(Split)}, or leave the column out"
            ) from None
    share = share_of("\n".join(example.codes))
    if share < _TRAINING_SHARE:
        return Split.TRAIN
    return Split.VALIDATION if share < _VALIDATION_SHARE else Split.TEST
