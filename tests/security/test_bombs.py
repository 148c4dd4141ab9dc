"""Packed files that unpack to a thousand times their size: refused in a sentence, within little memory."""

from __future__ import annotations

import gzip
import json
import lzma
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

PROJECT = Path(__file__).resolve().parents[2]
MEMORY_MB = 1_500
SCRIPT = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_DATA, ({MEMORY_MB}_000_000, {MEMORY_MB}_000_000))
from compressor_core.data.pool import Pool
from compressor_core.errors import DataError
from compressor_core.task import Task
for path in sys.argv[1:]:
    try:
        print(sum(len(shard.codes) for shard in Pool(path, Task.VULNERABILITY).shards()))
    except DataError as error:
        print("refused:", error)
"""


def read_in_little_memory(*paths: Path) -> list[str]:
    command = [sys.executable, "-c", SCRIPT, *map(str, paths)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


def packed(path: Path, pack: Callable[[bytes], bytes]) -> Path:
    """A gigabyte in one line, of parts that are each packed once."""
    part = pack(b"a" * 20_000_000)
    path.write_bytes(pack(b'{"func": "') + part * 50 + pack(b'"}\n'))
    assert path.stat().st_size < 5_000_000
    return path


def test_no_pool_is_larger_in_memory_than_it_may_be(tmp_path: Path) -> None:
    """One line of a packed file; one huge cell of a Parquet file; one text that stands in each of its rows."""
    bombs = [packed(tmp_path / f"{pack.__module__}.jsonl.gz", pack) for pack in (gzip.compress, lzma.compress)]
    cell = pa.table({"func": ["a" * 250_000_000]})
    pq.write_table(cell, tmp_path / "cell.parquet", use_dictionary=False, compression="zstd")
    many = pa.DictionaryArray.from_arrays(pa.array([0] * 5_000, pa.int32()), pa.array(["a" * 5_000_000]))
    pq.write_table(pa.table({"func": many}), tmp_path / "rows.parquet")
    honest = tmp_path / "honest.jsonl.gz"
    rows = "".join(json.dumps({"func": f"int f{n}() {{ return {n}; }}"}) + "\n" for n in range(20_000))
    honest.write_bytes(gzip.compress(rows.encode()))
    *told, read = read_in_little_memory(*bombs, tmp_path / "cell.parquet", tmp_path / "rows.parquet", honest)
    assert all("which no code does" in words for words in told[:3]), told
    assert "5,000,000 characters" in told[3] and read == "20000", (told, read)
    assert all(words.startswith("refused:") and "\n" not in words for words in told)


def test_a_shard_ends_before_it_fills_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from compressor_core.data import pool
    from compressor_core.task import Task

    path = tmp_path / "pool.jsonl"
    path.write_text("".join(json.dumps({"func": f"{n:03}" + "x" * 97}) + "\n" for n in range(25)))
    monkeypatch.setattr(pool, "_MOST_CHARACTERS", 1_000)
    shards = list(pool.Pool(path, Task.VULNERABILITY).shards())
    assert [len(shard.codes) for shard in shards] == [10, 10, 5]
    assert [code[:3] for shard in shards for (code,) in shard.codes] == [f"{n:03}" for n in range(25)]
