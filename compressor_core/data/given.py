"""Data given in a notebook: a dataset's name, a path, a pandas DataFrame, or a Hugging Face dataset.

A table in memory is written to the cache as a file named by its content. Every run, fingerprint and later comparison
then reads the same rows as the dataset `file`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from compressor_core.cache import cache_folder
from compressor_core.data.columns import SPLIT_WORDS
from compressor_core.data.dataset import Split
from compressor_core.data.intake import copy_rows, take_in
from compressor_core.data.labels import meaning
from compressor_core.data.registry import DATASETS
from compressor_core.data.tables import understand
from compressor_core.errors import DataError
from compressor_core.files import checked_path
from compressor_core.language import Language

if TYPE_CHECKING:
    import pandas as pd


class DataSource(NamedTuple):
    """Settings `dataset` and `data` of a data source."""

    dataset: str
    data: str | None = None


def source_of(
    given: Any,
    *,
    language: Language | str | None = None,
    positive: str | int | bool | None = None,
) -> DataSource:
    """Name and file of the given data; a table, and a file with `language` or `positive`, is copied first.

    A table has the columns of a file: `func` or `func1` and `func2`, `label`, and optionally `split` and `group`. The
    parts of a DatasetDict become splits. A folder is read in CodeXGLUE's layout of a benchmark.

    Args:
        language: programming language of the code
        positive: label that means 1; all others mean 0

    Raises:
        DataError: the data has none of these forms, or an unusable row.
    """
    if language is not None and language not in set(Language):
        raise DataError(f"there is no language {language!r}: choose {', '.join(Language)}")
    language = None if language is None else Language(language)
    positive = None if positive is None else str(positive)
    is_plain = language is None and positive is None
    if isinstance(given, str) and given in [info.name for info in DATASETS]:
        source = DataSource(given)
    elif isinstance(given, str | PathLike):
        path = checked_path(Path(given))
        if not path.is_dir():
            if is_plain:
                return DataSource("file", str(path.absolute()))
            folder = cache_folder() / "files"
            return DataSource("file", str(take_in(path, folder, positive=positive, language=language)))
        source = DataSource("bigclonebench" if (path / "data.jsonl").is_file() else "devign", str(path.absolute()))
    else:
        return DataSource("file", str(_written(_frames(given), positive, language)))
    if not is_plain:
        raise DataError(f"{given} says its own language and labels: leave them out, or give a file or a table")
    return source


def _frames(given: Any) -> Mapping[Split | None, Any]:
    """Given tables by the split of all their rows; a single table has the key None."""
    if not isinstance(given, Mapping):
        return {None: given}
    if len(given) == 1:
        return {None: next(iter(given.values()))}
    frames: dict[Split | None, Any] = {}
    for name, frame in given.items():
        split = SPLIT_WORDS.get(str(name).lower())
        if split is None:
            raise DataError(f"there is no split {str(name)!r}: give parts called {', '.join(Split)}, or one of them")
        frames[split] = frame
    return frames


def _written(frames: Mapping[Split | None, Any], positive: str | None, language: Language | None) -> Path:
    tables = {part: _frame(table, positive) for part, table in frames.items()}
    names = list(dict.fromkeys(str(name) for table in tables.values() for name in table.columns))
    if None not in tables and "split" not in names:
        names.append("split")
    labels = Counter[str]()
    rows = understand(_entries(tables), names, "the table", positive=positive, labels=labels, unit="row")
    return copy_rows("the table", rows, labels, cache_folder() / "files", positive=positive, language=language)


def _frame(table: Any, positive: str | None) -> pd.DataFrame:
    """A table as a DataFrame, with None for missing values; class numbers with known names become these names."""
    frame = table.to_pandas() if hasattr(table, "to_pandas") else table
    if not hasattr(frame, "columns") or not hasattr(frame, "to_dict"):
        raise DataError(
            f"the data cannot be a {type(table).__name__}: give a dataset's name, a path, a pandas DataFrame or a "
            "Hugging Face Dataset"
        )
    twice = [name for name, count in Counter(map(str, frame.columns)).items() if count > 1]
    if twice:
        raise DataError(f"the table has two columns {twice[0]!r}: give each a name of its own")
    frame = frame.astype(object)
    frame = frame.where(frame.notna(), None)
    features = getattr(table, "features", None)
    for column, kind in features.items() if isinstance(features, Mapping) else ():
        words = [str(word) for word in getattr(kind, "names", None) or ()]
        if words and (positive in words or None not in map(meaning, words)):
            frame[column] = [words[n] if isinstance(n, int) and 0 <= n < len(words) else n for n in frame[column]]
    return cast("pd.DataFrame", frame)


def _entries(tables: Mapping[Split | None, pd.DataFrame]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for part, table in tables.items():
        for number, row in enumerate(table.to_dict("records")):
            entry = {str(name): value for name, value in row.items()}
            entry.setdefault("origin", f"row {number}" if part is None else f"row {number} of {part}")
            yield number, entry if part is None else {**entry, "split": part}
