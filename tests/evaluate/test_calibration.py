"""A calibration: what it measures, and what it never fits to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compressor_core.architecture import Architecture, SearchSpace
from compressor_core.cli.main import main
from compressor_core.cost import Genes, cost
from compressor_core.errors import BudgetError, SettingsError
from compressor_core.evaluate import calibration, design
from compressor_core.evaluate.calibration import Subject, calibrate
from compressor_core.evaluate.design import chosen_queries, sample
from compressor_core.evaluate.settings import CalibrationSettings
from compressor_core.latency_model import LatencyModel, Runtime
from compressor_core.models.inputs import FunctionInput
from compressor_core.progress import finish
from compressor_core.records import Progress, Record
from compressor_core.runs import RunStore, State
from compressor_core.runs.calibrations import calibrations, open_calibration
from compressor_core.runs.worker import run_worker
from compressor_core.task import PairFeatures, Task
from tests.runs.lines import lines_of

TINY: dict[str, Any] = {
    **{"architectures": 3, "held_out": 1, "budget_mb": None, "largest_mb": 0.3, "functions": 3, "rounds": 2},
}


def few_vocabularies(monkeypatch: pytest.MonkeyPatch, *sizes: int) -> None:
    """Fewer tokenizers to train."""
    for module in (calibration, design):
        monkeypatch.setattr(module, "VOCABULARIES", sizes)


def test_the_sample_is_spread_bounded_and_split() -> None:
    config = CalibrationSettings()
    roles = sample(config)
    assert len({architecture for architecture, _ in roles}) == len(roles) == 40 + 12
    by_role = {role: [a for a, given in roles if given == role] for role in ("fit", "held-out", "budget")}
    assert [len(chosen) for chosen in by_role.values()] == [28, 12, 12]
    assert not set(by_role["fit"]) & set(by_role["held-out"])
    space = SearchSpace.paper()
    for architecture, role in roles:
        assert space.contains(architecture)
        assert cost(architecture).size_mb <= (3.0 if role == "budget" else 50.0)
    assert [one.num_hidden_layers for one in by_role["budget"]] == list(range(1, 13))
    gflops = [cost(one).paper_gflops for one in by_role["budget"]]
    assert gflops.index(max(gflops)) == 11  # the most GFLOPs in 3 MB need twelve layers
    spread = by_role["fit"] + by_role["held-out"]
    assert {one.num_attention_heads for one in spread} == {1, 2, 4, 8}
    for gene, ratio in (("hidden_size", 30), ("intermediate_size", 60), ("num_hidden_layers", 11)):
        values = [getattr(one, gene) for one in spread]
        assert max(values) / min(values) > ratio
    assert sample(config) == roles
    other = {a for a, role in sample(CalibrationSettings(seed=1)) if role != "budget"}
    assert len(other & set(spread)) < 20


def test_queries_are_the_same_functions_in_all_vocabularies() -> None:
    queries = chosen_queries(CalibrationSettings(functions=5), (500, 5_000))
    fine, coarse = ([len(query[0]) for query in queries[size]] for size in (500, 5_000))
    assert len(fine) == len(coarse) == 5
    assert all(many > few for many, few in zip(fine, coarse, strict=True))
    assert all(query[0].ids[0] == 0 and query[0].ids[-1] == 2 for size in queries for query in queries[size])
    assert max(fine) > 2 * min(fine)


def test_what_slows_one_round_leaves_the_latency_as_it_was() -> None:
    architecture = Architecture(1000, 16, 1, 1, 32)
    subject = Subject(0, "fit", architecture, cost(architecture), [(FunctionInput([0, 5, 2]),)])
    for runtime, factor in ((Runtime.ONNX, 1.0), (Runtime.PYTORCH, 3.0)):
        subject.times[runtime].extend([[factor, 2 * factor], [9 * factor, 2 * factor], [factor, 20 * factor]])
    assert subject.latency(Runtime.ONNX) == 1.5
    latency = subject.record().latency["pytorch"]
    assert latency.mean == latency.median == 4.5
    assert latency.p90 > 30 and latency.measurements == 6


def test_the_fit_never_sees_what_is_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Held-out and budget points of absurd times change the errors and not the models."""

    def timed(absurd: float) -> dict[str, Any]:
        def measure(subject: Subject, *_: object) -> None:
            for times in subject.times.values():
                times.append([1.0 if subject.role == "fit" else absurd])

        queries = [(FunctionInput([0, *[5] * 50, 2]),)]
        monkeypatch.setattr(calibration, "_measure", measure)
        monkeypatch.setattr(calibration, "chosen_queries", lambda _, sizes: dict.fromkeys(sizes, queries))
        settings = {**TINY, "architectures": 8, "held_out": 3, "largest_mb": 5.0, "budget_mb": 3.0}
        summary = finish(calibrate(CalibrationSettings(**settings)))
        assert summary is not None
        return summary.plain()

    plain, absurd = timed(1.0), timed(1000.0)
    assert plain["models"] == absurd["models"]
    for kind, count in (("held_out_error", 3), ("budget_error", 12)):
        for runtime in Runtime:
            assert absurd[kind][runtime]["architectures"] == plain[kind][runtime]["architectures"] == count
            assert absurd[kind][runtime]["median"] > 0.9
            assert plain[kind][runtime]["worst"] < 1e-6


