"""The cells of the paper's tables: filled by real runs, and by nothing else."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.dataset import Split
from compressor_core.errors import RunError
from compressor_core.evaluate.comparison import evaluate
from compressor_core.evaluate.settings import EvaluateSettings
from compressor_core.files import write_json
from compressor_core.paper import (
    ARCHITECTURES,
    COLUMNS,
    Column,
    Encoder,
    Row,
    accuracy,
    import_commands,
    latency,
    training_commands,
)
from compressor_core.runs import Run, RunStore, State
from compressor_core.runs.library import comparison_of, students
from compressor_core.runs.reproduction import Place, reproduction
from compressor_core.runs.worker import run_worker
from compressor_core.shipped import Shipped, read, shipped, write
from compressor_core.task import Task
from tests import released
from tests.runs import summaries
from tests.runs.summaries import MACHINE

CODEBERT = Column(Encoder.CODEBERT, Task.VULNERABILITY)


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Devign's layout, 40 functions."""
    path = tmp_path_factory.mktemp("devign") / "functions.jsonl"
    rows = [{"func": e.codes[0], "target": e.label} for e in ClassroomVulnerability().examples(Split.TEST)[:40]]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def work(store: RunStore, kind: str, config: dict[str, Any]) -> Run:
    """A run done by the worker, in this process: starting others takes longer than the work."""
    run = store.create(kind, config)
    run_worker(run.folder)
    return run


def imported(store: RunStore, folder: Path, data: Path, row: Row | None, **more: Any) -> Run:
    """A finished run that imported a student of untrained weights; of an unpublished shape if `row` is None."""
    architecture = released.TINY if row is None else ARCHITECTURES[row]
    folder.mkdir(exist_ok=True)
    checkpoint, tokenizer = released.write(folder, architecture=architecture)
    config = {
        **{"checkpoint": str(checkpoint), "tokenizer": str(tokenizer), "teacher": "codebert", "task": "vulnerability"},
        **{"dataset": "devign", "data": str(data), "latency_examples": 3, **more},
    }
    run = work(store, "reproduce", config)
    assert run.status().state is State.FINISHED, run.status().error
    return run


def test_an_import_fills_its_cell_and_joins_the_students(tmp_path: Path, functions: Path) -> None:
    store = RunStore()
    run = imported(store, tmp_path / "files", functions, Row.STUDENT_3)
    found = reproduction(store, ())
    ((cell, measured),) = found.accuracy.items()
    assert cell == Place(Row.STUDENT_3, CODEBERT, imported=True)
    result = run.status().result or {}
    scores = evaluate(EvaluateSettings(model=result["model"], dataset="devign", data=functions))
    assert (measured.correct, measured.examples) == (scores.correct, 40)
    assert measured.percent == pytest.approx(100 * scores.accuracy)
    assert not measured.whole and measured.run is not None and measured.run.id == run.id
    assert found.latency[cell].median == result["latency"]["median"] > 0
    assert result["machine"]["threads"] == 1 and result["architecture"] == "1000,96,12,8,64"
    (student,) = (model for model in students(store) if model.run is not None)
    assert student.folder == Path(result["model"]) and student.task is Task.VULNERABILITY

    with pytest.raises(RunError, match="fine-tune microsoft/codebert-base"):
        comparison_of(store, [student])


def test_an_architecture_that_nobody_published_fills_nothing(tmp_path: Path, functions: Path) -> None:
    store = RunStore()
    imported(store, tmp_path / "files", functions, None, heads=released.HEADS)
    assert not reproduction(store, ()).accuracy and students(store)[0].run is not None


def test_bad_input_is_one_sentence(tmp_path: Path, functions: Path) -> None:
    store = RunStore()
    checkpoint, tokenizer = released.write(tmp_path)
    config = {"checkpoint": str(checkpoint), "tokenizer": str(tokenizer), "dataset": "devign", "data": str(functions)}
    for more, says in (
        ({"teacher": "bert", "task": "vulnerability"}, "must be codebert or graphcodebert"),
        ({"teacher": "codebert", "task": "clone"}, "choose a matching pair"),
        ({"teacher": "codebert", "task": "vulnerability", "tokenizer": "absent.json"}, "no tokenizer absent.json"),
    ):
        status = work(store, "reproduce", {**config, **more, "heads": released.HEADS}).status()
        assert status.state is State.FAILED and says in str(status.error)


