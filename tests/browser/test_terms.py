"""Explanations of terms in a browser: a click shows them, and every formula is typeset."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Visit


def test_a_term_explains_itself_where_it_stands(visit: Visit) -> None:
    page = visit("/distill", width=390)
    page.get_by_role("button", name="Temperature", exact=True).click()
    body = page.get_by_test_id("stPopoverBody")
    expect(body).to_contain_text("softens them")
    expect(body.locator(".katex-display")).to_be_visible()
    box = body.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.keyboard.press("Escape")
    expect(body).to_be_hidden()


def test_a_page_leads_on_to_the_next(visit: Visit) -> None:
    page = visit("/study")
    expect(page.get_by_text("Do the results agree with the paper's?")).to_be_visible()
    page.get_by_role("link", name="Paper").last.click()
    expect(page.get_by_role("heading", name="Paper", exact=True)).to_be_visible(timeout=30_000)
