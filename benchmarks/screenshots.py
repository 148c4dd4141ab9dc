"""One screenshot of each page, taken from the running app: `python -m benchmarks.screenshots`.

The pages show the newest finished run of each kind in COMPRESSOR_RUNS (./runs), so run the story of the Home page
first. Needs Debian's chromium. Writes assets/screenshots/NAME.png.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from benchmarks.serving import PROJECT, Server
from compressor_core.runs import RunStore, State

FOLDER = PROJECT / "assets" / "screenshots"
LONGEST = 3200
"""Pixels of a page that are shown at most."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--dark", action="store_true")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        print("error: chromium is not installed: apt-get install chromium", file=sys.stderr)
        return 2
    arguments.out.mkdir(parents=True, exist_ok=True)
    with Server() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, path in addresses().items():
            target = arguments.out / f"{name}.png"
            shoot(browser, server.address + path, target, width=arguments.width, dark=arguments.dark)
            print(target)
        browser.close()
    return 0


def addresses() -> dict[str, str]:
    """Where each page shows something: the newest finished run of its kind."""
    newest: dict[str, str] = {}
    for run in RunStore().list():
        if run.status().state is State.FINISHED:
            newest.setdefault(run.kind, run.id)
    pages = {
        "search": "search",
        "tradeoffs": "tradeoff",
        "sweeps": "sweep",
        "latency": "calibrate",
        "distill": "distill",
        "study": "study",
        "compare": "compare",
        "export": "export",
        "teacher": "train-teacher",
    }
    links = {name: f"/{name}" + (f"?run={newest[kind]}" if kind in newest else "") for name, kind in pages.items()}
    views = {f"search-{view.lower()}": f"{links['search']}&view={view}" for view in ("Lineage", "Genes", "Landscape")}
    compared = {
        f"compare-{view.lower()}": f"{links['compare']}&view={view}" for view in ("Statistics", "Disagreements")
    }
    return {
        "home": f"/?story={newest['compare']}" if "compare" in newest else "/",
        **links,
        **(views if "search" in newest else {}),
        **(compared if "compare" in newest else {}),
        "playground": f"/playground?run={newest['distill']}&example=7" if "distill" in newest else "/playground",
        "runs": "/runs",
        "paper": "/paper",
    }


def shoot(browser: Browser, address: str, target: Path, *, width: int, dark: bool) -> None:
    context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme="dark" if dark else "light")
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(address)
    page.wait_for_selector("h1")
    busy = ", ".join(f"[data-testid={name}]" for name in ("stStatusWidget", "stSkeleton", "stSpinner"))
    for _ in range(2):
        page.wait_for_function(f"!document.querySelector('{busy}')")
        time.sleep(3)  # charts and fonts settle; what was below the window is drawn only now
        # The page scrolls inside the window: the window is made as tall as what is in it.
        bottom = page.evaluate(
            "Math.max(...[...document.querySelectorAll('[data-testid=stElementContainer], [data-testid=stHtml]')]"
            ".map(element => element.getBoundingClientRect().bottom))"
        )
        page.set_viewport_size({"width": width, "height": min(int(bottom) + 80, LONGEST)})
    time.sleep(3)
    page.screenshot(path=target)
    context.close()


if __name__ == "__main__":
    sys.exit(main())
