"""Every page, whatever stands in its link and whatever its runs have recorded: a sentence, and no traceback."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from compressor_core.distill.settings import StudySettings
from compressor_core.runs.kinds import KINDS
from compressor_core.search import search
from tests.collect import collected
from tests.fuzz.test_architectures import SEARCH, SWEEP, TRADEOFF
from tests.fuzz.test_runs import ID, RESULTS, STATUS, as_json
from tests.fuzz.values import cheap, edited
from tests.pages.studio import APP, PATHS

FOUND, ENDED = collected(search(SEARCH))
RECORDS = [record.model_dump(mode="json") for record in FOUND if record.type != "progress"]
TEACHER = "assets/teachers/classroom-vulnerability"
CONFIGS: dict[str, dict[str, Any]] = {
    "search": SEARCH.model_dump(mode="json"),
    "sweep": SWEEP,
    "tradeoff": TRADEOFF,
    "study": StudySettings(teacher=TEACHER).model_dump(mode="json"),
    "compare": {"teacher": TEACHER, "student": f"/runs/{ID.format('distill')}/model"},
    "export": {"model": f"/runs/{ID.format('distill')}/model"},
    "measure": {"models": [TEACHER]},
    "probe": {"models": [TEACHER]},
    "exam": {"models": [TEACHER]},
    "calibrate": {"architectures": 40, "held_out": 12},
    "reproduce": {"teacher": "codebert", "task": "clone"},
}
TRAINED = {"teacher": TEACHER, "dataset": "classroom-vulnerability"}
CONFIGS |= {"distill": TRAINED, "train-teacher": TRAINED}
EPOCH = {
    "type": "epoch",
    "epoch": 0,
    "loss": 0.5,
    "validation_accuracy": 0.5,
    "examples_per_second": 9.0,
    "seconds": 1.0,
}
EVENTS: dict[str, list[dict[str, Any]]] = {
    "search": RECORDS,
    "distill": [EPOCH],
    "train-teacher": [EPOCH],
    "sweep": [
        {"type": "swept-search", "budget_mb": 3.0, "seed": 0, "operators": "studio", "best_fitness": [1.0], "gap": 0.0}
    ],
}
SUMMARY = ENDED.model_dump(mode="json")
NAMES = list(PATHS)
KEYS = ("run", "story", "view", "runs", "example", "code", "student", "page", "embed")
LINKED = (
    st.sampled_from([ID.format(kind) for kind in KINDS])
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.sampled_from(("seed", "overlay", "budget", "0", "-1", "9" * 30, "٣", "²", ","))
)


def runs_in(root: Path, results: dict[str, Any], configs: dict[str, Any], events: dict[str, Any]) -> None:
    """One finished run of each kind."""
    shutil.rmtree(root, ignore_errors=True)
    for kind in KINDS:
        folder = root / ID.format(kind)
        folder.mkdir(parents=True)
        config = configs.get(kind)
        (folder / "config.json").write_bytes(as_json({"kind": kind, "name": kind, "created": 1.0, "config": config}))
        (folder / "status.json").write_bytes(as_json({**STATUS, "result": results.get(kind)}))
        lines = [json.dumps(record) for record in events.get(kind, ())] if isinstance(events.get(kind), list) else []
        (folder / "events.jsonl").write_text("".join(line + "\n" for line in lines), "utf-8", "surrogatepass")


def opened(name: str, parameters: dict[str, str]) -> AppTest:
    """A page of the app, opened by its link."""
    # Long for the first one, which may have to draw the classroom first; an example has a limit of its own (`guard`).
    app = AppTest.from_file(str(APP), default_timeout=180).run()
    for key, value in parameters.items():
        app.query_params[key] = value
    return app.switch_page(PATHS[name]).run()


@pytest.fixture(scope="module", autouse=True)
def _warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is imported or drawn of the classroom once does not count as the time of a page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPRESSOR_RUNS", str(tmp_path_factory.mktemp("none")))
        opened("search", {})
        opened("playground", {"example": "1"})
        opened("teacher", {})


@cheap(2)
@given(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(KEYS), LINKED, max_size=3))
@example("start", {"story": "../x"})
@example("start", {"story": ID.format("compare")})
@example("playground", {"example": "9" * 30})
@example("playground", {"example": "²"})
@example("playground", {"code": "eNqLVk9V1wEABQIBxQ", "student": "../x"})
@example("playground", {"example": "9" * 5000})
@example("sweeps", {"runs": "<b>,,x", "view": "overlay"})
def test_links(tmp_path: Path, name: str, parameters: dict[str, str]) -> None:
    runs_in(tmp_path / "runs", {**RESULTS, "search": SUMMARY}, CONFIGS, {"search": RECORDS})
    app = opened(name, parameters)
    assert not app.exception, [each.value for each in app.exception]
    assert app.title


@cheap(2)
@given(st.sampled_from(list(KINDS)), st.data())
def test_pages_of_damaged_runs(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    results = {**RESULTS, "search": SUMMARY}
    results[kind] = data.draw(edited(results[kind]))
    configs = {**CONFIGS, kind: data.draw(edited(CONFIGS[kind]))}
    events = {**EVENTS, kind: data.draw(edited(EVENTS.get(kind, []), 2))}
    runs_in(tmp_path / "runs", results, configs, events)
    for name in (KINDS[kind].page, data.draw(st.sampled_from(NAMES))):
        app = opened(name, {"run": ID.format(kind)})
        assert not app.exception, [(name, each.value, each.stack_trace) for each in app.exception]


def test_the_runs_are_those_that_pages_show() -> None:
    assert set(CONFIGS) == set(KINDS) == set(RESULTS)
