"""The real app on a server of its own, in a real Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from benchmarks.serving import Server
from compressor_core.runs import RunStore, cancel

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
Visit = Callable[..., Page]

# As long as Playwright waits for a click; its 5 seconds for what is expected are short where two cores do much else.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")  # while it is open, no other test of this process can open one of its own
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a freshly started server on empty runs (the folder COMPRESSOR_RUNS of this test)."""
    with Server() as started:
        yield started.address
    for run in RunStore().list():
        if run.status().live:
            cancel(run)


@pytest.fixture
def visit(browser: Browser, server: str) -> Iterator[Visit]:
    """Open an address of the app, at some width and in some theme, and wait for the page's title.

    In a browser of its own, or, with `tab`, in that one, which has the app's files already. In the end no page may have
    had an error of its own.
    """
    contexts, wrong = [], list[str]()

    def go(path: str, *, width: int = 1280, theme: Literal["light", "dark"] = "light", tab: Page | None = None) -> Page:
        if tab is None:
            context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=theme)
            context.on("weberror", lambda error: wrong.append(f"{error.page and error.page.url}: {error.error}"))
            contexts.append(context)
        page = tab or context.new_page()
        page.goto(server + path)
        page.wait_for_selector("h1", timeout=60_000)
        settled(page)
        return page

    yield go
    for context in contexts:
        context.close()
    assert not wrong, "\n".join(wrong)


def settled(page: Page) -> None:
    """Wait until nothing is being computed for the page."""
    state = "data-test-script-state"
    expect(page.get_by_test_id("stApp")).to_have_attribute(state, "notRunning", timeout=60_000)


def tick(page: Page, option: str) -> None:
    """Choose one of several buttons; the first drawing of a field overwrites a click that comes before it."""
    for _ in range(5):
        settled(page)
        page.get_by_text(option).click()
        with suppress(AssertionError):
            expect(page.get_by_role("radio", name=option)).to_be_checked(timeout=2_000)
            settled(page)
            expect(page.get_by_role("radio", name=option)).to_be_checked(timeout=2_000)
            return
    raise AssertionError(f"{option} cannot be chosen")


def choose(page: Page, label: str, option: str) -> None:
    """Choose from a list, which closes by itself whenever the page is drawn anew."""
    for _ in range(5):
        settled(page)
        page.get_by_role("combobox", name=label).click()
        with suppress(PlaywrightTimeout):
            page.get_by_role("option", name=option).click(timeout=5_000)
            return
        page.keyboard.press("Escape")
    raise AssertionError(f"{option} cannot be chosen")
