"""Devign and BigCloneBench: published splits, the paper's halves, the hub, and what is wrong with some folders."""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from pathlib import Path
from typing import Any

import huggingface_hub
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compressor_core.data import benchmarks, hub
from compressor_core.data.benchmarks import BIGCLONEBENCH_HUB, DEVIGN_HUB, bigclonebench, devign
from compressor_core.data.dataset import UNKNOWN, Split
from compressor_core.data.files import FileDataset
from compressor_core.data.registry import examples_for, open_dataset
from compressor_core.errors import DataError
from compressor_core.language import Language
from compressor_core.task import Task

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data"
with_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the benchmark samples are not beside this checkout")


def function(number: int) -> str:
    return f"int f{number}(int x) {{ return x + {number}; }}"


def devign_rows(start: int, count: int) -> list[dict[str, Any]]:
    return [{"func": function(i), "target": int(i % 5 < 2), "project": "p"} for i in range(start, start + count)]


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture
def devign_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "devign"
    for name, start, count in (("train", 0, 40), ("valid", 100, 6), ("test", 200, 5)):
        jsonl(folder / f"{name}.jsonl", devign_rows(start, count))
    return folder


@pytest.fixture
def clone_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "clones"
    jsonl(folder / "data.jsonl", [{"idx": str(i), "func": function(i)} for i in range(20)])
    for name, rows in {
        "train": [(i, (i + 1) % 10, i % 2) for i in range(10)],
        "valid": [(10, 11, 0), (11, 12, 1)],
        "test": [(13, 14, 0), (14, 15, 1), (14, 999, 1), (998, 999, 0)],
    }.items():
        (folder / f"{name}.txt").write_text("".join(f"{a}\t{b}\t{label}\n" for a, b, label in rows))
    return folder


def test_devigns_splits_are_kept_and_its_training_is_halved_by_class(devign_folder: Path) -> None:
    dataset = devign(str(devign_folder))
    sizes = {split: len(dataset.examples(split)) for split in Split}
    assert sizes == {Split.TRAIN: 20, Split.UNLABELLED: 20, Split.VALIDATION: 6, Split.TEST: 5}
    halves = [dataset.examples(split) for split in (Split.TRAIN, Split.UNLABELLED)]
    assert [sum(e.label for e in half) for half in halves] == [8, 8]
    assert {e.codes for e in halves[0]}.isdisjoint(e.codes for e in halves[1])
    assert (dataset.task, dataset.language, dataset.labels) == (Task.VULNERABILITY, Language.C, ("safe", "vulnerable"))
    assert examples_for(dataset, None) == dataset.examples(Split.TEST)
    assert dataset.fingerprint == devign(str(devign_folder)).fingerprint


def test_the_half_of_a_function_depends_on_it_alone(devign_folder: Path) -> None:
    before = {e.codes for e in devign(str(devign_folder)).examples(Split.TRAIN)}
    jsonl(devign_folder / "train.jsonl", devign_rows(0, 40)[::-1])
    assert {e.codes for e in devign(str(devign_folder)).examples(Split.TRAIN)} == before


def test_the_papers_own_halves_are_taken_as_they_are(devign_folder: Path) -> None:
    jsonl(devign_folder / "label_train.jsonl", devign_rows(0, 30))
    jsonl(devign_folder / "unlabel_train.jsonl", [{"func": function(i), "target": -1} for i in range(30, 40)])
    dataset = open_dataset("devign", str(devign_folder))
    assert len(dataset.examples(Split.TRAIN)) == 30
    assert {e.label for e in dataset.examples(Split.UNLABELLED)} == {UNKNOWN}
    with pytest.raises(DataError, match="without a label"):
        examples_for(dataset, Split.UNLABELLED)


