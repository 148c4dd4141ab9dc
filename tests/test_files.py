from __future__ import annotations

import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compressor_core.cache import cache_folder
from compressor_core.errors import StorageError
from compressor_core.files import to_json, write_bytes, write_json, write_text
from compressor_core.runs import RunStore


@contextmanager
def full_disk() -> Iterator[None]:
    """The system refuses to write more than 100 bytes into any file.

    No fixture: pytest reports a test before it tears its fixtures down, and its own output may be a file.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_caches_and_runs_are_elsewhere_where_the_working_directory_is_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home" / "data"))
    for variable in ("COMPRESSOR_CACHE", "COMPRESSOR_RUNS"):
        monkeypatch.delenv(variable, raising=False)
    assert cache_folder() == tmp_path / "cache" and RunStore().root == tmp_path / "runs"
    # To root, who runs tests too, every folder of a disk that can be written to is open.
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert cache_folder() == tmp_path / "home" / "cache" / "compressor-studio" / "cache"
    assert RunStore().root == tmp_path / "home" / "data" / "compressor-studio" / "runs"
    RunStore().create("search", {"budget_mb": 3.0})
    assert len(RunStore().list()) == 1
    (tmp_path / "runs").mkdir()  # runs that somebody has made are never hidden
    assert RunStore().root == tmp_path / "runs"


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_replaced_whole(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"old": 1}, durable=durable)
    write_json(path, {"new": "é"}, durable=durable)
    assert json.loads(path.read_text("utf-8")) == {"new": "é"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_bytes(tmp_path / "ours", b"x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_full_disk_leaves_the_old_content_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with full_disk(), pytest.raises(StorageError, match=r"a\.txt .*free some space"):
        write_text(path, "new" * 100)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_a_missing_folder_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="check that its folder exists"):
        write_text(tmp_path / "none" / "a.txt", "x")
    assert not (tmp_path / "none").exists()


def test_a_value_that_json_does_not_know_leaves_the_old_content(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(TypeError):
        write_json(tmp_path / "a.json", {"value": object()})
    assert (tmp_path / "a.json").read_text() == "1\n"


def test_numbers_that_are_not_finite_become_null() -> None:
    value = {"loss": float("nan"), "list": [1.5, (float("inf"), "x")]}
    assert json.loads(to_json(value)) == {"loss": None, "list": [1.5, [None, "x"]]}


def test_lone_surrogates_survive(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"name": "caf\udce9"})
    assert json.loads((tmp_path / "a.json").read_bytes()) == {"name": "caf\udce9"}
