"""A class in real browsers: three join with the access code, one without it is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.serving import Server
from compressor_core.classroom.record import Classroom
from compressor_core.runs import RunStore, State, Status
from tests.browser.access import Judged, described, fits, judge
from tests.browser.conftest import settled
from tests.runs.summaries import distilled

NAME = "class.localhost"
"""A name that browsers resolve to this machine, and that the app takes for one from elsewhere."""


@pytest.fixture
def server() -> Iterator[Server]:
    hosts = [part for name in (NAME, "127.0.0.1") for part in ("--server.allowedHosts", name)]
    with Server("--server.address", "0.0.0.0", *hosts) as started:
        yield started


def opened(browser: Browser, address: str, width: int) -> Page:
    page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
    page.goto(address)
    page.wait_for_selector("h1", timeout=60_000)
    settled(page)
    return page


def join(page: Page, name: str, code: str) -> None:
    page.get_by_role("textbox", name="Access code").fill(code)
    page.get_by_role("textbox", name="Nickname").fill(name)
    page.get_by_role("button", name="Join").click()


def test_three_visitors_join_forecast_search_and_meet_on_the_board(browser: Browser, server: Server) -> None:
    room, elsewhere = Classroom(RunStore().root), f"http://{NAME}:{server.port}"
    lecturer = opened(browser, f"{server.address}/board", 1920)
    lecturer.get_by_role("button", name="Open the class").click()
    expect(lecturer.get_by_alt_text(f"QR code of {elsewhere}/board")).to_be_visible()
    code = room.require().code
    expect(lecturer.get_by_role("heading", name=code)).to_be_visible()

    refused = opened(browser, f"{elsewhere}/search", 390)
    join(refused, "Eve", "AAAA-AAAA")
    expect(refused.get_by_text("The access code is wrong")).to_be_visible()
    assert not refused.locator(".st-key-navigation").count()
    judged = Judged()
    assert not judge(refused, "gate", judged)

    phones = {name: opened(browser, f"{elsewhere}/board", 390) for name in ("Ada", "Grace", "Alan")}
    for name, page in phones.items():
        join(page, name, code.lower().replace("-", " "))
    for name, page in phones.items():
        expect(page.get_by_text(f"You joined as {name}")).to_be_visible()
        page.get_by_role("button", name="Commit my forecast").click()
    for page in phones.values():
        expect(page.get_by_text("Forecast: 70.0% at 1 MB")).to_be_visible()
        page.goto(f"{elsewhere}/search", wait_until="commit")  # another session: the cookie tells who it is
    for page in phones.values():
        page.get_by_role("button", name="Start the search").click()
    for page in phones.values():
        expect(page).to_have_url(re.compile("run="))
    marks = lecturer.locator(".js-plotly-plot")
    for name in phones:  # Streamlit draws another chart for other data, and both can be there for a moment
        expect(marks.get_by_text(name, exact=True).first).to_be_visible()
    expect(marks).to_have_count(1)
    record = room.require()
    people = {one.name: one for one in record.participants}
    made = {run.maker.participant for run in RunStore().list() if run.maker is not None}
    assert made == {one.id for one in people.values()} and set(people) == set(phones)

    trained = RunStore(room.root, record.maker(people["Ada"], None)).create("distill", {"dataset": record.dataset})
    trained.record(Status(state=State.FINISHED, summary=distilled("m", 0.8, size_mb=0.9)))
    expect(lecturer.get_by_text("Ada leads: accuracy 80.0% at 0.90 MB.")).to_be_visible()
    lecturer.get_by_role("radio", name="Forecasts").click()
    expect(lecturer.get_by_text("Forecasts of accuracy were off by 10.0 points")).to_be_visible()
    expect(lecturer).to_have_url(re.compile("show=forecasts"))
    lecturer.reload()
    expect(lecturer.get_by_text("Forecasts of accuracy were off by 10.0 points")).to_be_visible(timeout=30_000)
    settled(lecturer)
    assert not judge(lecturer, "lecturer", judged)
    described(lecturer)
    fits(lecturer, 1920)

    lecturer.get_by_text("Lead the class").click()
    lecturer.get_by_role("button", name="Remove the name").click()  # the first of the list
    expect(lecturer.get_by_text("2 joined")).to_be_visible()
    expect(lecturer.get_by_text("No forecast has an outcome yet").first).to_be_visible()
    phones["Ada"].reload()
    expect(phones["Ada"].get_by_role("heading", name="Join the class")).to_be_visible()
    assert "Traceback" not in server.said()
