"""Keeping uploaded files."""

from __future__ import annotations

from pathlib import Path

import pytest

from compressor_core.data.intake import MAX_BYTES, save_upload
from compressor_core.errors import DataError, StorageError

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


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.jsonl", b"", "is empty"),
        ("a.exe", ROW, "is not a .jsonl, .json, .csv, .tsv or .parquet"),
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
