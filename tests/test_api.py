"""The front door: `import compressor_core as cc`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import plotly.graph_objects as go
import pytest
from nbclient import NotebookClient

import compressor_core as cc
from compressor_core.architecture import Architecture
from compressor_core.data.registry import open_dataset
from compressor_core.errors import BudgetError, CompressorError, DataError, ModelError, SettingsError, StorageError
from compressor_core.records import Generation, Optimum, Progress, Record
from tests.tiny import TINY

SMALL: dict[str, Any] = {"budget_mb": 3.0, "population": 10, "generations": 5}
FIGURE = "application/vnd.plotly.v1+json"
DIVISION = "def f(a, b):\n    return a / b\n"


def python(code: str, *, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), **(env or {})},
        timeout=300,
    )


@pytest.fixture(scope="module")
def found() -> cc.SearchResult:
    return cc.search(**SMALL)


@pytest.fixture(scope="module")
def student(tiny_teacher: Path, labelled_file: Path, tmp_path_factory: pytest.TempPathFactory) -> cc.Student:
    out = tmp_path_factory.mktemp("api") / "student"
    return cc.distill(TINY, tiny_teacher, data=labelled_file, preset="smoke", threads=1, out=str(out))


# The door itself


def test_importing_it_imports_nothing_heavy() -> None:
    heavy = "torch transformers plotly pandas numpy pydantic streamlit deap onnxruntime"
    done = python(f"import sys, compressor_core; print([n for n in '{heavy}'.split() if n in sys.modules])")
    assert done.stdout == "[]\n", done.stderr


def test_its_functions_need_no_model_library_until_they_are_called() -> None:
    done = python(
        "import sys, compressor_core as cc; cc.search(budget_mb=3, generations=1); cc.distill, cc.Student, cc.load\n"
        "print([name for name in ('torch', 'transformers', 'plotly', 'pandas') if name in sys.modules])"
    )
    assert done.stdout == "[]\n", done.stderr


def test_every_public_name_is_there() -> None:
    for name in cc.__all__:
        assert getattr(cc, name) is not None and name in dir(cc), name
    for name in [*cc.api.__all__, "cost"]:
        assert callable(getattr(cc, name)), name
    for name in ("Search", "Distill", "Teacher", "Compare", "Measure", "Exam", "Probe", "Study", "Export"):
        assert "properties" in getattr(cc, f"{name}Settings").model_json_schema()
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        cc.nothing  # type: ignore[attr-defined] # noqa: B018


def test_a_function_and_the_module_of_its_name_are_one() -> None:
    done = python(
        "import compressor_core.search.genetic as genetic, compressor_core.export as export\n"
        "from compressor_core.distill import settings\n"
        "import compressor_core as cc, inspect\n"
        "assert cc.search.genetic is genetic and cc.export is export\n"
        "assert cc.search(budget_mb=3, generations=1).best is not None\n"
        "assert 'budget_mb' in inspect.signature(cc.search).parameters\n"
        "assert 'Ctrl' in cc.api.__doc__ and 'Example' in cc.search.__call__.__doc__\n"
        "assert cc.cost(cc.Architecture(1000, 96, 12, 8, 64)).parameters == 756_098\n"
        "print(cc.evaluate.intervals.wilson(3, 4)[0])"
    )
    assert done.returncode == 0 and done.stdout.startswith("0.3"), done.stderr


def test_importing_leaves_other_libraries_as_they_are() -> None:
    done = python(
        "from transformers.utils import logging\n"
        "before = logging.get_verbosity(), logging.is_progress_bar_enabled()\n"
        "import compressor_core as cc\n"
        "import compressor_core.models.classifier, compressor_core.distill.distillation\n"
        "cc.load('classroom-vulnerability').predict('def f(): pass')\n"
        "import plotly.io\n"
        "assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before\n"
        "assert plotly.io.templates.default == 'plotly'"
    )
    assert done.returncode == 0, done.stderr


def test_every_public_function_and_class_says_what_it_is() -> None:
    for name in cc.__all__[1:]:
        one = getattr(cc.api if hasattr(cc.api, name) else cc, name)
        assert (one.__doc__ or "").strip(), name
    for name in ("search", "distill", "train_teacher", "compare", "measure", "probe", "study", "export", "load"):
        assert "Raises" in (text := getattr(cc.api, name).__doc__) or "errors" in text, name
        assert "Example: `cc." in text, name


# Searches


def test_a_search_has_typed_attributes(found: cc.SearchResult) -> None:
    best = found.best
    assert best is not None and found.optimum is not None and found.gap is not None
    assert best.architecture == Architecture.parse(best.short_form)
    assert best.size_mb <= 3 and best.budget_mb == 3 and found.gap >= 0
    assert [one.generation for one in found.generations] == list(range(6))
    assert found.evaluations == found.generations[-1].evaluations and not found.cancelled
    assert found.settings == cc.SearchSettings(**SMALL)


def test_a_search_is_tabulated_and_drawn(found: cc.SearchResult) -> None:
    frame = found.to_frame()
    assert len(frame) <= found.evaluations and {"vocab_size", "size_mb", "paper_gflops", "feasible"} <= set(frame)
    for kind in ("population", "fitness", "diversity"):
        assert isinstance(found.figure(kind), go.Figure)
    assert found.figure("population", replay=True).frames
    with pytest.raises(SettingsError, match=r"^there is no figure 'scores' of it: choose from population, fitness"):
        found.figure("scores")


def test_a_result_is_short_as_text_and_shows_its_figure_as_html(found: cc.SearchResult) -> None:
    assert repr(found).startswith("<SearchResult: ") and len(repr(found)) < 200
    html = found._repr_html_()
    assert found.best is not None and found.best.short_form in html
    assert "Plotly.newPlot" in html and "https://cdn" not in html.split("Plotly.newPlot")[1]


def test_a_search_is_saved_and_loaded(found: cc.SearchResult, tmp_path: Path) -> None:
    for path in (tmp_path / "found.json", str(tmp_path / "again.json")):
        for again in (cc.load(found.save(path)), cc.SearchResult.load(path)):
            assert isinstance(again, cc.SearchResult)
            assert (again.settings, again.records, again.best) == (found.settings, found.records, found.best)
            assert again.headline == found.headline
    assert json.loads((tmp_path / "found.json").read_text("utf-8"))["settings"]["budget_mb"] == 3


def test_what_is_no_saved_result_is_refused(found: cc.SearchResult, tmp_path: Path) -> None:
    found.save(tmp_path / "found.json")
    with pytest.raises(DataError, match=r"cannot be read as a saved Comparison \(it holds another result\)"):
        cc.Comparison.load(tmp_path / "found.json")
    for number, text in enumerate(
        ["", "[]", "{}", '{"result": "Result"}', '{"result": "SearchResult", "settings": {}}']
    ):
        (path := tmp_path / f"{number}.json").write_text(text, "utf-8")
        with pytest.raises(DataError, match="cannot be read as a saved"):
            cc.load(path)
    with pytest.raises(DataError):
        cc.SearchResult.load(tmp_path / "none.json")
    with pytest.raises(StorageError):
        found.save(tmp_path / "no" / "such" / "folder.json")


def test_settings_come_as_keywords_or_as_one_object() -> None:
    settings = cc.SearchSettings(**SMALL)
    same = cc.search(settings=settings)
    other = cc.search(settings=settings, seed=1)
    assert same.best == cc.search(**SMALL).best and same.settings == settings
    assert other.settings == settings.replace(seed=1) and other.records != same.records
    with pytest.raises(SettingsError, match=r"^settings must be SearchSettings, not dict"):
        cc.search(settings=dict(SMALL))
    with pytest.raises(SettingsError, match=r"^there is no setting 'generation' of a search"):
        cc.search(budget_mb=3, generation=5)
    with pytest.raises(SettingsError, match="budget_mb"):
        cc.search()
    with pytest.raises(BudgetError):
        cc.search(budget_mb=0.001)


def test_every_record_is_handed_on_as_it_comes() -> None:
    seen: list[Record] = []
    found = cc.search(**SMALL, on_record=seen.append)
    assert isinstance(seen[0], Optimum) and sum(isinstance(one, Generation) for one in seen) == 6
    assert found.records == tuple(one for one in seen if not isinstance(one, Progress))


def test_progress_is_a_bar_where_somebody_watches(capfd: pytest.CaptureFixture[str]) -> None:
    cc.search(**SMALL)
    assert capfd.readouterr() == ("", "")
    cc.search(**SMALL, progress=True)
    out, err = capfd.readouterr()
    assert not out and "100%|" in err and "Generation 5 of 5" in err


def test_live_is_silent_outside_a_notebook(capfd: pytest.CaptureFixture[str]) -> None:
    assert cc.search(**SMALL, live=True).best is not None
    assert capfd.readouterr() == ("", "")


# Interrupts

INTERRUPTED = """
import os, signal, compressor_core as cc
from compressor_core.records import Generation
sent = 0
def interrupt(record):
    global sent
    if isinstance(record, Generation) and record.generation >= 3 and sent < {times}:
        sent += 1
        os.kill(os.getpid(), signal.SIGINT)
