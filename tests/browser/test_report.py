"""A report in a real Chromium: from a file, without a network, in light and dark and on paper; and its button."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from compressor_core.report import write_report
from compressor_core.runs import RunStore
from tests.browser.conftest import Visit
from tests.report.story import HOSTILE, HOSTILE_KIND, done, tell

INK = {"light": "rgb(29, 39, 51)", "dark": "rgb(232, 236, 240)"}
SEARCH = {"budget_mb": 3.0, "population": 8, "generations": 4}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("told")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPRESSOR_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        told = tell(RunStore(folder / "runs"))
    write_report(told.store, told.compare.id, folder / "report.html")
    return folder / "report.html"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_a_report_opens_from_a_file_without_a_network(browser: Browser, file: Path, scheme: str, width: int) -> None:
    context = browser.new_context(
        offline=True,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": 900},
    )
    page = context.new_page()
    requests: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(file.as_uri())
    plots = page.locator(".plot.js-plotly-plot")
    expect(plots).to_have_count(16)
    for number in range(16):
        expect(plots.nth(number).locator(".main-svg").first).to_be_attached()
        assert plots.nth(number).locator(".xtick text, .legendtext, .annotation").count() > 0, number
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    expect(
        page.get_by_role("cell", name=HOSTILE_KIND).or_(page.get_by_role("rowheader", name=HOSTILE_KIND))
    ).to_have_count(1)
    tick = page.locator(".xtick text").first
    assert tick.evaluate("node => getComputedStyle(node).fill") == INK[scheme]
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.emulate_media(color_scheme="light" if scheme == "dark" else "dark")
    expect(tick).to_have_css("fill", INK["light" if scheme == "dark" else "dark"])

    page.locator(".updatemenu-button", has_text="Play fast").click()
    expect(page.locator(".slider-label", has_text="Generation")).to_have_text("Generation 5", timeout=10_000)
    page.get_by_role("link", name="How to repeat it").click()
    expect(page.locator("#repeat h2")).to_be_in_viewport()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Save search.json").click()
    assert taken.value.suggested_filename == "search.json"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    widths = page.evaluate(
        "[...document.querySelectorAll('.plot .main-svg:first-child')].map(svg => +svg.getAttribute('width'))"
    )
    assert widths and max(widths) <= 660
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert len([url for url in requests if url.startswith("file:")]) == 1
    assert said == []
    context.close()


def test_the_button_makes_the_report(visit: Visit, tmp_path: Path) -> None:
    run = done(RunStore(), "search", SEARCH, "<b>mine</b>")
    page = visit(f"/runs?run={run.id}")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Report").click()
    assert taken.value.suggested_filename == f"report-{run.id}.html"
    taken.value.save_as(tmp_path / "report.html")
    page.goto((tmp_path / "report.html").as_uri())
    expect(page.get_by_role("heading", level=1)).to_have_text("<b>mine</b>")
    expect(page.locator(".plot.js-plotly-plot")).to_have_count(2)
