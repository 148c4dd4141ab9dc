"""Names, files and links that try to be more than text, in a real Chromium: nothing runs, nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from compressor_core.report import report
from compressor_core.runs import Run, RunStore
from compressor_core.runs.worker import run_worker
from compressor_core.search.genetic import SearchSettings
from tests.browser.conftest import settled

TRACKER = "tracker.example"
SAMPLES = (
    f"<a href='http://{TRACKER}/a'>a</a> http://{TRACKER}/bare www.{TRACKER} me@{TRACKER}",
    f"![p](http://{TRACKER}/p.png) [l](http://{TRACKER}/l)",
    f"<img src='http://{TRACKER}/i' onerror='window.ran=1'><script>window.ran=1</script>",
)
HOSTILE = " ".join(SAMPLES)


@pytest.fixture
def page(browser: Browser, server: str) -> Iterator[Page]:
    """A page that fails the test if anything leaves this machine, or if any script of a sample has run."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    foreign: list[str] = []
    context.on("request", lambda one: foreign.append(one.url) if TRACKER in one.url.split("?")[0] else None)
    context.on("dialog", lambda one: foreign.append(one.message))
    page = context.new_page()
    yield page
    context.close()
    assert not foreign


def harmless(page: Page, shown: str = TRACKER) -> None:
    """What was shown was shown as text."""
    settled(page)
    expect(page.locator("body")).to_contain_text(shown, timeout=30_000)
    found = page.evaluate(
        """host => [
            window.ran ?? null,
            ...[...document.querySelectorAll('*')].flatMap(one => [...one.attributes]
                .filter(each => ['href', 'src', 'xlink:href', 'srcset', 'onerror'].includes(each.name))
                .map(each => each.value).filter(value => value.includes(host) && !value.includes('?')))]""",
        TRACKER,
    )
    assert found == [None]


SEARCH = SearchSettings(budget_mb=3.0, population=4, generations=2).model_dump(mode="json")


def searched(name: str) -> Run:
    """A finished search with a name that a visitor may have given it."""
    run = RunStore().create("search", SEARCH)
    assert run_worker(run.folder) == 0
    return RunStore().rename(run.id, name)


def failed(error: str) -> Run:
    run = RunStore().create("search", SEARCH, error[:90])
    status = {"state": "failed", "error": error, "message": error, "heartbeat": 1.0}
    (run.folder / "status.json").write_text(json.dumps(status))
    return run


def test_names_files_and_links_stay_text(page: Page, server: str, tmp_path: Path) -> None:
    store = RunStore()
    first, second = searched(SAMPLES[0]), searched(SAMPLES[1])
    broken = failed(HOSTILE)

    page.goto(f"{server}/runs?run={broken.id}")
    harmless(page)
    page.goto(f"{server}/search?run={broken.id}")
    harmless(page)
    page.goto(f"{server}/sweeps?runs={first.id},{second.id},{quote(SAMPLES[0])}")
    page.wait_for_selector(".js-plotly-plot .legend", timeout=60_000)
    harmless(page)
    page.goto(f"{server}/search?run={quote(HOSTILE)}")
    harmless(page)

    upload_of_a_visitor(page, server, tmp_path)

    out = tmp_path / "report.html"
    out.write_text(report(store, first.id), "utf-8")
    page.goto(out.as_uri())
    expect(page.locator("h1")).to_contain_text(TRACKER)
    assert page.evaluate("window.ran ?? null") is None
    assert page.locator(f"a[href*='{TRACKER}'], img").count() == 0


def upload_of_a_visitor(page: Page, server: str, folder: Path) -> None:
    """A file of one's own whose labels, groups, origins and code are hostile, and its name."""
    path = folder / f"![x](http:__{TRACKER}_u.png)<b>.jsonl"
    rows = [
        {"func": f"void f{n}(void) {{ /* {HOSTILE} */ }}", "label": n % 2, "label_name": SAMPLES[n % 2]}
        | {"group": SAMPLES[2], "origin": HOSTILE, "split": "test", "language": "c"}
        for n in range(6)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"func": "", "label": HOSTILE}]), "utf-8")
    page.goto(f"{server}/teacher")
    page.wait_for_selector("h1", timeout=60_000)
    settled(page)
    page.get_by_text("Your own file (JSONL or CSV)").click()
    settled(page)
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_text("Leave this row out", exact=False).click(timeout=30_000)
    expect(page.get_by_text(TRACKER, exact=False).first).to_be_visible(timeout=30_000)
    harmless(page)
    page.get_by_role("tab", name="Figures").click()
    page.wait_for_selector(".js-plotly-plot", timeout=30_000)
    harmless(page)
