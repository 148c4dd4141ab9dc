"""Two processes that train one model, started by torchrun as a user starts them, beside one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from compressor_core.distill import processes
from compressor_core.distill.checkpoint import read
from compressor_core.distill.distillation import distill
from compressor_core.distill.fine_tuning import train_teacher
from compressor_core.distill.settings import DistillSettings, TeacherSettings
from compressor_core.errors import SettingsError
from tests.distill.test_trainer import stop_after
from tests.tiny import TINY, run_through

ROOT = Path(__file__).resolve().parents[2]
LOSS, WEIGHT = 1e-2, 2e-3
"""How far losses (relatively) and weights may be from those of one process: gradients are summed in another order, and
AdamW makes steps of a fixed size even of gradients that are nothing but rounding."""

Record = dict[str, Any]
Case = dict[str, Any]


def torchrun(*arguments: object, cache: Path, start_new_session: bool = False) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m"]
    # Both run on one core each; the cache is the test's own, so that the two share the labelling.
    env = {**os.environ, "OMP_NUM_THREADS": "1", "COMPRESSOR_CACHE": str(cache)}
    command += map(str, arguments)
    return subprocess.Popen(
        command,
        cwd=ROOT,
        text=True,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=start_new_session,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("together")


@pytest.fixture(scope="module")
def cases(
    folder: Path, tiny_teacher: Path, labelled_file: Path, pairs_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Case]:
    pair_teacher = tmp_path_factory.mktemp("models") / "pairs"
    pairs: Case = {"dataset": "file", "data": str(pairs_file), "architecture": TINY, "threads": 1}
    run_through(train_teacher(TeacherSettings(**pairs, epochs=1), pair_teacher))
    functions = {"dataset": "file", "data": str(labelled_file), "architecture": TINY, "threads": 1}
    functions["batch_size"] = 13  # of 235 examples: one is left for the last batch
    soft = {**functions, "teacher": str(tiny_teacher), "epochs": 4, "checkpoint_steps": 3, "learning_rate": 1e-3}
    # A student that starts as its teacher has losses of nothing but rounding.
    soft |= {"hidden_weight": 0.0, "inherit": "nothing"}
    everything = {"hidden_weight": 0.5, "masked_epochs": 1, "epochs": 2, "batch_size": 9, "average": 2}
    return {
        "soft": {"kind": "student", "config": soft},
        "pairs": {"kind": "student", "config": {**pairs, **everything, "teacher": str(pair_teacher)}},
        "states": {"kind": "student", "config": {**soft, **everything, "patience": 1}},
        "teacher": {"kind": "teacher", "config": {**functions, "epochs": 2, "learning_rate": 1e-3}},
        # What one process began, and what two began and one of them was told to stop.
        "resumed": {"kind": "student", "config": soft},
        "stopped": {"kind": "student", "config": soft, "stop_after": 20},
    }


def alone(case: Case, out: Path, **options: Any) -> list[Record]:
    if case["kind"] == "teacher":
        records = run_through(train_teacher(TeacherSettings(**case["config"]), out, **options))
    else:
        records = run_through(distill(DistillSettings(**case["config"]), out, **options))
    return [record.model_dump(mode="json", exclude_none=True) for record in records]


@pytest.fixture(scope="module")
def one(folder: Path, cases: dict[str, Case]) -> dict[str, list[Record]]:
    """The records of one process, by case; one of them stops in the middle and leaves a checkpoint."""
    records = {name: alone(cases[name], folder / "alone" / name) for name in ("soft", "pairs", "states", "teacher")}
    alone(cases["resumed"], folder / "part", checkpoint=folder / "resumed.pt", cancelled=stop_after(20))
    return records


@pytest.fixture(scope="module")
def two(folder: Path, cases: dict[str, Case], one: object) -> dict[str, list[list[Record]]]:
    """The records of each of two processes, by case."""
    loops = dict.fromkeys(["too small", "diverging", "disagreeing", "plain"])
    (folder / "cases.json").write_text(json.dumps({**cases, **loops, "full": cases["soft"]}))
    process = torchrun("tests.distill.together", folder, cache=folder / "cache")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 1 and (folder / "disagreeing.1.json").exists(), errors
    (folder / "errors").write_text(errors)
    return {
        name: [json.loads((folder / f"{name}.{rank}.json").read_text()) for rank in (0, 1)] for name in [*cases, *loops]
    }


def losses(records: list[Record]) -> list[float]:
    return [record["loss"] for record in records if record["type"].endswith("step")]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def apart(first: Path, second: Path) -> float:
    """The largest distance of a weight in one model from the same in the other."""
    ours, theirs = weights(first), weights(second)
    assert ours.keys() == theirs.keys()
    return max(float((ours[name] - theirs[name]).abs().max()) for name in ours)


@pytest.mark.parametrize("name", ["soft", "pairs", "states", "teacher"])
def test_two_learn_what_one_learns(
    name: str, one: dict[str, list[Record]], two: dict[str, list[list[Record]]], folder: Path, cases: dict[str, Case]
) -> None:
    expected, (records, others) = one[name], two[name]
    assert losses(records) == pytest.approx(losses(expected), rel=LOSS)
    assert losses(others) == losses(records), "the second process knows the loss of another batch"
    assert apart(folder / "alone" / name, folder / "models" / name) < WEIGHT
    (result,) = [r for r in records if r["type"].endswith("-summary")]
    assert abs(result["accuracy"] - expected[-1]["accuracy"]) < 0.05
    assert not [r for r in others if r["type"].endswith("-summary")], "two processes have saved the student"
    epochs = [[r for r in each if r["type"] == "epoch"] for each in (expected, records)]
    for ours, theirs in zip(*epochs, strict=True):
        assert ours["validation_accuracy"] == pytest.approx(theirs["validation_accuracy"], abs=0.05)


def test_what_one_began_two_finish_and_the_other_way_round(
    two: dict[str, list[list[Record]]], folder: Path, cases: dict[str, Case]
) -> None:
    steps = [r["step"] for r in two["resumed"][0] if r["type"] == "step"]
    assert steps == list(range(steps[0], len(losses(two["soft"][0])) + 1)) and steps[0] > 10
    assert apart(folder / "alone" / "soft", folder / "models" / "resumed") < WEIGHT
    # One of the two was told to stop at some step; both did, and the checkpoint is of that step.
    ours, theirs = (losses(records) for records in two["stopped"])
    stopped = len(ours)
    assert 10 < stopped == len(theirs) <= 20 and two["stopped"][0][-1]["cancelled"]
    assert read(folder / "stopped.pt")["state"]["step"] == stopped
    records = alone(cases["stopped"], folder / "finished", checkpoint=folder / "stopped.pt")
    assert len(losses(records)) == len(losses(two["soft"][0])) - stopped
    assert apart(folder / "alone" / "soft", folder / "finished") < WEIGHT


def test_a_batch_too_large_for_one_is_halved_for_both(two: dict[str, list[list[Record]]]) -> None:
    assert losses(two["too small"][0]) == pytest.approx(losses(two["plain"][0]), rel=LOSS)
    for records in two["too small"]:
        (notice,) = [r["message"] for r in records if r["type"] == "notice"]
        assert "at most 2 examples are computed at once from here on" in notice
        (sizes,) = [r["sizes"] for r in records if r["type"] == "sizes"]
        assert sizes[:3] == [4, 2, 2]
    sums = {records[-1]["sum"] for records in two["plain"]}
    assert len(sums) == 1, "the processes hold different weights"


def test_a_loss_that_is_no_number_stops_both(two: dict[str, list[list[Record]]]) -> None:
    for records in two["diverging"]:
        (error,) = records
        assert error["message"].startswith("the loss became nan at step 20, where") and error["best_epoch"] == 0


def test_processes_that_were_told_different_things_are_refused(two: dict[str, list[list[Record]]]) -> None:
    for records in two["disagreeing"]:
        assert [r["message"][:42] for r in records] == ["the processes were given another epochs: u"]


def command(case: Case, out: Path, *more: str) -> list[object]:
    options = [part for name, value in case["config"].items() for part in (f"--{name.replace('_', '-')}", value)]
    return ["compressor_core", "distill", *options, "--out", out, "--json", *more]


def test_killed_and_resumed(folder: Path, cases: dict[str, Case], two: object, tmp_path: Path) -> None:
    """All die in the middle; the weights are those of two that were left alone, bit for bit."""
    out, checkpoint = tmp_path / "student", tmp_path / "student.checkpoint.pt"
    process = torchrun(*command(cases["soft"], out), cache=folder / "cache", start_new_session=True)
    while not checkpoint.exists():
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.002)
    # torchrun starts each in a session of its own; stopped first, none sees another die.
    everyone = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for one in everyone:
        one.suspend()
    for one in everyone:
        one.kill()
    process.wait()
    psutil.wait_procs(everyone[1:], timeout=60)
    for pipe in (process.stdout, process.stderr):
        assert pipe is not None
        pipe.close()
    assert not out.exists() and read(checkpoint)["state"]["step"] > 0
    process = torchrun(*command(cases["soft"], out, "--resume"), cache=folder / "cache")
    said, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert json.loads(said)["model"] == str(out), "more than one object was printed"
    assert errors.count("epoch 4: loss") == 1, errors
    assert apart(out, folder / "models" / "soft") == 0.0
    assert not checkpoint.exists()


@pytest.mark.parametrize("processes", [1, 2])
def test_several_leave_without_pythons_own_end(processes: int) -> None:
    """In which a thread of gloo's would now and then abort one whose work is done."""
    program = (
        "import atexit; from compressor_core.distill.processes import leave\n"
        "atexit.register(print, 'the end'); print('a result'); leave(3)"
    )
    env = {**os.environ, "TORCHELASTIC_RUN_ID": "one", "WORLD_SIZE": str(processes)}
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 3
    assert done.stdout.split("\n") == ["a result", *["the end"] * (processes == 1), ""]


