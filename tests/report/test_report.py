"""Reports of real runs: what is in them, that nothing in them acts, and what they say of what is missing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from compressor_core.architecture import SearchSpace
from compressor_core.cli.fields import from_options
from compressor_core.cli.main import main
from compressor_core.cli.options import space_of
from compressor_core.cli.parser import parser
from compressor_core.distill.settings import DistillSettings
from compressor_core.errors import RunError
from compressor_core.figures.compare.info import comparison_info
from compressor_core.figures.compare.verdicts import headline, noise_sentence
from compressor_core.figures.search.info import gap_sentence, search_info
from compressor_core.files import write_json
from compressor_core.report import report
from compressor_core.report.commands import PROGRAM, Repeat, repeat
from compressor_core.report.material import Material, material
from compressor_core.report.page import Pair, Table, Text
from compressor_core.report.side_by_side import compared
from compressor_core.runs import RunStore
from compressor_core.runs.lock import hold
from compressor_core.runs.story import open_story
from compressor_core.search import SearchSettings
from compressor_core.search.replica import Replica
from tests.figures.records import many
from tests.report.story import HOSTILE, HOSTILE_KIND, Told, done, tell

SMALL = {"budget_mb": 3.0, "population": 6, "generations": 3}


class Reader(HTMLParser):
    """What a browser would make of a page: its elements, its texts, its scripts and its data."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.data: list[Any] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        kind = dict(attrs).get("type")
        self._inside = "data" if kind == "application/json" else tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        elif self._inside == "data":
            self.data.append(json.loads(data))
        elif self._inside != "style" and data.strip():
            self.texts.append(" ".join(data.split()))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPRESSOR_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        return tell(RunStore(tmp_path_factory.mktemp("told") / "runs"))


@pytest.fixture(scope="module")
def whole(told: Told) -> Reader:
    return Reader(report(told.store, told.compare.id))


@pytest.fixture
def copy(told: Told, tmp_path: Path) -> RunStore:
    """The runs in another place, as their test wants to change them."""
    root = tmp_path / "elsewhere"
    shutil.copytree(told.store.root, root)
    return RunStore(root)


def sentences(store: RunStore, run_id: str) -> str:
    return "\n".join(Reader(report(store, run_id)).texts)


def test_an_architecture_that_was_picked_from_a_front(told: Told, copy: RunStore) -> None:
    front = done(copy, "tradeoff", {"population": 8, "generations": 2})
    path = copy.get(told.distill.id).folder / "config.json"
    values = json.loads(path.read_text("utf-8"))
    values["config"] |= {"search_run": front.id, "architecture": "1000,16,1,1,32"}
    path.write_text(json.dumps(values), "utf-8")
    for run in (told.distill.id, told.compare.id):
        text = sentences(copy, run)
        assert "of the true front's hypervolume" in text and "The front that the architecture was picked from" in text
        assert "cannot be read" not in text and "There is no command for the trade-off" in text
    with pytest.raises(RunError, match="not the end of a story"):
        open_story(copy, told.compare.id)


def test_the_sections_follow_the_story(whole: Reader) -> None:
    anchors = [one["id"] for one in whole.all("section")]
    assert anchors == [
        *("asked", "search", "teacher", "student", "distillation", "comparison", "measured", "settings"),
        *("versions", "repeat"),
    ]
    assert [one["href"] for one in whole.all("a") if (one["href"] or "").startswith("#")] == [f"#{a}" for a in anchors]


def test_the_findings_are_those_of_the_pages(told: Told, whole: Reader) -> None:
    summary = told.compare.summary()
    info = comparison_info(summary)
    text = "\n".join(whole.texts)
    assert headline(info) in text and noise_sentence(info) in text and info.measured in text
    assert gap_sentence(search_info(told.search.records()[0], told.search.settings)) in text
    assert f"{summary.student.size_mb:.3f} MB" in text
    card = json.loads((told.distill.folder / "model" / "compressor.json").read_text())
    assert card["dataset_fingerprint"] in whole.texts
    for name, version in card["versions"].items():
        assert name in whole.texts and version in whole.texts
    for run in (told.search, told.teacher, told.distill, told.compare):
        assert run.id in whole.texts
    assert HOSTILE_KIND in text and "kinds & more.jsonl" in text


