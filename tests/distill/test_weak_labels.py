"""Real functions beside drawn ones: whose word their labels are, what stays as it was, and where they are refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from compressor_core.data import installed
from compressor_core.data.classroom import split_of, together
from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.clones import ClassroomClone
from compressor_core.data.dataset import UNKNOWN, Example, Split
from compressor_core.distill import weak_labels
from compressor_core.distill.settings import DistillSettings
from compressor_core.distill.weak_labels import WithRealFunctions, beside, real_functions
from compressor_core.errors import SettingsError

UNSAFE = "def run(command):\n    import subprocess\n    return subprocess.run(command, shell=True)\n"
HINT = "def check(value):\n    assert value\n    return value\n"
NO_RULE = "def read(path):\n    file = open(path)\n    return file.read()\n"
CALM = "def add(a, b):\n    total = a + b\n    return total\n"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A small pool of real functions, found anew."""
    real_functions.cache_clear()

    def found(count: int, split: Split) -> list[Example]:
        codes = (UNSAFE, HINT, NO_RULE, *(CALM.replace("add", f"add{number}") for number in range(20)))
        return [Example((code,), UNKNOWN, "tqdm", f"tqdm:{line}") for line, code in enumerate(codes)]

    monkeypatch.setattr(weak_labels, "installed_functions", found)
    yield
    real_functions.cache_clear()


@pytest.mark.usefixtures("few")
def test_bandit_labels_what_a_teacher_learns_and_nothing_of_a_student() -> None:
    labels = {example.codes[0]: example.label for example in real_functions(Split.TRAIN)}
    assert labels.pop(UNSAFE) == 1
    assert HINT not in labels and NO_RULE not in labels
    assert len(labels) == 20 and set(labels.values()) == {0}
    assert {example.label for example in real_functions(Split.UNLABELLED)} == {UNKNOWN}


@pytest.mark.usefixtures("few")
def test_each_draw_has_others_beside_the_same_own_ones() -> None:
    own = ClassroomVulnerability()
    data = beside(own, 7)
    first, again, second = (data.examples(Split.UNLABELLED, epoch) for epoch in (0, 0, 1))
    assert first == again and tuple(first[:-6]) == own.examples(Split.UNLABELLED, 0)
    assert together(data) == 2 and len(first) == len(second) == data.size(Split.UNLABELLED)
    assert set(first[-6:]) != set(second[-6:])
    for split in (Split.VALIDATION, Split.TEST):
        assert data.examples(split) is own.examples(split) and data.size(split) == own.size(split)
    assert (data.name, data.fingerprint, data.language) == (own.name, own.fingerprint, own.language)
    assert beside(own, 0) is own


def test_what_is_learned_from_is_in_no_module_that_the_exam_asks_about() -> None:
    learned = installed.installed_functions(60, Split.TRAIN, ("tqdm", "packaging"))
    asked = installed.installed_functions(60, Split.TEST, ("tqdm", "packaging"))
    modules = [{example.origin.partition(":")[0] for example in found} for found in (learned, asked)]
    assert modules[0] and {split_of(module) for module in modules[0]} == {Split.TRAIN}
    assert not modules[0] & modules[1]


def test_they_are_for_python_and_for_a_teacher_that_can_be_asked() -> None:
    with pytest.raises(SettingsError, match="set real_functions to 0"):
        WithRealFunctions(ClassroomClone(), 10)
    settings = DistillSettings(teacher="teacher", architecture="1000,16,1,1,32", real_functions=10)
    with pytest.raises(SettingsError, match="real_functions"):
        settings.replace(unlabelled="pool.jsonl")
    with pytest.raises(SettingsError, match="real_functions"):
        settings.replace(teacher="answers.parquet")