@pytest.mark.parametrize(
    ("task", "features"), [(Task.VULNERABILITY, PairFeatures.COMPARE), (Task.CLONE, PairFeatures.CONCAT)]
)
def test_a_real_calibration_by_the_worker(task: Task, features: PairFeatures, monkeypatch: pytest.MonkeyPatch) -> None:
    few_vocabularies(monkeypatch, 1_000, 2_000)
    if task is Task.CLONE:  # its functions take seconds to rewrite, and are read elsewhere
        queries = [tuple(FunctionInput([0, *[5] * count, 2]) for count in (length, 30)) for length in (10, 50, 90)]
        monkeypatch.setattr(calibration, "chosen_queries", lambda _, sizes: dict.fromkeys(sizes, queries))
    store = RunStore()
    run = store.create("calibrate", {**TINY, "task": task.value, "pair_features": features.value}, name="tiny")
    run_worker(run.folder)
    status = run.status()
    assert status.state is State.FINISHED, status.error
    result = status.result or {}
    points = [record for record in lines_of(run)[0] if record["type"] == "point"]
    assert len(points) == 6 and {point["index"] for point in points} == {0, 1, 2}
    last = {point["index"]: point for point in points}
    assert [last[index]["rounds"] for index in range(3)] == [2, 2, 2]
    assert sorted(point["role"] for point in last.values()) == ["fit", "fit", "held-out"]
    for point in last.values():
        priced = cost(Architecture.from_dict(point), task, features)
        assert (point["parameters"], point["size_mb"]) == (priced.parameters, priced.size_mb)
        for runtime in Runtime:
            measured = point["latency"][runtime]
            assert 0 < measured["mean"] <= measured["median"] <= measured["p90"] and measured["measurements"] == 6
    predictions = [record for record in lines_of(run)[0] if record["type"] == "prediction"]
    assert [one["index"] for one in predictions] == [0, 1, 2]
    for one in predictions:
        for runtime in Runtime:
            assert sum(one["parts"][runtime].values()) == pytest.approx(one["latency"][runtime])
    (unseen,) = [point for point in last.values() if point["role"] == "held-out"]
    ratio = predictions[unseen["index"]]["latency"]["pytorch"] / unseen["latency"]["pytorch"]["mean"]
    assert result["held_out_error"]["pytorch"]["median"] == pytest.approx(abs(ratio - 1))
    assert result["budget_error"]["pytorch"] == {"architectures": 0}
    assert result["machine"]["threads"] == 1 and "ONNX Runtime" in result["machine"]["runtime"]
    assert len(result["lengths"]) == 3 and result["seconds"] > 0

    (found,) = calibrations(store, task, features)
    assert found.title == "tiny" and set(found.models) == set(Runtime)
    for model in found.models.values():
        assert (model.task, model.pair_features) == (task, features)
        fitted = [Architecture.from_dict(point) for point in last.values() if point["role"] == "fit"]
        assert (model.predict(Genes.of(fitted)) > 0).all()
    other = Task.CLONE if task is Task.VULNERABILITY else Task.VULNERABILITY
    assert not calibrations(store, other, features)
    if task is Task.CLONE:
        assert not calibrations(store, task, PairFeatures.COMPARE)
    assert open_calibration(store, run.id) == found.models


