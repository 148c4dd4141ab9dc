"""The search laboratory in a real browser: from a calibrated machine over trajectories and fronts to a student."""

from __future__ import annotations

import csv
import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from compressor_core.runs import RunStore, launch
from compressor_core.search import SearchSettings
from tests.browser.conftest import Visit, settled
from tests.pages.studio import until_over

PLOT = ".js-plotly-plot"
VIEW = f"[data-testid=stPlotlyChart] {PLOT}"
"""A figure below the stage, which has two of its own."""
SMALL: dict[str, Any] = {"population": 12, "generations": 8}


def fill(page: Page, name: str, value: str) -> None:
    field = page.get_by_role("spinbutton", name=name)
    field.fill(value)
    field.press("Enter")


def show(page: Page, view: str) -> None:
    """Choose a view in the segmented control."""
    page.get_by_test_id("stButtonGroup").get_by_text(view, exact=True).click()


def brush(page: Page, axis: str, low: float, high: float) -> None:
    """Drag straight along an axis of parallel coordinates, from one height to another."""
    expect(page.locator(f"{PLOT} .xtick").filter(has_text=axis)).to_be_visible(timeout=30_000)
    plane = page.locator(f"{VIEW} .nsewdrag").first
    plane.scroll_into_view_if_needed()
    place = plane.evaluate(
        """(plane, axis) => {
            const {xaxis, yaxis} = plane.closest('.js-plotly-plot')._fullLayout;
            const at = xaxis.tickvals[xaxis.ticktext.indexOf(axis)], box = plane.getBoundingClientRect();
            return [box.x + xaxis.c2p(at), box.y + yaxis.c2p(0), box.y + yaxis.c2p(1)];
        }""",
        axis,
    )
    across, foot, top = place
    page.mouse.move(across, foot + (top - foot) * low)
    page.mouse.down()
    page.mouse.move(across, foot + (top - foot) * (low + high) / 2)
    page.mouse.move(across, foot + (top - foot) * high)
    page.mouse.up()


def test_the_trajectory_of_a_search_is_seen_shared_and_taken_away(visit: Visit, tmp_path: Path) -> None:
    run = launch(
        RunStore(), "search", SearchSettings(budget_mb=3, seed=5, population=12, generations=8).model_dump(mode="json")
    )
    until_over(run)
    page = visit(f"/search?run={run.id}")
    expect(page.locator(PLOT)).to_have_count(2, timeout=30_000)
    for view, marks in (("Lineage", "ancestor"), ("Genes", "true optimum"), ("Landscape", "the population")):
        show(page, view)
        expect(page.locator(f"{PLOT} .legendtext").filter(has_text=marks).first).to_be_visible(timeout=30_000)
        page.wait_for_url(re.compile(f"view={view}"))  # the legend of the view before may have had it too
    link = page.url
    show(page, "Parallel coordinates")
    passed = page.get_by_text(re.compile("lines pass: .* fits yes."))
    for _ in range(20):  # the figure may just be drawn anew
        brush(page, "Fits", 0.5, 1)
        with suppress(AssertionError):
            expect(passed).to_be_visible(timeout=2_000)
            break
    expect(passed).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_text("lines pass")).to_have_count(0, timeout=30_000)

    other = visit("/" + link.split("/", 3)[3])
    expect(other.locator(f"{PLOT} .legendtext").filter(has_text="the population").first).to_be_visible(timeout=30_000)
    assert "view=Landscape" in other.url

    with page.expect_download() as taken:
        page.get_by_role("button", name="CSV of every individual").click()
    with taken.value.path().open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    result = run.status().result
    assert result is not None and len(rows) == result["evaluations"]

    show(page, "Other axes")
    expect(page.locator(PLOT)).to_have_count(3, timeout=30_000)
    titles = {"PNG": "Download plot as a PNG", "SVG": "Download plot"}
    for form, start in (("PNG", b"\x89PNG"), ("SVG", b"<svg")):
        settled(page)
        expect(page.get_by_test_id("stButtonGroup").get_by_text(form, exact=True)).to_have_count(1)
        page.get_by_test_id("stButtonGroup").get_by_text(form, exact=True).click()
        figure = page.locator(VIEW).first
        expect(figure).to_be_visible()
        camera = figure.locator(f'.modebar-btn[data-title="{titles[form]}"]')
        expect(camera).to_have_count(1)  # the figure was drawn anew with this format
        figure.hover(position={"x": 200, "y": 200})
        with page.expect_download(timeout=30_000) as picture:
            camera.click()
        assert picture.value.suggested_filename.endswith(form.lower())
        assert picture.value.path().read_bytes().startswith(start)

    with page.expect_download() as taken:
        page.get_by_role("button", name="JSON that repeats it").click()
    replica = json.loads(taken.value.path().read_text("utf-8"))
    assert replica["config"]["seed"] == 5
    file_of_search = tmp_path / "search.json"
    file_of_search.write_text(json.dumps(replica))
    page.get_by_text("Repeat a search from its JSON").click()
    page.locator('input[type="file"]').set_input_files(file_of_search)
    page.get_by_role("button", name="Start this search again").click()
    page.wait_for_url(lambda url: run.id not in url)
    expect(page.get_by_text("This run has the same trajectory as the one in the file")).to_be_visible(timeout=60_000)


