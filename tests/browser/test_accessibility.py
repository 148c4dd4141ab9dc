"""The pages for everybody: by keyboard alone, to a screen reader, in both themes, on a screen and on a phone.

In full (every page with what it shows, in both themes, at both widths):
ACCESSIBILITY=full python -m pytest tests/browser/test_accessibility.py -s
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from compressor_core.runs import RunStore, launch
from tests.browser.access import PLOT, Judged, described, fits, judge, told
from tests.browser.conftest import Visit, settled
from tests.pages.studio import until_over

FULL = os.environ.get("ACCESSIBILITY") == "full"
PAGES = (
    *("", "teacher", "search", "tradeoffs", "sweeps", "latency", "distill", "study", "compare", "playground", "export"),
    *("runs", "paper", "exam", "lab", "board"),
)
OPENS_WITH = {
    **{"": 2, "search": 1, "tradeoffs": 2, "sweeps": 2},
    **{"study": 1, "compare": 2, "exam": 1, "lab": 1, "latency": 4},
}
"""Charts of a page opened without a run: of the explorer, of ready-made runs, of searches laid over each other."""
DARK = ("Genes", "Statistics", "example=7", "paper")
"""What the reduced form sees in the dark and narrow too, by how the address ends."""
CALIBRATION = {"architectures": 6, "held_out": 2, "rounds": 2, "functions": 2}


def shown(labelled_file: Path, tiny_teacher: Path) -> dict[str, int]:
    """Addresses that show a finished run of each kind, small and real, and how many charts there are."""
    store = RunStore()
    data = {"dataset": "file", "data": str(labelled_file), "teacher": str(tiny_teacher)}
    search = launch(store, "search", {"budget_mb": 3.0, "generations": 10, "population": 10})
    distill = launch(store, "distill", {**data, "architecture": "1000,16,1,1,32", "preset": "smoke", "threads": 1})
    launch(store, "compare", {**data, "student": str(distill.folder / "model"), "split": "test", "latency_examples": 5})
    budgets = launch(store, "study", {**data, "budgets": [0.19], "seeds": [0, 1], "preset": "smoke", "threads": 1})
    tradeoff = launch(store, "tradeoff", {"generations": 3, "population": 10})
    base = {"budget_mb": 3.0, "generations": 3, "population": 10}
    launch(store, "sweep", {"search": base, "over": "seed", "seeds": [0, 1]})
    charts = {}
    if FULL:
        last = launch(store, "calibrate", CALIBRATION)
        charts[f"latency?run={last.id}"] = 4
    for run in store.list():
        until_over(run, 500)
    sweep = next(run for run in store.list() if run.kind == "sweep")
    compare = next(run for run in store.list() if run.kind == "compare")
    assert {run.status().state for run in store.list()} == {"finished"}
    return {
        f"search?run={search.id}": 2,
        **{f"search?run={search.id}&view={view}": 3 for view in ("Lineage", "Parallel coordinates", "Landscape")},
        f"search?run={search.id}&view=Genes": 4,
        f"tradeoffs?run={tradeoff.id}": 2,
        f"sweeps?run={sweep.id}": 1,
        f"distill?run={distill.id}": 2,
        f"study?run={budgets.id}": 2,
        f"compare?run={compare.id}": 2,
        f"compare?run={compare.id}&view=Statistics": 4,
        f"compare?run={compare.id}&view=Breakdown": 4,
        f"compare?run={compare.id}&view=Disagreements": 0,
        f"playground?run={distill.id}&example=7": 1,
        f"runs?run={search.id}": 0,
        **charts,
    }


def ways(paths: Sequence[str], width: int, theme: str) -> list[str]:
    """What the reduced form sees at this width in this theme."""
    if (width, theme) == (1280, "light"):
        return list(paths)
    return [path for path in paths if path.endswith(DARK)] if (width, theme) == (390, "dark") else []


@pytest.mark.timeout(3600 if FULL else 900)
def test_every_page_is_for_everybody(visit: Visit, labelled_file: Path, tiny_teacher: Path) -> None:
    """Each page on a screen and, made narrow, on a phone; some in the dark. In full: each in all four ways."""
    charts = shown(labelled_file, tiny_teacher)
    judged, found = Judged(), []
    bare = {path.partition("?")[0] for path in charts}
    paths = (*(name for name in PAGES if FULL or name not in bare), *charts)
    for width, theme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
        page = None
        for path in paths if FULL else ways(paths, width, theme):
            page = visit(f"/{path}", width=width, theme=theme, tab=page)
            expect(page.locator(PLOT)).to_have_count(charts.get(path, OPENS_WITH.get(path, 0)), timeout=60_000)
            settled(page)
            described(page)
            told(page)
            found += judge(page, f"{theme} at {width} px", judged)
            fits(page, width)
            if width == 1280 and not FULL:
                page.set_viewport_size({"width": 390, "height": 1000})
                # Plotly draws anew a moment after its container has another width.
                page.wait_for_function(
                    "[...document.querySelectorAll('.js-plotly-plot')].every("
                    "each => each.getBoundingClientRect().right <= 391)"
                )
                fits(page, 390)
                page.set_viewport_size({"width": 1280, "height": 1000})
    print(f"\n{len(paths)} addresses of {len(PAGES)} pages: {judged}")
    assert not found, "\n".join(found)
    views_open_by_keyboard(visit, next(path for path in charts if path.startswith("compare")))


def views_open_by_keyboard(visit: Visit, comparison: str) -> None:
    page = visit(f"/{comparison}")
    expect(page.locator(PLOT)).to_have_count(2, timeout=30_000)
    settled(page)
    tab_to(page, "^Overview$")
    for view in ("Statistics", "Breakdown"):
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(page.locator(PLOT)).to_have_count(4, timeout=30_000)
        expect(page).to_have_url(re.compile(f"view={view}"))
        settled(page)


def tab_to(page: Page, name: str | re.Pattern[str], *, most: int = 150, back: bool = False) -> None:
    """Press Tab until what has this name has the focus, which must be seen at every step."""
    for _ in range(most):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        said = page.evaluate(
            "(() => { const one = document.activeElement, of = one.getAttribute('aria-labelledby');"
            "const title = of && document.getElementById(of);"
            "return one.getAttribute('aria-label') || (title && title.innerText)"
            " || (one.labels && one.labels.length && one.labels[0].innerText) || one.innerText || ''; })()"
        )
        if re.search(name, said):
            return
    raise AssertionError(f"the Tab key does not reach {name}")


def focus_is_seen(page: Page) -> bool:
    """Whether the focused element, or what is drawn around or beside it, has an outline or a shadow that shows it."""
    return bool(
        page.evaluate(
            "(() => { for (let one = document.activeElement, up = 0; one && up < 4; one = one.parentElement, up++) {"
            "for (const each of [one, one.nextElementSibling].filter(Boolean)) { const look = getComputedStyle(each);"
            "if ((look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 1) || look.boxShadow !== 'none')"
            " return true; } } return false; })()"
        )
    )


def test_the_main_story_needs_no_mouse(visit: Visit) -> None:
    """A search is started, its views are opened, a candidate is picked, and Distill is entered: by keys alone."""
    page = visit("/search")
    tab_to(page, "^Exact budget")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    settled(page)
    expect(page.get_by_role("spinbutton", name="Exact budget")).to_have_value("1.00")
    tab_to(page, "Start the search", back=True)
    assert focus_is_seen(page)
    page.keyboard.press("Enter")
    expect(page.locator("strong").filter(has_text="finished")).to_be_visible(timeout=60_000)
    settled(page)

    tab_to(page, "^Population$")
    assert focus_is_seen(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Ancestors of the best, numbered")).to_be_visible(timeout=30_000)
    settled(page)
    tab_to(page, "In words and numbers")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The ancestors of the best. The best")).to_be_visible(timeout=30_000)
    settled(page)

    before = page.get_by_text("Picked (the best found):")
    expect(before).to_be_visible()
    grid = page.get_by_test_id("stDataFrame").last.locator("canvas").first
    for _ in range(40):
        page.keyboard.press("Tab")
        if grid.evaluate("canvas => canvas === document.activeElement"):
            break
    settled(page)  # a table that is drawn anew forgets its row
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Shift+Space"):
        page.keyboard.press(key, delay=50)
    expect(before).to_have_count(0, timeout=30_000)
    picked = page.get_by_test_id("stMarkdown").filter(has_text="Picked:").locator("code").inner_text()
    tab_to(page, "Distill this one")
    assert focus_is_seen(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Distill")
    expect(page.get_by_role("textbox", name="Architecture of the student")).to_have_value(picked)
    assert [(run.kind, run.status().state) for run in RunStore().list()] == [("search", "finished")]
