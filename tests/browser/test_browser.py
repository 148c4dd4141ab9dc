"""What only a real browser shows: deep links, narrow screens, and the story from a budget to a comparison."""

from __future__ import annotations

import csv
import re
import time
from pathlib import Path
from urllib.parse import unquote

import psutil
import pytest
from playwright.sync_api import Locator, Page, expect

from compressor_core.data.clones import ClassroomClone
from compressor_core.data.dataset import Split
from compressor_core.distill.settings import TeacherSettings
from compressor_core.runs import RunStore, launch
from pages.parts.ahead import DRAWN_WITH, programs
from pages.parts.frame import TABS
from tests.browser.conftest import Visit, choose, settled, tick
from tests.tiny import TINY

TITLES = {"" if tab is TABS[0] else tab.name: tab.label for tab in TABS}


@pytest.mark.parametrize("name", ["", "compare", "board"])
def test_a_deep_link_to_a_fresh_server_opens_the_whole_app_at_that_page(visit: Visit, name: str) -> None:
    opens(visit, name)


def test_a_deep_link_opens_each_tab_in_a_fresh_browser(visit: Visit) -> None:
    for name in TITLES:
        opens(visit, name)


def opens(visit: Visit, name: str) -> None:
    page = visit(f"/{name}?run=none")
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES[name])
    expect(page.get_by_role("link", name="Class", exact=True)).to_be_visible()
    assert f"/{name}?run=none" in page.url
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.context.close()


def test_the_name_of_a_section_opens_its_first_tab(visit: Visit) -> None:
    for section in ("train", "try", "class"):
        page = visit(f"/{section}?run=none")
        first = next(tab for tab in TABS if tab.section.lower() == section)
        expect(page.get_by_role("heading", level=1)).to_have_text(first.label)
        page.wait_for_url(f"**/{first.name}?run=none")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_first_page_is_served_without_torch(visit: Visit) -> None:
    """Torch takes seconds to import, which a visitor would wait; `benchmarks/app.py` measures the seconds."""
    page = visit("/")
    expect(page.get_by_role("button", name="Compress")).to_be_visible()
    (server,) = [child for child in psutil.Process().children() if "streamlit" in child.cmdline()]
    assert not [mapped.path for mapped in server.memory_maps() if "libtorch" in mapped.path]


def test_what_draws_charts_and_tables_is_fetched_before_there_is_any(visit: Visit) -> None:
    """Otherwise the first chart of a visit is a second late; Streamlit may also name these files anew one day."""
    assert len(programs()) == len(DRAWN_WITH)
    page = visit("/runs")
    for name in programs():
        page.wait_for_function(
            "name => performance.getEntriesByName(new URL(name, location) + '').length", arg=f"/static/js/{name}"
        )
    page.wait_for_function("window.drawnOnce")
    expect(page.locator(".js-plotly-plot")).to_have_count(0)
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(0)


def test_a_refresh_and_a_second_tab_show_the_same_live_run(visit: Visit) -> None:
    page = visit("/search")
    page.context.set_default_timeout(90_000)  # a large search and two pages that draw it leave two cores little time
    page.get_by_text("Settings of the search").click()
    generations = page.get_by_role("spinbutton", name="Generations")
    generations.fill("2000")
    generations.press("Enter")
    population = page.get_by_role("spinbutton", name="Population")  # large, so that the run outlasts the test
    population.fill("400")
    population.press("Enter")
    page.get_by_role("button", name="Start the search").click()
    expect(page.get_by_text("running")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Class", exact=True).click()
    page.get_by_role("link", name=TITLES["runs"], exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES["runs"])
    time.sleep(3)  # long enough for what is live there to be drawn again
    page.get_by_role("link", name="Search", exact=True).click()
    # A page that follows a run may be drawn again and again: it need not come to rest.
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES["search"])
    page.get_by_text("Settings of the search").click()
    expect(page.get_by_role("spinbutton", name="Generations")).to_have_value("2000")
    before = generation(page)
    page.reload()
    expect(page.get_by_text("running")).to_be_visible(timeout=60_000)
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_text("running")).to_be_visible(timeout=60_000)
    expect(other.get_by_test_id("stMetricValue").nth(2)).not_to_have_text(before, timeout=30_000)
    other.get_by_role("button", name="Cancel").click()
    for tab in (page, other):
        expect(tab.get_by_text("cancelled")).to_be_visible(timeout=30_000)
        expect(tab.get_by_role("button", name="Resume")).to_be_visible()


