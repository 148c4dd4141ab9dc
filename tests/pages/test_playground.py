"""The playground: teacher and student answer by themselves, with the lines that mattered, or say why they cannot."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from compressor_core.bundled import bundled_teacher
from compressor_core.data.changes import CHANGES
from compressor_core.data.exam import chips
from compressor_core.data.pasted import unpacked
from compressor_core.evaluate.prediction import predict_once
from compressor_core.figures.compare.answers import sure
from compressor_core.figures.compare.probe import edit
from compressor_core.files import write_json
from compressor_core.language import Language
from compressor_core.models.classifier import load
from compressor_core.runs import Run
from compressor_core.task import Task
from tests.pages.studio import APP, PATHS, Open, Studio

CODE = "def f(x):\n    y = eval(x)\n    return '<img src=x onerror=alert(1)>'\n"
JAVA = "public static int f(List<String> all) throws IOException {\n  return all.size();\n}\n"


def button(at: AppTest, label: str) -> Any:
    return next(one for one in at.button if one.label == label)


def ask(at: AppTest, *codes: str) -> AppTest:
    for area, code in zip(at.text_area, codes, strict=True):
        area.set_value(code)
    button(at, "Ask both").click().run()
    assert not at.exception, at.exception
    return at


def another_visit(**parameters: str) -> AppTest:
    at = AppTest.from_file(str(APP), default_timeout=90).run()
    for name, value in parameters.items():
        at.query_params[name] = value
    return at.switch_page(PATHS["playground"]).run()


def parameter(at: AppTest, name: str) -> str:
    value = at.query_params[name]  # a list until the page itself has set it
    return str(value if isinstance(value, str) else value[0])


def said(at: AppTest) -> dict[str, str]:
    return {str(one.label): str(one.value) for one in at.metric}


def table(at: AppTest) -> str:
    return str(next(one.proto.body for one in at.get("html") if 'class="lines"' in one.proto.body))


def changed(run: Run, *, teacher: Path | None = None, student: Path | None = None) -> None:
    """Let the run have other models."""
    if teacher is not None:
        config = json.loads((run.folder / "config.json").read_text())
        config["config"]["teacher"] = str(teacher)
        write_json(run.folder / "config.json", config)
    if student is not None:
        status = json.loads((run.folder / "status.json").read_text())
        status["result"]["model"] = str(student)
        write_json(run.folder / "status.json", status)


def model_of(run: Run) -> Path:
    return Path((run.status().result or {})["model"])


def always(folder: Path, out: Path, label: int) -> Path:
    """A copy of a model that gives every function the same label."""
    import torch

    from compressor_core.models.classifier import load

    classifier = load(folder)
    model: Any = classifier.model
    with torch.no_grad():
        model.classifier.out_proj.bias += torch.tensor([-20.0, 20.0]) * (1 if label else -1)
    classifier.save(out)
    return out


@pytest.mark.parametrize("teacher", [0, 1])
def test_a_student_that_disagrees_is_heard(studio: Studio, open_page: Open, tmp_path: Path, teacher: int) -> None:
    changed(
        studio.distill,
        teacher=always(model_of(studio.teacher), tmp_path / "teacher", teacher),
        student=always(model_of(studio.distill), tmp_path / "student", 1 - teacher),
    )
    at = ask(open_page("playground", run=studio.distill.id), CODE)
    assert (said(at)["Teacher"], said(at)["Student"]) == (str(teacher), str(1 - teacher))
    assert at.header[0].value.startswith(f"They disagree: the teacher says {teacher}, the student says {1 - teacher}.")
    (chart,) = (json.loads(one.proto.spec) for one in at.get("plotly_chart"))
    shares = {bars["name"]: dict(zip(bars["y"], bars["x"], strict=True)) for bars in chart["data"]}
    assert shares["Teacher"][str(teacher)] > 99 and shares["Student"][str(teacher)] < 1


def test_own_code_gets_two_answers_and_a_bar_for_every_line(studio: Studio, open_page: Open) -> None:
    at = open_page("playground")
    assert "Paste code" in at.info[0].value and not at.metric
    ask(at, CODE)
    assert set(said(at)) == {"Teacher", "Student"} and not at.warning
    assert "median of five calls" in at.caption[1].value
    html = table(at)
    assert html.count("<tr>") == 1 + 3 and "not read" not in html
    assert "<img" not in html and "&lt;img src=x onerror=alert(1)&gt;" in html
    assert parameter(at, "run") == studio.distill.id


def test_examples_of_the_test_split_come_one_after_the_other(studio: Studio, open_page: Open) -> None:
    at = open_page("playground")
    drawn = []
    for _ in range(2):
        button(at, "Draw an example").click().run()
        assert not at.exception, at.exception
        drawn.append(at.text_area[0].value)
        assert said(at)["True label"] in ("0", "1")
        assert ", which is " in at.header[0].value and at.caption[1].value.startswith("Test split: `")
    assert drawn[0] != drawn[1] and all(drawn)
    assert parameter(at, "example") == "1"
    again = another_visit(example="1")
    assert again.text_area[0].value == drawn[1] and set(said(again)) == {"Teacher", "Student", "True label"}
    ask(at, f"{drawn[1]}\n    x = 1")
    assert "True label" not in said(at), "nobody knows the label of what was changed"
    assert "example" not in at.query_params


def test_an_address_holds_the_pasted_code_and_which_student_is_asked(studio: Studio, open_page: Open) -> None:
    at = ask(open_page("playground"), CODE)
    field = next(one for one in at.selectbox if one.label == "Student")
    field.set_value(next(key for key in field.options if "bundled student" in key)).run()
    shared = {name: parameter(at, name) for name in ("code", "student")}
    assert "run" not in at.query_params and unpacked(shared["code"], 1)[0].split() == CODE.split()
    again = another_visit(**shared)
    assert again.text_area[0].value == at.text_area[0].value
    assert set(said(again)) == {"Teacher", "Student"}
    chosen = next(one for one in again.selectbox if one.label == "Student").value
    assert Path(str(chosen)).name == shared["student"]
    broken = another_visit(code="rubbish")
    assert "cannot be read" in broken.error[0].value and not broken.exception and not broken.metric
    assert "code" not in broken.query_params


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("", "Function is empty"),
        ("int f();\0\0", "Function is binary data"),
        ("x = 1\n" * 170_000, "Function has 1,020,000 characters, more than 100,000"),
    ],
)
def test_what_is_no_code_is_one_sentence(studio: Studio, open_page: Open, code: str, says: str) -> None:
    at = ask(open_page("playground"), code)
    assert [says in one.value for one in at.error] == [True] and not at.metric


def test_another_language_is_remarked_on_and_answered(studio: Studio, open_page: Open, tmp_path: Path) -> None:
    student = tmp_path / "student"
    shutil.copytree(model_of(studio.distill), student)
    card = json.loads((student / "compressor.json").read_text())
    write_json(student / "compressor.json", {**card, "dataset": "classroom-vulnerability"})
    changed(studio.distill, student=student)
    at = ask(open_page("playground"), JAVA)
    assert "is Java, and the model learned from Python" in at.warning[0].value
    assert set(said(at)) == {"Teacher", "Student"}


def test_uploads(studio: Studio, open_page: Open) -> None:
    at = open_page("playground")
    box: Any = at.get("file_uploader")[0]
    box.upload("f.py", CODE.encode(), "text/plain").run()
    assert at.text_area[0].value == CODE and set(said(at)) == {"Teacher", "Student"}
    box = at.get("file_uploader")[0]
    box.upload("f.o", b"\x7fELF\0\0", "application/octet-stream").run()
    assert at.error[0].value == "f.o is binary data, not text: give source code"
    assert at.text_area[0].value == CODE and set(said(at)) == {"Teacher", "Student"}


@pytest.mark.parametrize(
    ("side", "missing", "says"),
    [
        ("student", "model.safetensors", "has no model.safetensors"),
        ("student", "tokenizer.json", "has no tokenizer.json"),
        ("teacher", "config.json", "has no config.json"),
    ],
)
def test_a_folder_without_a_file_is_one_sentence_and_the_other_side_answers(
    studio: Studio, open_page: Open, tmp_path: Path, side: str, missing: str, says: str
) -> None:
    folder = tmp_path / side
    shutil.copytree(model_of(studio.distill if side == "student" else studio.teacher), folder)
    (folder / missing).unlink()
    changed(studio.distill, **{side: folder})
    at = ask(open_page("playground"), CODE)
    (error,) = at.error
    assert error.value.startswith(f"The {side} cannot be asked. ") and says in error.value
    assert list(said(at)) == ["Student" if side == "teacher" else "Teacher"]


def test_models_of_different_tasks_are_one_sentence(studio: Studio, open_page: Open) -> None:
    changed(studio.distill, teacher=bundled_teacher("classroom-clone"))
    at = ask(open_page("playground"), CODE)
    (error,) = at.error
    assert "the teacher is for clone and the student is for vulnerability" in error.value


def test_two_functions_for_a_student_of_pairs(studio: Studio, open_page: Open, tmp_path: Path) -> None:
    clone = bundled_teacher("classroom-clone")
    student = tmp_path / "student"
    shutil.copytree(clone, student)
    changed(studio.distill, teacher=clone, student=student)
    at = ask(open_page("playground"), CODE, CODE.replace("y", "z"))
    assert said(at)["Teacher"] == said(at)["Student"]
    tables = [one.proto.body for one in at.get("html") if 'class="lines"' in one.proto.body]
    assert len(tables) == 2 and "z = eval" in tables[1]
    ask(at, CODE, "")
    assert "Second function is empty" in at.error[0].value


def test_a_pair_of_the_exam_and_its_edits(studio: Studio, open_page: Open, tmp_path: Path) -> None:
    student = tmp_path / "student"
    shutil.copytree(model_of(studio.distill), student)
    card = json.loads((student / "compressor.json").read_text())
    write_json(student / "compressor.json", {**card, "dataset": "classroom-vulnerability"})
    changed(studio.distill, student=student)
    at = open_page("playground")
    chip = next(one for one in chips(Task.VULNERABILITY) if one.title == "CWE-89 SQL injection")
    at.pills[0].set_value(chip.title).run()
    assert not at.exception, at.exception
    assert at.text_area[0].value == chip.codes[0] and set(said(at)) == {"Teacher", "Student", "True label"}
    assert "Generated Python, these 36 weaknesses" in at.warning[0].value
    assert any("A tool with rules, no model:** Bandit " in one.value for one in at.markdown)
    assert any("An answer is unsure if it is " in one.value and "for the student" in one.value for one in at.caption)
    assert edit(chip.codes, chip.other) in [one.value for one in at.code]
    at.pills[1].set_value("quotes").run()
    after = CHANGES["quotes"].apply(chip.codes[0], Language.PYTHON, random.Random(0))
    assert after is not None and at.text_area[0].value == chip.codes[0], "the code in the box stays"
    shown = {one.label: (one.value, one.delta) for one in at.metric}
    for side, folder in (("Teacher", model_of(studio.teacher)), ("Student", student)):
        for when, code in (("before", chip.codes[0]), ("after", after)):
            answer = predict_once(load(folder), (code,))
            label, share = shown[f"{side} {when}"]
            assert label in (answer.label, "unsure") and share == sure(answer)
    at.pills[1].set_value("other").run()
    assert "Right on both halves" in "".join(one.value for one in at.markdown)
    assert CHANGES["alias"].description not in at.pills[1].options, "an edit that finds nothing is not offered"


def test_a_run_without_a_student_is_one_sentence(studio: Studio, open_page: Open) -> None:
    at = open_page("playground", run=studio.search.id)
    assert "has made no student" in at.error[0].value


def test_opening_the_page_needs_no_torch(studio: Studio) -> None:
    program = (
        "import sys; from streamlit.testing.v1 import AppTest;"
        f"at = AppTest.from_file({str(APP)!r}, default_timeout=60).run();"
        "at.switch_page('pages/try_it/playground.py').run(); assert not at.exception and at.selectbox[0].value;"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=90, cwd=APP.parent)
    assert done.stdout.strip().endswith("[]"), done.stderr
