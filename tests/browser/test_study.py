"""Budgets in a real browser: from the form to the figures, and on to a comparison of one of the students."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from compressor_core.runs import RunStore, launch
from tests.browser.conftest import Visit, choose
from tests.pages.studio import until_over

PLOT = ".js-plotly-plot"


def drawn(page: Page) -> None:
    """Wait for both figures, with every student and the teacher's line."""
    expect(page.locator(PLOT)).to_have_count(2, timeout=30_000)
    for place in range(2):  # by place: while the page is redrawn, old figures stand beside the new ones
        figure = page.locator(PLOT).nth(place)
        expect(figure.locator(".legendtext").filter(has_text="one student")).to_be_visible(timeout=30_000)
        expect(figure.locator(".annotation-text").filter(has_text="teacher")).to_be_visible()
    expect(page.locator(PLOT).first.locator(".scatterlayer .trace").first.locator(".point")).to_have_count(2)
    expect(page.locator(PLOT)).to_have_count(2)


@pytest.mark.timeout(300)
def test_a_study_from_its_form_to_a_comparison_of_one_of_its_students(visit: Visit, labelled_file: Path) -> None:
    data = {"dataset": "file", "data": str(labelled_file)}
    settings = {**data, "architecture": "400,16,1,2,16", "epochs": 1, "threads": 1}
    until_over(launch(RunStore(), "train-teacher", settings, name="tiny"))
    page = visit("/study")
    choose(page, "Teacher", "tiny")
    budgets = page.get_by_role("textbox", name="Budgets (MB)")
    budgets.fill("0.19, 0.2")
    budgets.press("Enter")
    seeds = page.get_by_role("spinbutton", name="Seeds")
    seeds.fill("1")
    seeds.press("Enter")
    page.get_by_text("smoke (1 epoch)").click()
    page.get_by_role("button", name="Start the study").click()
    expect(page.locator("strong").filter(has_text="finished")).to_be_visible(timeout=120_000)
    drawn(page)
    (run, _) = RunStore().list()
    assert f"run={run.id}" in page.url
    page.reload()
    page.wait_for_selector("h1", timeout=60_000)
    drawn(page)
    expect(page.get_by_text("The students", exact=True)).to_be_visible()

    page.get_by_role("link", name="Compare", exact=True).click()
    choose(page, "Students", "0.2 MB, seed 0 of study")
    page.keyboard.press("Escape")  # the list of one who may choose several stays open
    expect(page.get_by_role("button", name="Compare", exact=True)).to_be_enabled()