before = signal.getsignal(signal.SIGINT)
try:
    found = cc.search(budget_mb=3, generations=10_000, on_record=interrupt)
    print(found.cancelled, found.best is not None, len(found.generations))
except KeyboardInterrupt:
    print("raised")
assert signal.getsignal(signal.SIGINT) is before
"""


def test_ctrl_c_keeps_the_best_so_far() -> None:
    done = python(INTERRUPTED.format(times=1))
    assert done.returncode == 0 and done.stdout == "True True 4\n", done.stderr


def test_ctrl_c_from_outside_ends_a_search_in_a_process_of_its_own() -> None:
    code = (
        "import compressor_core as cc\n"
        "def show(record): print(getattr(record, 'best', None) is not None, flush=True)\n"
        "found = cc.search(budget_mb=3, generations=10_000, on_record=show)\n"
        "print(found.cancelled, found.best is not None)"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "True\n":
                process.send_signal(signal.SIGINT)
                break
        rest = process.stdout.read()
    assert process.returncode == 0 and rest.splitlines()[-1] == "True True"


def test_a_second_ctrl_c_raises() -> None:
    # Both come within one record, so that the search has no time to end in between.
    code = INTERRUPTED.format(times=1).replace(
        "        os.kill", "        os.kill(os.getpid(), signal.SIGINT)\n        os.kill"
    )
    done = python(code)
    assert done.returncode == 0 and done.stdout == "raised\n", done.stderr


def test_an_interrupt_raised_by_a_listener_is_one_as_well() -> None:
    def listener(record: Record) -> None:
        if isinstance(record, Generation) and record.generation == 3:
            raise KeyboardInterrupt

    found = cc.search(budget_mb=3, generations=1000, on_record=listener)
    assert found.cancelled and found.best is not None and len(found.generations) == 4


def test_an_error_of_a_listener_is_raised() -> None:
    def listener(record: Record) -> None:
        raise RuntimeError("the listener's own")

    before = signal.getsignal(signal.SIGINT)  # a test run in the background ignores it
    with pytest.raises(RuntimeError, match="the listener's own"):
        cc.search(**SMALL, on_record=listener)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_thread_may_search_too(found: cc.SearchResult) -> None:
    done: list[cc.SearchResult] = []
    thread = threading.Thread(target=lambda: done.append(cc.search(**SMALL)))
    thread.start()
    thread.join()
    assert done[0].records == found.records


# Models


def test_a_student_has_typed_attributes(student: cc.Student, tiny_teacher: Path) -> None:
    assert student.path.is_dir() and student.path.is_absolute()
    assert student.accuracy is not None and 0 <= student.accuracy <= 1
    assert student.teacher_accuracy is not None and student.agreement is not None
    assert student.size_mb == pytest.approx((student.path / "model.safetensors").stat().st_size / 1e6)
    assert student.architecture == Architecture.parse(TINY)
    assert isinstance(student.teacher, cc.Teacher) and student.teacher.path == tiny_teacher
    assert list(student.curves["epoch"]) == [0] and {"loss", "validation_accuracy"} <= set(student.curves)
    assert not student.cancelled and student.settings.preset == "smoke"
    assert len(student.to_frame()) == 1 and student.to_frame()["size_mb"][0] == student.size_mb
    for kind in ("accuracy", "loss"):
        assert isinstance(student.figure(kind), go.Figure)
    assert repr(student).startswith("<Student: accuracy ") and "Plotly.newPlot" in student._repr_html_()
    assert not list(student.path.parent.glob("*.checkpoint.pt"))


def test_a_student_answers(student: cc.Student) -> None:
    answer = student.predict(DIVISION)
    assert answer.label in answer.probabilities and sum(answer.probabilities.values()) == pytest.approx(1)
    assert answer.milliseconds > 0 and answer.label in repr(answer)
    assert list(answer.to_frame()["label"]) == list(answer.probabilities)
    assert isinstance(answer.figure(), go.Figure)
    assert student.predict((DIVISION,)).probabilities == answer.probabilities
    with pytest.raises(DataError, match="takes 1"):
        student.predict(DIVISION, DIVISION)


def test_a_student_is_loaded_with_its_curves(student: cc.Student, tmp_path: Path) -> None:
    for folder in (student.path, str(student.path), student.save(tmp_path / "copy"), student.save(str(tmp_path / "b"))):
        again = cc.load(folder)
        assert isinstance(again, cc.Student) and again.path == Path(folder).absolute()
        assert (again.settings, again.records, again.summary) == (student.settings, student.records, student.summary)
    with pytest.raises(StorageError, match="exists already"):
        student.save(tmp_path / "copy")


def test_bundled_models_are_loaded_by_name() -> None:
    student, teacher = cc.load("students/classroom-vulnerability"), cc.load("classroom-vulnerability")
    assert isinstance(student, cc.Student) and isinstance(teacher, cc.Teacher) and not isinstance(teacher, cc.Student)
    assert student.size_mb < teacher.size_mb and student.predict(DIVISION).label
    assert student.curves.empty and isinstance(student.figure("loss"), go.Figure)
    pair = cc.load("classroom-clone").predict(DIVISION, DIVISION)
    assert set(pair.probabilities) == set(
        cc.load("teachers/classroom-clone").predict((DIVISION, DIVISION)).probabilities
    )


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    for name in ("nothing", tmp_path, str(tmp_path / "none")):
        with pytest.raises(ModelError):
            cc.load(name)
    with pytest.raises(ModelError):
        cc.distill(TINY, "no such teacher")
    with pytest.raises(DataError, match="holds something else"):
        (tmp_path / "file.txt").write_text("kept", "utf-8")
        cc.train_teacher(out=tmp_path)
    assert (tmp_path / "file.txt").read_text("utf-8") == "kept"


def test_an_interrupted_training_keeps_its_student_and_goes_on(
    tiny_teacher: Path, labelled_file: Path, tmp_path: Path
) -> None:
    steps: list[Record] = []

    def listener(record: Record) -> None:
        if record.type == "step":
            steps.append(record)
            if len(steps) == 20:
                raise KeyboardInterrupt

    def train(**more: Any) -> cc.Student:
        more = {"data": labelled_file, "epochs": 2, "threads": 1, "checkpoint_steps": 1, "out": tmp_path / "s", **more}
        return cc.distill(TINY, tiny_teacher, **more)

    cut = train(on_record=listener)
    assert cut.cancelled and cut.predict(DIVISION).label
    assert (tmp_path / "s.checkpoint.pt").is_file()
    whole = train()
    assert not whole.cancelled and len(whole.curves) <= 2
    first = next(one for one in whole.records if one.type == "step")
    assert first.step > 1  # type: ignore[attr-defined]
    assert not (tmp_path / "s.checkpoint.pt").exists()


def test_a_student_of_a_search_keeps_its_budget(tiny_teacher: Path, labelled_file: Path) -> None:
    found = cc.search(budget_mb=0.2, space="classroom", population=10, generations=5)
    common: dict[str, Any] = {"teacher": tiny_teacher, "data": str(labelled_file), "preset": "smoke", "threads": 1}
    student = cc.distill(found.best, **common)
    assert student.card is not None and student.card.budget_mb == 0.2
    assert found.best is not None and student.architecture == found.best.architecture
    cache = Path(os.environ["COMPRESSOR_CACHE"])
    assert student.path.is_relative_to(cache), "without out, it is in the cache"
    with pytest.raises(SettingsError, match=r"^a student needs an architecture or a budget"):
        cc.distill(**common)
    with pytest.raises(CompressorError, match="V,H,L,A,I"):
        cc.distill("3", **common)


def test_settings_say_all_that_is_not_given(tiny_teacher: Path, labelled_file: Path, tmp_path: Path) -> None:
    own: dict[str, Any] = {"dataset": "file", "data": str(labelled_file)}
    settings = cc.DistillSettings(teacher=tiny_teacher, architecture=TINY, preset="smoke", threads=1, **own)
    student = cc.distill(settings=settings, out=tmp_path / "student")
    assert student.settings == settings.replace(teacher=str(tiny_teacher.absolute()))
    teacher = cc.TeacherSettings(base="from-scratch", architecture=TINY, epochs=1, threads=1, **own)
    assert cc.train_teacher(settings=teacher, seed=3, out=tmp_path / "t").settings == teacher.replace(seed=3)
    export = cc.ExportSettings(model=student.path, format="onnx", **own)
    assert cc.export(settings=export, out=tmp_path / "model.onnx").settings == export


def test_a_budget_is_as_good_as_an_architecture(tiny_teacher: Path, labelled_file: Path) -> None:
    student = cc.distill(teacher=tiny_teacher, budget_mb=0.2, data=labelled_file, preset="smoke", threads=1)
    assert student.size_mb <= 0.2 and student.card is not None and student.card.budget_mb == 0.2


class Table:
    """As little of a Hugging Face Dataset as is used of one."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    def to_pandas(self) -> pd.DataFrame:
        return self.frame


