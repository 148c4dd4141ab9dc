"""The lesson in `notebooks/` and its solutions, really run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
LESSON, SOLUTIONS = "lesson.ipynb", "lesson_solutions.ipynb"
FIGURE = "application/vnd.plotly.v1+json"


def read(name: str) -> Any:
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    return notebook


def tagged(notebook: Any, kind: str) -> dict[int, int]:
    """The place of the cell of each number that has a tag such as `exercise-3`."""
    tags = [(place, tag) for place, cell in enumerate(notebook.cells) for tag in cell.metadata.get("tags", [])]
    return {int(tag.removeprefix(f"{kind}-")): place for place, tag in tags if tag.startswith(f"{kind}-")}


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def printed(cells: list[Any], stream: str = "stdout") -> str:
    found = [output for cell in cells for output in cell.get("outputs", ()) if output.output_type == "stream"]
    return "".join(output.text for output in found if output.name == stream)


@pytest.mark.parametrize("name", [LESSON, SOLUTIONS])
def test_what_another_machine_measured_is_not_committed(name: str) -> None:
    notebook = read(name)
    assert not outputs(notebook)
    assert not [cell for cell in notebook.cells if cell.get("execution_count")]


@pytest.mark.parametrize("name", [LESSON, SOLUTIONS])
def test_a_notebook_imports_little(name: str) -> None:
    code = "\n".join(cell.source for cell in read(name).cells if cell.cell_type == "code")
    imports = re.findall(r"^\s*(?:import|from) .+$", code, re.MULTILINE)
    assert len(imports) <= 6, imports


def test_the_minutes_add_up() -> None:
    text = "\n".join(cell.source for cell in read(LESSON).cells if cell.cell_type == "markdown")
    sections = re.findall(r"^## (\d) (.+) \((\d+) minutes\)$", text, re.MULTILINE)
    assert sections == re.findall(r"^\| (\d) \| (.+) \| (\d+) \|$", text, re.MULTILINE)
    assert sum(int(minutes) for _, _, minutes in sections) == 45
    assert len(sections) == len(re.findall("^## ", text, re.MULTILINE))


def test_a_guess_comes_before_what_it_is_about() -> None:
    code = [cell.source for cell in read(LESSON).cells if cell.cell_type == "code"]
    for place, source in enumerate(code):
        for question in re.findall(r'compare_guess\("(.+?)"', source):
            assert any(f'guesses["{question}"] =' in before for before in code[:place]), question


@pytest.mark.timeout(1200)
def test_the_lesson_and_its_solutions_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in class: the lesson with nothing filled in, then each solution, held against the lesson's own check."""
    lesson, solutions = read(LESSON), read(SOLUTIONS)
    exercises, answers = tagged(lesson, "exercise"), tagged(solutions, "solution")
    assert list(exercises) == list(answers) == list(range(1, len(exercises) + 1))
    for number, place in reversed(answers.items()):
        check = lesson.cells[exercises[number] + 1]
        assert check.metadata.tags == ["check"]
        solutions.cells.insert(place + 1, nbformat.v4.new_code_cell(check.source))  # type: ignore[no-untyped-call]
    begin = next(place for place, cell in enumerate(solutions.cells) if cell.cell_type == "code")
    assert solutions.cells[begin].source.endswith(f"\n%run {LESSON}")  # which would show no figures here
    solutions.cells[begin : begin + 1] = lesson.cells

    for name, value in {"LESSON_PRESET": "smoke", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}.items():
        monkeypatch.setenv(name, value)
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    there = set(NOTEBOOKS.iterdir())
    NotebookClient(solutions, timeout=600, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()

    numbers = [str(number) for number in exercises]
    assert re.findall(r"Exercise (\d+): not yet", printed(lesson.cells)) == numbers
    assert re.findall(r"Exercise (\d+): (.+)", printed(solutions.cells[begin + len(lesson.cells) :])) == [
        (number, "solved") for number in numbers
    ]
    assert sum(FIGURE in output.get("data", {}) for output in outputs(lesson)) == 11
    assert not printed(solutions.cells, "stderr")
    assert set(NOTEBOOKS.iterdir()) == there
