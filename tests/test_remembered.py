from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from compressor_core.remembered import SETTLED, Remembered


class Reader:
    """Says what a file says, and counts how often it was asked to."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, content: bytes) -> str:
        self.times += 1
        return content.decode()


def written(path: Path, text: str, ago: float = 2 * SETTLED) -> Path:
    path.write_text(text, encoding="utf-8")
    then = time.time() - ago
    os.utime(path, (then, then))
    return path


def test_a_file_is_read_once_as_long_as_it_stays_as_it_is(tmp_path: Path) -> None:
    read = Reader()
    remembered = Remembered(read, most=100)
    path = written(tmp_path / "one", "first")
    assert [remembered(path) for _ in range(3)] == ["first"] * 3 and read.times == 1
    written(path, "other", ago=3 * SETTLED)  # of the same length, and older by its time
    assert remembered(path) == "other" and read.times == 2


def test_a_file_that_is_replaced_in_the_same_moment_is_seen(tmp_path: Path) -> None:
    remembered = Remembered(Reader(), most=100)
    path = written(tmp_path / "one", "first")
    times = path.stat().st_mtime_ns
    assert remembered(path) == "first"
    os.replace(written(tmp_path / "two", "other"), path)
    os.utime(path, ns=(times, times))
    assert remembered(path) == "other"


def test_a_file_of_just_now_is_read_again(tmp_path: Path) -> None:
    """Its next change may come before the clock of the file system has moved on."""
    read = Reader()
    remembered = Remembered(read, most=100)
    path = written(tmp_path / "one", "first", ago=-3600)
    times = path.stat().st_mtime_ns
    assert remembered(path) == "first"
    path.write_text("other", encoding="utf-8")
    os.utime(path, ns=(times, times))
    assert remembered(path) == "other" and read.times == 2


def test_what_was_asked_for_longest_ago_makes_room(tmp_path: Path) -> None:
    read = Reader()
    remembered = Remembered(read, most=10)
    one, two, three = (written(tmp_path / name, name * 5) for name in "abc")
    assert (remembered(one), remembered(two), remembered(one), read.times) == ("aaaaa", "bbbbb", "aaaaa", 2)
    remembered(three)
    remembered(one)
    assert read.times == 3
    remembered(two)
    assert read.times == 4


def test_what_is_gone_or_damaged_is_said_each_time(tmp_path: Path) -> None:
    remembered = Remembered(Reader(), most=10)
    path = written(tmp_path / "one", "first")
    remembered(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        remembered(path)
    path.write_bytes(b"\xff")
    for _ in range(2):
        with pytest.raises(UnicodeDecodeError):
            remembered(path)
