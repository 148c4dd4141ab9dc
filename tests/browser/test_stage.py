"""The stage and the explorer: what a search looks like while it plays, and what a budget changes at once."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from compressor_core.architecture import SearchSpace
from compressor_core.figures.search.info import search_info
from compressor_core.figures.search.stage import stage
from compressor_core.runs import RunStore, State, launch
from compressor_core.search import SearchSettings, search
from compressor_core.search.known import known_front
from compressor_core.task import Task
from pages.parts import explorer
from pages.parts.frame import TABS
from pages.parts.plotly_js import NAME
from tests.browser.conftest import Visit, settled
from tests.collect import collected

STAGE, BUDGET, ANATOMY = ".st-key-stage", ".st-key-budget", ".st-key-anatomy"
SEEN = """() => {
    const found = window.sampled = [];
    setInterval(() => {
        const stage = document.querySelector('.st-key-stage');  // Streamlit may build it anew when the run ends
        found.push([
            stage.dataset.generation, stage.getBoundingClientRect().y,
            [...stage.querySelectorAll('.tracepopulation path.point')].slice(0, 8)
                .map(one => one.getBoundingClientRect().x),
        ]);
    }, 50);
}"""
"""Samples the stage every 50 ms: the generation on show, its place on the page, and where some marks are."""


def plays(page: Page) -> None:
    expect(page.locator(f"{STAGE}[data-generation]")).to_be_visible(timeout=60_000)


def test_a_budget_is_answered_at_once_with_the_optimum_and_the_student_to_scale(visit: Visit) -> None:
    page = visit("/")
    plays(page)
    slider, drawing = page.locator(f"{BUDGET} [role=slider]"), page.locator(ANATOMY)
    expect(drawing).to_contain_text("3.00 MB")
    area = "one => one.querySelectorAll('rect')[5].getBoundingClientRect().width"
    before = drawing.evaluate(area)
    answered = page.evaluate(
        """() => { const slider = document.querySelector('.st-key-budget [role=slider]');
        const facts = () => document.querySelector('.st-key-anatomy').innerText, before = facts();
        slider.value = 40; slider.dispatchEvent(new Event('input', {bubbles: true}));
        return facts() !== before; }"""
    )
    assert answered, "the drawing answers in the browser, before any server is asked"
    slider.dispatch_event("change")
    settled(page)
    assert drawing.evaluate(area) < before / 1.5
    star = page.locator(f"{STAGE} .traceoptimal path.point")
    expect(star).to_be_visible()
    width = drawing.get_by_role("combobox").nth(1)
    chosen = int(width.input_value())
    width.select_option(str(chosen + 160))
    settled(page)
    expect(drawing.get_by_role("combobox").nth(1)).to_have_value(str(chosen + 160))
    assert not RunStore().list()


def test_the_stage_needs_a_quarter_of_plotly_and_goes_on_with_it(visit: Visit) -> None:
    page = visit("/")
    plays(page)
    (fetched,) = page.evaluate(
        "name => performance.getEntriesByType('resource').filter(one => one.name.endsWith(name))"
        ".map(one => [one.transferSize, one.decodedBodySize])",
        NAME,
    )
    assert fetched[0] < 500_000 < fetched[1], "compressed on its way"
    page.wait_for_function("window.drawnOnce", timeout=60_000)  # the whole has come, for other charts
    page.get_by_role("slider", name="Generation").fill("5")  # which ends the playing
    shown = int(page.locator(STAGE).get_attribute("data-generation") or "")
    page.get_by_role("button", name="One generation back").click()
    expect(page.locator(STAGE)).to_have_attribute("data-generation", str(shown - 1))
    expect(page.locator(f"{STAGE} .tracepopulation path.point").first).to_be_visible()


@pytest.mark.timeout(300)
def test_a_search_plays_in_a_place_that_never_moves_and_waits_for_no_training(
    visit: Visit, tiny_teacher: object
) -> None:
    store = RunStore()
    training = launch(store, "distill", {"teacher": str(tiny_teacher), "architecture": "1000,16,1,1,32", "epochs": 500})
    page = visit("/search")
    page.get_by_role("button", name="Start the search").click()
    page.wait_for_url("**run=*", timeout=60_000)
    plays(page)
    page.evaluate(SEEN)
    page.wait_for_function("new Set(window.sampled.map(one => one[0])).size >= 25", timeout=90_000)
    sampled = page.evaluate("window.sampled")
    assert training.status().state in (State.QUEUED, State.RUNNING)
    assert len({place for _, place, _ in sampled}) == 1
    assert len({json.dumps(marks) for _, _, marks in sampled}) > 12
    expect(page.locator(f"{STAGE} .stage-said")).to_contain_text("Generation")

    page.keyboard.press("Space")
    expect(page.locator(f"{STAGE} .stage-play")).to_have_text("▶")  # a busy browser takes a moment to pause
    at = int(page.locator(STAGE).get_attribute("data-generation") or -1)
    page.keyboard.press("ArrowLeft")
    expect(page.locator(STAGE)).to_have_attribute("data-generation", str(at - 1))
    expect(page).to_have_url(re.compile(f"at={at - 1}"))
    opaque = "marks => marks.map(one => getComputedStyle(one).opacity).filter(one => one !== '1')"
    assert page.locator(f"{STAGE} .tracepopulation path.point").evaluate_all(opaque) == [], "where a mark has faded"
    page.reload()
    expect(page.locator(STAGE)).to_have_attribute("data-generation", str(at - 1), timeout=60_000)


@pytest.mark.timeout(300)
def test_a_search_plays_from_its_beginning_when_plotly_comes_after_its_generations(visit: Visit) -> None:
    page = visit("/search")
    held: list[Route] = []
    page.context.route(f"**/{NAME}", lambda route: held.append(route))
    page.goto(page.url)
    page.get_by_role("button", name="Start the search").click()
    page.wait_for_url("**run=*", timeout=60_000)
    run, begun = RunStore().list()[0], time.monotonic()
    while run.status().live and time.monotonic() < begun + 60:
        time.sleep(0.2)
    settled(page)
    assert run.status().state is State.FINISHED and held
    budget = page.get_by_role("spinbutton", name="Exact budget")
    budget.fill("2")  # the same generations once more
    budget.press("Enter")
    expect(page.get_by_text("This population belongs to the search at 3 MB")).to_be_visible()
    settled(page)
    for route in held:
        route.continue_()
    plays(page)
    page.wait_for_function("+document.querySelector('.st-key-stage').dataset.generation > 3", timeout=60_000)


TWICE = """async ([js, html, data]) => {
    const gate = Promise.withResolvers();
    window.Plotly = {
        react: async (plot, data, layout) => {
            await gate.promise;
            Object.assign(plot, {data, layout, on: () => {}});
        },
        update: () => {},
    };
    const {default: mount} = await import(URL.createObjectURL(new Blob([js], {type: 'text/javascript'})));
    const built = () => {
        const parent = document.createElement('div');
        parent.innerHTML = html;
        document.body.replaceChildren(parent);
        return [parent, mount({data: [data], parentElement: parent, setStateValue: () => {}})];
    };
    const [first, leave] = built();
    await new Promise(done => setTimeout(done, 100));  // now it waits for Plotly
    leave();
    const [second] = built();
    gate.resolve();
    await new Promise(done => setTimeout(done, 300));
    return [first, second].map(each => each.querySelector('.stage-play').ariaLabel);
}"""
"""Builds the stage anew before the first one has been drawn; what the buttons of both say then."""


@pytest.fixture
def alone(browser: Browser) -> Iterator[Callable[[str, list[bool]], Any]]:
    """Evaluate a script on a bare page with the stage's code, its HTML and its data, with or without a pick."""
    settings = SearchSettings(budget_mb=3.0, generations=10, population=10, space=SearchSpace.classroom())
    info, front = search_info(collected(search(settings))[0], settings), known_front("classroom", Task.VULNERABILITY)
    more = {
        **{"run": "one", "budget": 3.0, "asked": 3.0, "at": None, "live": False, "plays": True, "large": False},
        **{"look": "tall", "idle": "", "words": "", "program": "none"},
    }
    web = Path(explorer.__file__).parent / "web"
    js, html = ((web / f"stage.{kind}").read_text("utf-8") for kind in ("js", "html"))
    page = browser.new_page()
    page.set_content("<title>Stage</title>")

    def evaluate(script: str, picks: list[bool]) -> Any:
        data = [stage(info, front, budget_mb=3.0, picked=front[0] if pick else None) | more for pick in picks]
        return page.evaluate(script, [js, html, *data])

    yield evaluate
    page.close()