def generation(page: Page) -> str:
    return page.get_by_test_id("stMetricValue").nth(2).inner_text()


@pytest.mark.timeout(600)
def test_the_story_from_a_budget_to_a_comparison(visit: Visit, labelled_file: Path) -> None:
    settings = TeacherSettings(dataset="file", data=str(labelled_file), architecture=TINY, epochs=2)
    teacher = launch(RunStore(), "train-teacher", settings, name="A small teacher")
    page = visit("/distill")
    expect(page.get_by_role("textbox", name="Architecture of the student")).to_have_value("2000,144,3,8,128")
    while teacher.status().live:
        time.sleep(0.1)
    page.get_by_role("link", name="Search", exact=True).click()
    settled(page)
    budget = page.get_by_role("spinbutton", name="Exact budget")
    budget.fill("1")
    budget.press("Enter")
    settled(page)  # the first drawing of a field overwrites a click that comes before it
    page.get_by_text("Settings of the search").click()
    tick(page, "Classroom: three layers at most, trains in minutes")
    expect(page.get_by_text("2,681,280 architectures")).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Start the search").click()
    expect(page.locator(".st-key-stage")).to_have_attribute("data-generation", "100", timeout=120_000)
    expect(page.get_by_role("heading", name=re.compile("true optimum of the whole space"))).to_be_visible()
    # The page is drawn once more when the run ends: only then does a replay stay undisturbed.
    expect(page.locator("strong").filter(has_text="finished")).to_be_visible(timeout=30_000)

    stage = page.locator(".st-key-stage")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(stage).not_to_have_attribute("data-generation", "100")
    time.sleep(1)
    page.get_by_role("button", name="Pause", exact=True).click()
    paused = stage.get_attribute("data-generation") or ""
    time.sleep(0.7)
    expect(stage).to_have_attribute("data-generation", paused)
    assert 0 < int(paused) < 100

    expect(page.get_by_text("Picked (the best found):")).to_be_visible()
    point(page).click(force=True)
    expect(page.get_by_text("Picked:")).to_be_visible(timeout=30_000)
    picked = page.get_by_test_id("stMarkdown").filter(has_text="Picked:").locator("code").inner_text()
    assert f"pick={picked}" in unquote(page.url)
    expect(stage.locator(".legendtext").filter(has_text="picked")).to_be_visible()
    expect(stage).to_have_attribute("data-generation", paused)
    page.get_by_role("button", name="Distill this one").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES["distill"])
    expect(page.get_by_role("textbox", name="Architecture of the student")).to_have_value(picked)
    choose(page, "Teacher", "A small teacher")
    page.get_by_text("Smoke (1 epoch)").click()
    expect(page.get_by_text("To see how it works")).to_be_visible()
    epochs = page.get_by_role("spinbutton", name="Epochs")
    epochs.fill("4")  # so that the run outlasts a reload
    epochs.press("Enter")
    page.get_by_role("button", name="Start distilling").click()
    state = page.locator("strong").filter(has_text="running")
    expect(state).to_be_visible(timeout=30_000)
    page.reload()
    expect(state).to_be_visible(timeout=30_000)
    page.get_by_role("button", name="Compare with the teacher").click(timeout=200_000)

    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES["compare"])
    expect(page.get_by_text(re.compile("The student keeps .* of the teacher's accuracy"))).to_be_visible(
        timeout=200_000
    )
    expect(page.locator(".js-plotly-plot")).to_have_count(2)
    assert [(run.kind, run.status().state) for run in RunStore().list()] == [
        ("compare", "finished"),
        ("distill", "finished"),
        ("search", "finished"),
        ("train-teacher", "finished"),
    ]


