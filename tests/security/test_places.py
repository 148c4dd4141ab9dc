"""Ids, names of uploads and links: none of them leads out of the folder of all runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from compressor_core.cli.main import main
from compressor_core.data.intake import MAX_BYTES, keep, save_upload
from compressor_core.errors import DataError, RunError
from compressor_core.runs import RunStore

IDS = (
    "../x",
    "..",
    ".",
    "",
    "/etc",
    "../../etc/passwd",
    "..%2f..%2fetc",
    "....//etc",
    "C:\\Windows",
    "\\\\server\\share",
    "runs\0",
    "20240101-000000-search-abcd/../../x",
    "20240101-000000-search-abcd\n",
    "20240101-000000-search-ABCD",
    "２０２４0101-000000-search-abcd",
    "-rf",
    "~",
    "$(id)",
    "a" * 100_000,
)
NAMES = (
    "../../evil.csv",
    "/etc/cron.d/evil.csv",
    "..\\..\\evil.csv",
    "C:\\Windows\\evil.csv",
    "evil\0.csv",
    "CON.csv",
    "..csv.csv",
    "~/.bashrc.csv",
    "$(touch x).csv",
    "a\nb.csv",
    "=1+1.csv",
    "<img src=x onerror=alert(1)>.csv",
    "函数.csv",
    "x" * 5_000 + ".csv",
    "evil.csv/../../x.csv",
)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What lies beside the folder of all runs, and has to stay as it is."""
    kept = tmp_path / "20240101-000000-search-abcd"
    kept.mkdir()
    (kept / "config.json").write_text(json.dumps({"kind": "search", "name": None, "created": 1.0, "config": {}}))
    (kept / "precious.txt").write_text("precious")
    return kept


@pytest.mark.parametrize("run_id", IDS, ids=lambda value: ascii(value[:30]))
def test_no_id_leads_out_of_the_folder_of_runs(run_id: str, outside: Path) -> None:
    store = RunStore()
    store.create("search", {})
    for use in (store.get, store.delete, lambda one: store.rename(one, "x")):
        with pytest.raises(RunError) as caught:
            use(run_id)
        assert len(str(caught.value)) < 300 and "\n" not in str(caught.value)
    assert (outside / "precious.txt").read_text() == "precious" and len(store.list()) == 1


@pytest.mark.parametrize("run_id", ["../x", "..", "/etc", "../20240101-000000-search-abcd"])
@pytest.mark.parametrize("verb", ["show", "cancel", "delete"])
def test_the_command_line_refuses_such_ids(
    verb: str, run_id: str, outside: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", verb, run_id]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("error: ") and "\n" not in said
    assert (outside / "precious.txt").exists()


def test_a_report_of_such_an_id_is_refused_in_a_process_of_its_own(outside: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    done = subprocess.run(
        [sys.executable, "-m", "compressor_core", "report", "../20240101-000000-search-abcd", "--out", str(out)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr and not out.exists()


def test_a_link_in_the_folder_of_runs_is_no_run(outside: Path) -> None:
    store = RunStore()
    store.create("search", {})
    (store.root / outside.name).symlink_to(outside)
    assert len(store.list()) == 1
    for use in (store.get, store.delete):
        with pytest.raises(RunError):
            use(outside.name)
    assert (outside / "precious.txt").exists()


def test_deleting_a_run_follows_no_link_in_it(outside: Path) -> None:
    store = RunStore()
    run = store.create("search", {})
    run = store.get(run.id)
    (run.folder / "model").symlink_to(outside)
    store.delete(run.id)
    assert not run.folder.exists() and (outside / "precious.txt").read_text() == "precious"


@pytest.mark.parametrize("name", NAMES, ids=lambda value: ascii(value[:30]))
def test_no_name_of_an_upload_leads_anywhere(name: str, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    before = set(tmp_path.rglob("*"))
    path = save_upload(root, name, b"func,label\n")
    assert path.parent == root / "uploads" and path.read_bytes() == b"func,label\n"
    assert path.name.isascii() and len(path.name) < 100 and not path.name.startswith((".", "-"))
    assert set(path.name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    assert set(tmp_path.rglob("*")) - before == {root, root / "uploads", path}


def test_an_upload_has_its_kind_and_its_size(tmp_path: Path) -> None:
    refused: tuple[tuple[str, Any], ...] = (
        ("data.zip", b"PK"),
        ("data.tar", b"x"),
        ("data.py", b"x"),
        ("data", b"x"),
        ("..", b"x"),
        ("empty.csv", b""),
        ("large.csv", bytes(MAX_BYTES + 1)),
    )
    for name, data in refused:
        with pytest.raises(DataError):
            save_upload(tmp_path, name, data)
    assert not list(tmp_path.rglob("*.*"))


def test_a_file_that_is_kept_replaces_none(tmp_path: Path) -> None:
    first, second = keep(tmp_path, "a.csv", b"1"), keep(tmp_path, "../a.csv", b"2")
    assert first != second and first.read_bytes() == b"1" and keep(tmp_path, "a.csv", b"1") == first
