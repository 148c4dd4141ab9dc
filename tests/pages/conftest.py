"""Finished runs of every kind, made by the real worker, and the app on top of them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from compressor_core.runs import Run, RunStore, launch
from compressor_core.runs.library import comparison_of, models_of
from tests.pages.studio import APP, PATHS, Open, Studio, until_over


@pytest.fixture(scope="session")
def finished(labelled_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Studio:
    store = RunStore(tmp_path_factory.mktemp("finished"))
    data = {"dataset": "file", "data": str(labelled_file)}

    def work(kind: str, **config: Any) -> tuple[Run, dict[str, Any]]:
        run = launch(store, kind, config, name=f"a {kind}")
        status = until_over(run)
        assert status.state == "finished", status.error
        return run, status.result or {}

    search, _ = work("search", budget_mb=3.0, space="paper", population=10, generations=12)
    teacher, trained = work("train-teacher", **data, architecture="400,16,1,2,16", epochs=1, threads=1)
    distill, _ = work(
        "distill", **data, teacher=trained["model"], architecture="1000,16,1,1,32", preset="smoke", threads=1
    )
    compare, _ = work("compare", **comparison_of(store, models_of(distill)), latency_examples=5)
    return Studio(store, search, teacher, distill, compare)


@pytest.fixture
def studio(finished: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """A copy of the finished runs that a test may change, and that the app sees."""
    root = tmp_path / "runs"
    shutil.copytree(finished.store.root, root)
    monkeypatch.setenv("COMPRESSOR_RUNS", str(root))
    store = RunStore(root)
    made = (finished.search, finished.teacher, finished.distill, finished.compare)
    return Studio(store, *(store.get(run.id) for run in made))


@pytest.fixture
def app() -> AppTest:
    """The app at its first page, not run yet."""
    return AppTest.from_file(str(APP), default_timeout=90)


@pytest.fixture
def open_page(app: AppTest) -> Open:
    """Open a page of the app, with query parameters."""

    def go(name: str, **parameters: str) -> AppTest:
        app.run()
        for key, value in parameters.items():
            app.query_params[key] = value
        return app.switch_page(PATHS[name]).run()

    return go
