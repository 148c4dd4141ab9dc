"""Keeping uploaded files."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

import pytest

from compressor_core.data import lines
from compressor_core.data.files import read_file
from compressor_core.data.intake import MAX_BYTES, save_upload, take_in
from compressor_core.data.looking import Limits, Question, look, look_apart
from compressor_core.errors import DataError, StorageError
from compressor_core.progress import finish

ROW = b'{"func": "def f(): pass", "label": 0}\n'


def test_the_same_content_is_kept_once(tmp_path: Path) -> None:
    first = save_upload(tmp_path, "my functions.JSONL", ROW)
    assert first == save_upload(tmp_path, "my functions.JSONL", ROW)
    assert first.read_bytes() == ROW
    assert first.name.startswith("my-functions-") and first.suffix == ".jsonl"
    assert save_upload(tmp_path, "my functions.jsonl", ROW + ROW) != first


@pytest.mark.parametrize("name", ["../../out.jsonl", "/etc/out.jsonl", "..\\..\\out.jsonl", "a/../../b.csv", "...csv"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    assert save_upload(tmp_path, name, ROW).resolve().parent == (tmp_path / "uploads").resolve()


CSV = b"func,label\na(),0\nb(),1\n"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("my rows.csv.gz", gzip.compress(CSV, mtime=0)),
        ("rows.jsonl.bz2", bz2.compress(ROW + ROW.replace(b"0", b"1"))),
        ("rows.xz", lzma.compress(CSV)),
        ("rows.TXT", CSV),
        ("rows.ndjson", ROW + ROW.replace(b"0", b"1")),
    ],
)
def test_every_kind_that_is_read_can_be_uploaded(tmp_path: Path, name: str, data: bytes) -> None:
    path = save_upload(tmp_path, name, data)
    found = finish(look_apart(Question(path=str(path), limits=Limits())))
    assert (found.inspection.rows, found.trouble) == (2, None)
    assert len(read_file(take_in(path, tmp_path / "uploads")).rows) == 2


def test_an_upload_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(save_upload(tmp_path, "rows.jsonl.gz", gzip.compress(ROW * 1000)))
    with pytest.raises(DataError, match="has more than 999 rows: give a part"):
        finish(look_apart(Question(path=path, limits=Limits(rows=999))))
    monkeypatch.setattr(lines, "_ALWAYS", 10_000)
    with pytest.raises(DataError, match=r"unpacks to more than .* which no code does"):
        finish(look(Question(path=path)))


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.jsonl", b"", "is empty"),
        ("a.exe", ROW, r"is not a .jsonl, .ndjson, .json, .csv, .tsv, .txt, .parquet, .gz, .bz2 or .xz file"),
        ("a.csv", b"x" * (MAX_BYTES + 1), "give its path instead"),
    ],
)
def test_what_cannot_be_kept_is_named(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        save_upload(tmp_path, name, data)


def test_a_disk_that_refuses(tmp_path: Path) -> None:
    (tmp_path / "uploads").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="uploads"):
        save_upload(tmp_path, "a.jsonl", ROW)
