"""A teacher's recorded answers in a file, which replace the teacher on a machine that does not have it.

A row has code, or the dataset's ids of it, and one number for each class. The file is Parquet, JSONL or JSONL.gz with
the columns

    func, or func1 and func2       the code; or id, or id1 and id2, where the dataset has a data.jsonl
    logit_0 and logit_1            or probability_0 and probability_1; a class may be named (logit_clone)

or NAME.npy, an array (rows, 2), beside NAME.txt (two ids per line, as in CodeXGLUE's pairs) or a file as above: row i
of the array is the answer to row i of that file. If all numbers are from 0 to 1 and every row adds up to 1, they are
probabilities, else logits.
"""

from __future__ import annotations

import functools
import hashlib
import io
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from compressor_core.cache import cache_folder
from compressor_core.data.benchmarks import FUNCTIONS, functions_by_id
from compressor_core.data.columns import Columns
from compressor_core.data.dataset import Dataset
from compressor_core.data.files import FileDataset
from compressor_core.data.formats import column_names, open_table
from compressor_core.data.lines import BadRow, Entry, bad_rows, text_lines
from compressor_core.data.tables import functions_in
from compressor_core.errors import DataError
from compressor_core.files import checked_path, storage_error, write_bytes
from compressor_core.task import Task

LOGIT, PROBABILITY = "logit_", "probability_"
"""Prefixes of the columns with answers; the class follows."""
_ARRAY = ".npy"
_OFF = 1e-3
"""Tolerance of the sum of probabilities, which may be rounded."""
_LEAST = 1e-7
"""Smallest probability whose logarithm is taken; smaller ones are raised to it."""
Logits = NDArray[np.float32]


