"""The runs that come with the program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compressor_core.bundled import bundled_students, bundled_teacher
from compressor_core.errors import RunError
from compressor_core.models.card import read_card
from compressor_core.runs import RunStore, State
from compressor_core.runs.store import READY, ready_run

KINDS = ("compare", "exam", "probe")
DATASET = "classroom-vulnerability"


def accuracy(folder: Path) -> float:
    card = read_card(folder)
    assert card is not None
    return float(card.metrics["accuracy"])


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_finished_and_of_the_models_that_the_forms_propose(kind: str) -> None:
    run = ready_run(kind)
    assert run is not None and run.status().state is State.FINISHED and run.records()[0]
    asked = run.settings
    models = (asked.teacher, asked.student) if kind == "compare" else asked.models
    assert [Path(one) for one in models] == [bundled_teacher(DATASET), bundled_students(DATASET)[-1]]


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("calibrate", {}), ("tradeoff", {}), ("sweep", {"over": "seed"}), ("sweep", {"over": "budget"})],
)
def test_so_is_each_of_no_model(kind: str, settings: dict[str, str]) -> None:
    run = ready_run(kind, **settings)
    assert run is not None and run.status().state is State.FINISHED and run.records()[0]
    assert all(getattr(run.settings, name) == value for name, value in settings.items())


def test_their_accuracies_are_those_of_the_bundled_models() -> None:
    """They are measured again whenever other models are bundled: python -m benchmarks.ready"""
    teacher, student = accuracy(bundled_teacher(DATASET)), accuracy(bundled_students(DATASET)[-1])
    run = ready_run("compare")
    assert run is not None
    compared = run.summary()
    assert compared.teacher.accuracy == pytest.approx(teacher, abs=1e-9)
    assert [one.accuracy for one in compared.students] == pytest.approx([student], abs=1e-9)


def test_no_file_names_a_folder_of_the_machine_that_made_them() -> None:
    files = [file for file in READY.rglob("*") if file.is_file()]
    assert len(files) == 3 * (len(KINDS) + 4)
    for file in files:
        for line in file.read_text().splitlines() if file.suffix == ".jsonl" else [file.read_text()]:
            assert not [text for text in texts(json.loads(line)) if text.startswith("/") and Path(text).parent.is_dir()]


def texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


def test_they_are_opened_by_id_in_any_store_and_are_only_read(tmp_path: Path) -> None:
    store, run = RunStore(tmp_path), ready_run("compare")
    assert run is not None and store.get(run.id) == run and store.list() == []
    for change in (lambda: store.delete(run.id), lambda: store.rename(run.id, "mine")):
        with pytest.raises(RunError, match=run.id):
            change()