def said_once(errors: str) -> str:
    """What is wrong, if it was said once, and every process ended with 2 or with the others."""
    (line,) = [line for line in errors.splitlines() if line.startswith("error: ")]
    # torchrun itself always ends with 1, and tells how its processes ended.
    codes = {line.split(": ")[1].split()[0] for line in errors.splitlines() if line.strip().startswith("exitcode")}
    assert "2" in codes and codes <= {"2", "-15"}, errors
    return line


def test_bad_input_is_said_once(folder: Path, cases: dict[str, Case], tmp_path: Path) -> None:
    case = {"config": {**cases["soft"]["config"], "teacher": "nowhere"}}
    process = torchrun(*command(case, tmp_path / "student"), cache=folder / "cache")
    said, errors = process.communicate(timeout=300)
    assert not said and process.returncode == 1
    assert said_once(errors).startswith("error: There is no model folder nowhere")


def test_one_that_fails_ends_all(two: dict[str, list[list[Record]]], folder: Path) -> None:
    """The disk of the first process is full, while the second waits for its gradients."""
    assert said_once((folder / "errors").read_text()).startswith(f"error: Cannot write {folder / 'full.pt'}")
    assert not (folder / "models" / "full").exists()


def test_one_process_imports_nothing_of_it() -> None:
    program = (
        "import sys, compressor_core.cli.main as cli; "
        "assert cli.main(['cost', '--vocab-size', '9', '--hidden-size', '8', '--num-layers', '1', '--num-heads', '1', "
        "'--intermediate-size', '8']) == 0; assert not {'torch', 'accelerate'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_alone_all_is_passed_through() -> None:
    assert processes.main() and processes.main_here() and not processes.launched()
    parameter = torch.nn.Parameter(torch.ones(2))
    assert processes.add_up([parameter], 0.5) == 0.5 and processes.add_up([parameter], None) is None
    assert parameter.grad is None and processes.share() == slice(None) and processes.largest_share(7) == 7
    with processes.joined("cpu"):
        assert processes.main() and not processes.any_of(False) and processes.from_main(lambda: 3) == 3


@pytest.mark.parametrize(
    ("cuda", "mps", "says"), [(1, False, "2 processes were started on a machine with 1 CUDA"), (0, True, "not on MPS")]
)
def test_devices_that_are_too_few(monkeypatch: pytest.MonkeyPatch, cuda: int, mps: bool, says: str) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    with pytest.raises(SettingsError, match=says), processes.joined(None):
        pass
