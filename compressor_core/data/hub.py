"""Benchmarks on the Hugging Face hub, from the local cache or downloaded."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from compressor_core.data.dataset import Split
from compressor_core.data.lines import require_plausible
from compressor_core.errors import DataError

_PARQUET = re.compile(r"(train|validation|test)-(\d+)-of-(\d+)\.parquet")
PATIENCE = 6.0
"""Timeout in seconds for the hub's first answer; a name look-up without a network can take far longer."""
T = TypeVar("T")

Parts = Mapping[Split, Sequence[Path]]


def cached_parts(repository: str) -> Parts | None:
    """Parquet files of each split in the local cache; None unless all are cached."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = snapshot_download(repository, repo_type="dataset", local_files_only=True)
    except LocalEntryNotFoundError:
        return None
    return _parts(Path(folder))


def dataset_parts(repository: str) -> Parts:
    """Parquet files of each split of a dataset, from the cache or else the hub.

    Raises:
        DataError: the hub cannot be reached; raised within seconds.
    """
    from huggingface_hub import HfApi, snapshot_download

    if (parts := cached_parts(repository)) is not None:
        return parts
    try:
        within(PATIENCE, lambda: HfApi().dataset_info(repository, timeout=PATIENCE))
        folder = snapshot_download(repository, repo_type="dataset", allow_patterns="*.parquet")
    except Exception as error:  # whatever the network layer raises: the remedy is the same
        raise DataError(
            f"the dataset {repository} is not in the local cache and the hub cannot be reached: "
            "download it on a machine with a network and give its files as data"
        ) from error
    if (parts := _parts(Path(folder))) is None:
        raise DataError(f"the hub's dataset {repository} lacks the expected Parquet files: give its files as data")
    return parts


def parquet_rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rows of a Parquet file, with some of its columns. Raises DataError if it is damaged or lacks one of them."""
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            schema, parts = file.schema_arrow, file.metadata
        if missing := [name for name in columns if name not in schema.names]:
            raise DataError(f"{path} lacks the columns {', '.join(missing)}: download it again")
        require_plausible(path, sum(parts.row_group(place).total_byte_size for place in range(parts.num_row_groups)))
        # Store a text that occurs in many rows once in memory, as in the file.
        texts = [name for name in columns if pyarrow.types.is_string(schema.field(name).type)]
        with pyarrow.parquet.ParquetFile(path, read_dictionary=texts) as file:
            for batch in file.iter_batches(4096, columns=list(columns)):
                batch.validate(full=True)  # else a damaged place in a dictionary reads another text, or raises
                cells = [_cells(batch.column(name)) for name in columns]
                yield from (dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True))
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is damaged ({error}): remove it and download it again") from error


def _cells(column: Any) -> list[Any]:
    """Values of an Arrow array; equal values of a dictionary array share one object."""
    if not hasattr(column, "dictionary"):
        values: list[Any] = column.to_pylist()
        return values
    places = column.indices.to_pylist()
    texts = {place: column.dictionary[place].as_py() for place in set(places) if place is not None}
    return [texts.get(place) for place in places]


def within(seconds: float, work: Callable[[], T]) -> T:
    """Result of `work`. Raises what `work` raises, or TimeoutError if it takes longer; `work` then continues."""
    outcome: list[T] = []
    failure: list[Exception] = []

    def run() -> None:
        try:
            outcome.append(work())
        except Exception as error:
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not outcome:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return outcome[0]


def _parts(folder: Path) -> Parts | None:
    """Files of each split below a folder; None if one is missing, judging by the counts in the file names."""
    parts: dict[Split, list[Path]] = {split: [] for split in (Split.TRAIN, Split.VALIDATION, Split.TEST)}
    total: dict[Split, int] = {}
    for path in sorted(folder.rglob("*.parquet")):
        if (match := _PARQUET.fullmatch(path.name)) and path.exists():
            split = Split(match[1])
            parts[split].append(path)
            total[split] = int(match[3])
    return parts if all(len(paths) == total.get(split) for split, paths in parts.items()) else None
