"""The board of a class, as lecturer and participants work it at one machine."""

from __future__ import annotations

import json

import pytest
import streamlit as st
from streamlit.runtime.context import StreamlitCookies
from streamlit.testing.v1 import AppTest

from compressor_core.classroom.record import Challenge
from compressor_core.runs import Run
from pages.parts import gate
from tests.pages.studio import Open, Studio, button, charts, field, no_traceback, texts


@pytest.fixture(autouse=True)
def _no_cookies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StreamlitCookies, "get", lambda self, key: None)  # AppTest has no browser


def opened(open_page: Open, challenge: str = "Fastest") -> AppTest:
    at = open_page("board")
    no_traceback(at)
    field(at.text_input, "Title").input("Models *of* code")
    chosen = field(at.radio, "Challenge")
    chosen.set_value(next(one for one in Challenge if one.words.capitalize().startswith(challenge)))
    button(at, "Open the class").click().run()
    no_traceback(at)
    return at


def given_to(run: Run, participant: str) -> None:
    """Make a finished run one that a participant of the class made, on the class's own data."""
    values = json.loads((run.folder / "config.json").read_text("utf-8"))
    values["config"]["dataset"] = "classroom-vulnerability"
    path = run.folder / "config.json"
    path.write_text(json.dumps({**values, "created": values["created"] + 1e6, "maker": {"participant": participant}}))


def test_a_class_from_its_opening_to_its_end(studio: Studio, open_page: Open) -> None:
    at = opened(open_page)
    record = gate.classroom().require()
    assert record.settings.challenge is Challenge.FAST and r"Models \*of\* code: fastest within 2 points" in texts(at)
    assert any("Only this machine reaches this server" in one.value for one in at.warning)
    assert at.header[0].value == record.code and "searches: 0, students: 0" in texts(at)

    field(at.text_input, "Nickname").input("Ada")
    button(at, "Join").click().run()
    no_traceback(at)
    field(at.number_input, "Accuracy (%)").set_value(95.0)
    button(at, "Commit my forecast").click().run()
    no_traceback(at)
    assert "You joined as **Ada**. Forecast: 95.0% at 1 MB" in texts(at)
    (ada,) = gate.classroom().require().participants
    assert ada.forecast is not None and ada.forecast.accuracy == 0.95

    for run in (studio.search, studio.distill, studio.compare):
        given_to(run, ada.id)
    st.cache_resource.clear()  # the board is made once a second
    at.run()
    no_traceback(at)
    info = studio.compare.summary()
    made = {row["What"]: row for row in at.dataframe[0].value.to_dict("records")}
    assert set(made) == {"search", "student"} and made["student"]["Name"] == "Ada"
    # How much faster comes from the comparison of this very student.
    assert made["student"]["Times faster"] == pytest.approx(info.student.speedup)
    assert "a distill" in "".join(str(getattr(one, "label", "")) for one in at.get("page_link"))
    at.session_state["show"] = "forecasts"
    at.run()
    no_traceback(at)
    assert "off by" in texts(at) and len(charts(at)[0]["data"]) == 3

    button(at, "Remove the name").click().run()
    assert not gate.classroom().require().participants and "You joined as" not in texts(at)
    field(at.toggle, "Pause joining").set_value(True).run()
    assert not gate.classroom().require().joining and "joining is paused" in texts(at)
    button(at, "Yes, reset it").click().run()
    assert gate.classroom().require().joining and gate.classroom().require().code == record.code
    button(at, "Yes, close it").click().run()
    assert gate.classroom().current() is None
    assert button(at, "Open the class")


def test_a_participant_forecasts_before_the_first_run(studio: Studio, open_page: Open) -> None:
    at = opened(open_page)
    field(at.text_input, "Nickname").input("Ada")
    button(at, "Join").click().run()
    before = len(studio.store.list())
    at.switch_page("pages/search/search.py").run()
    button(at, "Start the search").click().run()
    assert ["Commit your forecast on" in one.value for one in at.error] == [True]
    assert len(studio.store.list()) == before
