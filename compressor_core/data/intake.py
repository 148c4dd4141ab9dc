"""Taking in one's own file: what it holds, what is wrong with it, and a copy that every run can read as it is.

The copy is JSONL with the columns `func` (or `func1` and `func2`), `label` (0 or 1), `label_name` (the file's own word)
and `origin`, and with `split`, `group` and `language` where they are known. So which column holds what, which
label counts as positive and which rows are left out is decided once, and no run has to be told again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from compressor_core.data.columns import Columns
from compressor_core.data.dataset import UNKNOWN, Example, Split
from compressor_core.data.formats import column_names
from compressor_core.data.labels import meaning
from compressor_core.data.lines import BadRow, bad_rows
from compressor_core.data.tables import Row, check, read_rows
from compressor_core.errors import DataError
from compressor_core.files import storage_error, write_bytes
from compressor_core.language import Language

MOST_LISTED = 200
"""Bad rows, and different labels, that an inspection lists one by one; `bad_count` counts all."""
SHOWN = 3
MAX_BYTES = 50_000_000
SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
_KEPT = re.compile(r"-[0-9a-f]{16}$")


@dataclass(frozen=True)
class Inspection:
    """Contents of a file, as its columns are understood.

    `names` are its columns, `columns` those that are used; `labels` counts the labels as the file has them, the most
    frequent first; `examples` are the first usable ones. Without the columns for code and label nothing else is read.
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
        """Whether there are labels that do not say by themselves which class they mean."""
        return None in self._classes

    @property
    def needs_positive(self) -> bool:
        """Whether they are needed to have two classes; otherwise they are taken for mistakes in single rows."""
        return self.odd_labels and not {0, 1} <= self._classes

    @property
    def _classes(self) -> set[int | None]:
        return {meaning(label) for label in self.labels or {}}


def inspect(path: Path | str, columns: Columns | None = None, positive: str | None = None) -> Inspection:
    """Read a file through, see `read_rows`.

    Raises:
        DataError: it cannot be read at all, or a column that is given is not in it.
    """
    path = Path(path)
    names = column_names(path)
    chosen = (columns or Columns()).completed(names)
    if not names or not chosen.code or chosen.label is None:
        return Inspection(names, chosen)
    rows, bad_count = 0, 0
    bad: list[BadRow] = []
    examples: list[Example] = []
    labels: Counter[str] = Counter()
    for row in read_rows(path, chosen, positive, labels=labels):
        if isinstance(row, BadRow):
            bad_count += 1
            if len(bad) < MOST_LISTED:
                bad.append(row)
        else:
            rows += 1
            if len(examples) < SHOWN:
                examples.append(row.example)
    return Inspection(
        names, chosen, rows, tuple(bad), bad_count, dict(labels.most_common(MOST_LISTED)), tuple(examples)
    )


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
    """Write the copy of a file to `folder`, under a name made from its content, and return its path.

    `split` is that of rows that name none.

    Raises:
        DataError: the file cannot be read, has bad rows that are not to be skipped, or not both classes.
        StorageError: the disk refuses.
    """
    path, labels = Path(path), Counter[str]()
    rows = read_rows(path, columns, positive, split=split, labels=labels)
    return copy_rows(path, rows, labels, folder, positive=positive, language=language, skip_bad_rows=skip_bad_rows)


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
    """Write the copy of a table whose rows are understood; see `take_in`.

    `labels` counts the labels that reading the rows has met.
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
    if bad and not (skip_bad_rows and (lines or positive is not None)):
        raise bad_rows(source, bad)
    if positive is not None and 1 not in found:
        known = ", ".join(repr(label) for label in islice(labels, 10))
        raise DataError(f"no row of {source} has the label {positive!r}: its labels are {known or 'none'}")
    check(source, found)
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
    """Keep what a visitor uploads in the folder `uploads` of `root`, see `keep`.

    Raises:
        DataError: the file is empty, larger than `MAX_BYTES`, or of another kind than `suffixes`.
        StorageError: the disk refuses.
    """
    given = PurePosixPath(name.replace("\\", "/"))
    if given.suffix.lower() not in suffixes:
        kinds = f"{', '.join(suffixes[:-1])} or {suffixes[-1]}"
        raise DataError(f"{given.name!r} is not a {kinds} file: upload one of those.")
    if not data:
        raise DataError(f"{given.name} is empty: upload the whole file.")
    if len(data) > MAX_BYTES:
        raise DataError(
            f"{given.name} has {len(data) / 1e6:.0f} MB, more than {MAX_BYTES / 1e6:.0f} MB: "
            "put it on this machine's disk and give its path instead."
        )
    return keep(Path(root) / "uploads", name, data)


def keep(folder: Path | str, name: str, data: bytes) -> Path:
    """Write `data` to a file in `folder` and return its path; the same content is kept once.

    The file's name is what is plain in `name`, with sixteen digits of the content's hash; no part of `name` can lead
    out of the folder. Raises StorageError if the disk refuses.
    """
    given = PurePosixPath(name.replace("\\", "/"))
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", _KEPT.sub("", given.stem)).strip("-")[:60] or "file"
    folder = Path(folder)
    path = folder / f"{stem}-{hashlib.sha256(data).hexdigest()[:16]}{given.suffix.lower()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, folder) from error
    if not path.is_file():
        write_bytes(path, data)
    return path