def test_every_student_of_a_comparison_is_told(told: Told) -> None:
    summary = told.compare.summary()
    students = tuple(summary.student.model_copy(update={"name": name}) for name in ("first", "second"))
    several = summary.model_copy(update={"students": students})
    blocks = compared(several)
    said = [block.text for block in blocks if isinstance(block, Text)]
    assert said[0].startswith("The 2 students keep")
    assert [text.split(":")[0] for text in said[1:3]] == ["first", "second"]
    (scores, kinds) = [block for block in blocks if isinstance(block, Table)]
    assert tuple(scores.header) == ("", "Teacher", "first", "second") and len(kinds.rows[0]) == 5
    titles = [picture.title for block in blocks if isinstance(block, Pair) for picture in block.pictures]
    assert [title for title in titles if title.startswith("Confusion")] == [
        f"Confusion matrix: {name}" for name in ("Teacher", "first", "second")
    ]


def test_every_figure_has_data_and_a_text(whole: Reader) -> None:
    plots = [one for one in whole.all("div") if one.get("class") == "plot"]
    assert len(plots) == len(whole.data) == len(whole.all("figcaption")) == 16
    assert all(len(one["aria-label"] or "") > 40 and one["role"] == "img" for one in plots)
    assert all(figure["data"] for figure in whole.data)
    population, best, *_ = whole.data
    assert len(population["frames"]) == 6 and "best so far" in [trace["name"] for trace in best["data"]]


def test_a_page_with_hostile_names_has_no_script_but_its_own_two(whole: Reader) -> None:
    assert HOSTILE in whole.texts
    assert len(whole.scripts) == 2 and not [text for text in whole.scripts if "alert('" in text]
    assert not whole.all("img")
    assert not [name for _, attributes in whole.elements for name in attributes if name.startswith("on")]


def test_the_policy_names_the_two_scripts_and_lets_nothing_be_loaded(whole: Reader) -> None:
    (policy,) = [one["content"] or "" for one in whole.all("meta") if "http-equiv" in one]
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in whole.scripts]
    assert re.findall(r"'sha256-([^']+)'", policy) == digests
    assert policy.startswith("default-src 'none'") and not re.search("connect|http|unsafe-eval", policy)
    assert not whole.all("link") and not [one for _, one in whole.elements if "src" in one]
    assert all((one["href"] or "").startswith(("#", "data:")) for one in whole.all("a"))


