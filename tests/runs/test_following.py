from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from compressor_core.errors import RunError
from compressor_core.runs import Run, RunStore
from compressor_core.runs.following import Following


def append(run: Run, *numbers: int) -> None:
    with (run.folder / "events.jsonl").open("a") as file:
        file.writelines(json.dumps({"type": "notice", "message": str(number)}) + "\n" for number in numbers)


def numbers(following: Following, run: Run) -> list[int]:
    return [int(record.line or "") for record in following.records(run)]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """From where the records of runs are read, time after time."""
    offsets: list[int] = []
    records = Run.records

    def counted(self: Run, offset: int) -> Any:
        offsets.append(offset)
        return records(self, offset)

    monkeypatch.setattr(Run, "records", counted)
    return offsets


def test_only_what_is_new_is_read(tmp_path: Path, asked: list[int]) -> None:
    run = RunStore(tmp_path).create("search", {})
    following = Following()
    assert following.records(run) == []
    append(run, 1, 2)
    earlier = following.records(run)
    asked.clear()
    append(run, 3)
    assert numbers(following, run) == [1, 2, 3]
    assert asked == [(run.folder / "events.jsonl").read_bytes().index(b'{"type": "notice", "message": "3"}')]
    assert len(earlier) == 2, "who draws from an earlier answer keeps it"


def test_the_run_that_nobody_looks_at_makes_room(tmp_path: Path, asked: list[int]) -> None:
    store = RunStore(tmp_path)
    one, two = store.create("search", {}), store.create("search", {})
    following = Following(most=1)
    for run in (one, two, one, two):
        append(run, 7)
        assert set(numbers(following, run)) == {7}
    assert asked == [0, 0, 0, 0], "each makes room for the other, and is read from its beginning again"
    asked.clear()
    assert numbers(following, two) == [7, 7] and asked != [0]


def test_a_run_that_was_deleted_is_said(tmp_path: Path) -> None:
    run = RunStore(tmp_path).create("search", {})
    following = Following()
    append(run, 1)
    following.records(run)
    shutil.rmtree(run.folder)
    with pytest.raises(RunError):
        following.records(run)


def test_a_page_reads_a_run_once_however_many_others_are_asked_for_meanwhile(tmp_path: Path, asked: list[int]) -> None:
    store = RunStore(tmp_path)
    one, two = store.create("search", {}), store.create("search", {})
    append(one, 1)
    append(two, 2)
    following = Following(most=1)
    assert numbers(following, one) == [1]
    other = threading.Thread(target=following.records, args=(two,))
    other.start()
    other.join()
    asked.clear()
    assert numbers(following, one) == [1] and asked == []
    append(one, 3)
    assert numbers(following, one) == [1, 3]