def test_cancelled_it_has_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    few_vocabularies(monkeypatch, 1_000)
    asked = iter([False, True])
    records: list[Record] = []
    assert finish(calibrate(CalibrationSettings(**TINY), cancelled=lambda: next(asked)), records.append) is None
    assert [record.type for record in records if not isinstance(record, Progress)] == ["point"]


@pytest.mark.parametrize(
    "changes",
    [
        {"task": "translation"},
        {"pair_features": "sum"},
        {"architectures": 1},
        {"held_out": 3},
        {"rounds": 0},
        {"functions": True},
        {"threads": 1.5},
        {"largest_mb": 0.0},
        {"budget_mb": -1.0},
    ],
)
def test_settings_out_of_range_are_one_sentence(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as error:
        CalibrationSettings(**{**TINY, **changes})
    assert str(next(iter(changes))) in str(error.value) or "held out" in str(error.value)


def test_a_budget_for_few_layers_or_for_none() -> None:
    layers = [
        one.num_hidden_layers
        for one, role in sample(CalibrationSettings(**{**TINY, "budget_mb": 0.13}))
        if role == "budget"
    ]
    assert 1 < len(layers) < 12 and layers == list(range(1, len(layers) + 1))
    with pytest.raises(BudgetError, match=r"0\.01 MB"):
        sample(CalibrationSettings(**{**TINY, "budget_mb": 0.01}))


def test_too_small_a_space() -> None:
    with pytest.raises(SettingsError, match="ask for fewer"):
        sample(CalibrationSettings(**{**TINY, "architectures": 500, "largest_mb": 0.2}))


def test_what_holds_no_models(tmp_path: Path) -> None:
    from compressor_core.errors import RunError

    store = RunStore()
    for name, text in (("list.json", "[]"), ("broken.json", "{"), ("other.json", '{"accuracy": 1}')):
        (tmp_path / name).write_text(text)
        with pytest.raises(SettingsError):
            open_calibration(store, str(tmp_path / name))
    run = store.create("calibrate", TINY)
    with pytest.raises(RunError, match="no finished calibration"):
        open_calibration(store, run.id)
    assert not calibrations(store) and isinstance(LatencyModel, type)


def test_the_command_line_prints_what_a_search_can_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few_vocabularies(monkeypatch, 1_000)
    options = ["--architectures=3", "--held-out=1", "--budget-mb=0.13", "--largest-mb=0.3", "--functions=2"]
    assert main(["calibrate", "--json", "--rounds=1", *options]) == 0
    printed = capsys.readouterr().out
    result = json.loads(printed)
    assert {"models", "held_out_error", "machine", "seconds"} <= set(result)
    (tmp_path / "calibration.json").write_text(printed)
    models = open_calibration(RunStore(), str(tmp_path / "calibration.json"))
    assert {runtime: model.to_dict() for runtime, model in models.items()} == result["models"]
    assert main(["calibrate", "--json", "--held-out=40"]) == 2
    assert "leave some to fit to" in capsys.readouterr().err