def test_a_stage_that_is_built_anew_before_it_was_drawn_plays_all_the_same(
    alone: Callable[[str, list[bool]], Any],
) -> None:
    """Streamlit builds the page of a search anew when it begins and when it ends."""
    assert alone(TWICE, [False]) == ["Play", "Pause"]


NEWS = """async ([js, html, ...news]) => {
    const wrong = [];
    window.Plotly = {
        react: (plot, data, layout) => {  // as in Plotly, the data are there at once, and the drawing comes later
            Object.assign(plot, {data, layout, on: () => {}});
            return new Promise(done => setTimeout(done, 60));
        },
        update: (plot, changes, layout, traces) => {
            for (const at of traces) if (!plot.data[at]?.meta) wrong.push(`no trace that moves at ${at}`);
        },
    };
    const heard = event => wrong.push(`${event.reason ?? event.message}`);
    for (const kind of ['error', 'unhandledrejection']) window.addEventListener(kind, heard);
    const {default: mount} = await import(URL.createObjectURL(new Blob([js], {type: 'text/javascript'})));
    const parent = document.createElement('div');
    parent.className = 'st-key-stage';
    parent.innerHTML = html;
    document.body.replaceChildren(parent);
    for (const data of news) {
        mount({data: [data], parentElement: parent, setStateValue: () => {}});
        await new Promise(done => setTimeout(done, 20));
    }
    const begun = +parent.dataset.generation || 0;
    await new Promise(done => setTimeout(done, 3000));
    return [wrong, +parent.dataset.generation > begun];
}"""
"""Gives the stage news while it draws those before; what went wrong, and whether it plays."""