def test_trainings_of_the_paper_s_own_models_are_recognised(
    tmp_path: Path, functions: Path, tiny_teacher: Path
) -> None:
    """A small encoder in a folder of CodeBERT's name stands in for it: what counts is the run's configuration."""
    from compressor_core.models.classifier import load

    load(tiny_teacher).save(tmp_path / "codebert-base")
    store = RunStore()

    def result_of(kind: str, **config: Any) -> dict[str, Any]:
        run = work(store, kind, config)
        assert run.status().state is State.FINISHED, run.status().error
        summary: dict[str, Any] = run.summary().model_dump(mode="json")
        return summary

    data = {"dataset": "devign", "data": str(functions), "epochs": 1, "threads": 1}
    settings = {**data, "architecture": "300,16,1,1,16"}
    base = str(tmp_path / "codebert-base")
    teacher = result_of("train-teacher", base=base, **data)
    student = result_of("distill", teacher=teacher["model"], budget_mb=3.0, **settings)
    compared = result_of(
        "compare",
        **{"teacher": teacher["model"], "student": student["model"], "dataset": "devign", "data": str(functions)},
    )
    for kind, config, result in (  # none of these is the paper's experiment, though each worked as well
        ("train-teacher", {**data, "base": base, "dataset": "file"}, teacher),
        ("train-teacher", {**data, "base": str(tiny_teacher)}, teacher),
        ("distill", {**settings, "teacher": teacher["model"]}, student),
        ("distill", {**settings, "teacher": teacher["model"], "budget_mb": 3.0, "dataset": "file"}, student),
        ("distill", {**settings, "teacher": str(tiny_teacher), "budget_mb": 3.0}, student),
    ):
        other = store.create(kind, config)
        record(other, {**result, "model": str(other.folder / "model")})
    found = reproduction(store, ())
    assert set(found.accuracy) == set(found.latency) == {Place(Row.TEACHER, CODEBERT), Place(Row.STUDENT_3, CODEBERT)}
    measured = found.accuracy[Place(Row.STUDENT_3, CODEBERT)]
    assert measured.correct == student["test"]["correct"]
    assert found.latency[Place(Row.TEACHER, CODEBERT)].median == compared["teacher"]["latency"]["median"]


def test_a_measurement_on_the_paper_s_number_of_examples_counts_first() -> None:
    store = RunStore()
    for examples, correct in ((2732, 1700), (100, 90), (2732, 1600), (50, 45)):
        _recorded(store, {"correct": correct, "examples": examples})
    ((_, measured),) = reproduction(store, ()).accuracy.items()
    assert measured.whole and measured.correct == 1600  # the newest of the two
    assert measured.margin == pytest.approx(1.85, abs=0.01)


def figure(correct: int, *, imported: bool = False, milliseconds: float = 10.0) -> Shipped:
    scores = {"correct": correct, "examples": 1000, "f1": 0.5, "queries": 10, "milliseconds": milliseconds}
    about = {
        "name": str(correct),
        "architecture": "1000,96,12,8,64",
        "parameters": 7,
        "size_mb": 3.0,
        "machine": MACHINE,
    }
    origin = {"data": "a sample", "fingerprint": "0", "command": "python", "date": "2026-11-28"}
    place = {"encoder": "codebert", "task": "vulnerability", "row": Row.STUDENT_3, "imported": imported}
    return Shipped.model_validate({**scores, **about, **origin, **place, "codebert_milliseconds": 200.0})


