"""Import of a user's file: its content, its errors, and the choices that tell every run how to read it.

A file is stored unchanged, once per content, with the user's choices beside it (`choices`): the columns, the positive
label and the skipped rows are chosen once for all runs. A table in memory is written as JSONL with the columns `func`
(or `func1` and `func2`), `label` (0 or 1), `label_name` (the original label) and `origin`, and with `split`, `group`
and `language` if known.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from compressor_core.data.choices import SUFFIX, Choices, read_choices
from compressor_core.data.columns import Columns
from compressor_core.data.dataset import UNKNOWN, Example, Split
from compressor_core.data.formats import column_names
from compressor_core.data.labels import meaning
from compressor_core.data.lines import BadRow, bad_rows
from compressor_core.data.tables import Row, check, read_rows
from compressor_core.errors import DataError
from compressor_core.files import copy_file, storage_error, to_json, write_bytes
from compressor_core.language import Language
from compressor_core.progress import finish
from compressor_core.records import Progress, Work

MOST_LISTED = 200
"""Largest number of bad rows, and of different labels, that an inspection lists; `bad_count` counts all bad rows."""
SHOWN = 3
MOST_COLUMNS, LONGEST_NAME = 1_000, 1_000
"""Largest number of columns of a file, and of characters of their names."""
_REPORTED = 5_000
"""Rows between two progress records."""
MAX_BYTES = 50_000_000
SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".parquet", ".gz", ".bz2", ".xz")
"""Endings of uploads; what a file is, also a packed one, is told from its content when it is read."""
ARRAY, ROWS = ".npy", ".txt"
ANSWERS = (".parquet", ".jsonl", ".jsonl.gz", ARRAY, ROWS)
"""Endings of files of recorded answers, and of the rows beside an array, see `data/answers.py`."""
_KEPT = re.compile(r"-[0-9a-f]{16}$")


@dataclass(frozen=True)
class Inspection:
    """Content of a file, read with the chosen columns.

    `names` are all columns, `columns` the used ones; `labels` counts the file's labels, most frequent first; `examples`
    are the first usable ones. If the columns for code and label are not known, nothing else is read.
    """

    names: tuple[str, ...]
    columns: Columns
    rows: int = 0
    bad: tuple[BadRow, ...] = ()
    bad_count: int = 0
    labels: Mapping[str, int] | None = None
    examples: tuple[Example, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Parts without a known column: `code`, `label`, both or neither."""
        lacking = (("code", not self.columns.code), ("label", self.columns.label is None))
        return tuple(name for name, absent in lacking if absent)

    @property
    def odd_labels(self) -> bool:
        """Whether there are labels whose class is not obvious."""
        return None in self._classes

    @property
    def needs_positive(self) -> bool:
        """Whether the user must choose the positive label, because the obvious labels do not cover both classes.

        Otherwise odd labels count as mistakes in single rows.
        """
        return self.odd_labels and not {0, 1} <= self._classes

    @property
    def _classes(self) -> set[int | None]:
        return {meaning(label) for label in self.labels or {}}


def inspect(path: Path | str, columns: Columns | None = None, positive: str | None = None) -> Inspection:
    """Read and inspect a whole file, see `read_rows`.

    Raises:
        DataError: the file cannot be read, or lacks a given column.
    """
    return finish(read_through(path, columns, positive))


def read_through(
    path: Path | str,
    columns: Columns | None = None,
    positive: str | None = None,
    rows: list[Row] | None = None,
    most: float = math.inf,
) -> Work[Inspection]:
    """Inspect a file, and add its good rows to `rows`. Raises as `inspect`, and DataError for more than `most` rows."""
    path, said = Path(path), read_choices(path)
    names = column_names(path)
    if len(names) > MOST_COLUMNS or any(len(name) > LONGEST_NAME for name in names):
        raise DataError(
            f"{path.name} has {len(names):,} columns, the longest name of {max(map(len, names)):,} characters: "
            f"give one with at most {MOST_COLUMNS} columns and {LONGEST_NAME} characters"
        )
    chosen = (columns or (said.columns if said else Columns())).completed(names)
    if not names or not chosen.code or chosen.label is None:
        return Inspection(names, chosen)
    good, bad_count = 0, 0
    bad: list[BadRow] = []
    examples: list[Example] = []
    labels: Counter[str] = Counter()
    for number, row in enumerate(read_rows(path, chosen, positive, labels=labels)):
        if number >= most:
            raise DataError(f"{path.name} has more than {most:,} rows: give a part of it")
        if number % _REPORTED == 0:
            yield Progress(message=f"Reading the file: {number:,} rows")
        if isinstance(row, BadRow):
            bad_count += 1
            if len(bad) < MOST_LISTED:
                bad.append(row)
            continue
        good += 1
        if len(examples) < SHOWN:
            examples.append(row.example)
        if rows is not None:
            rows.append(row)
    told = {label: count for label, count in labels.most_common(MOST_LISTED) if len(label) <= LONGEST_NAME}
    return Inspection(names, chosen, good, tuple(bad), bad_count, told, tuple(examples))