def test_data_may_be_a_table_a_path_or_open(labelled_file: Path, tmp_path: Path) -> None:
    frame = pd.read_json(labelled_file, lines=True).head(120)
    given = (frame, Table(frame), open_dataset("file", str(labelled_file)))
    teachers = [
        cc.train_teacher(data, epochs=1, architecture=TINY, threads=1, out=tmp_path / str(number))
        for number, data in enumerate(given)
    ]
    assert teachers[0].accuracy == teachers[1].accuracy
    cards = [teacher.card for teacher in teachers]
    assert (
        cards[0] is not None and cards[1] is not None and cards[0].dataset_fingerprint == cards[1].dataset_fingerprint
    )
    assert isinstance(teachers[0].figure(), go.Figure) and isinstance(cc.load(teachers[2].path), cc.Teacher)
    words = frame.assign(label=["bad" if label else "good" for label in frame.label])
    told = cc.train_teacher(words, positive="bad", language="python", epochs=1, architecture=TINY, threads=1)
    assert told.card is not None and told.card.labels == ("good", "bad")
    with pytest.raises(DataError):
        cc.train_teacher(tmp_path / "none.csv")


def test_a_comparison_has_typed_attributes(student: cc.Student, labelled_file: Path, tmp_path: Path) -> None:
    versus = cc.compare(
        student.teacher,
        student,
        data=labelled_file,
        latency_examples=3,
        latency_rounds=1,
        out=str(tmp_path / "answers"),
    )
    names = list(versus.accuracy)
    assert names == list(versus.latency) == ["Teacher", student.path.name]
    assert versus.accuracy["Teacher"] == versus.teacher.accuracy and versus.latency["Teacher"] > 0
    assert versus.students[0].agreement == versus.agreement and (versus.speedup or 0) > 0 and 0 <= versus.mcnemar_p <= 1
    assert versus.headline.startswith("The student keeps") and len(versus.sentences) == 1
    assert len(versus.to_frame()) == 1 and len(versus.predictions.gold) == versus.summary.examples
    for kind in versus.figures():
        assert isinstance(versus.figure(kind), go.Figure), kind
    again = cc.load(versus.save(tmp_path / "versus.json"))
    assert isinstance(again, cc.Comparison) and again.accuracy == versus.accuracy
    assert (again.predictions.gold == versus.predictions.gold).all() and again.settings == versus.settings
    with pytest.raises(SettingsError, match="student"):
        cc.compare(student.teacher)


