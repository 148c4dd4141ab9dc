"""A pool of unlabelled code, read shard by shard: the same student as from memory, whatever happens on the way."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
import torch
from safetensors.torch import load_file

from compressor_core.data import pool as pools
from compressor_core.data.dataset import Split
from compressor_core.data.files import read_file
from compressor_core.data.pool import Pool, held_out, is_held_out
from compressor_core.distill import soft_labels
from compressor_core.distill.distillation import distill
from compressor_core.distill.labelling import label
from compressor_core.distill.settings import DistillSettings, LabelSettings
from compressor_core.distill.soft_labels import SoftLabels
from compressor_core.errors import DataError, SettingsError
from compressor_core.progress import finish
from compressor_core.task import Task
from tests.tiny import TINY, run_through

ROOT = Path(__file__).resolve().parents[2]


def write(path: Path, codes: Sequence[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps({"func": code}) + "\n" for code in codes), "utf-8")
    return path


def config(teacher: Path, data: Path, **changes: Any) -> DistillSettings:
    """Soft labels alone, which is all that a pool has."""
    values = {"architecture": TINY, "dataset": "file", "data": str(data), "epochs": 2, "threads": 1}
    return DistillSettings(**{"teacher": str(teacher), **values, "hidden_weight": 0.0, **changes})


def codes_of(pool: Pool) -> list[tuple[str, ...]]:
    return [codes for shard in pool.shards() for codes in shard.codes]


@pytest.fixture
def unlabelled(labelled_file: Path) -> list[str]:
    return [e.codes[0] for e in read_file(labelled_file).examples(Split.UNLABELLED)]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMPRESSOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "SHARD", 100)


def test_every_kind_of_file_is_read_in_the_order_of_the_paths(tmp_path: Path, small_shards: None) -> None:
    codes = [f"def f{i}(): return '{i}é'" for i in range(230)]
    folder = tmp_path / "pool"
    write(folder / "a.jsonl", codes[:110])
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(write(tmp_path / "b.jsonl", codes[110:160]).read_bytes()))
    table = pyarrow.table({"id": list(range(70)), "source_code": codes[160:]})
    (folder / "deep").mkdir()
    pyarrow.parquet.write_table(table, folder / "deep" / "c.parquet")
    (folder / "README.md").write_text("not code")
    shards = list(Pool(folder, Task.VULNERABILITY).shards())
    assert [len(shard.codes) for shard in shards] == [100, 10, 50, 70] and [s.number for s in shards] == [0, 1, 2, 3]
    assert [code for shard in shards for (code,) in shard.codes] == codes


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("absent.jsonl", None, "is not there"),
        ("p.jsonl", b"", "has no function that can be used"),
        ("p.jsonl", b'{"func": "int f;"}\n{"func": 3}\n', "line 2 of .* has no code in 'func'"),
        ("p.jsonl", b'{"func": "int f;"}\nbroken\n', "line 2 of .* cannot be read"),
        ("p.jsonl", b'{"func1": "a", "func2": "b"}\n', "2 functions in a row.*the teacher reads single functions"),
        ("p.jsonl", b'{"words": "a"}\n', "no column known to be code"),
        ("p.jsonl.gz", gzip.compress(b'{"func": "a"}\n' * 99, mtime=0)[:-9], "no whole archive"),
        ("p.jsonl.gz", b"no gzip", "begins with 'no gzip'"),
        ("p.parquet", b"PAR1 and nothing more", "no Parquet file that can be read"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=says) as refused:
        codes_of(Pool(path, Task.VULNERABILITY))
    assert "\n" not in str(refused.value)


def test_an_empty_folder_and_single_functions_for_pairs_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds none of the kinds"):
        Pool(tmp_path / "empty", Task.CLONE)
    with pytest.raises(DataError, match="1 function in a row, and the teacher reads pairs"):
        codes_of(Pool(write(tmp_path / "p.jsonl", ["int f;"]), Task.CLONE))


def test_bad_rows_are_counted_where_they_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"func": "a"}\n{"func": ""}\nbroken\n{"func": "b"}\n')
    pool = Pool(path, Task.VULNERABILITY, skip_bad_rows=True)
    assert codes_of(pool) == [("a",), ("b",)] and pool.bad == 2
    assert codes_of(pool) == [("a",), ("b",)] and pool.bad == 2


def test_the_students_are_the_same_from_a_pool_and_from_memory(
    tiny_teacher: Path, labelled_file: Path, unlabelled: list[str], tmp_path: Path, cache: Path
) -> None:
    """Bit for bit, with everything that both yield of their training."""
    memory = run_through(distill(config(tiny_teacher, labelled_file), tmp_path / "memory"))
    pool = write(tmp_path / "pool.jsonl", unlabelled)
    # What is not said is as a pool has it: nothing beside soft labels.
    asked = config(tiny_teacher, labelled_file, unlabelled=str(pool), hidden_weight=None)
    streamed = run_through(distill(asked, tmp_path / "pool"))
    steps = [[record for record in records if record.type == "step"] for records in (memory, streamed)]
    assert steps[0] == steps[1]
    weights = [(tmp_path / each / "model.safetensors").read_bytes() for each in ("memory", "pool")]
    assert weights[0] == weights[1]
    assert len(list((cache / "tokens").rglob("*.safetensors"))) == 1  # the two share it
    card = json.loads((tmp_path / "pool" / "compressor.json").read_text())
    assert card["training"]["unlabelled_examples"] == len(unlabelled)


def test_several_shards_give_the_same_student_and_the_cache_serves_again(
    tiny_teacher: Path,
    labelled_file: Path,
    unlabelled: list[str],
    tmp_path: Path,
    cache: Path,
    small_shards: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # One function at a time: in batches, other neighbours change the last bits of the teacher's labels.
    monkeypatch.setattr(soft_labels, "labelling_batch", lambda teacher: 1)
    run_through(distill(config(tiny_teacher, labelled_file), tmp_path / "memory"))
    pool = write(tmp_path / "pool.jsonl", unlabelled)
    asked = config(tiny_teacher, labelled_file, unlabelled=str(pool))
    run_through(distill(asked, tmp_path / "first"))
    memory, first = (load_file(tmp_path / name / "model.safetensors") for name in ("memory", "first"))
    assert memory.keys() == first.keys()
    assert all(torch.equal(first[name], value) for name, value in memory.items())
    (folder,) = (cache / "soft-labels").iterdir()
    files = sorted(folder.iterdir())
    assert len(files) - 1 == -(-len(unlabelled) // 100)
    times = [file.stat().st_mtime_ns for file in files]
    files[1].write_bytes(files[1].read_bytes()[:-5])
    run_through(distill(asked, tmp_path / "again"))
    again = [file.stat().st_mtime_ns for file in files]
    assert sum(old != new for old, new in zip(times, again, strict=True)) == 1
    weights = [(tmp_path / each / "model.safetensors").read_bytes() for each in ("first", "again")]
    assert weights[0] == weights[1]


def test_functions_that_students_are_judged_by_are_left_out(
    tiny_teacher: Path, labelled_file: Path, unlabelled: list[str], tmp_path: Path
) -> None:
    data = read_file(labelled_file)
    leaked = [e.codes[0] for split in (Split.TEST, Split.VALIDATION) for e in data.examples(split)][:7]
    laid_out = [code.replace("\n", "\n\n") for code in leaked]
    assert all(is_held_out((code,), held_out(data)) for code in laid_out)
    mixed = [*unlabelled[:30], *laid_out, *unlabelled[30:]]
    notices = []
    for name, codes in (("clean", unlabelled), ("leaky", mixed)):
        asked = config(tiny_teacher, labelled_file, unlabelled=str(write(tmp_path / f"{name}.jsonl", codes)))
        notices += [r.message for r in run_through(distill(asked, tmp_path / name)) if r.type == "notice"]
    assert "none stands" in notices[0] and f"{len(unlabelled)} unlabelled examples" in notices[1]
    assert "7 are left out that stand in the validation or test split" in notices[1]
    clean, leaky = (load_file(tmp_path / name / "model.safetensors") for name in ("clean", "leaky"))
    assert all(torch.allclose(clean[name], leaky[name], atol=1e-4) for name in clean)
    asked = config(tiny_teacher, labelled_file, unlabelled=str(write(tmp_path / "all.jsonl", leaked)))
    with pytest.raises(DataError, match="stands in the validation or test split"):
        run_through(distill(asked, tmp_path / "none"))


@pytest.mark.parametrize("option", ["renaming", "consistency", "masked_epochs", "hidden_weight"])
def test_what_a_pool_cannot_do_is_refused(tiny_teacher: Path, labelled_file: Path, option: str) -> None:
    with pytest.raises(SettingsError, match=f"{option} is for the dataset's own code"):
        config(tiny_teacher, labelled_file, unlabelled="pool.jsonl", **{option: 1})


def test_parts_together_leave_nothing_to_label(
    tiny_teacher: Path,
    labelled_file: Path,
    unlabelled: list[str],
    tmp_path: Path,
    cache: Path,
    small_shards: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = str(write(tmp_path / "pool.jsonl", unlabelled))
    done = [finish(label(LabelSettings(teacher=str(tiny_teacher), unlabelled=pool, part=f"{k}/2"))) for k in (1, 2)]
    assert sum(each.labelled for each in done) == len(unlabelled) == sum(each.functions for each in done)
    assert all(each.known == 0 and each.functions_per_second for each in done)
    assert Path(done[0].folder).is_relative_to(cache) and len(list(Path(done[0].folder).iterdir())) == 3

    def refuse(*_: object) -> None:
        raise AssertionError("the teacher was asked again")

    with monkeypatch.context() as patch:
        patch.setattr(SoftLabels, "_keep", refuse)
        whole = finish(label(LabelSettings(teacher=str(tiny_teacher), unlabelled=pool)))
        assert whole.labelled == 0 and whole.known == len(unlabelled) and whole.functions_per_second is None
        run_through(distill(config(tiny_teacher, labelled_file, unlabelled=pool, epochs=1), tmp_path / "student"))


@pytest.mark.parametrize("part", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"])
def test_a_bad_part_is_refused(part: str) -> None:
    with pytest.raises(SettingsError, match="the part must be K/N"):
        run_through(label(LabelSettings(teacher="teacher", unlabelled="pool", part=part)))


def test_labelling_goes_on_after_a_kill(tiny_teacher: Path, unlabelled: list[str], tmp_path: Path, cache: Path) -> None:
    """A real process of the command line, killed when it has some shards and not all."""
    functions = [f"# {number}\n{code}" for number in range(12) for code in unlabelled]
    functions = functions[: len(functions) // 12 * 12]  # shards of one size
    folder = tmp_path / "pool"
    for number in range(12):
        write(folder / f"{number:02}.jsonl", functions[number::12])
    command = [sys.executable, "-m", "compressor_core", "label", "--teacher", str(tiny_teacher), "--json"]
    command += ["--unlabelled", str(folder), "--threads", "1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    while not list(cache.rglob("*.safetensors")):
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = len(list(cache.rglob("*.safetensors")))
    assert 0 < there < 12
    again = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    told = json.loads(again.stdout)
    assert told["shards"] == 12 and told["functions"] == len(functions)
    assert (
        told["known"] == len(functions) // 12 * there
        and told["labelled"] == len(functions) - len(functions) // 12 * there
    )


def test_the_command_line_refuses_in_one_line(tiny_teacher: Path, tmp_path: Path, capfd: Any) -> None:
    from compressor_core.cli.main import main

    pool = str(write(tmp_path / "p.jsonl", ["def f(): pass"]))
    for arguments, says in (
        (["--teacher", str(tiny_teacher), "--unlabelled", pool, "--part", "9/8"], "the part must be K/N"),
        (["--teacher", str(tiny_teacher), "--unlabelled", str(tmp_path / "absent")], "is not there"),
        (["--teacher", str(tmp_path / "absent"), "--unlabelled", pool], "There is no model folder"),
    ):
        assert main(["label", "--json", *arguments]) == 2
        out, err = capfd.readouterr()
        assert out == "" and err.startswith("error: ") and says in err and err.count("\n") == 1