def test_only_points_by_the_thousands_need_programs_for_the_graphics_card(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    run = store.create("search", {"budget_mb": 3.0})
    (run.folder / "events.jsonl").write_text("".join(one.model_dump_json() + "\n" for one in many(500, 20)))
    page = report(store, run.id)
    assert "'unsafe-eval'" in page[:2000] and '"type":"scattergl"' in page


def test_the_commands_ask_for_what_the_runs_were_asked(told: Told, tmp_path: Path) -> None:
    found = repeat(material(told.store, told.compare.id))
    assert found.missing == ()
    search, train, distill, compare = parsed(found)
    assert search.config == Path("search.json")
    assert Replica.model_validate_json(found.files["search.json"]).config == SearchSettings.model_validate(
        told.search.config
    )
    (tmp_path / "search.json").write_text(found.files["search.json"])
    repeated = search.verb(parser().parse_args(["search", "--config", str(tmp_path / "search.json"), "--json"]))
    assert repeated["same_trajectory"] is True
    assert {name: getattr(train, name) for name in told.teacher.config} == told.teacher.config
    config = from_options(DistillSettings, distill)
    best = (told.search.status().result or {})["best"]
    assert config == DistillSettings(
        teacher=str(train.out),
        architecture=",".join(str(best[gene]) for gene in list(best)[:5]),
        dataset="file",
        data=told.distill.config["data"],
        preset="smoke",
        threads=1,
        renaming=0.0,  # as the distillation decided for a file of unknown language
        hidden_weight=0.0,
    )
    assert (compare.teacher, compare.students) == (train.out, [distill.out])
    assert (compare.data, compare.split, compare.latency_examples) == (told.distill.config["data"], "test", 5)


def parsed(found: Repeat) -> list[Any]:
    """The commands as the command line reads them."""
    lines = [shlex.split(line.removeprefix(PROGRAM)) for line in found.commands]
    return [parser().parse_args(line) for line in lines]


def test_an_ordinary_search_is_repeated_by_options(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    config = SearchSettings(**SMALL, seed=5, space=SearchSpace.classroom(), operators="paper", min_gflops=0.1)  # type: ignore[arg-type]
    run = done(store, "search", config.model_dump(mode="json"))
    found = repeat(material(store, run.id))
    (options,) = parsed(found)
    assert not found.files and from_options(SearchSettings, options, space=space_of(options.space)) == config
    other = done(store, "search", {**config.model_dump(mode="json"), "mutation_rate": 0.9})
    (options,) = parsed(repeat(material(store, other.id)))
    assert options.mutation_rate == 0.9


def test_the_commands_of_a_bundled_teacher_are_for_any_machine(told: Told) -> None:
    story = material(told.store, told.compare.id)
    folder = "/home/someone/studio/assets/teachers/classroom-vulnerability"
    distill, compare = parsed(repeat(replace(story, searches=(), training=None, teacher_folder=folder)))
    assert distill.teacher == "assets/teachers/classroom-vulnerability" == str(compare.teacher)


def test_the_students_of_studies_and_imports_can_be_repeated(told: Told, copy: RunStore) -> None:
    status = json.loads((told.compare.folder / "status.json").read_text())
    study = {"teacher": "t", "budgets": [0.5, 3.0], "seeds": [0, 2], "preset": "smoke"}
    published = {"checkpoint": "-m.bin", "tokenizer": "b.json", "teacher": "codebert", "task": "clone", "dataset": "x"}
    for kind, config, student in (("study", study, "students/0.5mb-0"), ("reproduce", published, "model")):
        made = copy.create(kind, config)
        last = copy.create("compare", {"teacher": "t", "student": str(made.folder / student)})
        write_json(last.folder / "status.json", status)
        *_, first, second = parsed(repeat(material(copy, last.id)))
        text = sentences(copy, last.id)
        assert made.id in text and "a page of its own" in text
        if kind == "study":
            assert (first.budgets, first.seeds) == ([0.5, 3.0], [0, 2])
            assert [str(student) for student in second.students] == ["study/0.5mb-0"]
        else:
            assert (first.checkpoint, first.teacher, second.students) == (Path("-m.bin"), "codebert", [first.out])


def test_a_teacher_from_the_same_store_is_found_wherever_the_store_is(told: Told, copy: RunStore) -> None:
    story = material(copy, told.distill.id)
    assert story.training is not None and story.training.run.id == told.teacher.id
    (student,) = story.students
    assert student.card is not None and student.search is not None and story.comparison is None


def test_less_than_a_whole_story(told: Told) -> None:
    text = sentences(told.store, told.distill.id)
    assert "The student keeps" in text and "side by side" not in text
    search = Reader(report(told.store, told.search.id))
    assert [one["id"] for one in search.all("section")] == ["asked", "search", "settings", "versions", "repeat"]
    assert "The teacher is right on" in sentences(told.store, told.teacher.id)


def test_what_was_deleted_is_said(told: Told, copy: RunStore) -> None:
    copy.delete(told.search.id)
    text = sentences(copy, told.compare.id)
    assert f"The distillation builds on run {told.search.id}, which cannot be shown: There is no run" in text
    assert "The student keeps" in text and "A genetic algorithm" not in text
    copy.delete(told.distill.id)
    text = sentences(copy, told.compare.id)
    assert f"The comparison builds on run {told.distill.id}, which cannot be shown" in text
    assert "Confusion matrix: Student" in text


def test_what_is_not_over_or_failed_is_said(copy: RunStore, told: Told) -> None:
    waiting = copy.create("compare", {"student": str(told.distill.folder / "model")})
    with hold(waiting.folder):
        text = sentences(copy, waiting.id)
    assert "The comparison has not begun: it has recorded nothing." in text and "has no result" in text
    assert "The student keeps" in text
    failed = copy.create("distill", {"teacher": "nowhere", "search_run": told.search.id})
    ended = {"state": "failed", "error": "There is no teacher in nowhere."}
    write_json(failed.folder / "status.json", ended)
    text = sentences(copy, failed.id)
    assert "The distillation failed: it has recorded nothing. There is no teacher in nowhere." in text


def test_damage_costs_a_section_and_not_the_report(copy: RunStore, told: Told) -> None:
    (copy.root / told.distill.id / "model" / "compressor.json").write_text("{")
    path = copy.root / told.compare.id / "status.json"
    status = json.loads(path.read_text())
    del status["result"]["machine"]
    write_json(path, status)
    text = sentences(copy, told.compare.id)
    assert "What the student says of itself is not here" in text
    assert "The result of the comparison is damaged: launch it again" in text
    assert "The student keeps" in text  # of the distillation


@pytest.mark.parametrize(("run_id", "says"), [("../etc", "not the id"), ("20260101-000000-search-0000", "no run")])
def test_a_run_that_is_not_there(tmp_path: Path, run_id: str, says: str) -> None:
    with pytest.raises(RunError, match=says):
        report(RunStore(tmp_path), run_id)


def test_a_run_that_tells_no_story(tmp_path: Path) -> None:
    run = RunStore(tmp_path).create("sweep", {})
    with pytest.raises(RunError, match="of the kind sweep"):
        report(RunStore(tmp_path), run.id)


def test_the_verb(
    told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESSOR_RUNS", str(told.store.root))
    out = tmp_path / "story.html"

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(["report", *arguments, "--json"])
        said = capsys.readouterr()
        return code, said.out, said.err

    code, said, _ = call(told.search.id, "--out", str(out))
    assert code == 0
    assert json.loads(said) == {"files": [str(out)], "size_mb": out.stat().st_size / 1e6}
    assert [path.name for path in tmp_path.iterdir()] == ["story.html"]
    before = out.read_bytes()
    refusals: Sequence[tuple[str, Path, str]] = [
        (told.compare.id, out, "replaces nothing"),
        (told.compare.id, tmp_path, "replaces nothing"),
        (told.compare.id, tmp_path / "no" / "folder.html", "check that its folder exists"),
        ("20260101-000000-search-0000", tmp_path / "b.html", "There is no run"),
    ]
    for run_id, path, says in refusals:
        code, said, error = call(run_id, "--out", str(path))
        assert (code, said, error.count("\n")) == (2, "", 1) and says in error
    assert out.read_bytes() == before and [path.name for path in tmp_path.iterdir()] == ["story.html"]


def test_a_report_needs_no_torch() -> None:
    program = (
        "import sys, compressor_core.report; assert 'plotly' not in sys.modules; "
        "import compressor_core.report.sections; assert not {'torch', 'transformers', 'streamlit'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).resolve().parents[2])


def test_the_material_is_in_the_order_of_the_story(told: Told) -> None:
    story: Material = material(told.store, told.compare.id)
    assert [chapter.run.kind for chapter in story.chapters] == ["search", "train-teacher", "distill", "compare"]
