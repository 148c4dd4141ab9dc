"""Runs as they really run: every worker here is a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
from filelock import FileLock

from compressor_core.errors import RunError, StorageError
from compressor_core.logs import LARGEST
from compressor_core.records import Notice, Record, SearchSummary, Step
from compressor_core.runs import Run, RunStore, State, Status, cancel, launch, resume

COMMAND = (sys.executable, str(Path(__file__).with_name("scripted_worker.py")))
PROJECT = Path(__file__).resolve().parents[2]
LONG = {"steps": 100_000}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    store = RunStore(tmp_path / "runs")
    yield store
    for run in store.list():
        pid = run.status().pid
        if pid is not None and run.status().live:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def start(store: RunStore, kind: str = "count", config: dict[str, Any] | None = None) -> Run:
    return launch(store, kind, config or {"steps": 3}, command=COMMAND)


@contextmanager
def slot_taken(store: RunStore) -> Iterator[None]:
    """No run gets to work meanwhile."""
    store.root.mkdir(parents=True, exist_ok=True)
    with FileLock(store.root / ".slot"):
        yield


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def until_steps(run: Run, count: int) -> None:
    until(lambda: len(steps(run)) >= count)


def ended(run: Run) -> Status:
    until(lambda: not run.status().live)
    return run.status()


def steps(run: Run) -> list[int]:
    return [record.step for record in run.records()[0] if isinstance(record, Step)]


def best(status: Status) -> int:
    assert isinstance(status.summary, SearchSummary)
    return status.summary.evaluations


def finished_at(run: Run) -> float:
    summary = ended(run).summary
    assert isinstance(summary, SearchSummary)
    return summary.seconds


def begin(records: Sequence[Record]) -> dict[str, Any]:
    """What the first record of a launch says."""
    assert isinstance(records[0], Notice)
    said: dict[str, Any] = json.loads(records[0].message)
    return said


def kill(run: Run) -> None:
    pid = run.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def test_a_run_from_launch_to_finish(store: RunStore) -> None:
    with slot_taken(store):
        run = start(store)
        assert run.status().state is State.QUEUED
    status = ended(run)
    assert (status.state, status.progress, status.message, status.error) == (
        State.FINISHED,
        1.0,
        "step 3",
        None,
    )
    records, _ = run.records()
    assert [record.type for record in records] == ["notice", "step", "step", "step", "search-summary"]
    assert best(status) == 3
    times = [record.time or 0.0 for record in records]
    assert times == sorted(times) and times[-1] > 0
    assert (run.folder / "worker.log").read_text() == ""
    with pytest.raises(RunError, match="nothing to resume"):
        resume(run, command=COMMAND)
    cancel(run)
    assert run.status().state is State.FINISHED


def test_a_killed_worker_loses_nothing_and_its_run_goes_on(store: RunStore) -> None:
    run = start(store, config={"steps": 150, "pause": 0.03})
    until_steps(run, 10)
    with pytest.raises(RunError, match="cancel it first"):
        resume(run, command=COMMAND)
    kill(run)
    assert ended(run).state is State.INTERRUPTED
    before, offset = run.records()
    assert len(before) >= 11
    with (run.folder / "events.jsonl").open("ab") as file:
        file.write(b'{"type": "st')  # what a kill in the middle of a write leaves

    with slot_taken(store):
        assert resume(run, command=COMMAND) == run
        assert run.status().state is State.QUEUED
    status = ended(run)
    assert status.state is State.FINISHED
    after, _ = run.records(offset)
    assert run.records()[0] == before + after
    assert begin(after)["resuming"] is True
    assert sorted(set(steps(run))) == list(range(1, 151))
    assert (after[0].time or 0.0) >= (before[-1].time or 0.0)


def test_a_zombie_counts_as_gone(store: RunStore) -> None:
    run = store.create("count", LONG)
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    process = subprocess.Popen([*COMMAND, str(run.folder)], env=environment)
    until(lambda: run.status().state is State.RUNNING)
    process.kill()
    assert ended(run).state is State.INTERRUPTED
    until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
    assert run.status().state is State.INTERRUPTED
    process.wait()


def test_a_run_lives_from_its_launch_to_its_last_word(store: RunStore) -> None:
    """There is no moment, before the worker has come up or between two launches, in which it seems interrupted."""
    run = start(store, config={"steps": 60, "pause": 0.05})
    for last in (State.CANCELLED, State.FINISHED):
        seen = [run.status().state]
        while run.status().live:
            seen.append(run.status().state)
            if last is State.CANCELLED and len(steps(run)) > 1:
                cancel(run)
        assert list(dict.fromkeys(seen)) in ([State.QUEUED, State.RUNNING], [State.QUEUED, State.RUNNING, last])
        assert run.status().state is last
        if last is State.CANCELLED:
            resume(run, command=COMMAND)


def test_a_worker_that_dies_before_it_reports(store: RunStore) -> None:
    run = launch(store, "count", {"steps": 3}, command=("false",))
    assert ended(run).state is State.INTERRUPTED
    resume(run, command=COMMAND)
    assert ended(run).state is State.FINISHED


def test_a_launcher_that_dies_takes_no_run_with_it(store: RunStore) -> None:
    script = (
        "import os, signal, sys; from compressor_core.runs import RunStore, launch\n"
        "launch(RunStore(sys.argv[1]), 'count', {'steps': 30}, command=sys.argv[2:])\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(store.root), *COMMAND], cwd=PROJECT)
    (run,) = store.list()
    assert run.status().live and ended(run).state is State.FINISHED


def test_the_last_word_counts_though_it_comes_while_the_worker_is_looked_for(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(store, config=LONG)
    until_steps(run, 2)
    kill(run)
    assert ended(run).state is State.INTERRUPTED
    words: list[dict[str, Any]] = [{"message": "its last but one"}, {"state": State.FINISHED}]

    def look(folder: Path) -> bool:
        recorded = run.recorded()
        assert recorded is not None
        if words:
            run.record(recorded.changed(**words.pop(0)))
        return False

    monkeypatch.setattr("compressor_core.runs.run.is_held", look)
    assert run.status().state is State.FINISHED


def test_the_launcher_leaves_no_zombies(store: RunStore) -> None:
    run = start(store)
    ended(run)
    until(lambda: not psutil.pid_exists(run.status().pid or 0))


def test_cancel_keeps_the_best_so_far_and_can_be_repeated_and_resumed(store: RunStore) -> None:
    run = start(store, config={"steps": 150, "pause": 0.03})
    until_steps(run, 5)
    cancel(run)
    cancel(run)
    status = ended(run)
    cancel(run)
    assert status.state is State.CANCELLED
    assert isinstance(status.summary, SearchSummary) and status.summary.cancelled
    assert best(status) == steps(run)[-1] < 150

    resume(run, command=COMMAND)
    assert ended(run).state is State.FINISHED
    assert steps(run) == list(range(1, 151))


def test_a_generator_that_never_asks_is_closed(store: RunStore) -> None:
    run = start(store, "deaf")
    until_steps(run, 2)
    cancel(run)
    assert ended(run).state is State.CANCELLED
    assert (run.folder / "closed").exists()


def test_cancel_while_queued(store: RunStore) -> None:
    first, second = start(store, config=LONG), start(store)
    until(lambda: first.status().state is State.RUNNING and second.status().pid is not None)
    assert second.status().state is State.QUEUED
    assert store.queue_position(second) == 1
    with pytest.raises(RunError, match="cancel it first"):
        store.delete(second.id)
    cancel(second)
    assert ended(second).state is State.CANCELLED
    assert second.records() == ([], 0)
    assert first.status().state is State.RUNNING
    store.delete(second.id)


def test_launches_from_several_processes_never_run_together(store: RunStore) -> None:
    script = (
        "import os, sys; from compressor_core.runs import RunStore, launch\n"
        "by = {'steps': 15, 'launcher': os.getpid()}\n"
        "for _ in range(2): launch(RunStore(sys.argv[1]), 'count', by, command=sys.argv[2:])"
    )
    launchers = [
        subprocess.Popen([sys.executable, "-c", script, str(store.root), *COMMAND], cwd=PROJECT) for _ in range(2)
    ]
    assert [launcher.wait() for launcher in launchers] == [0, 0]
    runs = store.list()[::-1]
    assert len(runs) == 4
    assert [ended(run).state for run in runs] == [State.FINISHED] * 4
    spans = [(begin(run.records()[0])["at"], finished_at(run), run.config["launcher"]) for run in runs]
    assert all(end < start for (_, end, _), (start, *_) in pairwise(sorted(spans))), "one by one"
    for launcher in {span[2] for span in spans}:
        begins = [span[0] for span in spans if span[2] == launcher]
        assert begins == sorted(begins), "in order"


def test_a_killed_worker_frees_the_slot_and_leaves_the_queue(store: RunStore) -> None:
    first, second, third = (start(store, config=LONG), start(store), start(store))
    until(lambda: first.status().state is State.RUNNING and second.status().pid is not None)
    kill(second)
    until(lambda: second.status().state is State.INTERRUPTED)
    assert store.queue() == [third]
    kill(first)
    assert ended(third).state is State.FINISHED


def test_work_that_fails_says_why_in_one_sentence(store: RunStore) -> None:
    refused, crashed, unknown = start(store, "refuse"), start(store, "crash"), start(store, "bake")
    status = ended(refused)
    assert (status.state, status.error) == (State.FAILED, "The file is empty: choose another")
    assert status.message == status.error
    assert "Traceback" not in (refused.folder / "worker.log").read_text()

    status = ended(crashed)
    assert status.state is State.FAILED
    assert "unexpected ZeroDivisionError" in (status.error or "")
    assert "secret" not in (crashed.folder / "status.json").read_text()
    assert "a secret detail" in (crashed.folder / "worker.log").read_text()

    assert "'bake'" in (ended(unknown).error or "")
    resume(refused, command=COMMAND)
    assert ended(refused).state is State.FAILED
    assert len(refused.records()[0]) == 2


def test_a_disk_that_fills_up_keeps_what_was_recorded(store: RunStore) -> None:
    run = start(store, "fill-disk")
    status = ended(run)
    assert status.state is State.FAILED
    assert "events.jsonl" in (status.error or "") and "free some space" in (status.error or "")
    assert len(run.records()[0]) == 20_000 // len((run.folder / "events.jsonl").read_bytes().splitlines(True)[0])


def test_a_file_of_the_work_itself_that_does_not_fit(store: RunStore) -> None:
    run = start(store, "spill")
    assert "free some space" in (ended(run).error or "")


def test_silent_work_still_shows_that_it_lives(store: RunStore) -> None:
    run = start(store, config={"steps": 1, "pause": 60})
    until(lambda: run.status().state is State.RUNNING)
    first = run.status().heartbeat
    assert first is not None
    until(lambda: (run.status().heartbeat or 0) > first + 1)


def test_the_log_of_a_worker_stays_small(store: RunStore) -> None:
    run = start(store, "chatter")
    assert ended(run).state is State.FINISHED
    sizes = {path.name: path.stat().st_size for path in run.folder.glob("worker.log*")}
    assert sizes.keys() == {"worker.log", "worker.log.1"}
    assert sizes["worker.log.1"] > LARGEST


def test_a_folder_deleted_under_its_worker(tmp_path: Path, store: RunStore) -> None:
    for kind, config in (("count", LONG), ("deaf", {})):
        run = start(store, kind, config)
        until_steps(run, 2)
        worker = psutil.Process(run.status().pid)
        shutil.rmtree(run.folder.rename(tmp_path / kind))
        with suppress(psutil.NoSuchProcess):
            worker.wait(10)
        assert not run.folder.exists()
        with pytest.raises(RunError, match="deleted"):
            run.status()
    assert ended(start(store)).state is State.FINISHED, "the slot is free again"


def test_a_run_builds_on_another(store: RunStore) -> None:
    first = start(store, config={"steps": 30})
    second = start(store, "build-on", {"count_run": first.id})
    status = ended(second)
    assert status.state is State.FINISHED
    assert best(status) == 30


def test_a_run_that_builds_on_a_failed_one_fails_with_the_reason(store: RunStore) -> None:
    first = start(store, "refuse")
    second = start(store, "build-on", {"count_run": first.id})
    status = ended(second)
    assert status.state is State.FAILED
    assert first.id in (status.error or "") and "The file is empty" in (status.error or "")
    third = start(store, "build-on", {"count_run": "20261122-174501-search-3f2a"})
    assert "There is no run" in (ended(third).error or "")


def test_a_second_worker_leaves_a_run_alone(store: RunStore) -> None:
    run = start(store, config=LONG)
    until_steps(run, 2)
    pid = run.status().pid
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    second = subprocess.run([*COMMAND, str(run.folder)], env=environment, capture_output=True, text=True)
    assert second.returncode == 1
    assert "queued or running" in second.stderr and "Traceback" not in second.stderr
    assert run.status().pid == pid
    recorded = steps(run)
    assert recorded == list(range(1, len(recorded) + 1))


def test_fast_records_write_the_status_seldom(store: RunStore) -> None:
    run = start(store, "stream", {"steps": 5000})
    status = ended(run)
    assert steps(run) == list(range(5000))
    assert status.elapsed is not None and best(status) <= 2 + status.elapsed / 0.5


def test_a_launch_that_is_refused_leaves_nothing_behind(tmp_path: Path, store: RunStore) -> None:
    with pytest.raises(RunError, match="did not start"):
        launch(store, "count", {}, command=(str(tmp_path / "no-such-program"),))
    assert store.list() == []
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        launch(RunStore(tmp_path / "file"), "count", {})


def test_a_resume_that_is_refused_changes_nothing(tmp_path: Path, store: RunStore) -> None:
    run = start(store, "refuse")
    failed = ended(run)
    with pytest.raises(RunError, match="did not start"):
        resume(run, command=(str(tmp_path / "no-such-program"),))
    assert run.status() == failed


def test_the_folder_is_readable_without_the_program(store: RunStore) -> None:
    run = start(store)
    ended(run)
    assert json.loads((run.folder / "config.json").read_text())["config"] == {"steps": 3}
    assert json.loads((run.folder / "status.json").read_text())["state"] == "finished"
    assert all(json.loads(line) for line in (run.folder / "events.jsonl").read_text().splitlines())


def test_a_queued_worker_is_light() -> None:
    script = (
        "import sys; import compressor_core.runs.worker\n"
        "assert not {'torch', 'transformers', 'numpy', 'streamlit'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=PROJECT).returncode == 0
