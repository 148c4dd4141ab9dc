"""What models cost: turns, percentiles, forms, fresh processes, energy, and all of it for two real tiny models."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from compressor_core.architecture import Architecture
from compressor_core.cli.main import main
from compressor_core.data.tokenizer import train_tokenizer
from compressor_core.errors import ModelError, SettingsError, TrainingError
from compressor_core.evaluate import energy
from compressor_core.evaluate.cold_start import cold_start
from compressor_core.evaluate.deployed import FILES, Deployment
from compressor_core.evaluate.measurement import measure
from compressor_core.evaluate.rounds import Timed, in_turns, summary, turns
from compressor_core.evaluate.settings import MeasureSettings
from compressor_core.language import Language
from compressor_core.models.card import DATA_FLOW_NODES, ModelCard
from compressor_core.models.classifier import Classifier, load
from compressor_core.models.student import build
from compressor_core.progress import finish
from compressor_core.records import Form, Progress, Record, read_record
from compressor_core.runs import RunStore, State
from compressor_core.runs.worker import run_worker
from compressor_core.task import PairFeatures, Task
from tests.runs.lines import lines_of

Measured = tuple[list[Record], dict[str, Any]]
C = [
    "int f(int a) { int b = a; return b + a; }",
    "void g(char *s) { while (*s) s++; puts(s); }",
    "int h() { return 1; }",
]
TINY: dict[str, Any] = {
    **{"examples": 3, "rounds": 2, "largest_batch": 2, "batch_rounds": 1, "starts": 1, "padded_to": 60},
}


def classifier(task: Task = Task.VULNERABILITY, data_flow: Language | None = None) -> Classifier:
    torch.manual_seed(0)
    features = PairFeatures.COMPARE if task is Task.CLONE else None
    architecture = Architecture(400, 16, 2, 2, 32)
    model = build(architecture, task, features or PairFeatures.COMPARE)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)  # so that answers differ from function to function
    card = ModelCard(
        task=task,
        labels=("0", "1"),
        max_length=50,
        architecture=architecture,
        pair_features=features,
        data_flow=data_flow,
    )
    return Classifier(model, train_tokenizer(C * 20, 400), card)


def test_things_take_turns_in_alternating_order() -> None:
    order = list(turns("abc", 3))
    assert order == [(0, "a"), (0, "b"), (0, "c"), (1, "c"), (1, "b"), (1, "a"), (2, "a"), (2, "b"), (2, "c")]
    calls: list[str] = []
    timed = [Timed([f"{name}1", f"{name}2"], calls.append) for name in "ab"]
    assert list(in_turns(timed, 2)) == [(0, 0), (0, 1), (1, 1), (1, 0)]
    # Each turn begins with a call that is not counted.
    assert calls == ["a1", "a1", "a2", "b1", "b1", "b2", "b1", "b1", "b2", "a1", "a1", "a2"]
    assert all(len(one.times) == len(one.cpu_times) == 4 and len(one.answers) == 2 for one in timed)


def test_both_clocks_tell_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a call that waits, one clock tells and the other does not."""
    wall, cpu = iter([0.0, 0.25]), iter([0.0, 0.125])
    monkeypatch.setattr("time.perf_counter", lambda: next(wall))
    monkeypatch.setattr("time.process_time", lambda: next(cpu))
    timed = Timed(["x"], str.upper)
    timed.turn()
    assert (timed.times, timed.cpu_times, timed.answers) == ([250.0], [125.0], ["X"])


def test_percentiles_are_numpys() -> None:
    times = np.random.default_rng(0).lognormal(size=257)
    found = summary(times.tolist())
    assert [getattr(found, name) for name in ("median", "p90", "p95", "p99")] == pytest.approx(
        np.quantile(times, [0.5, 0.9, 0.95, 0.99]).tolist()
    )
    assert found.measurements == 257 and list(found.samples) == sorted(found.samples)


@pytest.mark.parametrize("task", list(Task))
def test_every_form_answers_alike_padded_or_not_alone_or_in_a_batch(task: Task, tmp_path: Path) -> None:
    made = classifier(task)
    deployment = Deployment(made, tmp_path)
    assert tuple(Form) == (Form.PYTORCH, Form.ONNX, Form.INT8)
    assert deployment.padded_tokens(60) == 60 and deployment.file_mb(Form.PYTORCH) is None
    assert all(deployment.file_mb(form) == (tmp_path / name).stat().st_size / 1e6 for form, name in FILES.items())
    examples = [(code, C[-1])[: 2 if task is Task.CLONE else 1] for code in C]
    encoded = list(made.encode(examples))
    expected = made.logits(examples).numpy()
    assert np.ptp(expected[:, 0]) > 1e-3
    for form in tuple(Form):
        near = 0.1 * abs(expected).max() if form is Form.INT8 else 1e-5
        alone = [deployment.run(form, deployment.prepare(form, [one])) for one in encoded]
        np.testing.assert_allclose(np.concatenate(alone), expected, atol=near, rtol=0)
        padded = deployment.prepare(form, encoded, 60)
        assert {tuple(array.shape) for array in padded.inputs} == {(3, 60)}
        np.testing.assert_allclose(deployment.run(form, padded), expected, atol=near, rtol=0)