@dataclass(frozen=True)
class RecordedAnswers:
    """A teacher's answers to some examples."""

    path: Path
    codes: Sequence[tuple[str, ...]]
    logits: Logits
    """Shape (examples, 2)."""
    left_out: int
    """Number of unusable rows that were skipped."""

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hash of the code and the answers, as sixteen hexadecimal digits."""
        digest = hashlib.sha256(np.ascontiguousarray(self.logits).tobytes())
        for codes in self.codes:
            for code in codes:
                digest.update(len(code).to_bytes(8, "big") + code.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:16]

    def of(self, examples: Sequence[tuple[str, ...]]) -> dict[int, NDArray[np.float32]]:
        """Logits (2,) by index, for the examples that have an answer."""
        return {i: self.logits[self._places[codes]] for i, codes in enumerate(examples) if codes in self._places}

    @functools.cached_property
    def _places(self) -> Mapping[tuple[str, ...], int]:
        return {codes: place for place, codes in enumerate(self.codes)}


def read_answers(path: str | Path, dataset: Dataset, *, skip_bad_rows: bool = False) -> RecordedAnswers:
    """Read the answers in a file, for the task and the classes of a dataset.

    Raises:
        DataError: the file is missing or damaged; it has no code, other classes, or an unusable row: without code,
            with a number that is not finite, or with probabilities that do not add up to one.
    """
    path = checked_path(path)
    if not path.is_file():
        raise DataError(f"there is no file of answers {path}: check the path given as teacher")
    beside, names, rows = _of_array(path) if path.suffix.lower() == _ARRAY else (path, column_names(path), _rows)
    answers = _answer_columns(path, names, dataset)
    code, functions = _code_columns(beside, names, dataset)
    codes, logits, bad = [], [], []
    for row in rows(beside, (*code, *answers)):
        found = row if isinstance(row, BadRow) else _row(*row, code, functions, answers)
        if not isinstance(found, BadRow):
            codes.append(found[0])
            logits.append(found[1])
        elif skip_bad_rows:
            bad.append(found)
        else:
            raise bad_rows(beside, [found])
    if not codes:
        raise bad_rows(beside, bad) if bad else DataError(f"{path} has no answer: give one row for each example")
    return RecordedAnswers(path, codes, np.array(logits, np.float32), len(bad))


def task_of_answers(path: str | Path) -> Task:
    """Task of a file of answers, judged by its columns. Raises DataError as `read_answers`."""
    path = checked_path(path)
    if not path.is_file():
        raise DataError(f"there is no file of answers {path}: check the path given as teacher")
    names = _of_array(path)[1] if path.suffix.lower() == _ARRAY else column_names(path)
    pairs = len(Columns().completed(names).code) == 2 or {"id1", "id2"} <= set(names)
    return Task.CLONE if pairs else Task.VULNERABILITY


def kept_answers(table: Any) -> Path:
    """Write a pandas DataFrame of answers to a cached file named by its content. Raises DataError for other types."""
    if not hasattr(table, "to_parquet") or not hasattr(table, "columns"):
        raise DataError(f"a teacher cannot be a {type(table).__name__}: give a model, a path or a pandas DataFrame")
    content = io.BytesIO()
    try:
        table.to_parquet(content, index=False)
    except Exception as error:  # pyarrow has an exception for each kind of column that it cannot write
        raise DataError(
            f"the table of answers cannot be written as Parquet ({error}): give text and numbers"
        ) from error
    folder = cache_folder() / "files"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"answers-{hashlib.sha256(content.getvalue()).hexdigest()[:16]}.parquet"
    if not path.exists():
        write_bytes(path, content.getvalue())
    return path


class AnswerFile:
    """A Parquet file of answers that is written in parts and appears only when complete."""

    def __init__(self, path: Path, task: Task, labels: Sequence[str]) -> None:
        if path.suffix.lower() != ".parquet":
            raise DataError(f"answers are written as Parquet, not as {path.name}: give a name that ends in .parquet")
        self._path = path
        self._code = ("func1", "func2") if task is Task.CLONE else ("func",)
        self._answers = [f"{LOGIT}{label}" for label in labels]
        self._draft = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")
        self._writer: Any = None

    def __enter__(self) -> Self:
        import pyarrow
        import pyarrow.parquet

        fields = [(name, pyarrow.string()) for name in self._code]
        fields += [(name, pyarrow.float32()) for name in self._answers]
        self._schema = pyarrow.schema(fields)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pyarrow.parquet.ParquetWriter(self._draft, self._schema)
        except OSError as error:
            raise storage_error(error, self._path) from error
        return self

    def add(self, codes: Sequence[tuple[str, ...]], logits: NDArray[Any]) -> None:
        """Write rows of code and logits (rows, 2). Raises StorageError."""
        import pyarrow

        columns = [*map(list, zip(*codes, strict=True)), *np.asarray(logits, np.float32).T]
        try:
            self._writer.write_table(pyarrow.table(columns, schema=self._schema))
        except OSError as error:
            raise storage_error(error, self._path) from error

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            self._writer.close()
            if kind is None:
                os.replace(self._draft, self._path)
        except OSError as error:
            raise storage_error(error, self._path) from error
        finally:
            self._draft.unlink(missing_ok=True)


def _rows(path: Path, columns: Sequence[str]) -> Iterator[Entry]:
    return open_table(path, columns).rows


def _of_array(path: Path) -> tuple[Path, tuple[str, ...], Callable[[Path, Sequence[str]], Iterator[Entry]]]:
    """The file beside an array, the columns of both together, and a function that reads their rows."""
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no array that can be read ({error}): write it with numpy.save") from error
    if array.ndim != 2 or not np.issubdtype(array.dtype, np.number):
        raise DataError(f"{path} has the shape {array.shape}: give one row for each example, one number for each class")
    endings = (".txt", ".jsonl", ".jsonl.gz", ".parquet")
    beside = next((found for ending in endings if (found := path.with_name(path.stem + ending)).is_file()), None)
    if beside is None:
        raise DataError(
            f"beside {path} there is no {path.stem}.txt or {path.stem}.jsonl: add it, with one row for each answer"
        )
    pairs = beside.suffix == ".txt"
    shares = bool(((array >= 0) & (array <= 1)).all() and (np.abs(array.sum(1) - 1) <= _OFF).all())
    own = [f"{PROBABILITY if shares else LOGIT}{place}" for place in range(array.shape[1])]
    names = (*(("id1", "id2") if pairs else column_names(beside)), *own)

    def rows(file: Path, columns: Sequence[str]) -> Iterator[Entry]:
        count = 0
        inner = [name for name in columns if name not in own]
        for row in _pairs(file) if pairs else _rows(file, inner):
            if count < len(array) and not isinstance(row, BadRow):
                yield row[0], {**row[1], **dict(zip(own, array[count].tolist(), strict=True))}
            elif count < len(array):
                yield row
            count += 1
        if count != len(array):
            raise DataError(
                f"{path} has {len(array):,} answers and {file.name} beside it {count:,} rows: "
                "give both from the same labelling, row by row"
            )

    return beside, names, rows


def _pairs(path: Path) -> Iterator[Entry]:
    """Pairs of ids, two per line, separated by white space; further fields are ignored."""
    for line, text in text_lines(path):
        fields = text.split()
        yield (line, {"id1": fields[0], "id2": fields[1]}) if len(fields) > 1 else BadRow(line, "has no two ids")


def _answer_columns(path: Path, names: Sequence[str], dataset: Dataset) -> tuple[str, str]:
    """Columns with the answers for class 0 and class 1."""
    found = {
        kind: {name[len(kind) :]: name for name in names if name.startswith(kind)} for kind in (LOGIT, PROBABILITY)
    }
    of = found[LOGIT] or found[PROBABILITY]
    if not of:
        raise DataError(
            f"{path} has no answers among its columns {', '.join(names) or '(none)'}: call them {LOGIT}0 and {LOGIT}1, "
            f"or {PROBABILITY}0 and {PROBABILITY}1"
        )
    for classes in (("0", "1"), dataset.labels):
        if set(of) == set(classes):
            return of[classes[0]], of[classes[1]]
    raise DataError(
        f"{path} answers for the classes {', '.join(of)}, and those of {dataset.name} are "
        f"{' and '.join(dataset.labels)}: give answers for these, by name or as 0 and 1"
    )


def _code_columns(
    path: Path, names: Sequence[str], dataset: Dataset
) -> tuple[tuple[str, ...], Mapping[str, str] | None]:
    """Columns with code; or columns with ids, and the code by id."""
    pairs = dataset.task is Task.CLONE
    if code := Columns().completed(names).code:
        if len(code) != 1 + pairs:
            raise DataError(
                f"{path} has {'pairs' if len(code) == 2 else 'single functions'}, and {dataset.name} has "
                f"{'pairs' if pairs else 'single functions'}: give answers for the same task"
            )
        return code, None
    ids = ("id1", "id2") if pairs else ("id",)
    if not set(ids) <= set(names):
        wanted = "func1 and func2" if pairs else "func"
        raise DataError(f"{path} has no column with code: add {wanted}, or ids as {' and '.join(ids)}")
    table = dataset.path / FUNCTIONS if isinstance(dataset, FileDataset) else None
    if table is None or not table.is_file():
        raise DataError(
            f"{path} names functions by their ids, and {dataset.name} has no {FUNCTIONS} that says which these are: "
            "give the code itself, or the folder of that file as data"
        )
    return ids, functions_by_id(table)


def _row(
    number: int,
    row: Mapping[str, Any],
    code: Sequence[str],
    functions: Mapping[str, str] | None,
    answers: Sequence[str],
) -> tuple[tuple[str, ...], list[float]] | BadRow:
    """Code and logits of a row, or what is wrong with it."""
    if functions is None:
        found = functions_in(number, row, code)
    else:
        ids = [str(row.get(name)) for name in code]
        missing = next((name for name in ids if name not in functions), None)
        found = tuple(functions[name] for name in ids if name in functions)
        if missing is not None:
            found = BadRow(number, f"has no code: {FUNCTIONS} lacks the function {missing}")
    if isinstance(found, BadRow):
        return found
    values = [row.get(name) for name in answers]
    if not all(isinstance(value, int | float) and math.isfinite(value) for value in values):
        return BadRow(number, f"has {', '.join(map(str, values))} as {' and '.join(answers)}, not two finite numbers")
    numbers = [float(cast("float", value)) for value in values]
    if answers[0].startswith(LOGIT):
        return found, numbers
    if min(numbers) < 0 or abs(sum(numbers) - 1) > _OFF:
        return BadRow(
            number, f"has probabilities that add up to {sum(numbers):g}, {', '.join(map(str, numbers))}, not 1"
        )
    return found, [math.log(max(value, _LEAST)) for value in numbers]