def test_pairs_are_read_with_their_functions(clone_folder: Path) -> None:
    dataset = bigclonebench(str(clone_folder))
    assert (dataset.task, dataset.language, dataset.labels) == (Task.CLONE, Language.JAVA, ("different", "clone"))
    assert [e.codes for e in dataset.examples(Split.VALIDATION)] == [
        (function(10), function(11)),
        (function(11), function(12)),
    ]
    training = [dataset.examples(split) for split in (Split.TRAIN, Split.UNLABELLED)]
    assert [Counter(e.label for e in half) for half in training] == [{0: 3, 1: 3}, {0: 2, 1: 2}]


def test_pairs_that_name_unknown_functions_are_left_out_and_counted(clone_folder: Path) -> None:
    dataset = bigclonebench(str(clone_folder))
    assert len(dataset.examples(Split.TEST)) == 2
    (note,) = dataset.notes
    assert note.startswith("2 of the 4 pairs of test.txt are left out") and "lacks 2 of their functions" in note
    (clone_folder / "test.txt").write_text("998\t999\t1\n")
    with pytest.raises(DataError, match=r"no pair of .*test\.txt"):
        bigclonebench(str(clone_folder))


def test_one_file_of_pairs_is_split_by_content_and_evaluated_whole(clone_folder: Path) -> None:
    (clone_folder / "train.txt").rename(clone_folder / "pairs.txt")
    for name in ("valid", "test"):
        (clone_folder / f"{name}.txt").unlink()
    dataset = open_dataset("bigclonebench", str(clone_folder))
    assert len(examples_for(dataset, None)) == 10


def test_the_papers_files_of_pairs_are_known(clone_folder: Path) -> None:
    (clone_folder / "label_train.txt").write_text("0\t1\t1\t1\n1\t2\t0\t0\n")
    (clone_folder / "unlabel_train.txt").write_text("2\t3\t-1\t0\n")
    (clone_folder / "test_sampled.txt").write_text("4\t5\t1\n")
    dataset = bigclonebench(str(clone_folder))
    assert {split: len(dataset.examples(split)) for split in Split} == dict(zip(Split, (2, 1, 2, 1), strict=True))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("train.txt", "0\t1\t1\n0 1 1\n1\t2\n", r"line 2 of .*train\.txt is '0 1 1', .*\(1 more"),
        ("train.txt", "0\t1\t-1\n", "line 1 of .* not two ids and a label"),
        ("data.jsonl", '{"idx": "1", "func": "f()"}\n{"idx": "2"}\n', "line 2 of .* has no 'func'"),
        ("data.jsonl", "{", "half-written"),
    ],
)
def test_what_is_wrong_with_a_folder_of_pairs_is_named(clone_folder: Path, name: str, text: str, says: str) -> None:
    (clone_folder / name).write_text(text)
    with pytest.raises(DataError, match=says):
        bigclonebench(str(clone_folder))


def test_folders_without_the_right_files(tmp_path: Path, clone_folder: Path) -> None:
    with pytest.raises(DataError, match=r"no train\.jsonl"):
        devign(str(tmp_path))
    with pytest.raises(DataError, match=r"there is no data\.jsonl"):
        bigclonebench(str(tmp_path))
    for name in ("train", "valid", "test"):
        (clone_folder / f"{name}.txt").unlink()
    with pytest.raises(DataError, match="has no pairs"):
        bigclonebench(str(clone_folder))


