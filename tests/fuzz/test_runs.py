"""Run folders: whatever config.json, status.json and events.jsonl hold, and whatever an id is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from compressor_core.distill.settings import DistillSettings, StudySettings, TeacherSettings, parse_budgets
from compressor_core.evaluate.settings import (
    CalibrationSettings,
    CompareSettings,
    ExamSettings,
    MeasureSettings,
    ProbeSettings,
    ReproduceSettings,
)
from compressor_core.export.settings import ExportSettings
from compressor_core.figures.words.forms import duration, state_text
from compressor_core.files import to_json
from compressor_core.runs import RunStore
from compressor_core.runs.calibrations import calibrations, open_calibration
from compressor_core.runs.kinds import KINDS, kind_of
from compressor_core.runs.library import families, measured_students, students, teachers
from compressor_core.runs.status import State, Status
from compressor_core.runs.story import open_story
from tests.fuzz.guard import clear
from tests.fuzz.test_architectures import LATENCY, SEARCH
from tests.fuzz.values import cheap, damaged, edited, plain_values, texts
from tests.runs.lines import lines_of

ID = "20260101-000000-{}-abcd"
STATUS = Status(
    state=State.FINISHED,
    started=1.0,
    finished=2.0,
    progress=1.0,
    result={"model": "/nowhere", "accuracy": 0.5, "size_mb": 3.0},
).model_dump(mode="json")
CONFIG: dict[str, Any] = {
    "kind": "distill",
    "name": "a",
    "created": 1.0,
    "config": {"teacher": "/nowhere", "dataset": "file"},
}
EVENTS = [{"type": "generation", "generation": n} for n in range(3)]
RESULTS: dict[str, Any] = {
    "search": {"best": {"paper_gflops": 2.0, "size_mb": 3.0}},
    "train-teacher": {"accuracy": 0.9, "size_mb": 3.0, "model": "/nowhere"},
    "distill": {"accuracy": 0.9, "teacher_accuracy": 0.9, "size_mb": 3.0, "model": "/nowhere"},
    "compare": {
        "student": {"accuracy": 0.9},
        "students": [{"accuracy": 0.9}],
        "teacher": {"accuracy": 0.9},
        "speedup": 2.0,
    },
    "export": {"forms": {"model.int8.onnx": {"size_mb": 1.0}}, "flagged": [], "zip_mb": 2.0},
    "measure": {"latency": [{"median": 1.0}], "models": [1]},
    "probe": {"changes": {"mixed": {"functions": 5, "models": {"Teacher": {"rate": 0.1}}}}, "models": {"a": "b"}},
    "exam": {"models": [{"name": "Teacher", "scores": {"exam": {"share": 0.5}}}], "dataset": "file", "seconds": 1.0},
    "calibrate": {"models": {"onnxruntime": LATENCY}, "held_out_error": {"onnxruntime": {"median": 0.1}}},
    "reproduce": {"accuracy": 0.9, "examples": 5, "size_mb": 3.0, "model": "/nowhere"},
    "tradeoff": {"front": 3, "hypervolume_share": 0.99},
    "sweep": {"hit_rate": 0.5, "groups": [{"hits": 1, "searches": 2}], "searches": 2, "budgets": 1},
    "study": {
        "budgets": [{"mean": 0.5, "budget_mb": 1.0}],
        "teacher_accuracy": 0.9,
        "students": [{"budget_mb": 1.0, "seed": 0, "model": "/x"}],
    },
}


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


def file_of(right: Any) -> st.SearchStrategy[bytes]:
    """A JSON file: nearly right, with parts of other kinds, or damaged."""
    return edited(right).map(as_json) | damaged(as_json(right))


@given(
    st.sampled_from(list(KINDS)),
    file_of(CONFIG),
    file_of(STATUS),
    damaged("".join(f"{json.dumps(e)}\n" for e in EVENTS).encode()),
)
@example("distill", b"[" * 200_000, b"{" * 200_000, b"[" * 200_000 + b"\n")
@example("distill", as_json({**CONFIG, "created": 10**400}), as_json({**STATUS, "pid": 10**30}), b'"x"\n1\n')
@example(
    "distill",
    as_json(CONFIG),
    as_json({**STATUS, "state": "running", "pid": 1, "heartbeat": 1e300}),
    b"",
)
@example("distill", as_json(CONFIG)[:-1] + b', "kind2": 1}', b'{"state": ' + b"1" * 5000 + b"}", b"1" * 5000 + b"\n")
@example("search", b'{"created": 1.0}', b"{}", b"")
def test_run_folder(tmp_path: Path, kind: str, config: bytes, status: bytes, events: bytes) -> None:
    store = RunStore(tmp_path / "runs")
    folder = store.root / ID.format(kind)
    shutil.rmtree(store.root, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in (
        ("config.json", config),
        ("status.json", status),
        ("events.jsonl", events),
    ):
        (folder / name).write_bytes(content)
    listed = store.list()
    with clear():
        run = store.get(folder.name)
        assert [each.id for each in listed] == [run.id]
        found = run.status()
        assert Status.model_validate(found.plain()) == found
        assert found.state in State and (found.elapsed is None or found.elapsed >= 0)
        state_text(found.state), duration(found.elapsed), kind_of(run.kind).headline(found.summary)
        records, offset = lines_of(run)
        assert all(isinstance(record, dict) for record in records) and offset <= len(events)
        assert lines_of(run, offset)[0] == []
        assert len(records) <= events.count(b"\n")
        assert store.rename(run.id, "another").name == store.get(run.id).name == "another"
    with clear():
        assert store.queue() is not None
        for reading in (students, teachers, families, measured_students, calibrations):
            reading(store)
    with clear():
        store.delete(folder.name)
        assert not folder.exists() and store.list() == []


@cheap(2)
@given(
    st.sampled_from(list(RESULTS)).flatmap(
        lambda kind: st.tuples(st.just(kind), edited(RESULTS[kind], 4), edited(CONFIG["config"], 2))
    )
)
@example(("study", {"students": {"a": 1}, "budgets": {}}, {}))
@example(("distill", {"model": 5}, {}))
@example(("reproduce", {"model": "/nowhere", "architecture": 3}, {"teacher": "codebert"}))
@example(("distill", {"model": "\0", "accuracy": 0.9, "size_mb": "x"}, {}))
@example(
    (
        "distill",
        {"model": "assets/teachers/classroom-vulnerability", "accuracy": "x", "size_mb": None},
        {"dataset": ["x"], "data": 5},
    )
)
@example(("calibrate", {"models": {"a": None}}, {}))
def test_results_that_other_runs_build_on(tmp_path: Path, made: tuple[str, Any, Any]) -> None:
    kind, result, config = made
    store = RunStore(tmp_path / "runs")
    shutil.rmtree(store.root, ignore_errors=True)
    folder = store.root / ID.format(kind)
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes(as_json({**CONFIG, "kind": kind, "config": config}))
    (folder / "status.json").write_bytes(as_json({**STATUS, "result": result}))
    run = store.list()[0] if isinstance(config, dict) else None
    if run is not None:
        assert isinstance(kind_of(run.kind).headline(run.status().summary), str)
    for reading in (students, teachers, families, measured_students, calibrations):
        with clear():
            reading(store)
    with clear():
        open_calibration(store, folder.name)


@given(texts | st.sampled_from(("../x", "20260101-000000-search-abcd", "20260101-000000-search-abcd\n", "a" * 9000)))
def test_id_of_a_run(tmp_path: Path, run_id: str) -> None:
    store = RunStore(tmp_path / "runs")
    (tmp_path / "runs").mkdir(exist_ok=True)
    for act in (store.get, store.delete, lambda one: store.rename(one, "x"), lambda one: open_story(store, one)):
        with clear():
            act(run_id)
            raise AssertionError("there is no such run")
    assert list((tmp_path / "runs").iterdir()) == []


@given(texts, plain_values)
@example("search", {"a": float("nan")})
@example("SEARCH", {})
def test_creating_a_run(tmp_path: Path, kind: str, config: Any) -> None:
    store = RunStore(tmp_path / "runs")
    if not isinstance(config, dict):
        config = {"value": config}
    with clear():
        run = store.create(kind, config, kind)
        again = store.get(run.id)
        assert again.kind == run.kind and again.created == run.created
        assert again.config == json.loads(to_json(config))
        store.delete(run.id)


@given(
    damaged(as_json({"models": {"onnxruntime": LATENCY}})) | edited({"models": {"onnxruntime": LATENCY}}).map(as_json)
)
@example(b"[" * 100_000)
def test_calibration_in_a_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "calibration.json"
    path.write_bytes(content)
    with clear():
        models = open_calibration(RunStore(tmp_path / "runs"), str(path))
        assert all(model.runtime is runtime for runtime, model in models.items())


TEACHER = "/nowhere"
SETTINGS: dict[str, tuple[Callable[[Any], Any], dict[str, Any]]] = {
    "train-teacher": (TeacherSettings.model_validate, TeacherSettings().model_dump(mode="json")),
    "distill": (
        DistillSettings.model_validate,
        DistillSettings(teacher=TEACHER, architecture="1000,96,12,8,64").model_dump(mode="json"),
    ),
    "study": (StudySettings.model_validate, StudySettings(teacher=TEACHER).model_dump(mode="json")),
    "compare": (
        CompareSettings.model_validate,
        {"teacher": TEACHER, "student": TEACHER, "others": ["/x"], "threads": 1, "split": "test"},
    ),
    "measure": (MeasureSettings.model_validate, MeasureSettings(models=(TEACHER,)).model_dump(mode="json")),
    "exam": (ExamSettings.model_validate, ExamSettings(models=(TEACHER,)).model_dump(mode="json")),
    "probe": (ProbeSettings.model_validate, ProbeSettings(models=(TEACHER,)).model_dump(mode="json")),
    "calibrate": (
        CalibrationSettings.model_validate,
        {"architectures": 40, "held_out": 12, "budget_mb": 3.0, "threads": 1, "seed": 0, "task": "clone"},
    ),
    "reproduce": (
        ReproduceSettings.model_validate,
        {"teacher": "codebert", "task": "clone", "checkpoint": "/x", "tokenizer": "/x"},
    ),
    "export": (
        ExportSettings.model_validate,
        {"model": TEACHER, "format": "bundle", "examples": 5, "threads": 1},
    ),
}


@given(
    st.sampled_from(list(SETTINGS)).flatmap(
        lambda kind: st.tuples(st.just(kind), edited(SETTINGS[kind][1]) | plain_values)
    )
)
@example(("train-teacher", {"learning_rate": "x"}))
@example(("distill", {"teacher": "a", "architecture": "b", "temperature": None}))
@example(("distill", {"teacher": "a", "architecture": "b", "renaming": "x"}))
@example(("distill", {"teacher": "a", "architecture": "b", "preset": []}))
@example(("study", {"teacher": "a", "space": []}))
@example(("measure", {"models": ["a"], "watts": "x"}))
@example(("measure", {"models": 3}))
@example(("probe", {"models": ["a"], "changes": "x"}))
@example(("calibrate", {"largest_mb": "x"}))
def test_settings_of_a_run(values: tuple[str, Any]) -> None:
    kind, given_values = values
    with clear():
        SETTINGS[kind][0](given_values)


@given(texts | st.lists(st.floats(), max_size=4).map(lambda them: ", ".join(map(str, them))))
def test_budgets_of_a_study(text: str) -> None:
    with clear():
        assert all(budget > 0 for budget in StudySettings(teacher=TEACHER, budgets=parse_budgets(text)).budgets)


def test_a_search_can_be_read_back() -> None:
    assert type(SEARCH).model_validate(json.loads(to_json(SEARCH.model_dump(mode="json")))) == SEARCH
