"""Small real things that many tests share: a labelled file and a teacher trained on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compressor_core.data.classroom import ClassroomVulnerability
from compressor_core.data.dataset import Split

TINY = "400,16,1,2,16"


@pytest.fixture(scope="session")
def labelled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A JSONL file of 300 labelled classroom functions."""
    path = tmp_path_factory.mktemp("data") / "functions.jsonl"
    examples = ClassroomVulnerability().examples(Split.TEST)[:300]
    rows = [{"func": e.codes[0], "label": e.label, "group": e.group} for e in examples]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_teacher(labelled_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a teacher trained for two epochs on the labelled file: real, and not good."""
    from compressor_core.distill.fine_tuning import TeacherConfig, train_teacher

    out = tmp_path_factory.mktemp("models") / "teacher"
    config = TeacherConfig(dataset="file", data=str(labelled_file), architecture=TINY, epochs=2, threads=1)
    for _ in train_teacher(config, out):
        pass
    return out


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of a test are its own; the cache, which is by content, is the session's."""
    monkeypatch.setenv("COMPRESSOR_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("COMPRESSOR_RUNS", str(tmp_path / "runs"))