@pytest.mark.parametrize("picks", [[False, True], [True, False], [False, True, False, True] * 10])
def test_news_that_come_while_a_stage_draws_change_its_traces_and_it_plays_on(
    alone: Callable[[str, list[bool]], Any], picks: list[bool]
) -> None:
    """A pick is a trace more, so that others have another place."""
    assert alone(NEWS, picks) == [[], True]


WHERE = """() => {
    const found = window.where = [];
    setInterval(() => {
        const stage = document.querySelector('.st-key-stage');
        found.push([stage?.dataset.generation ?? null, stage ? Math.round(stage.getBoundingClientRect().y) : null]);
    }, 50);
}"""
"""Samples the place of whatever stage is on the page."""


@pytest.fixture
def nothing_labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of the test's own, in which the classroom's code is, but no answer of the teacher from a test before."""
    known = Path(os.environ["COMPRESSOR_CACHE"])
    (tmp_path / "cache").mkdir()
    for name in ("draws", "hosts"):
        (known / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "cache" / name).symlink_to(known / name)
    monkeypatch.setenv("COMPRESSOR_CACHE", str(tmp_path / "cache"))


@pytest.mark.timeout(300)
def test_compress_plays_its_search_where_the_stage_has_been(nothing_labelled: None, visit: Visit) -> None:
    page = visit("/")
    plays(page)
    page.wait_for_function("window.drawnOnce", timeout=60_000)
    before = page.locator(STAGE).bounding_box()
    assert before is not None
    page.evaluate(WHERE)
    page.get_by_role("button", name="Compress").click()
    page.wait_for_url("**story=*", timeout=60_000)
    places = page.evaluate("window.where.splice(0)")
    page.wait_for_function("new Set(window.where.map(one => one[0])).size >= 20", timeout=90_000)
    places += page.evaluate("window.where")
    assert {place for _, place in places} == {round(before["y"])}
    expect(page.get_by_text(re.compile(r"\d s of training"))).to_be_visible(timeout=60_000)
    # Before the first step, the student is drawn and the work at hand named, and no curve without a point.
    expect(page.get_by_text(re.compile(r"The teacher labels [\d,]+ of [\d,]+ functions"))).to_be_visible(
        timeout=150_000
    )
    expect(page.locator(ANATOMY)).to_be_visible()
    page.get_by_role("button", name="Cancel the story").click()


@pytest.mark.parametrize(("choice", "words"), [("Paper: all", "space=paper"), ("Clone detection", "task=clone")])
def test_the_address_keeps_space_and_task(visit: Visit, choice: str, words: str) -> None:
    page = visit("/")
    page.get_by_text(choice).click()
    expect(page).to_have_url(re.compile(words))
    again = visit("/" + page.url.split("/")[-1])
    expect(again.get_by_role("radio", name=choice)).to_be_checked()


def test_the_star_is_the_optimum_of_the_search_by_its_own_rule(visit: Visit) -> None:
    paper = {"budget_mb": 3.0, "constraint": "paper", "population": 10, "generations": 5}
    run = launch(RunStore(), "search", paper)
    while run.status().live:
        time.sleep(0.1)
    info = search_info(run.records()[0], run.settings)
    assert info.optimum is not None
    page = visit(f"/search?run={run.id}&at=5")
    plays(page)
    star = "document.querySelector('.stage-plot').data.find(one => one.uid === 'optimal').customdata"
    page.wait_for_function(f"{star}[0] === '{info.optimum.short_form}'")
    budget = page.get_by_role("spinbutton", name="Exact budget")
    budget.fill("2")
    budget.press("Enter")
    page.wait_for_function(f"{star}[0] === null", timeout=30_000)  # which the penalty at 2 MB would have to tell


SIZES = """() => [...document.querySelectorAll('[data-testid=stMain] *')]
    .filter(one => [...one.childNodes].some(each => each.nodeType === 3 && each.textContent.trim()))
    .filter(one => one.checkVisibility() && !one.closest('style, script, option'))
    .map(one => [parseFloat(getComputedStyle(one).fontSize), one.textContent.slice(0, 40)])
    .filter(([size, text]) => size < 20)"""
"""What is written in less than 20 pixels."""


def test_present_mode_is_for_the_last_row_and_the_key_f_begins_and_ends_it(visit: Visit) -> None:
    page = visit("/?present=1", width=1920)
    plays(page)
    assert page.evaluate(SIZES) == []
    mark = page.locator(f"{STAGE} .tracepopulation path.point").first
    assert mark.evaluate("one => one.getBBox().width") >= 16
    box = page.locator("[data-testid=stMainBlockContainer]").bounding_box()
    assert box is not None and box["width"] > 1850
    navigation = page.locator(".st-key-navigation")
    expect(navigation).to_have_css("clip-path", "inset(50%)")
    page.keyboard.press("f")
    expect(navigation).to_have_css("clip-path", "none")
    assert "present" not in page.url
    page.keyboard.press("f")
    expect(navigation).to_have_css("clip-path", "inset(50%)")
    expect(page).to_have_url(re.compile("present=1"))


def test_nothing_is_small_in_present_mode_on_any_tab(visit: Visit, server: str) -> None:
    page, small = visit("/?present=1", width=1920), {}
    for tab in TABS:
        page.goto(f"{server}/{tab.url or ''}?present=1")
        page.wait_for_selector("h1")
        settled(page)
        expect(page.locator("[data-testid=stSpinner], [data-testid=stSkeleton]")).to_have_count(0, timeout=90_000)
        if found := page.evaluate(SIZES):
            small[tab.name] = found
    assert small == {}


def test_the_address_keeps_budget_and_edited_genes(visit: Visit) -> None:
    page = visit("/?budget=1&genes=3000,64,2,8,96")
    plays(page)
    drawing = page.locator(ANATOMY)
    expect(drawing.get_by_role("combobox").first).to_have_value("3000")
    expect(page.locator(f"{BUDGET} output")).to_have_text("1 MB")
    drawing.get_by_role("combobox").nth(2).select_option("3")
    expect(page).to_have_url(re.compile("genes=3000(,|%2C)64(,|%2C)3"))
