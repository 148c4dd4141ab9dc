"""What is judged on every page: axe-core's rules, charts that say what they show, and nothing wider than the window."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

PLOT: Final = ".js-plotly-plot"
SERIOUS: Final = ("serious", "critical")

_STILL: Final = (
    "() => [...document.querySelectorAll('style')].some(one => one.textContent.includes('--on-primary'))"
    " && !document.querySelector('[data-stale=true]')"
    " && !document.getAnimations().some(one => one instanceof CSSTransition && one.playState === 'running')"
)
"""The style sheet is there, which comes a moment after the page, and nothing is fading in or out."""


@dataclass
class Judged:
    """Counts over all visits."""

    visits: Counter[str] = field(default_factory=Counter)
    passed: set[str] = field(default_factory=set)
    violations: Counter[str] = field(default_factory=Counter)
    """By impact: elements that break a rule, on each page that they are on."""

    def __str__(self) -> str:
        visits = ", ".join(f"{count} {name}" for name, count in sorted(self.visits.items()))
        by_impact = ", ".join(f"{count} {impact}" for impact, count in sorted(self.violations.items())) or "none"
        return (
            f"{sum(self.visits.values())} visits ({visits}); {len(self.passed)} rules passed; violations: {by_impact}"
        )


def judge(page: Page, where: str, judged: Judged) -> list[str]:
    """Run axe-core, add to the counts, and tell the violations that matter."""
    page.wait_for_function(_STILL)
    answer = Axe().run(page).response
    judged.visits[where] += 1
    judged.passed |= {rule["id"] for rule in answer["passes"]}
    found = []
    for rule in answer["violations"]:
        for element in rule["nodes"]:
            judged.violations[rule["impact"]] += 1
            if rule["impact"] in SERIOUS:
                found.append(f"{page.url} ({where}): {rule['id']}: {element['html'][:300]}: {_why(element)}")
    return found


def _why(element: dict[str, Any]) -> str:
    return str(next((one["message"] for one in [*element["any"], *element["all"], *element["none"]]), ""))


def described(page: Page) -> None:
    """Every chart has the role of a figure, and a name in words that tells what it shows."""
    for one in page.get_by_test_id("stPlotlyChart").all():
        expect(one).to_have_role("figure")
        name = one.get_attribute("aria-label") or ""
        assert len(name) > 40 and name.endswith((".", "?", "!")), f"{page.url}: {name!r}"


def fits(page: Page, width: int) -> None:
    """Nothing is wider than the window: the page does not scroll sideways, and no chart is cut."""
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width, page.url
    for plot in page.locator(PLOT).all():
        box = plot.bounding_box()
        assert box is None or (box["x"] >= 0 and box["x"] + box["width"] <= width + 1), page.url


def told(page: Page) -> None:
    """What is disabled can still be read, which axe does not look at: no button says its words in the page's colour."""
    assert not page.evaluate(
        "(() => { const paper = getComputedStyle(document.querySelector('.stApp')).backgroundColor;"
        "return [...document.querySelectorAll('button:disabled p')]"
        ".filter(one => getComputedStyle(one).color === paper).map(one => one.innerText); })()"
    ), page.url