def take_in(
    path: Path | str,
    folder: Path | str,
    *,
    columns: Columns | None = None,
    positive: str | None = None,
    language: Language | None = None,
    split: Split | None = None,
    skip_bad_rows: bool = False,
) -> Path:
    """Store a file in `folder`, once per content, with its choices beside it; return the path of the choices.

    `split` applies to rows without a split.

    Raises:
        DataError: the file cannot be read, has bad rows that are not skipped, or lacks one of the classes.
        StorageError: the disk refuses.
    """
    path, labels = Path(path), Counter[str]()
    found: dict[int, str] = {}
    bad: list[BadRow] = []
    for row in read_rows(path, columns, positive, split=split, labels=labels):
        if isinstance(row, BadRow):
            bad.append(row)
        else:
            found[row.example.label] = row.label_name
    require_usable(path, found, labels, bad, positive, skip_bad_rows)
    return keep_choices(
        path, folder, columns=columns, positive=positive, language=language, split=split, skip_bad_rows=skip_bad_rows
    )


def require_usable(
    source: Path | str,
    found: Mapping[int, str],
    labels: Mapping[str, int],
    bad: Sequence[BadRow] = (),
    positive: str | None = None,
    skip_bad_rows: bool = False,
) -> None:
    """Raise DataError unless a model can learn from the rows of `source`.

    `found` maps the labels of the good rows, 0 or 1, to their names in the file; `labels` counts all labels.
    """
    if bad and not (skip_bad_rows and (found or positive is not None)):
        raise bad_rows(source, bad)
    if positive is not None and 1 not in found:
        known = ", ".join(repr(label) for label in islice(labels, 10))
        raise DataError(f"no row of {source} has the label {positive!r}: its labels are {known or 'none'}")
    check(source, found)


def keep_choices(
    path: Path | str,
    folder: Path | str,
    *,
    columns: Columns | None = None,
    positive: str | None = None,
    language: Language | None = None,
    split: Split | None = None,
    skip_bad_rows: bool = False,
) -> Path:
    """Store the choices for a file, and the file itself if it is not yet in `folder`; return the path of the choices.

    If `path` is itself a file of choices, they apply where no argument is given. Raises as `take_in`.
    """
    path, said = Path(path), read_choices(path)
    rows = path if said is None else path.with_name(said.rows)
    kept = rows if rows.parent.absolute() == Path(folder).absolute() and _KEPT.search(rows.stem) else keep(folder, rows)
    choices = Choices(
        rows=kept.name,
        name=said.name if said else path.name,
        columns=columns or (said.columns if said else Columns()),
        positive=positive or (said.positive if said else None),
        language=language or (said.language if said else None),
        split=split or (said.split if said else None),
        skip_bad_rows=skip_bad_rows or (said is not None and said.skip_bad_rows),
    )
    return keep(folder, f"{_KEPT.sub('', path.stem)}{SUFFIX}", to_json(choices.model_dump(mode="json")).encode())


def copy_rows(
    source: Path | str,
    rows: Iterable[Row | BadRow],
    labels: Mapping[str, int],
    folder: Path | str,
    *,
    positive: str | None = None,
    language: Language | None = None,
    skip_bad_rows: bool = False,
) -> Path:
    """Write a copy of a table from its parsed rows; see `take_in`.

    `labels` counts the labels met while reading the rows.
    """
    name = source.name if isinstance(source, Path) else source
    lines: list[bytes] = []
    bad: list[BadRow] = []
    found: dict[int, str] = {}
    for row in rows:
        if isinstance(row, BadRow):
            bad.append(row)
        else:
            found[row.example.label] = row.label_name
            lines.append(json.dumps(_plain(row, name, language), ensure_ascii=False).encode() + b"\n")
    require_usable(source, found, labels, bad, positive, skip_bad_rows)
    stem = source.stem if isinstance(source, Path) else "data"
    return keep(folder, f"{stem}.jsonl", b"".join(lines))