def test_what_ships_fills_what_no_run_has_measured() -> None:
    store = RunStore()
    own = [figure(560, milliseconds=5.0), figure(600), figure(540)]
    found = reproduction(store, [figure(597, imported=True, milliseconds=20.0), *own])
    theirs, ours = (Place(Row.STUDENT_3, CODEBERT, imported) for imported in (True, False))
    assert {place: one.correct for place, one in found.accuracy.items()} == {theirs: 597, ours: 560}
    assert found.accuracy[ours].seeds == (56.0, 60.0, 54.0) and found.accuracy[theirs].seeds == ()
    assert found.latency[ours].median == 5.0 and found.latency[ours].teacher == 200.0
    _recorded(store, {"correct": 50, "examples": 100})
    again = reproduction(store, [figure(597, imported=True, milliseconds=20.0), *own])
    assert again.accuracy[theirs].run is not None and again.accuracy[theirs].correct == 50
    assert again.latency[theirs].teacher is None and again.accuracy[ours] == found.accuracy[ours]


def test_the_figures_that_ship_say_how_they_were_measured() -> None:
    figures = shipped()
    assert {one.column for one in figures if one.imported} == set(COLUMNS)
    assert len({one.name for one in figures}) == len(figures)
    for one in figures:
        assert 0 < one.correct < one.examples and date.fromisoformat(one.date) and len(one.fingerprint) == 16
        assert one.command.startswith("python -m benchmarks.paper --data DATA") and one.machine.processor
        assert one.milliseconds < one.codebert_milliseconds and "/" not in one.name
        assert one.imported or one.command.endswith(one.name)


def test_figures_are_written_as_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "paper.json"
    assert read(path) == ()
    write(path, (figure(1), figure(2)))
    assert read(path) == (figure(1), figure(2)) and len(path.read_text("utf-8").splitlines()) == 4


@pytest.mark.parametrize("damage", [{"correct": None}, {"architecture": "?"}, {"teacher": "bert"}, {"latency": None}])
def test_a_damaged_result_fills_nothing(damage: dict[str, Any]) -> None:
    store = RunStore()
    _recorded(store, damage)
    assert not reproduction(store, ()).accuracy


def test_the_published_numbers() -> None:
    assert accuracy(Row.STUDENT_3, CODEBERT) == 59.44
    assert accuracy(Row.STUDENT_50, Column(Encoder.GRAPHCODEBERT, Task.CLONE)) == 96.78
    assert latency(Row.TEACHER, CODEBERT) == 1507 and latency(Row.STUDENT_25, CODEBERT) is None
    for task in Task:  # the headline's means over the two tasks
        assert len([column for column in COLUMNS if column.task is task]) == 2
    for encoder, ratio in ((Encoder.CODEBERT, 4.31), (Encoder.GRAPHCODEBERT, 4.15)):
        columns = [column for column in COLUMNS if column.encoder is encoder]
        ratios = [(latency(Row.TEACHER, c) or 0) / (latency(Row.STUDENT_3, c) or 1) for c in columns]
        assert sum(ratios) / 2 == pytest.approx(ratio, abs=0.01)


def test_the_commands_are_ones_that_the_command_line_knows() -> None:
    from compressor_core.cli.parser import parser

    for row in Row:
        for column in COLUMNS:
            for text in filter(None, (training_commands(row, column), import_commands(row, column))):
                for line in text.splitlines():
                    program, _, arguments = line.partition(" -m compressor_core ")
                    if arguments:
                        parser().parse_args(arguments.split())
                    else:
                        assert program.startswith("git clone https://")
    assert training_commands(Row.BASELINE, CODEBERT) is None and import_commands(Row.TEACHER, CODEBERT) is None


def _recorded(store: RunStore, changes: dict[str, Any]) -> None:
    """A finished import as its worker leaves it behind, with changes to its result."""
    run = store.create("reproduce", {"dataset": "devign", "data": None})
    result = {**summaries.reproduced(run.folder / "model").model_dump(mode="json"), **changes}
    record(run, result)


def record(run: Run, result: dict[str, Any]) -> None:
    write_json(run.folder / "status.json", {"state": "finished", "result": result})
