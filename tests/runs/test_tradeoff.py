"""Several objectives as a run and on the command line; accuracies that distillations have measured."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from compressor_core.architecture import Architecture
from compressor_core.cli.main import main
from compressor_core.models.card import CARD, ModelCard
from compressor_core.records import DistillSummary, Notice, TradeoffSummary, Work
from compressor_core.runs import Run, RunContext, RunStore, State, cancel, launch, resume
from compressor_core.runs.library import measured_students
from compressor_core.runs.worker import run_worker
from compressor_core.search.quantities import Quantity
from compressor_core.search.tradeoff import TradeoffSettings
from compressor_core.task import PairFeatures, Task
from tests.pages.studio import until_over
from tests.runs import summaries
from tests.runs.lines import lines_of

SMALL = {"population": 10, "generations": 4}


def distilled(store: RunStore, architecture: str, accuracy: float, kind: str = "distill", **card: Any) -> Run:
    """A finished run that left a student's card and its score, without the hours of training."""
    run = store.create(kind, {"dataset": card.pop("dataset", "classroom-vulnerability")})
    settings = {"task": Task.VULNERABILITY, "architecture": Architecture.parse(architecture), **card}

    def work(context: RunContext) -> Work[DistillSummary]:
        folder = context.path("model")
        folder.mkdir()
        (folder / CARD).write_text(
            json.dumps(ModelCard(labels=("no", "yes"), max_length=128, **settings).model_dump(mode="json"))
        )
        yield Notice(message="made")
        return summaries.distilled(folder, accuracy, size_mb=1.0)

    assert run_worker(run.folder, {kind: work}) == 0
    return run


def records_of(run: Run) -> list[dict[str, Any]]:
    """Without what depends on the clock."""
    return [
        {key: value for key, value in record.items() if key not in ("time", "seconds")}
        for record in lines_of(run)[0]
        if not record["type"].endswith("summary")
    ]


def test_a_run_records_the_true_front_then_every_generation(tmp_path: Path) -> None:
    config = TradeoffSettings(space="paper", population=20, generations=4, limits={Quantity.SIZE: 30})
    run = launch(RunStore(tmp_path), "tradeoff", config.model_dump(mode="json"))
    status = until_over(run)
    assert status.state is State.FINISHED, status.error
    assert status.message and status.message.startswith("Generation 4 of 4, ")
    records = lines_of(run)[0]
    assert [record["type"] for record in records] == ["true-front"] + ["front-generation"] * 5 + ["tradeoff-summary"]
    summary = run.summary()
    assert isinstance(summary, TradeoffSummary)
    assert summary.points == len(records[-2]["front"]) > 0
    assert summary.hypervolume_share == records[-2]["share"]
    assert summary.true_front_size == len(records[0]["points"])
    assert not summary.cancelled and not summary.front


def test_a_cancelled_run_keeps_its_front_and_resumes_to_the_same_trajectory(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    whole = launch(store, "tradeoff", SMALL)
    until_over(whole)
    broken = launch(store, "tradeoff", {**SMALL, "generations": 10_000})
    while len(lines_of(broken)[0]) < 4:
        time.sleep(0.01)
    cancel(broken)
    status = until_over(broken)
    assert status.state is State.CANCELLED
    assert status.result is not None and status.result["cancelled"] is True and status.result["points"] > 0
    before = len(records_of(broken))
    resume(broken)
    while len(lines_of(broken)[0]) < before + 5:
        time.sleep(0.01)
    cancel(broken)
    until_over(broken)
    numbers = [record["generation"] for record in records_of(broken) if record["type"] == "front-generation"]
    assert numbers == list(range(len(numbers)))
    assert records_of(broken)[:4] == records_of(whole)[:4]


def test_limits_that_nothing_meets_fail_in_one_sentence(tmp_path: Path) -> None:
    run = launch(RunStore(tmp_path), "tradeoff", {"limits": {"size_mb": 0.001}})
    status = until_over(run)
    assert (status.state, status.error) == (
        State.FAILED,
        "No architecture of the space has size_mb at most 0.001: loosen the limits",
    )


def test_accuracies_are_gathered_by_dataset_from_distillations_alone(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    first = distilled(store, "1000,96,12,8,64", 0.8)
    distilled(store, "1000,64,3,4,64", 0.7, dataset="devign")
    second = distilled(store, "2000,64,3,4,64", 0.75)
    distilled(store, "3000,64,3,4,64", 0.9, kind="reproduce")
    distilled(store, "4000,64,3,4,64", 0.6, task=Task.CLONE, pair_features=PairFeatures.CONCAT)
    found = measured_students(store)
    assert {name: [each.run for each in some] for name, some in found.items()} == {
        "classroom-vulnerability": [second.id, first.id],
        "devign": [found["devign"][0].run],
    }
    assert str(found["devign"][0].architecture) == "1000,64,3,4,64"
    assert measured_students(store, Task.CLONE) == {}
    assert len(measured_students(store, Task.CLONE, PairFeatures.CONCAT)) == 1


class TestCommandLine:
    @pytest.fixture(autouse=True)
    def _store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COMPRESSOR_RUNS", str(tmp_path))

    def test_the_keys_that_scripts_rely_on(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["tradeoff", "--generations", "5", "--budget-mb", "3", "--min-gflops", "1", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["objectives"] == ["size_mb", "paper_gflops"]
        assert all(each["size_mb"] <= 3 and each["paper_gflops"] >= 1 for each in found["front"])
        assert 0 < found["hypervolume_share"] <= 1
        assert found["true_front_size"] > 1 and found["seconds"] > 0

    def test_accuracy_comes_from_the_runs(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        store = RunStore(tmp_path)
        distilled(store, "1000,96,12,8,64", 0.8)
        distilled(store, "1000,64,3,4,64", 0.7)
        assert main(["tradeoff", "--objectives", "size, accuracy", "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert [each["accuracy"] for each in found["front"]] == [0.7, 0.8]
        distilled(store, "2000,64,3,4,64", 0.6, metrics={"flips": 0.02})
        distilled(store, "1000,96,3,8,64", 0.7, metrics={"flips": 0.05})
        assert main(["tradeoff", "--objectives", "flips,accuracy", "--max-flips", "0.04", "--json"]) == 0
        assert [each["flips"] for each in json.loads(capsys.readouterr().out)["front"]] == [0.02]
        assert main(["tradeoff", "--objectives", "size,accuracy", "--dataset", "devign"]) == 2
        assert "distill some first" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (["--objectives", "size"], "two or three different objectives"),
            (["--objectives", "size,beauty"], "no objective 'beauty'"),
            (["--objectives", "size,latency"], "calibrate it first"),
            (["--budget-mb", "0.001"], "loosen the limits"),
            (["--population", "1"], "population"),
        ],
    )
    def test_bad_usage_is_one_sentence(
        self, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["tradeoff", *options]) == 2
        assert words in capsys.readouterr().err
