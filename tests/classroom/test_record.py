"""The class that is open: who gets in, who somebody is, and what is kept."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from compressor_core.classroom.link import class_link, lan_address, qr_code
from compressor_core.classroom.record import FILE, Classroom, ClassSettings, Forecast, Tries
from compressor_core.errors import ClassroomError, SettingsError

SETTINGS = ClassSettings(name="  Models of code ")
FORECAST = Forecast(accuracy=0.7, size_mb=1.0)


def test_a_class_is_opened_joined_and_closed(tmp_path: Path) -> None:
    room = Classroom(tmp_path / "runs")
    assert room.current() is None
    with pytest.raises(ClassroomError, match="No class is open"):
        room.join("Ada")
    record = room.open(SETTINGS)
    assert record.settings.name == "Models of code" and record == Classroom(room.root).current()
    ada, grace = room.join("  Ada  L. "), room.join("Grace")
    assert ada.name == "Ada L." and [one.name for one in room.require().participants] == ["Ada L.", "Grace"]
    room.commit(ada.id, FORECAST)
    assert room.require().participants[0].forecast == FORECAST
    with pytest.raises(ClassroomError, match="cannot be changed"):
        room.commit(ada.id, Forecast(accuracy=0.9, size_mb=1.0))
    room.pause(True)
    with pytest.raises(ClassroomError, match="paused"):
        room.join("Alan")
    room.pause(False)
    for taken in ("grace", "", " ", "x" * 25, "a\u202eb", "a\x07b"):
        with pytest.raises(ClassroomError, match="nickname"):
            room.join(taken)
    assert [one.id for one in room.remove(ada.id).participants] == [grace.id]
    room.close()
    room.close()
    assert room.current() is None


def test_a_token_is_of_its_class_and_of_nobody_else(tmp_path: Path) -> None:
    room, other = Classroom(tmp_path / "a"), Classroom(tmp_path / "b")
    room.open(SETTINGS)
    other.open(SETTINGS)
    ada, eve = room.join("Ada"), room.join("Eve")
    record = room.require()
    token = record.token(ada)
    assert record.participant(token) == ada
    signature = token.partition(".")[2]
    forged = (
        "",
        None,
        ".",
        ada.id,
        f"{eve.id}.{signature}",
        f"{token}0",
        token[:-1],
        "é.é",
        other.require().token(ada),
    )
    assert not any(record.participant(one) for one in forged)
    assert room.reset().participant(token) is None and not room.require().participants
    assert room.require().code == record.code and room.require().key != record.key
    made = record.maker(ada, "192.168.1.7")
    assert made.participant == ada.id and made.address and "192" not in made.address
    assert record.maker(None, "192.168.1.7").address == made.address != record.maker(None, "192.168.1.8").address
    assert record.maker(None, "2001:db8::1").address == record.maker(None, "2001:db8::2").address


def test_an_access_code_is_read_as_people_write_it(tmp_path: Path) -> None:
    record = Classroom(tmp_path).open(SETTINGS, "K7QM-4XRP")
    assert all(record.admits(code) for code in ("K7QM-4XRP", "k7qm4xrp", " K7QM 4XRP\n"))
    assert not any(record.admits(code) for code in ("", "K7QM-4XR", "K7QM-4XRPP", "ÄÖ", "\ud800"))
    codes = {Classroom(tmp_path).open(SETTINGS).code for _ in range(20)}
    assert len(codes) == 20 and all(len(code) == 9 for code in codes)
    with pytest.raises(ClassroomError, match="6 letters or digits"):
        Classroom(tmp_path).open(SETTINGS, "-- ab1 --")


def test_ten_wrong_codes_a_minute_and_address(tmp_path: Path) -> None:
    record, now = Classroom(tmp_path).open(SETTINGS), [0.0]
    tries = Tries(lambda: now[0])
    for _ in range(40):  # a class behind one router
        tries.check(record, record.code, "10.0.0.1")
    for _ in range(Tries.MOST):
        with pytest.raises(ClassroomError, match="code is wrong"):
            tries.check(record, "another", "10.0.0.1")
    for code in ("another", record.code):
        with pytest.raises(ClassroomError, match="wait a minute"):
            tries.check(record, code, "10.0.0.1")
    tries.check(record, record.code, "10.0.0.2")
    now[0] = 61.0
    tries.check(record, record.code, "10.0.0.1")
    for number in range(Tries.MOST):
        with pytest.raises(ClassroomError, match="code is wrong"):
            tries.check(record, "another", f"2001:db8::{number}")
    with pytest.raises(ClassroomError, match="wait a minute"):
        tries.check(record, "another", "2001:db8::ffff")  # one client has the whole network


def test_thirty_join_at_once_and_nobody_is_lost(tmp_path: Path) -> None:
    Classroom(tmp_path).open(SETTINGS)
    with ThreadPoolExecutor(30) as pool:
        list(pool.map(lambda n: Classroom(tmp_path).join(f"visitor {n}"), range(30)))
    assert len({one.name for one in Classroom(tmp_path).require().participants}) == 30


def test_a_damaged_file_is_said_and_settings_are_checked(tmp_path: Path) -> None:
    room = Classroom(tmp_path)
    room.open(SETTINGS)
    values = json.loads((tmp_path / FILE).read_text("utf-8"))
    for text in ("", "{", json.dumps({**values, "participants": 3}), json.dumps({**values, "settings": {"name": ""}})):
        (tmp_path / FILE).write_text(text, "utf-8")
        with pytest.raises(ClassroomError, match="damaged"):
            room.current()
    for name in ("", " ", "x" * 81, "two\nlines"):
        with pytest.raises(SettingsError):
            ClassSettings(name=name)
    with pytest.raises(SettingsError):
        Forecast(accuracy=70.0, size_mb=1.0)


def test_the_link_is_one_that_phones_can_open() -> None:
    here = "http://localhost:8501/board?run=1"
    hosts = ["localhost", "127.0.0.1", "::1", "*.hf.space", "192.168.1.20"]
    assert class_link(here, None, hosts).url == "http://192.168.1.20:8501/board"
    assert class_link(here, "0.0.0.0", hosts).reachable
    assert not class_link(here, "127.0.0.1", hosts).reachable
    alone = class_link(here, "127.0.0.1", hosts[:-1])
    assert not alone.reachable and f"--allow-host {lan_address()}" in alone.command
    assert class_link("https://me-studio.hf.space/", None, hosts).url == "https://me-studio.hf.space/board"
    picture = qr_code("http://192.168.1.20:8501/board")
    assert picture.startswith("data:image/svg+xml") and picture != qr_code("http://192.168.1.21:8501/board")
