"""Distillations whose workers die at random moments, or whose disk is full: real processes, real signals."""

from __future__ import annotations

import functools
import json
import multiprocessing
import random
import resource
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from compressor_core.distill.checkpoint import read
from compressor_core.runs import Run, RunStore, State
from compressor_core.runs.worker import run_worker
from tests.runs.lines import lines_of
from tests.tiny import TINY

ALL = {"renaming": 0.5, "masked_epochs": 1, "hidden_weight": 0.5, "average": 3}
# Children of a process that has imported everything: each is a worker of its own, and starts at once.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["compressor_core.runs.work", "compressor_core.distill.distillation", __name__])


@pytest.fixture(scope="module")
def python_file(labelled_file: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file that says its language, which renaming must know."""
    path = tmp_path_factory.mktemp("python") / "functions.jsonl"
    rows = [
        json.loads(line) | {"language": "python"}
        for line in labelled_file.read_text(encoding="utf-8").splitlines()[:150]
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture
def config(request: pytest.FixtureRequest, tiny_teacher: Path, python_file: str) -> dict[str, Any]:
    options: dict[str, Any] = getattr(request, "param", ALL)
    return {
        **{"teacher": str(tiny_teacher), "architecture": TINY, "dataset": "file", "data": python_file},
        **{"epochs": 3, "batch_size": 8, "threads": 1, "checkpoint_steps": 1},
        **options,
    }


def run_limited(folder: Path, largest: int) -> None:
    """A worker that can write no file larger than that, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    run_worker(folder)


def start(run: Run, target: Callable[[Path], object] = run_worker) -> BaseProcess:
    worker = PROCESSES.Process(target=target, args=(run.folder,))
    worker.start()
    return worker


def finish(run: Run) -> bytes:
    """The weights of a run that is left to end by itself."""
    start(run).join(60)
    assert run.status().state is State.FINISHED, run.status().error
    return (run.folder / "model" / "model.safetensors").read_bytes()


def steps(run: Run) -> int:
    return sum(record["type"].endswith("step") for record in lines_of(run)[0])


def kill_after(run: Run, more: int, rng: random.Random) -> bool:
    """Start a worker and kill it that many steps later, at any moment of a step; False if it ended before."""
    worker, before = start(run), steps(run)
    while steps(run) < before + more and worker.is_alive():
        time.sleep(0.002)
    time.sleep(rng.uniform(0, 0.03))
    killed = worker.is_alive()
    worker.kill()
    worker.join()
    return killed


@pytest.mark.parametrize("config", [{}, ALL], ids=["soft labels alone", "all options"], indirect=True)
def test_killed_again_and_again_it_comes_to_the_same_weights(config: dict[str, Any], tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    whole = store.create("distill", config)
    expected = finish(whole)
    total = steps(whole)

    rng = random.Random(len(config))
    run = store.create("distill", config)
    kills = 0
    while kill_after(run, rng.randint(total // 8, total // 4), rng):
        kills += 1
        print("killed", steps(run), total, time.time())
    assert kills >= 2, "it was hardly ever killed"
    assert run.status().state is State.FINISHED, run.status().error
    assert (run.folder / "model" / "model.safetensors").read_bytes() == expected
    # Nothing was learned twice, or the weights would differ; nor was it all learned anew after each kill.
    assert total <= steps(run) <= total + kills


def test_a_torn_draft_and_a_full_disk_leave_the_checkpoint_as_it_was(config: dict[str, Any], tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    expected = finish(store.create("distill", config))
    run = store.create("distill", config)
    assert kill_after(run, 7, random.Random(0))  # the sixth step is on the disk before there is a seventh
    checkpoint = run.folder / "checkpoint.pt"
    before = checkpoint.read_bytes()
    draft = run.folder / ".checkpoint.pt.tmp"
    draft.write_bytes(before[: len(before) // 3])

    start(run, functools.partial(run_limited, largest=len(before) // 2)).join(60)
    status = run.status()
    assert status.state is State.FAILED and status.error is not None
    assert status.error.startswith(f"Cannot write {checkpoint} (File too large): free some space there"), status.error
    assert checkpoint.read_bytes() == before and read(checkpoint)["state"]["step"] >= 6
    assert not draft.exists(), "what could not be written still takes up space"

    draft.write_bytes(b"torn again")
    assert finish(run) == expected
