"""The bundled models are what docs/results.md says they are."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import pytest

from benchmarks.classroom import bag_of_tokens, token_overlap
from compressor_core.assets import ASSETS
from compressor_core.bundled import (
    bundled_benchmark_students,
    bundled_student,
    bundled_students,
    bundled_teacher,
)
from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.clones import ClassroomClone
from compressor_core.data.exam import chips
from compressor_core.dataflow.syntax import parser
from compressor_core.evaluate.comparison import evaluate
from compressor_core.evaluate.settings import EvaluateSettings
from compressor_core.language import Language
from compressor_core.models.card import read_card, size_on_disk
from compressor_core.models.classifier import load
from compressor_core.models.pair import CODE
from compressor_core.paper import DATASET
from compressor_core.task import Task


@cache
def accuracy_of(model: Path, dataset: str) -> float:
    return evaluate(EvaluateSettings(model=model, dataset=dataset)).accuracy


NAMES = ("classroom-vulnerability", "classroom-clone")


def test_the_one_for_vulnerabilities_is_good_and_beyond_a_bag_of_tokens() -> None:
    accuracy = accuracy_of(bundled_teacher("classroom-vulnerability"), "classroom-vulnerability")
    assert accuracy >= 0.88
    assert accuracy >= bag_of_tokens(1, ClassroomVulnerability()) + 0.12


def test_the_one_for_clones_is_good_and_beyond_token_overlap() -> None:
    accuracy = accuracy_of(bundled_teacher("classroom-clone"), "classroom-clone")
    assert accuracy >= 0.95
    assert token_overlap(ClassroomClone()) <= 0.85


@pytest.mark.parametrize("name", NAMES)
def test_its_card_says_how_it_was_made(name: str) -> None:
    folder = bundled_teacher(name)
    card = read_card(folder)
    assert size_on_disk(folder) <= 20e6
    assert card is not None
    assert card.dataset == name and card.dataset_fingerprint and card.architecture
    assert card.training["epochs"] and card.versions["torch"]


@pytest.mark.parametrize("folder", bundled_benchmark_students(), ids=lambda folder: folder.name)
def test_a_student_of_a_benchmark_says_where_it_comes_from_and_answers(folder: Path) -> None:
    card = read_card(folder)
    assert card is not None and card.dataset in [*DATASET.values()] and card.teacher and card.architecture
    assert not Path(card.teacher).is_absolute()
    assert size_on_disk(folder) <= (3.2e6 if folder.name.endswith("-paper") else 3e6)  # the paper's has 0.16 MB more
    readme = (folder / "README.md").read_text("utf-8")
    assert "licence" in readme.casefold() and card.dataset in readme.casefold() and "codebert" in readme.casefold()
    if card.task is Task.CLONE:
        model = load(folder)
        pairs = [chip.codes for chip in chips(Task.CLONE, Language.JAVA)]
        logits = model.logits([*pairs, *((second, first) for first, second in pairs)])
        assert logits.isfinite().all() and len(set(logits[:, 1].tolist())) > 1
        assert model.card.labels[int(model.logits([pairs[0]]).argmax())] == "clone"  # the same text


def test_what_students_of_benchmarks_learned_from_is_not_in_the_repository() -> None:
    top = Path(__file__).parents[1]
    files = subprocess.run(["git", "ls-files"], cwd=top, capture_output=True, text=True, check=True).stdout.splitlines()
    data = {"data.jsonl", "functions.jsonl.gz", "unlabelled.parquet", "label_train.txt", "valid.txt", "students.csv"}
    assert len(files) > 100 and not data & {Path(name).name for name in files}
    assert not [name for name in files if name.endswith((".parquet", ".npy", ".bin"))]


def test_pairs_in_java_are_read_whole() -> None:
    pairs = chips(Task.CLONE, Language.JAVA)
    assert {chip.title: chip.truths[0] for chip in pairs} == {"Type-1": 1, "Type-2": 1, "Type-3": 1, "Call": 0}
    for code in {code for chip in pairs for code in chip.codes}:
        assert not parser(Language.JAVA).parse(f"class A {{ {code} }}".encode()).root_node.has_error


def test_the_student_keeps_most_of_its_teachers_accuracy_outside_its_own_data() -> None:
    """To six points on functions written by hand; on its own test split it lags behind by seven."""
    folder = bundled_student("classroom-vulnerability")
    assert folder is not None and size_on_disk(folder) <= 3e6
    for dataset, lag in (("exam-vulnerability", 0.06), ("classroom-vulnerability", 0.08)):
        teacher = accuracy_of(bundled_teacher("classroom-vulnerability"), dataset)
        assert accuracy_of(folder, dataset) >= teacher - lag, dataset


def test_the_student_of_clones_is_as_good_as_its_teacher() -> None:
    folder = bundled_student("classroom-clone")
    assert folder is not None and size_on_disk(folder) <= 3e6
    assert accuracy_of(folder, "classroom-clone") >= accuracy_of(bundled_teacher("classroom-clone"), "classroom-clone")


def test_the_teacher_knows_more_than_its_own_data() -> None:
    assert accuracy_of(bundled_teacher("classroom-vulnerability"), "exam-vulnerability") >= 0.72


def test_a_card_says_what_its_model_knows_of_code_that_people_wrote() -> None:
    for name in NAMES:
        for folder in (bundled_teacher(name), *bundled_students(name)):
            card = read_card(folder)
            assert card is not None
            assert card.metrics["written_by_hand"] == pytest.approx(accuracy_of(folder, f"exam-{card.task}"), abs=0.01)


def test_models_of_pairs_carry_their_code() -> None:
    copies = [*ASSETS.glob("*/*/modeling_pair.py")]
    folders = [path.parent for path in ASSETS.glob("*/*/compressor.json")]
    pairs = [folder for folder in folders if (card := read_card(folder)) and card.task is Task.CLONE]
    assert sorted(path.parent for path in copies) == sorted(pairs) != []
    assert {path.read_text("utf-8") for path in copies} == {CODE.read_text("utf-8")}
