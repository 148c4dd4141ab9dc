"""Conversion of a verb's options to arguments of the core."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from compressor_core.bundled import is_recorded
from compressor_core.errors import DataError
from compressor_core.files import checked_path

Record = dict[str, Any]


def data_of(options: argparse.Namespace) -> str | None:
    """Data to read: the file, or a converted copy if options describe its columns, labels, language or bad rows."""
    given = {"columns": options.columns, "positive": options.positive, "language": options.language}
    said = [name for name, value in given.items() if value is not None]
    dataset, data, skip_bad_rows = (getattr(options, name, None) for name in ("dataset", "data", "skip_bad_rows"))
    other_file = getattr(options, "unlabelled", None) is not None or is_recorded(getattr(options, "teacher", ""))
    pool_only = dataset != "file" and other_file
    said += ["skip-bad-rows"] if skip_bad_rows and not pool_only else []
    if not said:
        return data
    if dataset != "file" or data is None:
        raise DataError(f"--{said[0]} is about a file of your own: give --dataset file and --data FILE with it")
    from compressor_core.cache import cache_folder
    from compressor_core.data.columns import Columns
    from compressor_core.data.intake import take_in
    from compressor_core.language import Language

    copy = take_in(
        Path(data),
        cache_folder() / "files",
        columns=None if options.columns is None else Columns.parse(options.columns),
        positive=options.positive,
        language=None if options.language is None else Language(options.language),
        skip_bad_rows=bool(skip_bad_rows),
    )
    return str(copy)


def space_of(name: str) -> Any:
    """Search space with this name, or from this JSON file."""
    from compressor_core.architecture import SPACES, read_space

    known = name in SPACES
    return read_space(name if known else read_json(Path(name), "a search space: paper, classroom, or its genes"))


def given_space(options: argparse.Namespace) -> dict[str, Any]:
    """Setting `space`, if given."""
    return {"space": space_of(options.space)} if hasattr(options, "space") else {}


def read_json(path: Path, what: str) -> Record:
    """Read one JSON object. Raises DataError, naming what was expected."""
    import json

    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read ({error}): give {what}") from error
    if not isinstance(values, dict):
        raise DataError(f"{path} holds no JSON object: give {what}")
    return values


def latency_model(options: argparse.Namespace) -> Any:
    """Latency model, if a calibration is given."""
    if options.calibration is None:
        return None
    from compressor_core.latency_model import Runtime
    from compressor_core.runs.calibrations import open_calibration

    models = open_calibration(run_store(), options.calibration)
    runtime = Runtime(options.runtime)
    if runtime not in models:
        raise DataError(f"the calibration {options.calibration} has no model of {runtime}: choose {', '.join(models)}")
    return models[runtime]


def require_place(out: Path) -> None:
    """Refuse an output folder with other content, since saving a model would replace it."""
    if checked_path(out).exists() and not out.is_dir():
        raise DataError(f"{out} is a file: choose another --out")
    if out.is_dir() and any(out.iterdir()) and not (out / "compressor.json").is_file():
        raise DataError(f"{out} holds something else than a model of this program: choose another --out")
    try:
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot make the folder of {out} ({error.strerror}): choose another --out") from error


def checkpoint_beside(out: Path) -> Path:
    """Path of the checkpoint of the training that makes `out`. Raises StorageError if its name is too long."""
    return checked_path(out.with_name(f"{out.name}.checkpoint.pt"))


def run_store() -> Any:
    from compressor_core.runs import RunStore

    return RunStore()
