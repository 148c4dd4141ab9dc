"""Clicks on every page and their response times, measured inside the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from playwright.sync_api import Locator, Page

from benchmarks.app_store import Made
from pages.parts.frame import TABS

PROBE = """
window.probe = {start: 0, ran: false};
for (const kind of ['pointerdown', 'keydown'])
    addEventListener(kind, () => { probe.start = performance.now(); probe.ran = false; }, true);
const idle = () => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning';
new MutationObserver(() => { if (!idle()) probe.ran = true; })
    .observe(document, {subtree: true, attributes: true, attributeFilter: ['data-test-script-state']});
// An answer that is there within one frame is never seen running: it counts half a second late, and not as none.
window.WebSocket = class extends WebSocket {
    constructor(...given) {
        super(...given);
        this.addEventListener('message', () => setTimeout(() => { probe.ran = true; }, 500));
    }
};
probe.settled = () => idle()
    && !document.querySelector('[data-stale=true], [data-testid=stSkeleton], [data-testid=stSpinner]')
    && [...document.querySelectorAll('[data-testid=stPlotlyChart]')].every(each => each.querySelector('.main-svg'));
const first = {read: 'h1, [data-testid=stCaptionContainer] p', drawn: '.stage[data-ready]'};
const shows = {read: found => found.length > 1, drawn: found => found.length};
const look = new MutationObserver(() => {
    for (const [what, selector] of Object.entries(first)) {
        if (what in probe || !shows[what](document.querySelectorAll(selector))) continue;
        probe[what] = NaN;
        // In the second frame from now the first has been painted.
        requestAnimationFrame(() => requestAnimationFrame(() => { probe[what] = performance.now(); }));
    }
    if (probe.drawn) look.disconnect();
});
look.observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ['data-ready']});
probe.text = words => document.querySelector('[data-testid=stMain]').innerText.includes(words);
"""
"""Script that runs before a page's own. A page is settled when nothing runs, nothing is stale and all charts are drawn.
`read` and `drawn`: milliseconds from the navigation to the frame that shows the first text, and Start's chart.
"""
PAUSE = 500.0
"""Milliseconds before each click."""
CHARTS = "document.querySelectorAll('.js-plotly-plot').length"
SIDE = "document.querySelector('.js-plotly-plot')"


@dataclass(frozen=True)
class Click:
    """One click: its page, its target, and words or JavaScript that hold only for the answer."""

    page: str
    label: str
    target: Callable[[Page], Locator]
    words: str = ""
    check: str = "true"
    reruns: bool = True
    """Whether the server has to answer; a replay runs in the browser."""
    before: Callable[[Page], None] | None = None
    """Untimed preparation, such as opening a list."""
    types: str | None = None
    """Text typed into a field and sent with Enter; if None, the target is clicked."""


SLIDER = ".st-key-budget [role=slider]"
SLID = """
const drawn = selector => parseFloat(document.querySelector(selector)?.textContent);
addEventListener('input', event => {
    if (!event.target.matches('.st-key-budget [role=slider]')) return;
    const start = performance.now();
    const look = () => {
        const asked = drawn('.budget output'), shown = drawn('.anatomy-facts b');
        if (shown <= asked && shown > 0.7 * asked) probe.slid = performance.now() - start;
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(() => requestAnimationFrame(look));
}, true);
"""
"""Measures the time from a move of the budget slider to the frame in which the drawing shows a student of that budget.
"""


def slid(page: Page) -> float:
    """Milliseconds from the end of a drag of the budget slider to the drawn answer."""
    _pause(page)
    page.evaluate(SLID)
    box = page.locator(SLIDER).bounding_box()
    assert box is not None
    left, width, middle = box["x"], box["width"], box["y"] + box["height"] / 2
    page.mouse.move(left + 0.47 * width, middle)
    page.mouse.down()
    for step in range(10):
        page.mouse.move(left + (0.47 + 0.02 * step) * width, middle)
    page.mouse.up()
    _pause(page)
    return float(page.evaluate("probe.slid"))


PLAYED = """
addEventListener('pointerdown', () => {
    const start = performance.now();
    const look = () => {
        const shown = +document.querySelector('.st-key-stage')?.dataset.generation;
        if (location.search.includes('run=') && shown >= 1) probe.played = performance.now() - start;
        else requestAnimationFrame(look);
    };
    look();
}, {capture: true, once: true});
"""


def played(page: Page) -> float:
    """Milliseconds from a click on *Start the search* until its first generation of offspring is on the stage."""
    _pause(page)
    page.evaluate(PLAYED)
    page.get_by_role("button", name="Start the search").click()
    page.wait_for_function("probe.played")
    return float(page.evaluate("probe.played"))


def milliseconds(page: Page, click: Click, work: Callable[[], float]) -> tuple[float, float]:
    """Milliseconds from the click until the page has answered, and the increase of `work` in that time."""
    _pause(page)
    if click.before:
        click.before(page)
        _pause(page)
    target, before = click.target(page), work()
    if click.types is None:
        target.click()
    else:
        target.fill(click.types)
        target.press("Enter")
    ran = "probe.ran &&" if click.reruns else ""
    answered = page.wait_for_function(
        f"words => {ran} probe.settled() && probe.text(words) && ({click.check}) && performance.now() - probe.start",
        arg=click.words,
        polling="raf",
    )
    return float(answered.json_value()), work() - before


def _pause(page: Page) -> None:
    """Pause like a visitor, since newly drawn elements take a moment until they can be clicked."""
    page.wait_for_function("probe.settled()")
    page.wait_for_timeout(PAUSE)


def clicks(made: Made) -> Iterator[Click]:
    """All clicks in turn; each page is first opened from the navigation, and no click runs a model."""
    models = "the bundled student"
    assert models in str(made.newest["compare"].name)
    yield _page("Runs", "Choose a row")
    yield Click("Runs", "one kind only", lambda at: at.get_by_role("button", name="Trade-off"), "Choose a row")
    yield Click("Runs", "all kinds again", lambda at: at.get_by_role("button", name="Trade-off"), "Choose a row")
    yield _page("Single search", "Start the search")
    yield _earlier("Single search", "search", "Downloads", f"{CHARTS} === 2")
    for view, words in (
        ("Lineage", "in the first generation"),
        ("Genes", "A row appears"),
        ("Parallel coordinates", "Drag along an axis"),
        ("Landscape", "The colour of a cell"),
        ("Other axes", "The population of one generation"),
    ):
        yield _radio("Single search", f"view {view}", view, words)
    yield Click(
        "Single search",
        "also those that perished",
        lambda at: at.get_by_test_id("stCheckbox").get_by_text("Show discarded"),
        check="[...document.querySelectorAll('[data-testid=stCheckbox]')]"
        ".some(one => one.innerText.includes('Show discarded') && one.querySelector('input').checked)",
    )
    yield _option("Single search", "another axis", "Across", "Parameters (million)", check=_axis("x", "Parameters"))
    yield Click(
        "Single search",
        "one generation back, in another view",
        lambda at: at.get_by_role("button", name="One generation back"),
    )
    yield _radio("Single search", "pictures as SVG", "SVG", "Downloads")
    yield _page("Trade-offs", "Find the front")
    yield _earlier("Trade-offs", "tradeoff", "Hypervolume", f"{CHARTS} === 2")
    yield _radio("Trade-offs", "walk along the true front", "The true front", "Hypervolume")
    yield _page("Sweeps", "Final populations")
    yield _option("Sweeps", "another axis", "Vertical axis", "Fitness", check=_axis("y", "Best fitness"))
    yield _radio("Sweeps", "seed sweep", "Seed sweep", "Sweep over seeds")
    yield _earlier("Sweeps", "sweep", "The searches", f"{CHARTS} === 1", "seeds")
    yield _page("Latency", "Measure this machine")
    yield _earlier("Latency", "calibrate", "How it was measured", f"{CHARTS} === 4")
    yield _radio("Latency", "the other runtime", "PyTorch", "How it was measured")
    yield _page("Distill", "Start distilling")
    yield _earlier("Distill", "distill", "The student keeps", f"{CHARTS} === 2")
    yield _page("What a megabyte buys", "Start the study")
    yield _earlier("What a megabyte buys", "study", "", f"{CHARTS} === 2")
    yield _page("Side by side", "Students")
    yield _earlier("Side by side", "compare", "Scores", f"{CHARTS} === 2", models)
    for view, words in (
        ("Statistics", "Fidelity to the teacher"),
        ("Breakdown", "Accuracy by length"),
        ("Disagreements", "choose a row to see its code"),
        ("Latency and cost", "Energy of 1,000"),
        ("Overview", "Cost of the student"),
    ):
        yield _radio("Side by side", f"view {view}", view, words)
    yield _page("Exam", "Start the exam")
    yield _page("Lab", "Probe")
    yield _earlier("Lab", "probe", "In brackets", f"{CHARTS} === 1")
    yield _page("Board", "Open the class")
    yield _page("Playground", "Draw an example")
    yield _page("Export", "Student")
    yield _earlier("Export", "export", "The bundle", "true")
    yield _page("Paper", "Latency of one query")
    yield _option("Paper", "another model", "Model", "student, 25 MB", "60.80")
    yield _page("Teacher & data", "Available teachers")
    yield _tab("Teacher & data", "Figures", "Length of the functions")
    yield _tab("Teacher & data", "Data flow", "Where the value of each variable")
    yield _earlier("Teacher & data", "train-teacher", "Accuracy on the validation split", f"{CHARTS} >= 2")
    yield _page("Start", "Compress")
    yield Click("Start", "the other task", lambda at: at.get_by_test_id("stRadio").get_by_text("Clone detection"))


def live_clicks() -> Iterator[Click]:
    """Clicks on a running search, whose page is redrawn every second."""
    for view, words in (("Lineage", "the first generation"), ("Genes", "A row appears"), ("Population", "Cancel")):
        yield replace(_radio("Single search", f"live: view {view}", view, words), check="probe.text('running')")


def _page(title: str, words: str) -> Click:
    """Click on a page, from its navigation entry if that has several tabs."""
    tabs = [tab for tab in TABS if tab.section == next(tab.section for tab in TABS if tab.label == title)]

    def link(row: str, label: str) -> Callable[[Page], Locator]:
        return lambda at: at.locator(f".st-key-{row}").get_by_role("link", name=label, exact=True)

    entry = link("navigation", tabs[0].section)
    if title == tabs[0].label:
        return Click(title, "open the page", entry, words)
    return Click(title, "open the page", link("tabs", title), words, before=lambda at: entry(at).click())


def _radio(page: str, label: str, name: str, words: str = "") -> Click:
    """Click on a radio option."""
    return Click(page, label, lambda at: at.get_by_role("radio", name=name, exact=True).first, words)


def _tab(page: str, name: str, words: str) -> Click:
    return Click(page, f"tab {name}", lambda at: at.get_by_role("tab", name=name), words)


def _option(page: str, label: str, box: str, option: str, words: str = "", check: str = "true") -> Click:
    """Click on an option of a list, which is opened first."""
    return Click(
        page,
        label,
        lambda at: at.get_by_role("option", name=option).first,
        words,
        check,
        before=lambda at: _open(at.get_by_role("combobox", name=box).first),
    )


def _open(box: Locator) -> None:
    """Open a list, in the middle of the window: it closes when the page scrolls."""
    box.evaluate("box => box.scrollIntoView({block: 'center'})")
    box.page.wait_for_timeout(PAUSE)
    box.click()


def _earlier(page: str, kind: str, words: str, check: str, name: str = "") -> Click:
    return replace(_option(page, "open a run", "Open an earlier run", name, words, check))


def _axis(axis: str, title: str) -> str:
    return f"{SIDE}.layout.{axis}axis.title.text.startsWith('{title}')"
