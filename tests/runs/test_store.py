from __future__ import annotations

import json
import os
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from compressor_core.errors import RunError, StorageError
from compressor_core.records import read_record
from compressor_core.runs import Run, RunStore, State, Status, events
from compressor_core.runs.events import LONGEST_LINE
from compressor_core.runs.lock import VARIABLE, acquire, hold, is_held

NOTICE = {"type": "notice", "message": "a"}
SUMMARY = {"type": "search-summary", "evaluations": 3, "seconds": 1.0}


def line(message: str) -> bytes:
    return json.dumps({**NOTICE, "message": message}, ensure_ascii=False).encode() + b"\n"


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


@pytest.fixture
def held() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def aged(store: RunStore, kind: str = "search", seconds: float = 30) -> Run:
    """A run that was created long ago and never started."""
    run = store.create(kind, {})
    content = json.loads((run.folder / "config.json").read_text())
    (run.folder / "config.json").write_text(json.dumps({**content, "created": run.created - seconds}))
    return store.get(run.id)


def report(run: Run, **fields: object) -> None:
    """What a worker that is this very process would write."""
    ours = {"pid": os.getpid(), "heartbeat": time.time()}
    (run.folder / "status.json").write_text(json.dumps({"state": "running", **ours, **fields}))


def test_a_run_comes_back_as_it_was_created(store: RunStore) -> None:
    run = store.create("search", {"budget_mb": 3.0, "genes": [1, 2]}, name="  my \n run ")
    assert store.get(run.id) == run
    assert (run.name, run.kind, run.config) == ("my run", "search", {"budget_mb": 3.0, "genes": [1, 2]})
    assert sorted(entry.name for entry in run.folder.iterdir()) == ["config.json"]
    assert sorted(entry.name for entry in store.root.iterdir()) == [run.id]


def test_the_list_is_newest_first_and_passes_over_what_is_no_run(store: RunStore) -> None:
    assert store.list() == []
    runs = [store.create("search", {}) for _ in range(3)]
    damaged = store.create("search", {})
    (damaged.folder / "config.json").write_text('{"kind": "sea')
    (store.root / "notes").mkdir()
    (store.root / ".draft-x").mkdir()
    assert store.list() == runs[::-1]
    with pytest.raises(RunError, match="delete it"):
        store.get(damaged.id)
    store.delete(damaged.id)
    assert not damaged.folder.exists()


def test_the_root_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESSOR_RUNS", str(tmp_path / "elsewhere"))
    assert RunStore().root == tmp_path / "elsewhere"
    monkeypatch.delenv("COMPRESSOR_RUNS")
    monkeypatch.chdir(tmp_path)
    assert RunStore().root == tmp_path / "runs"


@pytest.mark.parametrize("run_id", ["", "..", "../x", "20261122-174501-search-3f2a/..", "/etc", "x\0", "a" * 999])
def test_an_id_that_is_not_plain_never_leaves_the_root(store: RunStore, run_id: str) -> None:
    for ask in (store.get, store.delete):
        with pytest.raises(RunError, match="not the id of a run"):
            ask(run_id)


def test_an_absent_run_is_one_sentence(store: RunStore) -> None:
    with pytest.raises(RunError, match=r"There is no run 20261122-174501-search-3f2a; .* choose another"):
        store.get("20261122-174501-search-3f2a")


@pytest.mark.parametrize("kind", ["", "Search", "a/b", "../x", "-x"])
def test_a_kind_that_is_no_plain_word_is_refused(store: RunStore, kind: str) -> None:
    with pytest.raises(RunError, match="no kind of run"):
        store.create(kind, {})


def test_renaming(store: RunStore) -> None:
    run = store.create("search", {"seed": 1})
    assert store.rename(run.id, "three megabytes").name == "three megabytes"
    assert store.get(run.id).name == "three megabytes"
    assert store.rename(run.id, " ").name is None
    assert store.get(run.id) == run


