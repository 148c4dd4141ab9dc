"""Twenty visitors at once in a real browser, all watching one run, which is then deleted under them."""

from __future__ import annotations

import shutil

from playwright.sync_api import Page, expect, sync_playwright

from compressor_core.runs import launch
from tests.faults import killed_search
from tests.faults.harness import PATIENCE, Bench, Server, Skipped, slot_taken

FAULT = "20 browser sessions at once, their run deleted"
PAGES = ("", "teacher", "tradeoffs", "sweeps", "latency", "distill", "study", "compare", "playground", "runs", "paper")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def make(bench: Bench, sessions: int) -> None:
    if CHROMIUM is None:
        raise Skipped("Chromium is not installed: apt-get install chromium")
    with bench.server() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            pages = [browser.new_context(viewport={"width": 1280, "height": 900}).new_page() for _ in range(sessions)]
            for page in pages:
                page.set_default_timeout(PATIENCE * 1000)
            visit_all(bench, server, pages)
            delete_under(bench, server, pages)
        finally:
            browser.close()
        bench.check_page(server)


def visit_all(bench: Bench, server: Server, pages: list[Page]) -> None:
    """All at once, each its own page of the app."""
    for number, page in enumerate(pages):
        page.goto(f"{server.address}/{PAGES[number % len(PAGES)]}", wait_until="commit")
    for page in pages:
        bench.tally.times += 1
        check_drawn(bench, page)


def delete_under(bench: Bench, server: Server, pages: list[Page]) -> None:
    with slot_taken(bench.store):
        run = launch(bench.store, "search", killed_search.CONFIG)
        for page in pages:
            page.goto(f"{server.address}/search?run={run.id}", wait_until="commit")
        for page in pages:
            expect(page.get_by_role("button", name="Cancel")).to_be_visible(timeout=PATIENCE * 1000)
        shutil.rmtree(run.folder.rename(run.folder.with_name(".gone")))
        for page in pages:
            expect(page.get_by_text("it may have been deleted").first).to_be_visible(timeout=PATIENCE * 1000)
            check_drawn(bench, page)


def check_drawn(bench: Bench, page: Page) -> None:
    """Check that a page is drawn to its end, and without a traceback."""
    page.wait_for_selector("h1", timeout=PATIENCE * 1000)
    state = page.get_by_test_id("stApp")
    expect(state).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE * 1000)
    exceptions = page.get_by_test_id("stException").count()
    bench.tally.check(exceptions == 0, "the page is whole in the browser", page.url)