class TestHub:
    """Only the network is replaced: what is read are real Parquet files in the hub's own layout."""

    @pytest.fixture
    def snapshot(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "snapshot"
        rows = {
            "train-00000-of-00002": [(1, 2, 1), (2, 3, 0), (1, 3, 0)],
            "train-00001-of-00002": [(3, 4, 1)],
            "validation-00000-of-00001": [(5, 6, 1), (6, 7, 0)],
            "test-00000-of-00001": [(7, 8, 0), (8, 9, 1)],
        }
        for name, pairs in rows.items():
            path = folder / "default" / f"{name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            table = {
                "id": list(range(len(pairs))),
                "id1": [a for a, _, _ in pairs],
                "id2": [b for _, b, _ in pairs],
                "func1": [function(a) for a, _, _ in pairs],
                "func2": [function(b) for _, b, _ in pairs],
                "func": [function(a) for a, _, _ in pairs],
                "label": [bool(label) for _, _, label in pairs],
                "target": [bool(label) for _, _, label in pairs],
            }
            pq.write_table(pa.table(table), path)

        def download(repository: str, *, local_files_only: bool = False, **_: Any) -> str:
            assert repository in (DEVIGN_HUB, BIGCLONEBENCH_HUB) and local_files_only
            return str(folder)

        monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
        return folder

    def test_devign(self, snapshot: Path) -> None:
        dataset = open_dataset("devign")
        assert [len(dataset.examples(split)) for split in Split] == [2, 2, 2, 2]
        assert examples_for(dataset, None)[0].codes == (function(7),)

    def test_bigclonebench_holds_each_function_once(self, snapshot: Path) -> None:
        dataset = open_dataset("bigclonebench")
        training = [*dataset.examples(Split.TRAIN), *dataset.examples(Split.UNLABELLED)]
        ones = [code for e in training for code in e.codes if code == function(1)]
        assert len(ones) == 2 and ones[0] is ones[1]

    def test_of_bigclonebench_only_so_many_pairs_are_drawn(
        self, snapshot: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = {
            e.codes for split in (Split.TRAIN, Split.UNLABELLED) for e in open_dataset("bigclonebench").examples(split)
        }
        monkeypatch.setattr(benchmarks, "PAPER_PAIRS", {Split.TRAIN: 2, Split.VALIDATION: 1, Split.TEST: 1})
        drawn = open_dataset("bigclonebench")
        assert isinstance(drawn, FileDataset)
        training = {e.codes for own, e in drawn.rows if own in (Split.TRAIN, Split.UNLABELLED)}
        assert len(drawn.rows) == 4 and len(training) == 2 and training < whole
        assert open_dataset("bigclonebench").fingerprint == drawn.fingerprint
        assert "2 train, 1 validation, 1 test" in drawn.notes[0]

    def test_a_missing_part_counts_as_not_there(self, snapshot: Path) -> None:
        assert hub.cached_parts(DEVIGN_HUB)
        (snapshot / "default" / "train-00001-of-00002.parquet").unlink()
        assert hub.cached_parts(DEVIGN_HUB) is None

    def test_a_damaged_part_is_named(self, snapshot: Path) -> None:
        path = snapshot / "default" / "test-00000-of-00001.parquet"
        path.write_bytes(path.read_bytes()[:100])
        with pytest.raises(DataError, match=r"test-00000-of-00001.*damaged"):
            devign(None)

    def test_without_a_network_it_says_so(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def no_network(*_: Any, **__: Any) -> Any:
            raise socket.gaierror(-3, "Temporary failure in name resolution")

        monkeypatch.setattr(socket, "getaddrinfo", no_network)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        for variable in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(variable, raising=False)
        with pytest.raises(DataError, match="the hub cannot be reached: download it"):
            open_dataset("devign")

    def test_a_network_that_never_answers_is_not_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def silence(*_: Any, **__: Any) -> Any:
            time.sleep(20)

        monkeypatch.setattr(socket, "getaddrinfo", silence)
        monkeypatch.setattr(hub, "PATIENCE", 0.2)
        monkeypatch.setattr(hub, "cached_parts", lambda repository: None)
        with pytest.raises(DataError, match="the hub cannot be reached: download it"):
            open_dataset("bigclonebench")


@with_samples
def test_the_sample_of_bigclonebench() -> None:
    dataset = open_dataset("bigclonebench", str(SAMPLES / "bigclonebench"))
    everything = examples_for(dataset, None)
    assert len(everything) == 1000 and sum(e.label for e in everything) == 493
    assert len({code for e in everything for code in e.codes}) == 420  # 455 ids, some of one text


@with_samples
def test_the_sample_of_devign() -> None:
    everything = examples_for(open_dataset("devign", str(SAMPLES / "devign" / "sample.jsonl")), None)
    assert len(everything) == 1366 and 0.462 < sum(e.label for e in everything) / 1366 < 0.464