def test_a_run_is_queued_as_long_as_somebody_holds_it(store: RunStore) -> None:
    run = store.create("search", {})
    assert run.status().state is State.INTERRUPTED
    with hold(run.folder):
        assert is_held(run.folder) and run.status().state is State.QUEUED
        assert run.status(owned=True).state is State.INTERRUPTED
    assert not is_held(run.folder) and run.status().state is State.INTERRUPTED


def test_deleting(store: RunStore) -> None:
    starting, old = store.create("search", {}), aged(store)
    with hold(starting.folder):
        with pytest.raises(RunError, match="cancel it first"):
            store.delete(starting.id)
        store.delete(old.id)
    assert [entry.name for entry in store.root.iterdir()] == [starting.id]
    with pytest.raises(RunError, match="There is no run"):
        store.delete(old.id)


def test_a_damaged_run_that_is_held_cannot_be_deleted(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.create("search", {})
    (run.folder / "config.json").write_text("{")
    monkeypatch.setattr("compressor_core.runs.store.hold", lambda folder: hold(folder, 0.05))
    with hold(run.folder), pytest.raises(RunError, match="cancel it first"):
        store.delete(run.id)


def test_a_run_deleted_while_held_answers_with_one_sentence(store: RunStore) -> None:
    run = aged(store)
    store.delete(run.id)
    for ask in (run.status, run.records, run.request_cancel):
        with pytest.raises(RunError, match="it may have been deleted"):
            ask()


def test_a_worker_that_lives_is_believed(store: RunStore) -> None:
    run = aged(store)
    report(run, progress=0.7, message="half", started=time.time() - 9, seconds=5.0)
    with hold(run.folder):
        status = run.status()
        assert (status.state, status.progress, status.message) == (State.RUNNING, 0.7, "half")
        assert status.elapsed == 5
        report(run, state="queued")
        assert store.queue(quick=True) == [run]


def test_a_worker_that_is_gone_is_not(store: RunStore) -> None:
    """Whatever it wrote last, and though its process may be there: this one is."""
    run = aged(store)
    report(run, progress=0.5, result=SUMMARY)
    before = (run.folder / "status.json").read_bytes()
    status = run.status()
    assert (status.state, status.progress, status.summary) == (State.INTERRUPTED, 0.5, read_record(SUMMARY))
    assert "resume it" in (status.message or "")
    assert (run.folder / "status.json").read_bytes() == before


@pytest.mark.parametrize("jump", [-1e6, 1e6])
def test_a_clock_that_was_set_does_not_end_a_run(store: RunStore, jump: float) -> None:
    run = aged(store, seconds=-jump)
    report(run, heartbeat=time.time() + jump, started=time.time() + jump, seconds=3.0)
    with hold(run.folder):
        assert run.status().state is State.RUNNING
        assert run.status().elapsed == 3


def test_a_lock_that_was_handed_on_is_taken_over(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run, other = store.create("search", {}), store.create("search", {})
    lock = acquire(run.folder)
    os.set_inheritable(lock, True)
    monkeypatch.setenv(VARIABLE, str(lock))
    with hold(run.folder, 0.0):
        assert is_held(run.folder) and not os.get_inheritable(lock) and VARIABLE not in os.environ
    assert not is_held(run.folder)
    for wrong in ("", "x", "99999", str(os.open(run.folder / "config.json", os.O_RDONLY))):
        monkeypatch.setenv(VARIABLE, wrong)
        with hold(other.folder, 0.0):
            assert is_held(other.folder)


def test_those_who_ask_do_not_keep_each_other_out(store: RunStore) -> None:
    run = store.create("search", {})
    with hold(run.folder):
        pass
    askers = [threading.Thread(target=lambda: found.extend(is_held(run.folder) for _ in range(300))) for _ in range(8)]
    found: list[bool] = []
    for asker in askers:
        asker.start()
    for _ in range(50):
        os.close(acquire(run.folder, 5.0))
    for asker in askers:
        asker.join()
    assert len(found) == 2400 and not is_held(run.folder)


def test_a_run_whose_last_word_is_lost_is_over_by_its_result(store: RunStore) -> None:
    for more, state in (({}, State.FINISHED), ({"cancelled": True}, State.CANCELLED)):
        run = aged(store)
        lines: list[dict[str, Any]] = [NOTICE, {**SUMMARY, **more, "time": 4.5}]
        (run.folder / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"ty')
        for damage in (None, b"", b'{"state": "runn', json.dumps({"state": "running", "pid": 2**22 + 1}).encode()):
            if damage is not None:
                (run.folder / "status.json").write_bytes(damage)
            status = run.status()
            assert (status.state, status.summary, status.seconds) == (state, read_record(lines[-1]), 4.5)
        with (run.folder / "events.jsonl").open("a") as file:
            file.write(f"\n{json.dumps(NOTICE)}\n")
        assert run.status().state is State.INTERRUPTED


def test_a_new_run_is_younger_than_those_that_wait_though_the_clock_was_set_back(store: RunStore) -> None:
    first = aged(store, seconds=-3600)
    with hold(first.folder):
        second = store.create("search", {})
        assert second.created > first.created and store.is_next(first)
        with hold(second.folder):
            assert [store.queue_position(run) for run in (first, second)] == [1, 2]


@pytest.mark.parametrize("change", [{"kind": None}, {"config": 3}, {"created": 1e300}, {"created": -1.0}, {"name": 3}])
def test_a_config_with_damaged_values(store: RunStore, change: dict[str, object]) -> None:
    run = aged(store)
    content = json.loads((run.folder / "config.json").read_text())
    (run.folder / "config.json").write_text(json.dumps({**content, **change}))
    assert len(store.list()) == ("name" in change)
    del content[next(iter(change))]
    (run.folder / "config.json").write_text(json.dumps(content))
    assert len(store.list()) == ("name" in change)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"state": "runn',
        b"[]",
        b"null",
        b'{"state": "flying"}',
        b'{"state": ["running"]}',
        b'{"state": "running", "pid": "12", "heartbeat": NaN}',
        b'{"state": "running", "pid": 1' + b"0" * 400 + b', "heartbeat": 1e999}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_a_damaged_status_reads_as_interrupted(store: RunStore, content: bytes) -> None:
    run = aged(store)
    (run.folder / "status.json").write_bytes(content)
    assert run.status().state is State.INTERRUPTED


def test_a_status_round_trips() -> None:
    status = Status(state=State.FAILED, pid=7, heartbeat=2.5, progress=0.25, summary=read_record(SUMMARY), error="No.")
    assert Status.model_validate(json.loads(json.dumps(status.plain()))) == status


def messages(run: Run, offset: int = 0) -> tuple[list[str | None], int]:
    records, offset = run.records(offset)
    return [record.line for record in records], offset


def test_records_come_from_an_offset_and_a_torn_last_line_waits(store: RunStore) -> None:
    run = store.create("search", {})
    assert run.records() == ([], 0)
    path = run.folder / "events.jsonl"
    path.write_bytes(line("a") + line("b") + b'{"ty')
    told, offset = messages(run)
    assert told == ["a", "b"]
    assert run.records(offset) == ([], offset)
    with path.open("ab") as file:
        file.write(line("c")[4:])
    assert messages(run, offset) == (["c"], path.stat().st_size)
    assert run.records(10**9) == ([], 10**9)
    assert messages(run, -5)[0] == ["a", "b", "c"]


def test_damaged_lines_are_skipped(store: RunStore) -> None:
    run = store.create("search", {})
    overlong = b'"' + b"x" * (LONGEST_LINE + 10) + b'"'
    lines = [
        line("a").rstrip(),
        b'{"st',
        b'{"step": 1}',
        b'{"type": 1}',
        b'{"type": "notice"}',
        b'{"type": "from another program"}',
        b'{"type": "notice", "message": "x", "time": -1}',
        b'{"type": "notice", "message": "x", "time": 1e300}',
        b"\xff\xfe",
        b"[1]",
        b"",
        b"[" * 100_000,
        overlong,
        line("é").rstrip(),
    ]
    (run.folder / "events.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    assert messages(run) == (["a", "é"], (run.folder / "events.jsonl").stat().st_size)


def test_a_list_of_runs_reads_no_records_and_a_long_file_is_read_from_where_it_was(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(200):
        run = store.create("search", {})
        report(run, state="finished")
    with monkeypatch.context() as patch:
        patch.setattr(events, "last", lambda _: pytest.fail("records were read"))
        assert [run.status().state for run in store.list()] == [State.FINISHED] * 200

    one = line("a")
    (run.folder / "events.jsonl").write_bytes(one * 100_000)
    assert len(run.records()[0]) == 100_000
    with monkeypatch.context() as patch:
        parse = mock.Mock(side_effect=json.loads)
        patch.setattr(events, "parse", parse)
        assert len(run.records(len(one) * 99_990)[0]) == parse.call_count == 10


def test_the_queue_is_first_in_first_out(store: RunStore, held: ExitStack) -> None:
    first, second, third = (store.create("distill", {}) for _ in range(3))
    for run in (first, second, third):
        held.enter_context(hold(run.folder))
    assert [store.queue_position(run) for run in (first, second, third)] == [1, 2, 3]
    assert [store.is_next(run) for run in (first, second, third)] == [True, False, False]
    report(first, state="running")
    assert store.queue() == [second, third]
    assert store.queue_position(first) is None
    assert store.is_next(second)


def test_a_search_waits_for_no_training_but_a_training_for_the_search_that_it_builds_on(
    store: RunStore, held: ExitStack
) -> None:
    training = store.create("distill", {})
    search = store.create("search", {})
    story = store.create("distill", {"search_run": search.id})
    few, many = (store.create("sweep", {"seeds": list(range(count))}) for count in (20, 500))
    for run in (training, search, story, few, many):
        held.enter_context(hold(run.folder))
    assert [run.quick for run in (training, search, story, few, many)] == [False, True, False, True, False]
    assert training.slot == story.slot == many.slot != search.slot == few.slot
    assert store.is_next(search) and store.is_next(training) and not store.is_next(few)
    report(training, state="running")
    assert not store.is_next(story)
    report(search, state="finished")
    assert store.is_next(story) and store.is_next(few) and not store.is_next(many)


def test_a_root_that_cannot_hold_runs(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for root in (tmp_path / "file", tmp_path / "file" / "runs"):
        with pytest.raises(StorageError):
            RunStore(root).create("search", {})
        with pytest.raises(StorageError):
            RunStore(root).list()


def test_a_full_disk_leaves_no_half_a_run(store: RunStore) -> None:
    store.create("search", {})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(StorageError, match="free some space"):
            store.create("search", {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(list(store.root.iterdir())) == 1


def test_a_run_that_is_deleted_while_another_process_waits_for_it_stays_deleted(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = aged(store)
    waits = threading.Event()
    monkeypatch.setattr("compressor_core.runs.lock.time.sleep", lambda _: waits.set())
    refusals: list[str] = []
    waiting = threading.Thread(target=lambda: refusals.append(refusal(run.folder)))
    with hold(run.folder):
        waiting.start()
        assert waits.wait(60)
        trash = run.folder.rename(store.root / ".deleted")
    waiting.join()
    assert "There is no run" in refusals[0] and "There is no run" in refusal(run.folder)
    assert list(store.root.iterdir()) == [trash]


def refusal(folder: Path) -> str:
    with pytest.raises(RunError) as refused, hold(folder):
        pass
    return str(refused.value)


def test_what_a_killed_removal_left_is_removed_with_the_next(store: RunStore) -> None:
    run, left = aged(store), store.root / ".deleted-20261122-174501-search-3f2a-0000"
    left.mkdir()
    (left / "weights").write_bytes(bytes(10))
    store.delete(run.id)
    assert list(store.root.iterdir()) == []
