"""A server that others reach: when it counts as one, and what its visitors cannot do."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from filelock import FileLock
from streamlit.runtime.context import StreamlitCookies
from streamlit.testing.v1 import AppTest

from compressor_core.bundled import CODEBERT, FROM_SCRATCH, bundled_teacher
from compressor_core.classroom.record import ClassSettings, Forecast, Participant
from compressor_core.errors import CompressorError, RunError, StorageError
from compressor_core.records import Notice, SearchSummary, Work
from compressor_core.runs import Run, RunStore, State, cancel, launch
from compressor_core.runs.context import LONGEST_VARIABLE, RunContext
from compressor_core.runs.kinds import KINDS
from compressor_core.runs.lock import acquire
from compressor_core.runs.run import Maker
from compressor_core.runs.worker import run_worker
from compressor_core.settings import PathText
from pages.parts import gate, sharing
from pages.parts.sharing import (
    LEAST_FREE,
    MOST_ADDRESS,
    MOST_LIVE,
    MOST_OWN,
    PLACES,
    from_elsewhere,
    is_shared,
    places,
    require_known_places,
    require_room,
    require_size,
    require_turn,
)
from tests.pages.studio import page


@pytest.mark.parametrize(
    ("address", "variable", "expected"),
    [
        ("127.0.0.1", None, False),
        ("127.8.8.8", "", False),
        ("localhost", "0", False),
        ("::1", None, False),
        ("[::1]", None, False),
        ("127.0.0.1", "1", True),
        ("0.0.0.0", None, True),
        ("::", None, True),
        ("192.168.1.5", "0", True),
        ("studio.school.example", None, True),
        ("localhost.example", None, True),
        ("", None, True),
        (None, None, True),
        ("unix:///run/studio.sock", None, True),
    ],
)
def test_a_server_counts_as_shared_unless_it_is_known_to_be_on_loopback(
    address: str | None, variable: str | None, expected: bool
) -> None:
    assert is_shared(address, variable) is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"Host": "localhost:8501"}, False),
        ({"Host": "[::1]:8501"}, False),
        ({"Host": "127.0.0.1"}, False),
        ({"Host": "studio.streamlit.app"}, True),
        ({"Host": "localhost.example:8501"}, True),
        ({"Host": "localhost:8501", "X-Forwarded-For": "203.0.113.9"}, True),
    ],
)
def test_a_visit_tells_whether_the_server_is_public(headers: dict[str, str], expected: bool) -> None:
    assert from_elsewhere(headers) is expected


def test_all_places_that_settings_name_are_found() -> None:
    settings = {
        "student": "/a",
        "others": ["/b", "/c"],
        "models": ("/d",),
        "data": None,
        "name": "/not/a/place",
    }
    assert sorted(places(settings)) == ["/a", "/b", "/c", "/d"]


def test_every_setting_that_is_a_path_is_known_as_a_place() -> None:
    def holds_path(kind: Any) -> bool:
        return kind == PathText or any(map(holds_path, get_args(kind)))

    found = {
        name
        for kind in KINDS.values()
        for name, given in get_type_hints(kind.settings, include_extras=True).items()
        if holds_path(given)
    }
    assert {"teacher", "data", "unlabelled", "substitutes"} <= found <= set(PLACES)


@pytest.mark.parametrize(
    "key", ["base", "teacher", "student", "data", "unlabelled", "model", "checkpoint", "tokenizer"]
)
def test_a_visitor_names_no_place_of_the_machine(key: str, tmp_path: Path) -> None:
    root = tmp_path / "runs"
    (root / "uploads").mkdir(parents=True)
    (root / "link").symlink_to(tmp_path)
    inside = str(root / "uploads" / "rows.jsonl")
    (root / "to-the-class").symlink_to(root / "class.json")
    allowed = (inside, str(bundled_teacher("classroom-clone")), FROM_SCRATCH, "/offered")
    for place in allowed:
        require_known_places({key: place}, root, {"/offered"})
    secrets = [str(root / one) for one in ("link/secret", "class.json", "to-the-class")]
    refused = ("/etc/passwd", f"{root}/../secret", *secrets, CODEBERT, "", "~", "evil/model")
    for place in refused:
        with pytest.raises(RunError, match="shared server"):
            require_known_places({key: place}, root, {"/offered"})
        with pytest.raises(RunError):
            require_known_places({"others": [{key: place}]}, root, ())


def test_a_visitor_asks_for_no_giant() -> None:
    sound: tuple[dict[str, Any], ...] = (
        {"budget_mb": 3.0},
        {"architecture": "1000,96,12,8,64"},
        {"budgets": [1.0, 100.0]},
        {"search": {"budget_mb": 50.0}, "budgets": []},
        {},
    )
    for settings in sound:
        require_size(settings)
    giants: tuple[dict[str, Any], ...] = (
        {"budget_mb": 101.0},
        {"architecture": "50000,4096,24,16,16384"},
        {"budgets": [1.0, 1e6]},
        {"search": {"budget_mb": 1e9}},
    )
    for settings in giants:
        with pytest.raises(RunError, match="more than a shared server takes on"):
            require_size(settings)


def test_the_queue_and_the_disk_have_an_end() -> None:
    me = Maker(participant="me", address="mine")
    others: list[Maker | None] = [None, Maker(), *(Maker(participant=f"{n}", address=f"{n}") for n in range(MOST_LIVE))]
    near: list[Maker | None] = [Maker(participant=f"again {n}", address="mine") for n in range(MOST_ADDRESS)]
    require_turn([*others[: MOST_LIVE - MOST_OWN], *[me] * (MOST_OWN - 1)], me)
    require_turn([], me, MOST_OWN)
    require_turn(near[:-1], me)
    require_turn(others[: MOST_LIVE - 1], None)
    for live, more in (
        (others[:MOST_LIVE], 1),
        ([*others[:2], *[me] * MOST_OWN], 1),
        ([me], MOST_OWN),
        (others[: MOST_LIVE - 2], 3),
        (near, 1),
    ):
        with pytest.raises(RunError):
            require_turn(live, me, more)
    require_room(LEAST_FREE)
    with pytest.raises(StorageError, match=r"1\.0 GB"):
        require_room(1_000_000_000)


def test_a_run_stops_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(context: RunContext) -> Work[SearchSummary]:
        for step in range(10_000):
            if context.cancelled():
                return SearchSummary(evaluations=step, seconds=0.0, cancelled=True)
            time.sleep(0.01)
            yield Notice(message=f"step {step}")
        return SearchSummary(evaluations=0, seconds=0.0)

    run = RunStore().create("count", {})
    monkeypatch.setenv(LONGEST_VARIABLE, "0.3")
    assert run_worker(run.folder, {"count": work}) == 0
    status = run.status()
    assert status.state is State.CANCELLED and "as long as a run may take" in str(status.message)
    assert status.result is not None and 0 < status.result["evaluations"] < 100


def shown(at: AppTest) -> str:
    """Everything that the browser is sent of a page."""
    return "\n".join(str(one.proto) for one in at.main if hasattr(one, "proto"))


def labels(at: AppTest) -> set[str]:
    return {str(one.label) for one in [*at.button, *at.text_input, *at.selectbox, *at.radio]}


def waiting(store: RunStore, name: str = "of another") -> Run:
    """A run that counts as live, for it is held as long as this process lives."""
    run = store.create("search", {"budget_mb": 3.0}, name)
    acquire(run.folder)
    return run


def test_visitors_find_no_field_for_a_place(shared: RunStore) -> None:
    at = page("teacher")
    assert any("This server is shared" in str(one.value) for one in at.caption)
    choice = next(one for one in at.selectbox if one.label == "Start from")
    assert len(choice.options) == 1
    for dataset in ("devign", "bigclonebench", "file"):
        at.radio(key="dataset").set_value(dataset).run()
        assert not at.exception and not at.text_input
    at.session_state["data_path"] = "/etc/passwd"  # as an earlier session of who runs it may have left it
    at.run()
    assert not at.exception and not at.error and "passwd" not in str(at.main)
    paper = page("paper")
    assert not paper.text_input and "Import and measure" not in labels(paper)


def joined(monkeypatch: pytest.MonkeyPatch, name: str = "Ada") -> Participant:
    """A visitor from elsewhere who has joined a class and committed a forecast, by the cookie of the browser."""
    room = gate.classroom()
    record = room.current() or room.open(ClassSettings(name="A class"))
    participant = room.join(name)
    room.commit(participant.id, Forecast(accuracy=0.7, size_mb=1.0))
    monkeypatch.setattr(gate, "from_here", lambda: False)
    monkeypatch.setattr(StreamlitCookies, "get", lambda self, key: record.token(participant))
    return participant


def test_nothing_is_shown_without_the_access_code(shared: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run = waiting(shared, "a secret name")
    assert "a secret name" in shown(page("runs", run=run.id))  # at the machine itself
    monkeypatch.setattr(gate, "from_here", lambda: False)
    for name in ("start", "search", "board", "runs"):
        at = page(name, run=run.id)
        assert [one.value for one in at.error] == ["No class is open: whoever runs this server opens one on Class, at "
            "its own machine"] and not at.title and "secret" not in shown(at)  # fmt: skip
    record = gate.classroom().open(ClassSettings(name="The title"))
    at = page("runs", run=run.id)
    assert [one.value for one in at.title] == ["Join the class"]
    assert not any(word in shown(at) for word in ("secret", "The title", record.code, record.key))
    at.text_input[0].input("AAAA-AAAA")
    at.text_input[1].input("Ada")
    at.button[0].click().run()
    assert "wrong" in at.error[0].value and not gate.classroom().require().participants
    at.text_input[0].input(record.code.lower())
    at.button[0].click().run()
    assert [one.value for one in at.title] == ["Runs"] and not at.exception
    gate.classroom().remove(gate.classroom().require().participants[0].id)
    assert [one.value for one in at.run().title] == ["Join the class"]


def test_a_code_by_the_environment_opens_a_class(shared: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "from_here", lambda: False)
    monkeypatch.setenv(gate.CODE_VARIABLE, "short")
    gate._open_by_variable.cache_clear()
    assert "needs 6 letters" in page("board").error[0].value
    monkeypatch.setenv(gate.CODE_VARIABLE, "long enough")
    assert page("board").title[0].value == "Join the class" and gate.classroom().require().admits("LONGENOUGH")


def test_visitors_cannot_touch_the_runs_of_others(shared: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run = waiting(shared)
    assert {"Cancel", "Rename"} <= labels(page("runs", run=run.id))  # the lecturer, at the machine itself
    me = joined(monkeypatch)
    at = page("runs", run=run.id)
    assert any(run.name in str(one.value) for one in at.markdown if run.name)
    assert not {"Cancel", "Rename", "Resume", "Yes, delete it", "Name"} & labels(at)
    assert not {"Cancel", "Resume"} & labels(page("search", run=run.id))
    shared.maker = gate.classroom().require().maker(me, None)
    at = page("runs", run=waiting(shared).id)  # a new session: the cookie alone says whose it is
    assert {"Cancel", "Rename"} <= labels(at) and "Yes, delete it" not in labels(at)


def test_visitors_start_runs_of_their_own_and_no_more_than_three(
    shared: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = joined(monkeypatch)
    shared.root.mkdir(parents=True, exist_ok=True)
    with FileLock(shared.root / ".quick-slot"):  # so that none is over before the fourth is asked for
        for _ in range(MOST_OWN):
            at = page("search")  # each in a session of its own
            next(one for one in at.button if one.label == "Start the search").click().run()
            assert not at.exception and not at.error
            maker = shared.list()[0].maker
            assert maker is not None and maker.participant == me.id
        at = page("search")
        next(one for one in at.button if one.label == "Start the search").click().run()
        assert any("may have 3" in one.value for one in at.error) and len(shared.list()) == MOST_OWN
        for run in shared.list():
            cancel(run)


def test_what_a_forged_message_asks_for_is_refused_where_runs_are_launched(
    shared: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined(monkeypatch)
    offered = launch(shared, "distill", {"teacher": "/models/of-the-school"}, command=("true",))
    for kind, settings in (
        ("train-teacher", {"base": "/etc"}),
        ("distill", {"teacher": CODEBERT}),
        ("measure", {"models": ["/etc"]}),
        ("reproduce", {}),
        ("study", {"teacher": str(shared.root), "budgets": [1e6]}),
    ):
        with pytest.raises(CompressorError, match=r"shared server"), gate.allowed(shared, kind, [settings]):
            pass
    with gate.allowed(shared, "distill", [{"teacher": offered.config["teacher"]}]):
        pass
    for _ in range(MOST_LIVE):
        waiting(shared)
    with pytest.raises(RunError, match="try again later"), gate.allowed(shared, "search", [{"budget_mb": 3.0}]):
        pass
    joined(monkeypatch, "Grace")
    gate.classroom().reset()
    newcomer = gate.classroom().join("Ada")
    monkeypatch.setattr(gate, "me", lambda record=None: newcomer)
    with pytest.raises(CompressorError, match="forecast"), gate.allowed(shared, "search", [{"budget_mb": 3.0}]):
        pass


def test_whoever_runs_it_is_warned_once(
    capfd: pytest.CaptureFixture[str], shared: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharing._warn.cache_clear()
    for name in ("HF_HUB_OFFLINE", LONGEST_VARIABLE):
        monkeypatch.setenv(name, "so that it is restored")
        monkeypatch.delenv(name)
    sharing.prepare()
    sharing.prepare()
    said = capfd.readouterr().err
    assert said.count("WARNING") == 1 and "0.0.0.0" in said and "access code" in said
    assert os.environ["HF_HUB_OFFLINE"] == "1" and float(os.environ[LONGEST_VARIABLE]) > 0
