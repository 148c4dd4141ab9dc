"""Data in all the forms that a notebook has it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from compressor_core.cache import CACHE_VARIABLE
from compressor_core.data.dataset import Dataset, Split
from compressor_core.data.given import DataSource, source_of
from compressor_core.data.registry import examples_for, open_dataset
from compressor_core.errors import CompressorError, DataError
from compressor_core.language import Language
from compressor_core.task import Task

ROWS = 40


def opened(given: Any, **said: Any) -> Dataset:
    return open_dataset(*source_of(given, **said))


@dataclass
class Classes:
    """Stands in for `datasets.ClassLabel`."""

    names: list[str]


@dataclass
class HubDataset:
    """Stands in for `datasets.Dataset`: it turns into a DataFrame and knows what its columns hold."""

    frame: pd.DataFrame
    features: Mapping[str, Any] = field(default_factory=dict)

    def to_pandas(self) -> pd.DataFrame:
        return self.frame


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def functions(rows: int = ROWS, start: int = 0, **more: Any) -> pd.DataFrame:
    numbers = range(start, start + rows)
    return pd.DataFrame(
        {"func": [f"def f{n}(x):\n    return x" for n in numbers], "label": [n % 2 for n in numbers]} | more
    )


def pairs() -> pd.DataFrame:
    frame = functions()
    return pd.DataFrame({"func1": frame.func, "func2": frame.func[::-1].to_numpy(), "label": frame.label})


class TestTables:
    def test_a_frame_is_the_dataset_that_its_file_is(self, tmp_path: Path) -> None:
        frame = functions()
        frame.to_json(tmp_path / "same.jsonl", orient="records", lines=True)
        dataset = opened(frame)
        assert dataset.task is Task.VULNERABILITY
        assert dataset.fingerprint == open_dataset("file", str(tmp_path / "same.jsonl")).fingerprint
        assert [e.codes[0] for e in examples_for(dataset, None)] == list(frame.func)
        assert examples_for(dataset, None)[3].origin == "row 3 of the table"

    def test_a_run_finds_the_same_rows_again(self, cache: Path) -> None:
        source = source_of(functions())
        assert source.dataset == "file"
        assert source.data is not None and Path(source.data).is_relative_to(cache)
        assert open_dataset(*source).fingerprint == opened(functions()).fingerprint
        assert source_of(functions().copy()) == source
        assert source_of(functions(start=1)) != source
        assert len(list(cache.rglob("*.jsonl"))) == 2

    def test_pairs_are_for_clones(self) -> None:
        assert opened(pairs()).task is Task.CLONE

    @pytest.mark.parametrize("kind", ["bool", "float64", "Int64", "str", "category", "object"])
    def test_labels_may_be_of_any_type(self, kind: str) -> None:
        frame = functions()
        frame["label"] = frame.label.astype(kind)  # type: ignore[call-overload]
        assert [e.label for e in examples_for(opened(frame), None)] == list(functions().label)

    def test_the_positive_label_may_be_named(self) -> None:
        frame = functions().assign(label=["cwe-79" if n % 4 == 0 else "ok" for n in range(ROWS)])
        with pytest.raises(DataError, match="row 0 of the table has the label 'cwe-79'"):
            opened(frame)
        dataset = opened(frame, positive="cwe-79", language="python")
        assert (dataset.labels, dataset.language) == (("ok", "cwe-79"), Language.PYTHON)
        assert sum(e.label for e in examples_for(dataset, None)) == ROWS // 4
        assert opened(functions(), positive=1).fingerprint == opened(functions(), positive=True).fingerprint

    def test_splits_and_groups_are_columns(self) -> None:
        words = ["train", "val", "test", "unlabelled"]
        frame = functions(split=[words[n % 4] for n in range(ROWS)], group=["a", np.nan] * (ROWS // 2))
        dataset = opened(frame)
        assert [dataset.size(split) for split in Split] == [ROWS // 4] * 4
        assert {e.group for e in dataset.examples(Split.TEST)} == {"a"}
        assert {e.group for e in dataset.examples(Split.VALIDATION)} == {""}

    def test_what_cannot_be_used_is_named(self) -> None:
        with pytest.raises(DataError, match="row 2 of the table has no code in 'func'"):
            opened(functions(3).assign(func=["a", "b", np.nan]))
        with pytest.raises(DataError, match="row 1 of the table has no label in 'label'"):
            opened(functions(2).assign(label=[1, np.nan]))
        with pytest.raises(DataError, match="the table has no column known to hold code among the columns 'label'"):
            opened(functions()[["label"]])
        with pytest.raises(DataError, match="every row of the table has the label 1"):
            opened(functions().assign(label=1))
        with pytest.raises(DataError, match="the table is empty"):
            opened(functions(0))
        with pytest.raises(DataError, match="the table has two columns 'func'"):
            opened(pd.concat([functions(), functions()], axis=1))


class TestHub:
    def test_a_dataset_is_read_as_its_frame(self) -> None:
        assert opened(HubDataset(functions())).fingerprint == opened(functions()).fingerprint

    def test_classes_have_their_words(self) -> None:
        classes = {"label": Classes(["safe", "vulnerable"]), "func": object()}
        dataset = opened(HubDataset(functions(), classes))
        assert dataset.labels == ("safe", "vulnerable")
        assert dataset.fingerprint == opened(functions()).fingerprint
        reversed_classes = {"label": Classes(["clone", "different"])}
        assert [e.label for e in examples_for(opened(HubDataset(functions(2), reversed_classes)), None)] == [1, 0]
        unknown = {"label": Classes(["LABEL_0", "LABEL_1"])}
        assert opened(HubDataset(functions(), unknown)).labels == ("0", "1")
        assert opened(HubDataset(functions(), unknown), positive="LABEL_1").labels == ("LABEL_0", "LABEL_1")

    def test_the_parts_of_a_dict_are_splits(self) -> None:
        parts = {name: HubDataset(functions(4, start)) for start, name in ((0, "train"), (4, "valid"), (8, "test"))}
        dataset = opened(parts)
        assert [dataset.size(split) for split in (Split.TRAIN, Split.VALIDATION, Split.TEST)] == [4, 4, 4]
        assert dataset.examples(Split.TEST)[1].origin == "row 1 of test"
        assert opened({"train": functions()}).fingerprint == opened(functions()).fingerprint
        with pytest.raises(DataError, match="there is no split 'extra': give parts called train"):
            opened({**parts, "extra": functions()})


class TestNamesAndPaths:
    def test_a_name(self) -> None:
        assert source_of("classroom-clone") == DataSource("classroom-clone", None)
        with pytest.raises(DataError, match="classroom-clone says its own language"):
            source_of("classroom-clone", positive="1")

    @pytest.mark.parametrize("kind", [str, Path])
    def test_a_path(self, tmp_path: Path, kind: type[str] | type[Path], monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "own.csv"
        functions().to_csv(path, index=False)
        assert source_of(kind(path)) == DataSource("file", str(path))
        monkeypatch.chdir(tmp_path)
        assert source_of(kind("own.csv")) == DataSource("file", str(path))
        named = opened(kind(path), language=Language.C, positive=0)
        assert named.language is Language.C
        assert named.fingerprint != opened(path).fingerprint

    def test_a_folder_is_a_benchmark(self, tmp_path: Path) -> None:
        assert source_of(tmp_path) == DataSource("devign", str(tmp_path))
        (tmp_path / "data.jsonl").write_text("")
        assert source_of(tmp_path) == DataSource("bigclonebench", str(tmp_path))

    def test_an_unknown_language_is_said(self) -> None:
        with pytest.raises(DataError, match="there is no language 'nothing': choose c, "):
            opened(functions(), language="nothing")

    @pytest.mark.parametrize("given", [None, 3, [("def f(): pass", 1)], "no such file", object()])
    def test_anything_else_is_refused_in_a_sentence(self, given: Any) -> None:
        with pytest.raises(CompressorError):
            opened(given)