@pytest.mark.parametrize("task", list(Task))
def test_a_model_of_data_flow_answers_alike_in_each_form(task: Task, tmp_path: Path) -> None:
    made = classifier(task, Language.C)
    deployment = Deployment(made, tmp_path)
    assert deployment.padded_tokens(400) == 50 + DATA_FLOW_NODES
    examples = [(code, C[-1])[: 2 if task is Task.CLONE else 1] for code in C]
    encoded = list(made.encode(examples))
    expected = made.logits(examples).numpy()
    for length in (0, deployment.padded_tokens(400)):
        for form, most in ((Form.PYTORCH, 1e-5), (Form.ONNX, 1e-4), (Form.INT8, 0.3)):
            found = deployment.run(form, deployment.prepare(form, encoded, length))
            np.testing.assert_allclose(found, expected, atol=most, rtol=0)


def test_a_fresh_process_answers_as_this_one(tmp_path: Path) -> None:
    made = classifier()
    made.save(tmp_path / "model")
    Deployment(made, tmp_path)
    made.tokenizer.backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    label = int(made.logits([(C[0],)]).argmax())
    onnx = cold_start(tmp_path / FILES[Form.ONNX], [C[0]], max_length=50, tokenizer=tmp_path / "tokenizer.json")
    pytorch = cold_start(tmp_path / "model", [C[0]], max_length=50)
    for found in (onnx, pytorch):
        assert found.label == label
        assert all(getattr(found, step) > 0 for step in ("imports", "load", "first"))
        assert 0 < found.imports_mb <= found.peak_mb
    # Neither PyTorch nor transformers: by far the most memory that PyTorch's process takes.
    assert onnx.peak_mb < pytorch.imports_mb
    with pytest.raises(TrainingError, match=r"ended without an answer of .*nowhere \(.*nowhere.*\): free some memory"):
        cold_start(tmp_path / "nowhere", [C[0]], max_length=50, tokenizer=tmp_path / "tokenizer.json")


def test_a_fresh_process_looks_at_the_clock_before_it_imports() -> None:
    program = "import sys, compressor_core.evaluate.cold_start; print({'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_energy_is_measured_only_where_counters_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not energy.energy_source(tmp_path).measured and "no energy counters" in energy.energy_source(tmp_path).reason
    (tmp_path / "intel-rapl:0").mkdir()
    counter = tmp_path / "intel-rapl:0" / "energy_uj"
    counter.write_text("1")
    monkeypatch.setattr("os.access", lambda *_: False)
    assert str(counter) in energy.energy_source(tmp_path).reason
    monkeypatch.undo()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert "requirements-energy.txt" in energy.energy_source(tmp_path).reason
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert energy.energy_source(tmp_path).measured
    assert energy.energy_source(tmp_path).watts is None


