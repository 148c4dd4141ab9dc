"""The page Compare: its views, the table of examples with their code, several students, and what is broken."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from compressor_core.bundled import bundled_student, bundled_teacher
from compressor_core.cli.main import main
from compressor_core.data.dataset import Example
from compressor_core.errors import RunError
from compressor_core.evaluate.predictions import (
    FOLDER,
    Verdict,
    example_rows,
    read_predictions,
    select,
    write_predictions,
)
from compressor_core.figures.compare.info import comparison_info
from compressor_core.figures.compare.verdicts import student_rows
from compressor_core.figures.words.forms import csv_text
from compressor_core.files import write_json
from compressor_core.literal import uncelled
from compressor_core.models.card import read_card
from compressor_core.report import report
from compressor_core.runs import Run, RunStore, State, cancel
from compressor_core.runs.library import comparison_of, families, run_of
from compressor_core.runs.worker import run_worker
from tests.pages.studio import (
    APP,
    PATHS,
    Open,
    Studio,
    button,
    charts,
    field,
    no_traceback,
    parameter,
    texts,
    until_over,
)

VIEWS = {"Overview": 2, "Statistics": 4, "Breakdown": 4, "Disagreements": 0, "Latency and cost": 2}


def opened(run: Run, view: str) -> AppTest:
    """The view of a run, as a link opens it in a tab of its own."""
    at = AppTest.from_file(str(APP), default_timeout=90).run()
    at.query_params["run"], at.query_params["view"] = run.id, view
    at.switch_page(PATHS["compare"]).run()
    no_traceback(at)
    return at


@pytest.mark.parametrize(("name", "count"), VIEWS.items())
def test_every_view_draws_and_explains(studio: Studio, open_page: Open, name: str, count: int) -> None:
    at = open_page("compare", run=studio.compare.id, view=name)
    no_traceback(at)
    assert len(charts(at)) == count
    assert "Scores: " in texts(at)
    said = {
        "Overview": "95% interval",
        "Statistics": "Guo et al. 2017",
        "Breakdown": "characters of the code",
        "Disagreements": "choose a row to see its code",
        "Latency and cost": "batch size 1",
    }
    assert said[name] in texts(at)


def test_one_comparison_has_the_same_figures_everywhere(
    studio: Studio, open_page: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    """Page, command line, JSON, CSV, report and card, held against the answers themselves."""
    config, predictions = studio.compare.config, read_predictions(studio.compare.folder / FOLDER)
    right = (predictions.predicted == predictions.gold).sum(1).tolist()
    count = len(predictions.gold)
    accuracies = [correct / count for correct in right]
    ends = [wilson_by_hand(correct, count) for correct in right]
    agreement = float((predictions.predicted[0] == predictions.predicted[1]).mean())

    found = studio.compare.summary()
    models = [config["teacher"], config["student"], "--dataset", "file", "--data", config["data"]]
    arguments = ["compare", *models, "--latency-examples", "2"]
    assert main([*arguments, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert main(["runs", "show", studio.compare.id, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["result"]
    for record in (found.plain(), told, shown):
        sides = [record["teacher"], record["student"]]
        assert [side["accuracy"] for side in sides] == pytest.approx(accuracies)
        assert [side["intervals"]["accuracy"] for side in sides] == [pytest.approx(both) for both in ends]
        assert record["student"]["agreement"] == pytest.approx(agreement)
        for field_of in ("intervals", "difference_intervals", "agreement_interval", "mcnemar", "f1"):
            assert record["student"][field_of] == found.plain()["student"][field_of], field_of

    assert main(arguments) == 0
    table = capsys.readouterr().out
    for accuracy, (low, high) in zip(accuracies, ends, strict=True):
        assert f"{accuracy:.4f}" in table and f"{low:.4f} to {high:.4f}" in table
    assert f"{agreement:.4f}" in table

    at = open_page("compare", run=studio.compare.id)
    on_page = json.dumps([chart["data"] for chart in charts(at)])
    in_report = report(studio.store, studio.compare.id)
    for accuracy, both in zip(accuracies, ends, strict=True):
        assert f"{accuracy:.1%}" in texts(at) + str(at.metric) and f"{accuracy:.1%}" in in_report
        for end in both:
            assert f"{end:.6f}"[:6] in on_page and f"{end:.6f}"[:6] in in_report
    low, high = (100 * end for end in found.student.difference_intervals.accuracy)
    for said in (f"95% interval {low:.1f} to {high:.1f}", f"{agreement:.1%}"):
        assert said in texts(at) and said in in_report
    (row,) = csv.DictReader(io.StringIO(csv_text(student_rows(comparison_info(found)))))
    assert float(row["Accuracy (%)"]) == pytest.approx(100 * accuracies[1])
    assert row["95% interval"] == f"{low:.1f} to {high:.1f}"
    assert float(row["Agreement (%)"]) == pytest.approx(100 * agreement)

    card = read_card(config["student"])
    assert card is not None and card.metrics["accuracy"] == pytest.approx(accuracies[1])
    assert f"{accuracies[1]:.6f}"[:6] in (Path(config["student"]) / "README.md").read_text("utf-8")


def wilson_by_hand(correct: int, count: int, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson's interval by its formula (Wilson 1927)."""
    share, weight = correct / count, z * z / count
    middle, half = share + weight / 2, z * math.sqrt(share * (1 - share) / count + weight / (4 * count))
    return (middle - half) / (1 + weight), (middle + half) / (1 + weight)


