"""A path may be a text wherever a public function takes one."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from compressor_core import data, models
from compressor_core.data.benchmarks import bigclonebench, devign
from compressor_core.data.dataset import Split
from compressor_core.data.files import read_file
from compressor_core.data.given import source_of
from compressor_core.data.intake import inspect as inspect_file
from compressor_core.data.intake import keep, save_upload, take_in
from compressor_core.data.pool import Pool
from compressor_core.data.registry import open_dataset
from compressor_core.models.card import read_card, size_on_disk
from compressor_core.models.classifier import load
from compressor_core.models.teacher import find_encoder, load_encoder, reads_data_flow
from compressor_core.task import Task

WITHIN = {"lines", "hub", "tables", "weights", "formats", "csv_rows", "json_rows", "wrapped", "pretrained"}
"""Modules that only the core's own call, with paths they were given by a public one."""
HELPERS = {"tried", "readable", "require_files", "require_same_vocabulary", "functions_by_id"}
HELPERS |= {"foreign_root", "wrapped_state"}


def public(package: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public functions and methods of a package, by their dotted names."""
    for module in pkgutil.iter_modules(package.__path__):
        if module.name in WITHIN:
            continue
        found = importlib.import_module(f"{package.__name__}.{module.name}")
        owners: list[tuple[str, Any]] = [(module.name, found)]
        owners += [(f"{module.name}.{name}", kind) for name, kind in vars(found).items() if inspect.isclass(kind)]
        for place, owner in owners:
            for name, function in vars(owner).items():
                own = getattr(function, "__module__", "") == found.__name__
                if own and inspect.isfunction(function) and not name.startswith("_"):
                    yield f"{place}.{name}", function


@pytest.mark.parametrize("package", [data, models], ids=lambda package: package.__name__)
def test_every_public_function_says_so(package: Any) -> None:
    functions = {name: function for name, function in public(package) if name.rpartition(".")[2] not in HELPERS}
    takes = {
        f"{name}({parameter})": str(kind)
        for name, function in functions.items()
        for parameter, kind in inspect.get_annotations(function).items()
        if parameter != "return" and "Path" in str(kind).replace("PathText", "").split("[")[0].split(" | ")
    }
    assert len(takes) > 5
    assert not {place: kind for place, kind in takes.items() if "str" not in kind.split(" | ")}


def test_data_and_models(tmp_path: Path, labelled_file: Path, tiny_teacher: Path) -> None:
    text = str(labelled_file)
    assert read_file(text).fingerprint == open_dataset("file", text).fingerprint
    assert open_dataset("file", labelled_file).fingerprint == devign(text).fingerprint
    assert source_of(text) == source_of(labelled_file)
    assert inspect_file(text).rows == inspect_file(labelled_file).rows
    assert take_in(text, str(tmp_path / "in")) == take_in(labelled_file, tmp_path / "in")
    assert keep(str(tmp_path / "kept"), "a.csv", b"x") == save_upload(tmp_path, "a.csv", b"x").parents[1] / "kept" / (
        save_upload(str(tmp_path), "a.csv", b"x").name
    )
    assert next(Pool(text, Task.VULNERABILITY).shards()).codes
    pairs = tmp_path / "pairs"
    pairs.mkdir()
    (pairs / "data.jsonl").write_text("".join(json.dumps({"idx": n, "func": f"f{n}"}) + "\n" for n in range(4)))
    (pairs / "train.txt").write_text("0\t1\t1\n2\t3\t0\n")
    assert bigclonebench(str(pairs)).size(Split.TRAIN) == 2

    model = str(shutil.copytree(tiny_teacher, tmp_path / "model"))
    assert read_card(model) == load(model).card
    assert size_on_disk(model) == (tmp_path / "model" / "model.safetensors").stat().st_size
    assert find_encoder(model) == tmp_path / "model" and not reads_data_flow(tmp_path / "model")
    load_encoder(tmp_path / "model", Task.VULNERABILITY, ("a", "b"), 64).save(str(tmp_path / "new" / "encoder"))
    assert load(tmp_path / "new" / "encoder").card.max_length == 64