def test_a_measurement_has_typed_attributes(student: cc.Student, labelled_file: Path, tmp_path: Path) -> None:
    found = cc.measure(
        student.teacher, student, data=labelled_file, examples=2, rounds=1, starts=0, batch_rounds=1, largest_batch=1
    )
    assert found.latency and found.throughput and found.headline and len(found.to_frame())
    for kind in ("percentiles", "throughput", "energy"):
        assert isinstance(found.figure(kind), go.Figure)
    again = cc.load(found.save(tmp_path / "found.json"))
    assert isinstance(again, cc.Measurement) and again.headline == found.headline


def test_a_probe_has_typed_attributes(student: cc.Student, labelled_file: Path, tmp_path: Path) -> None:
    found = cc.probe(
        student.teacher, student, data=labelled_file, language="python", changes=["quotes", "rename"], examples=4
    )
    assert list(found.changes) == ["mixed", "rename", "quotes"] and found.headline and len(found.to_frame())
    assert isinstance(found.figure("flips"), go.Figure)
    again = cc.load(found.save(tmp_path / "found.json"))
    assert isinstance(again, cc.Probe) and again.headline == found.headline and again.settings == found.settings


def test_a_study_has_typed_attributes(tiny_teacher: Path, labelled_file: Path, tmp_path: Path) -> None:
    found = cc.study(
        tiny_teacher, data=labelled_file, budgets=(0.2,), seeds=(0,), preset="smoke", threads=1, out=tmp_path / "study"
    )
    assert len(found.students) == 1 and found.budgets[0].budget_mb == 0.2 and found.headline
    assert len(found.to_frame()) == 1 and isinstance(found.figure("size"), go.Figure)
    again = cc.load(found.save(tmp_path / "study.json"))
    assert isinstance(again, cc.Study) and again.summary.plain() == found.summary.plain()


