"""Uploads that no run refers to, and how they go."""

from __future__ import annotations

import os
import time
from pathlib import Path

from compressor_core.data.intake import save_upload, take_in
from compressor_core.data.registry import open_dataset
from compressor_core.runs import RunStore
from compressor_core.runs.uploads import DAY, FOLDER, clear, uploaded_bytes, uploads

ROWS = b'{"func": "f()", "label": 1}\n{"func": "g()", "label": 0}\n'


def test_only_what_no_run_refers_to_goes(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    used = save_upload(store.root, "used.jsonl", ROWS)
    choices = take_in(used, store.root / FOLDER)
    nested = save_upload(store.root, "nested.jsonl", ROWS + ROWS)
    unused = save_upload(store.root, "unused.jsonl", ROWS + b"\n")
    store.create("train-teacher", {"dataset": "file", "data": str(choices)})
    store.create("study", {"others": [{"data": str(nested)}]})
    (store.root / FOLDER / "link").symlink_to("/etc/hostname")
    assert {upload.path for upload in uploads(store) if not upload.used} == {unused}
    assert uploaded_bytes(store) == sum(path.stat().st_size for path in (used, choices, nested, unused))
    assert clear(store) == 0  # nothing is old
    for path in (used, choices, nested, unused):
        os.utime(path, (time.time() - DAY - 60,) * 2)
    assert save_upload(store.root, "unused.jsonl", ROWS + b"\n") == unused
    assert clear(store) == 0  # uploaded again just now
    assert clear(store, 0) == len(ROWS) + 1 and not unused.exists()
    assert len(open_dataset("file", choices).rows) == 2  # type: ignore[attr-defined]
    assert nested.exists() and (store.root / FOLDER / "link").is_symlink()


def test_a_store_without_uploads(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "absent")
    assert uploads(store) == [] and uploaded_bytes(store) == 0 and clear(store, 0) == 0
