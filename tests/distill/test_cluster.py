"""Students made side by side on a real Ray of this machine: the same ones as one after the other."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from compressor_core.architecture import GENES
from compressor_core.distill import cluster
from compressor_core.distill.cluster import side_by_side
from compressor_core.distill.settings import StudySettings
from compressor_core.distill.study import study
from compressor_core.errors import SettingsError
from compressor_core.progress import finish
from tests.tiny import run_through

ROOT = Path(__file__).resolve().parents[2]
Record = dict[str, Any]
SAME = ("budget_mb", "seed", *GENES, "size_mb", "paper_gflops", "accuracy", "teacher_accuracy", "agreement")


@pytest.fixture(scope="module")
def alone(tiny_study: StudySettings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """The students one after the other: their folder and the result."""
    folder = tmp_path_factory.mktemp("alone")
    return folder, run_through(study(tiny_study, folder))[-1]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cache of the one node of a Ray of two CPUs, which this process is connected to."""
    cache = tmp_path_factory.mktemp("node")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("COMPRESSOR_CACHE", str(cache))
        patch.setenv("OMP_NUM_THREADS", "1")
        import ray

        ray.init(
            address="local", num_cpus=2, object_store_memory=80_000_000, include_dashboard=False, log_to_driver=False,
            logging_level=logging.ERROR, runtime_env={"py_modules": [str(ROOT / "compressor_core")]},
        )  # fmt: skip
        yield cache
        ray.shutdown()


def of_type(records: list[Any], kind: str) -> list[Any]:
    return [record for record in records if record.type == kind]


def untimed(records: list[Any]) -> list[Any]:
    return [{key: getattr(record, key) for key in SAME} for record in records]


def test_the_same_students_bit_for_bit(
    node: Path, tiny_study: StudySettings, alone: tuple[Path, Any], tmp_path: Path
) -> None:
    folder, expected = alone
    first = run_through(study(tiny_study.replace(seeds=(0,)), tmp_path, make=side_by_side("auto")))
    kept = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
    records = run_through(study(tiny_study, tmp_path, make=side_by_side("auto")))
    assert untimed(records[-1].students) == untimed(expected.students)
    assert records[-1].planned == 4 and records[-1].failed == ()
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in kept} == kept and len(kept) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in folder.iterdir())
    for student in expected.students:
        name = f"{student.budget_mb}-{student.seed}"
        files = sorted(path.name for path in (folder / name).iterdir())
        assert sorted(path.name for path in (tmp_path / name).iterdir()) == files and "model.safetensors" in files
        for file in files:
            assert (tmp_path / name / file).read_bytes() == (folder / name / file).read_bytes(), file
    for one in of_type(records, "student"):
        assert Path(one.model).parent == tmp_path and one.latency_ms > 0
    for told in (first, records):
        fractions = [record.fraction for record in of_type(told, "progress")]
        assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] == 1
    # Here, one after the other, goes on with what the cluster has made.
    assert of_type(run_through(study(tiny_study, tmp_path)), "student") == sorted(
        of_type(records, "student"), key=lambda one: (one.seed, one.budget_mb)
    )


def test_cancelled_the_tasks_stop_and_leave_their_checkpoints(
    node: Path, tiny_study: StudySettings, tmp_path: Path
) -> None:
    training: list[Any] = []
    long = tiny_study.replace(budgets=(0.19,), seeds=(5,), epochs=500)
    records: list[Any] = []

    def watch(record: Any) -> None:
        records.append(record)
        if record.type == "progress" and "Epoch" in record.message:
            training.append(record)

    records.append(finish(study(long, tmp_path, lambda: bool(training), make=side_by_side("auto")), watch))
    assert records[-1].cancelled is True and records[-1].students == () == records[-1].failed
    assert len(list(node.glob("cluster/*/0.19-5.checkpoint.pt"))) == 1


def title(process: psutil.Process) -> list[str]:
    """What a process calls itself; nothing if it has just ended."""
    with suppress(psutil.Error):
        return process.cmdline()[:1]
    return []


def test_a_task_that_dies_is_a_student_that_failed_and_the_other_is_made(
    node: Path, tiny_study: StudySettings, tmp_path: Path
) -> None:
    two = tiny_study.replace(budgets=(0.19,), seeds=(0, 7), epochs=20)
    records: list[Any] = []
    killed = None

    def watch(record: Any) -> None:
        nonlocal killed
        records.append(record)
        if killed is None and record.type == "progress" and "Epoch" in record.message:
            task = next(one for one in psutil.Process().children(recursive=True) if "ray::_on_node" in title(one))
            killed = task.pid
            task.kill()

    records.append(finish(study(two, tmp_path, make=side_by_side("auto")), watch))
    (failed,) = of_type(records, "failed")
    assert "its task on the cluster ended with" in failed.message and "\n" not in failed.message
    result = records[-1]
    assert not result.cancelled and [one.message for one in result.failed] == [failed.message]
    assert {failed.seed, result.students[0].seed} == {0, 7} and len(result.students) == 1
    assert records[-2].message == "1 student, 1 failed"


def test_nobody_at_the_address(tiny_study: StudySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        for where in (address, f"ray://{address}"):
            started = time.monotonic()
            with pytest.raises(SettingsError, match=rf"{where} \(no answer within 1 seconds\)"):
                run_through(study(tiny_study, tmp_path, make=side_by_side(where)))
            assert time.monotonic() - started < 20


def test_without_ray_it_says_what_to_install(
    tiny_study: StudySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SettingsError, match=r"pip install -r requirements-cluster\.txt"):
        run_through(study(tiny_study, tmp_path, make=side_by_side("local")))


def test_the_command_line(tiny_study: StudySettings, alone: tuple[Path, Any], tmp_path: Path) -> None:
    folder, _ = alone
    out = tmp_path / "students"
    command = [
        *(sys.executable, "-m", "compressor_core", "study", "--json", "--cluster", "local", "--out", str(out)),
        *("--teacher", tiny_study.teacher, "--dataset", "file", "--data", str(tiny_study.data), "--preset", "smoke"),
        *("--threads", "1", "--budgets", "0.19", "--seeds", "0"),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert [one["seed"] for one in json.loads(done.stdout)["students"]] == [0]
    weights = "0.19-0/model.safetensors"
    assert (out / weights).read_bytes() == (folder / weights).read_bytes()