def test_an_export_has_typed_attributes(student: cc.Student, labelled_file: Path, tmp_path: Path) -> None:
    made = student.export("onnx", tmp_path / "model.onnx", data=labelled_file)
    assert made.files == (tmp_path / "model.onnx",) and made.files[0].is_file()
    assert made.size_mb == pytest.approx(made.files[0].stat().st_size / 1e6) and made.max_abs_difference < 1e-4
    assert len(made.to_frame()) == 1 and "<table" in made._repr_html_()
    with pytest.raises(DataError):
        student.export("onnx", tmp_path / "model.onnx", data=labelled_file)
    bundle = student.export(data=labelled_file)
    assert isinstance(cc.load(bundle.files[0]), cc.Student) and bundle.files[1].suffix == ".zip"
    again = cc.load(made.save(tmp_path / "made.json"))
    assert isinstance(again, cc.Export) and again.summary == made.summary


# Notebooks


def run_notebook(cells: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    """The outputs of each cell."""
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(folder / name))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return [cell.outputs for cell in notebook.cells]


def kinds(outputs: list[Any]) -> set[str]:
    return {kind for output in outputs for kind in output.get("data", {})}


def test_three_lines_in_a_notebook(labelled_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [
        f"import pandas as pd\nimport compressor_core as cc\nframe = pd.read_json({str(labelled_file)!r}, lines=True)",
        "found = cc.search(budget_mb=0.5, generations=20)\nfound",
        "student = cc.distill(found.best, teacher='classroom-vulnerability', data=frame, preset='smoke')\nstudent",
        "cc.compare(student.teacher, student, data=frame, latency_examples=5)",
    ]
    shown = run_notebook(cells, tmp_path, monkeypatch)
    for outputs, name in zip(shown[1:], ("SearchResult", "Student", "Comparison"), strict=True):
        assert {"text/html", FIGURE} <= kinds(outputs), name
        assert any(f"<b>{name}</b>" in output.get("data", {}).get("text/html", "") for output in outputs)
    assert not [output for outputs in shown for output in outputs if output.get("name") == "stderr"]


def test_a_live_search_draws_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = "import compressor_core as cc\nfound = cc.search(budget_mb=3, generations=20, live=True, progress=False)"
    (outputs,) = run_notebook([cell], tmp_path, monkeypatch)
    assert len(outputs) == 1 and FIGURE in outputs[0].data, "one place, in which the last figure stands"
    names = [trace["name"] for trace in outputs[0].data[FIGURE]["data"]]
    assert "best so far" in names