def _plain(row: Row, name: str, language: Language | None) -> dict[str, Any]:
    example = row.example
    columns = ("func",) if len(example.codes) == 1 else ("func1", "func2")
    origin = example.origin if " of " in example.origin else f"{example.origin} of {name}"
    plain: dict[str, Any] = {**dict(zip(columns, example.codes, strict=True)), "label": example.label}
    if example.label != UNKNOWN:
        plain["label_name"] = row.label_name
    optional = {"split": row.split, "group": example.group, "language": language or row.language}
    plain |= {key: str(value) for key, value in optional.items() if value}
    return {**plain, "origin": origin}


def save_upload(root: Path | str, name: str, data: bytes, suffixes: tuple[str, ...] = SUFFIXES) -> Path:
    """Store an upload in the folder `uploads` of `root`, see `keep`.

    Raises:
        DataError: the file is empty, larger than `MAX_BYTES`, or of another kind than `suffixes`.
        StorageError: the disk refuses.
    """
    _require_file(name, data, suffixes)
    return keep(Path(root) / "uploads", name, data)


def save_answers(root: Path | str, files: Mapping[str, bytes]) -> Path:
    """Store a teacher's recorded answers as `save_upload` does, and return the path to use as teacher.

    They are one file, or an array (.npy) and the file with its rows; both get the same name.

    Raises:
        DataError: as `save_upload`; or `files` is neither one file nor an array with one other file.
        StorageError: the disk refuses.
    """
    endings = {name: _require_file(name, data, ANSWERS) for name, data in files.items()}
    main = sorted(endings, key=lambda name: endings[name] != ARRAY)
    if len(main) != 1 + (ARRAY in endings.values()):
        raise DataError(f"{', '.join(main)} are not one table of answers: upload one, or a .npy file and its rows.")
    if endings[main[0]] == ROWS:
        raise DataError(f"{main[0]} has rows and no answers: upload the .npy file with the answers to them as well.")
    digest = hashlib.sha256(b"".join(files[name] for name in main)).hexdigest()[:16]
    stem = f"{_plain_stem(main[0].removesuffix(endings[main[0]]))}-{digest}"
    folder = Path(root) / "uploads"
    try:
        for name in main:
            _write_once(folder / f"{stem}{endings[name]}", files[name])
    except OSError as error:
        raise storage_error(error, folder) from error
    return folder / f"{stem}{endings[main[0]]}"


def _require_file(name: str, data: bytes, suffixes: Sequence[str]) -> str:
    """Ending of an upload, one of `suffixes`. Raises DataError if it has another, or is empty or too large."""
    given = PurePosixPath(name.replace("\\", "/"))
    ending = next((one for one in suffixes if given.name.lower().endswith(one)), None)
    if ending is None:
        kinds = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
        raise DataError(f"{given.name!r} is not a {kinds} file: upload one of those.")
    if not data:
        raise DataError(f"{given.name} is empty: upload the whole file.")
    if len(data) > MAX_BYTES:
        raise DataError(
            f"{given.name} has {len(data) / 1e6:.0f} MB, more than {MAX_BYTES / 1e6:.0f} MB: "
            "put it on this machine's disk and give its path instead."
        )
    return ending


def keep(folder: Path | str, name: str | Path, data: bytes | None = None) -> Path:
    """Write `data`, or the content of the file `name`, to a file in `folder` and return its path.

    The same content is stored once. The file name consists of the safe characters of `name` and sixteen digits of the
    content's hash; `name` cannot lead out of the folder. Raises StorageError if the disk refuses.
    """
    given = PurePosixPath("_" + PurePosixPath(str(name).replace("\\", "/")).name)  # ".csv" is an ending too
    folder = Path(folder)
    try:
        if data is None:
            with open(name, "rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        else:
            digest = hashlib.sha256(data).hexdigest()
        path = folder / f"{_plain_stem(given.stem[1:])}-{digest[:16]}{given.suffix.lower()}"
        _write_once(path, Path(name) if data is None else data)
    except OSError as error:
        raise storage_error(error, folder) from error
    return path


def _plain_stem(stem: str) -> str:
    """Safe characters of a file name, which cannot lead out of a folder."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", _KEPT.sub("", stem)).strip("-")[:60] or "file"


def _write_once(path: Path, content: Path | bytes) -> None:
    """Write bytes, or the content of a file, unless `path` exists. Raises OSError or StorageError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_file():
        path.touch()  # counts as new, see `runs/uploads`
    elif isinstance(content, bytes):
        write_bytes(path, content)
    else:
        copy_file(content, path)