def test_a_view_of_another_page_is_none_of_this_one(studio: Studio, open_page: Open) -> None:
    """Both pages keep their view under the same name in the address."""
    no_traceback(open_page("search", run=studio.search.id, view="Genes"))
    at = open_page("compare", run=studio.compare.id)
    no_traceback(at)
    assert len(charts(at)) == VIEWS["Overview"]
    at = opened(studio.compare, "Genes")
    assert len(charts(at)) == VIEWS["Overview"]


def test_the_code_of_an_example_is_shown_as_it_is_and_the_filters_filter(studio: Studio, open_page: Open) -> None:
    at = open_page("compare", run=studio.compare.id, view="Disagreements")
    field(at.selectbox, "Who is right").set_value("all").run()
    no_traceback(at)
    result = studio.compare.status().result or {}
    rows = at.dataframe[-1].value
    assert len(rows) == result["examples"] and "Code" not in rows
    first = json.loads((studio.compare.folder / "predictions" / "functions.jsonl").read_text().splitlines()[0])["code"]
    word = first.split("(")[0].split()[-1]
    field(at.text_input, "In the code").set_value(word.upper()).run()
    no_traceback(at)
    assert 0 < len(at.dataframe[-1].value) < result["examples"]
    assert word.casefold() in at.code[-1].value.casefold()
    field(at.text_input, "In the code").set_value("no code has this").run()
    no_traceback(at)
    assert "loosen the filters" in texts(at) and not at.code
    field(at.text_input, "In the code").set_value("").run()
    right = {"only-teacher": (True, False), "only-student": (False, True), "neither": (False, False)}
    for who, expected in right.items():
        field(at.selectbox, "Who is right").set_value(who).run()
        no_traceback(at)
        for _, row in at.dataframe[-1].value.iterrows() if at.code else ():
            assert (row["Truth"] == row["Teacher says"], row["Truth"] == row["Student says"]) == expected


def test_what_is_missing_or_damaged_is_said_and_no_traceback(studio: Studio, open_page: Open) -> None:
    shutil.rmtree(studio.compare.folder / "predictions")
    at = opened(studio.compare, "Disagreements")
    assert "compare the models again" in at.info[0].value
    status = json.loads((studio.compare.folder / "status.json").read_text())
    write_json(studio.compare.folder / "status.json", {**status, "result": {"teacher": 3}})
    at = open_page("compare", run=studio.compare.id)
    no_traceback(at)
    assert "damaged" in at.error[0].value


def test_the_functions_of_a_pair_stand_side_by_side(studio: Studio, open_page: Open) -> None:
    hostile = "<script>alert(1)</script> **x**"
    pair = Example(("int f() { return 1; }", hostile), 1, "type 3", "line 1")
    write_predictions(studio.compare.folder / FOLDER, [pair], {"Teacher": [[0.0, 1.0]], "Student": [[1.0, 0.0]]})
    at = open_page("compare", run=studio.compare.id, view="Disagreements")
    no_traceback(at)
    assert [one.value for one in at.code] == list(pair.codes)
    assert hostile not in texts(at)


@pytest.fixture
def two(studio: Studio) -> Iterator[Run]:
    """A second student of the same teacher: the first one's folder, as another run's."""
    run = studio.store.create("distill", studio.distill.config, "the copy")
    shutil.copytree(studio.distill.folder / "model", run.folder / "model")
    status = json.loads((studio.distill.folder / "status.json").read_text())
    status["result"]["model"] = str(run.folder / "model")
    write_json(run.folder / "status.json", status)
    yield run


def test_several_students_are_chosen_compared_and_told_apart(studio: Studio, two: Run, open_page: Open) -> None:
    at = open_page("compare")
    no_traceback(at)
    choice = field(at.multiselect, "Students")
    assert choice.value == [two.id]  # the newest
    choice.set_value([]).run()
    no_traceback(at)
    assert button(at, "Compare").disabled
    choice = field(at.multiselect, "Students")
    choice.set_value([studio.distill.id, two.id]).run()
    button(at, "Compare").click().run()
    no_traceback(at)
    run = RunStore().list()[0]
    assert run_of(RunStore(), run.config["student"]) == studio.distill
    assert run.config["others"] == [str(two.folder / "model")]
    assert (run.name, until_over(run).state) == ("2 students", State.FINISHED)
    result = run.status().result or {}
    assert [side["name"] for side in result["students"]] == ["a distill", "the copy"]
    for name, count in {**VIEWS, "Breakdown": 5}.items():
        at = opened(run, name)
        assert at.header[0].value.startswith("The 2 students keep") and len(charts(at)) == count
    assert list(opened(run, "Overview").dataframe[0].value["Student"]) == ["a distill", "the copy"]
    at = opened(run, "Disagreements")
    field(at.selectbox, "Student").set_value(2).run()
    no_traceback(at)


