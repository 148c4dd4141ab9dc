"""Screenshots of all pages of the running app: `python -m benchmarks.screenshots`.

The pages show the newest finished run of each kind in COMPRESSOR_RUNS (./runs), so run the story of the Start page
first. With `--moving`, only the newest search, as an animation. Needs Debian's chromium. Writes NAME.png, or
search.gif, to assets/screenshots.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.serving import PROJECT, Server
from compressor_core.runs import RunStore, State

FOLDER = PROJECT / "assets" / "screenshots"
LONGEST = 3200
"""Maximum height of a page in pixels."""
GENERATIONS = 36
"""Generations in the animation; later ones change little."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--moving", action="store_true")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        print("error: chromium is not installed: apt-get install chromium", file=sys.stderr)
        return 2
    arguments.out.mkdir(parents=True, exist_ok=True)
    with Server() as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        if arguments.moving:
            move(browser, server.address + addresses()["search"], arguments.out / "search.gif")
            return 0
        for name, path in addresses().items():
            target = arguments.out / f"{name}.png"
            shoot(browser, server.address + path, target, width=arguments.width, dark=arguments.dark)
            print(target)
        browser.close()
    return 0


def addresses() -> dict[str, str]:
    """Address of each page with the newest finished run of its kind."""
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
        "exam": "exam",
        "lab": "probe",
        "export": "export",
        "teacher": "train-teacher",
    }
    links = {name: f"/{name}" + (f"?run={newest[kind]}" if kind in newest else "") for name, kind in pages.items()}
    views = {f"search-{view.lower()}": f"{links['search']}&view={view}" for view in ("Lineage", "Genes", "Landscape")}
    compared = {
        f"compare-{view.lower()}": f"{links['compare']}&view={view}" for view in ("Statistics", "Disagreements")
    }
    return {
        "start": f"/?story={newest['compare']}" if "compare" in newest else "/",
        **links,
        **(views if "search" in newest else {}),
        **(compared if "compare" in newest else {}),
        "playground": f"/playground?run={newest['distill']}&example=7" if "distill" in newest else "/playground",
        "board": "/board",
        "runs": "/runs",
        "paper": "/paper",
    }


def visit(browser: Browser, address: str, *, width: int, dark: bool = False) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 1000}, color_scheme="dark" if dark else "light")
    page.set_default_timeout(120_000)
    page.goto(address)
    page.wait_for_selector("h1")
    return page


def move(browser: Browser, address: str, target: Path) -> None:
    """Write the replay of a search as an animation, one frame per generation."""
    page = visit(browser, address, width=1000)
    stage = page.locator(".st-key-stage")
    slider = stage.get_by_role("slider", name="Generation")
    expect(slider).to_be_visible()
    slider.fill("0")  # which also stops the replay
    frames = []
    for _ in range(GENERATIONS):
        time.sleep(0.6)  # wait for the transition of the marks
        frames.append(Image.open(io.BytesIO(stage.screenshot())).convert("RGB"))
        stage.get_by_role("button", name="One generation on").click()
    frames = [frame.quantize(64) for frame in frames]
    frames[0].save(target, save_all=True, append_images=frames[1:], duration=[*[250] * (len(frames) - 1), 3000], loop=0)
    print(target)


def shoot(browser: Browser, address: str, target: Path, *, width: int, dark: bool) -> None:
    page = visit(browser, address, width=width, dark=dark)
    busy = ", ".join(f"[data-testid={name}]" for name in ("stStatusWidget", "stSkeleton", "stSpinner"))
    for _ in range(2):
        page.wait_for_function(f"!document.querySelector('{busy}')")
        time.sleep(3)  # wait for charts, fonts and parts that were below the window
        # The page scrolls inside the window, so the window is made as tall as its content.
        bottom = page.evaluate(
            "Math.max(...[...document.querySelectorAll('[data-testid=stElementContainer], [data-testid=stHtml]')]"
            ".map(element => element.getBoundingClientRect().bottom))"
        )
        page.set_viewport_size({"width": width, "height": min(int(bottom) + 80, LONGEST)})
    time.sleep(3)
    page.screenshot(path=target)
    page.close()


if __name__ == "__main__":
    sys.exit(main())