def test_the_meter_divides_by_what_was_done(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    class Tracker:
        def __init__(self, **settings: Any) -> None:
            assert settings["save_to_file"] is False

        def start_task(self) -> None:
            told.append("start")

        def stop_task(self) -> SimpleNamespace:
            return SimpleNamespace(cpu_energy=1e-6)

        def stop(self) -> None:
            told.append("stop")

    monkeypatch.setitem(sys.modules, "codecarbon", SimpleNamespace(OfflineEmissionsTracker=Tracker))
    clock = iter([0.0, 0.1, 0.6, 1.1])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    meter = energy.Meter()
    joules, done = meter.joules(lambda: told.append("work"), 1.0)
    assert joules == pytest.approx(3.6) and done == 2
    meter.close()
    assert told == ["start", "work", "work", "stop"]


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        ({"models": []}, "0 models are no number for a measurement"),
        ({"models": list("abcdef")}, "6 models are no number"),
        ({"models": "abc"}, "models must be a list"),
        ({"models": ["a", "a"]}, "named twice"),
        ({"names": ["x"]}, "1 names for 2 models"),
        ({"rounds": 0}, "rounds must be a whole number from 1, not 0"),
        ({"threads": 1.5}, "threads must be"),
        ({"examples": True}, "examples must be"),
        ({"largest_batch": 512}, "from 1 to 256"),
        ({"padded_to": 513}, "from 1 to 512"),
        ({"watts": 0}, "above 0"),
        ({"wats": 3}, "wats"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        MeasureSettings.model_validate({"models": ["a", "b"], **wrong})


def test_settings_survive_a_file() -> None:
    config = MeasureSettings(models=["x/model", "y/model", "z"], largest_batch=12)
    assert config.titles == ("model", "model (2)", "z") and config.batch_sizes == [1, 2, 4, 8]
    assert MeasureSettings.model_validate(json.loads(config.model_dump_json())) == config


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("student") / "small"
    classifier().save(folder)
    return folder


@pytest.fixture(scope="module")
def measured(student: Path, tiny_teacher: Path, labelled_file: Path) -> Measured:
    config = MeasureSettings(models=[str(tiny_teacher), str(student)], dataset="file", data=str(labelled_file), **TINY)
    records: list[Record] = []
    summary = finish(measure(config), records.append)
    assert summary is not None and read_record(summary.model_dump(mode="json")) == summary
    return records, summary.plain()


def test_all_models_and_forms_are_measured(measured: Measured) -> None:
    records, result = measured
    assert [one["name"] for one in result["models"]] == ["teacher", "small"]
    combinations = {(m, form, padded) for m in (0, 1) for form in Form for padded in (False, True)}
    assert {(one["model"], one["form"], one["padded"]) for one in result["latency"]} == combinations
    assert len(result["latency"]) == len(result["energy"]) == 12
    for one in result["latency"]:
        assert one["rounds"] == 2 and one["measurements"] == 6 and one["samples"] == []
        assert one["min"] <= one["median"] <= one["p90"] <= one["p95"] <= one["p99"]
        assert one["difference"] <= (0.5 if one["form"] == "onnx-int8" else 1e-4)
    assert {one["batch_size"] for one in result["throughput"]} == {1, 2} and len(result["throughput"]) == 24
    assert all(one["slowest"] <= one["examples_per_second"] <= one["fastest"] for one in result["throughput"])
    assert {(one["model"], one["form"]) for one in result["start"]} == {(m, form) for m, form, _ in combinations}
    assert {one["measured"] for one in result["energy"]} == {result["energy_source"]["measured"]}
    machine = result["machine"]
    assert machine["threads"] == 1 and "ONNX Runtime" in machine["runtime"] and result["examples"] == 3
    fractions = [one.fraction for one in records if isinstance(one, Progress) and one.fraction is not None]
    assert fractions == sorted(fractions) and fractions[-1] == pytest.approx(1.0)


def test_an_estimate_is_time_times_watts(measured: Measured) -> None:
    _, result = measured
    if result["energy_source"]["measured"]:
        pytest.skip("this machine has energy counters")
    assert result["energy_source"]["watts"] == 4.0
    for time, one in zip(result["latency"], result["energy"], strict=True):
        assert (time["model"], time["form"], time["padded"]) == (one["model"], one["form"], one["padded"])
        # A millisecond at four watts is four thousandths of a joule, a thousand times.
        assert one["joules_per_1000"] == pytest.approx(4.0 * time["cpu_mean"])


def test_a_cancelled_one_has_no_result(student: Path, labelled_file: Path) -> None:
    asked = iter([False] * 5 + [True])
    config = MeasureSettings(models=[str(student)], dataset="file", data=str(labelled_file), **TINY)
    records: list[Record] = []
    assert finish(measure(config, cancelled=lambda: next(asked)), records.append) is None
    assert len(records) == 6
    assert torch.get_num_threads() >= 1


def test_models_of_another_task_are_refused(student: Path, tmp_path: Path) -> None:
    classifier(Task.CLONE).save(tmp_path / "pairs")
    config = MeasureSettings(models=[str(tmp_path / "pairs")], dataset="classroom-vulnerability", **TINY)
    with pytest.raises(ModelError, match=r"pairs is for clone and the dataset .* for vulnerability"):
        finish(measure(config))


def test_a_run_measures(student: Path, labelled_file: Path) -> None:
    config = MeasureSettings(
        models=[str(student)], names=["three"], dataset="file", data=str(labelled_file), **{**TINY, "starts": 0}
    )
    run = RunStore().create("measure", config.model_dump(mode="json"))
    run_worker(run.folder)
    status = run.status()
    assert status.state is State.FINISHED, status.error
    assert (status.result or {})["models"][0]["name"] == "three" and not (status.result or {})["start"]
    assert {record["type"] for record in lines_of(run)[0]} == {
        *("setup", "latency", "energy", "throughput", "measurement-summary")
    }


def test_the_verb_prints_one_object(student: Path, labelled_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = [
        text for name, value in {**TINY, "starts": 0}.items() for text in (f"--{name.replace('_', '-')}", str(value))
    ]
    assert main(["measure", str(student), "--dataset", "file", "--data", str(labelled_file), *few, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert len(printed["latency"]) == 6 and load(student).card.max_length == 50
    assert main(["measure", str(student), "nowhere", "--json"]) == 2
    assert "There is no model folder nowhere" in capsys.readouterr().err