def test_a_point_of_the_front_goes_to_distillation(visit: Visit) -> None:
    page = visit("/tradeoffs")
    page.get_by_text("Settings of the search").click()
    fill(page, "Population", "20")
    fill(page, "Generations", "15")
    page.get_by_role("button", name="Find the front").click()
    # Until then, the ready-made front is on show.
    expect(page.locator("strong").filter(has_text="finished")).to_be_visible(timeout=60_000)
    expect(page.get_by_text(re.compile("of the true front's hypervolume"))).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Picked for distillation")).to_be_visible(timeout=60_000)
    picked = page.get_by_test_id("stMarkdown").filter(has_text="Picked for distillation").locator("code")
    before = picked.inner_text()
    handle = page.get_by_role("slider").first
    handle.focus()
    handle.press("Home")
    expect(picked).not_to_have_text(before, timeout=30_000)
    chosen = picked.inner_text()
    page.get_by_role("button", name="Distill this one").click()
    expect(page.get_by_role("textbox", name="Architecture of the student")).to_have_value(chosen, timeout=30_000)


def test_sweeps_and_overlays(visit: Visit) -> None:
    runs = [
        launch(
            RunStore(),
            "search",
            SearchSettings(budget_mb=budget, seed=seed, **SMALL).model_dump(mode="json"),
            name=f"{budget} MB",
        )
        for budget, seed in ((3, 0), (5, 1))
    ]
    until_over(runs[-1])
    page = visit("/sweeps?runs=" + ",".join(run.id for run in runs))
    expect(page.locator(f"{PLOT} .legendtext").filter(has_text="5 MB").first).to_be_visible(timeout=30_000)
    show(page, "Seed sweep")
    fill(page, "Seeds", "3")
    page.get_by_text("Settings of the searches").click()
    fill(page, "Generations", "6")
    page.get_by_role("button", name="Sweep over seeds").click()
    expect(page.locator("strong").filter(has_text="finished")).to_be_visible(timeout=60_000)
    for words in ("this program's operators", "the paper's operators"):
        expect(page.locator(f"{PLOT} .legendtext").filter(has_text=words).first).to_be_visible(timeout=30_000)


@pytest.mark.timeout(300)
def test_latency_measured_here_becomes_the_goal_of_a_search(visit: Visit) -> None:
    page = visit("/latency")
    page.get_by_text("Settings of the calibration").click()
    for name, value in (("Architectures", "4"), ("Held out", "1"), ("Rounds", "1"), ("Queries", "2")):
        fill(page, name, value)
    page.get_by_role("button", name="Measure this machine").click()
    # Until then, the ready-made calibration is on show.
    expect(page.locator("strong").filter(has_text="finished")).to_be_visible(timeout=180_000)
    expect(page.get_by_role("heading", name="Accuracy of the predictions")).to_be_visible(timeout=180_000)
    expect(page.get_by_text(re.compile("Of 12 students"))).to_be_visible()
    page.get_by_role("link", name="Search", exact=True).click()
    settled(page)
    page.get_by_text("Settings of the search").click()
    page.get_by_text("The fastest").click()
    fill(page, "Least computation", "1")
    page.get_by_role("button", name="Start the search").click()
    verdict = page.get_by_role("heading", name=re.compile("true optimum of the whole space"))
    expect(verdict).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Best so far: latency")).to_be_visible()
