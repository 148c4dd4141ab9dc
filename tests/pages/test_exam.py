"""The tab Exam: an exam is started with one button, and its result shown."""

from __future__ import annotations

from typing import Any

import pytest

from compressor_core.records import ExamPart
from compressor_core.runs import Run, RunStore, State
from compressor_core.runs.library import models_of
from compressor_core.runs.worker import run_worker
from tests.pages.studio import Open, Studio, button, charts, no_traceback, parameter, texts


def test_one_button_starts_it_and_every_score_is_shown(
    studio: Studio, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def created(store: RunStore, kind: str, config: dict[str, Any], *, name: str | None = None) -> Run:
        return store.create(kind, {**config, "functions": 0}, name=name)

    monkeypatch.setattr("pages.parts.live.launch", created)
    at = open_page("exam")
    button(at, "Start the exam").click().run()
    no_traceback(at)
    run = studio.store.get(parameter(at, "run"))
    (student,) = models_of(studio.distill)
    assert run.settings.models[1] == str(student.folder) and run.settings.names[0] == "Teacher"
    assert run.settings.dataset == "file" and run.settings.split == "test"

    run_worker(run.folder)
    assert run.status().state is State.FINISHED, run.status().error
    at = open_page("exam", run=run.id)
    no_traceback(at)
    assert "coin (25%)" in texts(at) and "Bandit" in texts(at)
    (figure,) = charts(at)
    assert [trace["name"] for trace in figure["data"]][::2] == ["Teacher", "Bag of tokens"]
    assert ExamPart.BOTH_RIGHT.words in list(at.dataframe[0].value["Score"])