def test_the_student_is_the_same_on_all_pages(studio: Studio, two: Run, open_page: Open) -> None:
    at = open_page("compare")
    field(at.multiselect, "Students").set_value([studio.distill.id]).run()
    for page in ("playground", "export", "lab"):
        at = open_page(page)
        no_traceback(at)
        assert field(at.selectbox, "Student").value == studio.distill.id
    field(at.selectbox, "Student").set_value(two.id).run()
    for page in ("exam", "compare"):
        at = open_page(page)
        no_traceback(at)
        assert field(at.multiselect, "Students").value == [two.id]
    ready = next(family for family in families(studio.store) if "bundled" in family.students[0].title)
    field(at.selectbox, "Teacher").set_value(ready.key).run()
    assert field(at.multiselect, "Students").value == [ready.students[0].key]
    at = open_page("export")
    assert field(at.selectbox, "Student").value == ready.students[0].key
    field(at.selectbox, "Student").set_value(studio.distill.id).run()
    at = open_page("exam")
    assert field(at.multiselect, "Students").value == [studio.distill.id]
    assert field(at.selectbox, "Teacher").value != ready.key
    field(at.multiselect, "Students").set_value([two.id]).run()
    studio.store.delete(two.id)
    at = open_page("compare")
    no_traceback(at)
    assert field(at.multiselect, "Students").value == [studio.distill.id], "the newest, where the chosen one is gone"


def test_students_of_other_teachers_are_kept_apart(studio: Studio, two: Run, open_page: Open) -> None:
    config = json.loads((two.folder / "config.json").read_text())
    write_json(two.folder / "config.json", {**config, "config": {**config["config"], "teacher": "/another/teacher"}})
    found = families(studio.store)
    assert [len(family.students) for family in found[:2]] == [1, 1] and found[0].title.startswith("teacher, on ")
    at = open_page("compare")
    no_traceback(at)
    assert field(at.multiselect, "Students").value == [two.id]
    field(at.selectbox, "Teacher").set_value(found[1].key).run()
    no_traceback(at)
    assert field(at.multiselect, "Students").value == [studio.distill.id]
    with pytest.raises(RunError, match="compare students of one teacher and one dataset"):
        comparison_of(studio.store, [found[0].students[0], found[1].students[0]])


def test_a_student_of_another_task_is_one_sentence(studio: Studio, pairs_file: Path, open_page: Open) -> None:
    config: dict[str, Any] = {**studio.compare.config, "data": str(pairs_file)}
    run = studio.store.create("compare", config)
    run_worker(run.folder)
    assert run.status().state is State.FAILED
    at = open_page("compare", run=run.id)
    no_traceback(at)
    assert "choose a matching pair" in at.error[0].value


def test_the_download_is_the_filtered_table_with_its_code(studio: Studio) -> None:
    predictions = read_predictions(studio.compare.folder / FOLDER)
    rows = example_rows(predictions, select(predictions, verdict=Verdict.ALL), 1, ("fine", "bad"))
    read = list(csv.DictReader(io.StringIO(csv_text(rows), newline="")))
    assert [uncelled(row["Code"]) for row in read] == [row["Code"] for row in rows]


def test_the_result_is_told_in_one_sentence_and_drawn(studio: Studio, open_page: Open) -> None:
    at = open_page("compare", run=studio.compare.id)
    no_traceback(at)
    assert at.header[0].value.startswith("The student keeps")
    assert "McNemar" in texts(at) and "95% interval" in texts(at)
    assert len(charts(at)) == 2


def test_a_student_is_chosen_and_compared(studio: Studio, open_page: Open) -> None:
    at = open_page("compare")
    assert field(at.multiselect, "Students").value == [studio.distill.id]
    button(at, "Compare").click().run()
    no_traceback(at)
    run = studio.store.list()[0]
    assert {**run.config, "latency_examples": 5} == {**studio.compare.config, "beside_codebert": True}
    assert until_over(run).state is State.FINISHED
    at.run()
    no_traceback(at)
    assert parameter(at, "run") == run.id


def test_without_a_student_it_says_where_to_get_one(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("compressor_core.bundled.ASSETS", tmp_path)
    assert "no student" in texts(open_page("compare"))


def test_the_bundled_student_can_be_compared_at_once(open_page: Open) -> None:
    at = open_page("compare")
    no_traceback(at)
    (chosen,) = field(at.multiselect, "Students").value
    assert chosen == str(bundled_student("classroom-vulnerability"))
    button(at, "Compare").click().run()
    run = RunStore().list()[0]
    cancel(run)
    assert run.config["teacher"] == str(bundled_teacher("classroom-vulnerability"))
    assert (run.config["student"], run.config["dataset"]) == (chosen, "classroom-vulnerability")