def point(page: Page) -> Locator:
    """A candidate that is not the best: the last of the population, which is drawn from the fittest on."""
    return page.locator(".st-key-stage .tracepopulation path.point").last


def pairs_csv(path: Path) -> Path:
    """A CSV of 160 pairs with columns of its own, and one row that cannot be used."""
    pairs = ClassroomClone().examples(Split.VALIDATION)[:160]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["code1", "code2", "label"])
        writer.writerows([*example.codes, example.label] for example in pairs)
        writer.writerow(["def f(): pass", "", 1])
    return path


@pytest.mark.timeout(600)
def test_pairs_of_ones_own_from_the_file_to_a_comparison(visit: Visit, tmp_path: Path, minilm: Path) -> None:
    page = visit("/teacher")
    page.get_by_text("Your own file (JSONL or CSV)").click()
    page.locator("input[type=file]").set_input_files(pairs_csv(tmp_path / "pairs.csv"))
    expect(page.get_by_text("1 row of 161 cannot be used.")).to_be_visible(timeout=30_000)
    page.get_by_text("Leave this row out and go on with the other 160").click()
    expect(page.get_by_text("Code in code1 and code2, label in label")).to_be_visible()
    expect(page.get_by_role("tab", name="Examples")).to_be_visible()

    choose(page, "Start from", "Another encoder, by folder or Hugging Face name")
    name = page.get_by_role("textbox", name="Folder or Hugging Face name")
    name.fill(str(minilm))
    name.press("Enter")
    epochs = page.get_by_role("spinbutton", name="Epochs")
    epochs.fill("1")
    epochs.press("Enter")
    page.get_by_text("Settings", exact=True).click()
    length = page.get_by_role("spinbutton", name="Maximum length (tokens)")
    length.fill("16")
    length.press("Enter")
    page.get_by_role("button", name="Train a teacher").click()
    page.get_by_role("button", name="Distill from this teacher").click(timeout=200_000)

    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES["distill"])
    architecture = page.get_by_role("textbox", name="Architecture of the student")
    architecture.fill("1000,32,1,2,64")
    architecture.press("Enter")
    page.get_by_text("smoke (1 epoch)").click()
    page.get_by_role("button", name="Start distilling").click()
    page.get_by_role("button", name="Compare with the teacher").click(timeout=200_000)

    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES["compare"])
    expect(page.get_by_text(re.compile("The student keeps .* of the teacher's accuracy"))).to_be_visible(
        timeout=200_000
    )
    runs = RunStore().list()
    assert [(run.kind, run.status().state) for run in runs] == [
        ("compare", "finished"),
        ("distill", "finished"),
        ("train-teacher", "finished"),
    ]
    result = runs[0].status().result
    assert result is not None and result["examples"] == 18 and result["student"]["size_mb"] < 1


WITH_BUTTON = {
    *("start", "search", "tradeoffs", "sweeps", "latency", "distill", "teacher"),
    *("compare", "exam", "lab", "study", "paper", "playground", "export"),
}
"""Tabs that begin something by a primary button."""


@pytest.mark.timeout(600)
def test_the_primary_button_is_on_the_first_screen_of_a_phone(visit: Visit, server: str) -> None:
    page, low = visit("/runs", width=390), {}
    page.set_viewport_size({"width": 390, "height": 844})
    for tab in TABS:
        if tab.name not in WITH_BUTTON:
            continue
        page.goto(f"{server}/{tab.url or ''}")
        button = page.locator("button[kind=primary]:visible").first
        expect(button).to_be_visible(timeout=120_000)
        # What is below may take long to compute, such as the figures of a dataset: only the button has to rest.
        bottom, before = bottom_of(button), 0.0
        while bottom != before:
            page.wait_for_timeout(1_000)
            bottom, before = bottom_of(button), bottom
        if bottom > 844:
            low[tab.name] = bottom
    assert low == {}


def bottom_of(button: Locator) -> float:
    """Distance of the lower edge from the top of the page."""
    box = button.bounding_box()
    return box["y"] + box["height"] if box else 0.0
