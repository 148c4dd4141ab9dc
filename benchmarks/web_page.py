"""Size and speed of the page of an exported model: `python -m benchmarks.web_page [MODEL_FOLDER …]`.

For each model (default: the bundled teacher of the classroom vulnerabilities), measures the sizes, the seconds from
opening the page's file in a fresh Chromium until it is ready, and the milliseconds of one prediction, including the
tokenizer, in the page and with ONNX Runtime in Python. Both use one thread, run each function once untimed and then
five times, of which the median counts, and take turns function by function. Needs Debian's chromium.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from compressor_core.bundled import bundled_teacher
from compressor_core.data.classroom_vulnerability import ClassroomVulnerability
from compressor_core.data.clones import ClassroomClone
from compressor_core.data.dataset import Split
from compressor_core.errors import CompressorError
from compressor_core.export.onnx import export_onnx, open_onnx, run_onnx
from compressor_core.export.web import web_page
from compressor_core.export.web_runtime import web_runtime
from compressor_core.models.classifier import Classifier, load
from compressor_core.task import Task

FUNCTIONS, OPENINGS, RUNS = 30, 3, 5


def main() -> int:
    chromium = shutil.which("chromium")
    if chromium is None:
        print("error: chromium is not installed: apt-get install chromium", file=sys.stderr)
        return 2
    try:
        models = [load(folder) for folder in sys.argv[1:] or [str(bundled_teacher("classroom-vulnerability"))]]
        wasm = len(web_runtime().wasm)
        with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
            for number, model in enumerate(models):
                onnx, page = Path(folder, f"{number}.onnx"), Path(folder, f"{number}.html")
                export_onnx(model.model, onnx)
                web_page(model, onnx, page)
                print(
                    f"{model.card.task}, {model.parameters:,} parameters: page {page.stat().st_size / 1e6:.2f} MB, "
                    f"ONNX {onnx.stat().st_size / 1e6:.2f} MB, WebAssembly {wasm / 1e6:.2f} MB before gzip"
                )
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
                seconds = sorted(opening(browser, page)[1] for _ in range(OPENINGS))
                print(f"  ready after {statistics.median(seconds):.2f} s ({seconds[0]:.2f} to {seconds[-1]:.2f})")
                here, there = zip(*predictions(opening(browser, page)[0], model, onnx), strict=True)
                ratios = [mine / its for mine, its in zip(here, there, strict=True)]
                print(
                    f"  one prediction, median of {len(here)} inputs: page {statistics.median(here):.1f} ms, Python "
                    f"{statistics.median(there):.1f} ms, ratio {statistics.median(ratios):.2f}"
                )
                browser.close()
    except CompressorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def opening(browser: Browser, file: Path) -> tuple[Page, float]:
    """Open the page in a new profile; returns the ready page and the seconds that it took."""
    page = browser.new_context(offline=True).new_page()
    start = time.perf_counter()
    page.goto(file.as_uri())
    page.wait_for_selector("#predict:not([disabled])", timeout=120_000)
    return page, time.perf_counter() - start


def predictions(page: Page, model: Classifier, onnx: Path) -> list[tuple[float, float]]:
    """Milliseconds of each input in the page and in Python."""
    dataset = ClassroomClone() if model.card.task is Task.CLONE else ClassroomVulnerability()
    session = open_onnx(onnx)
    found = []
    for example in dataset.examples(Split.TEST)[:FUNCTIONS]:
        for number, code in enumerate(example.codes, start=1):
            page.locator(f"#code-{number}").fill(code)
        page.click("#predict")
        page.wait_for_selector("#result:not([hidden])")
        shown = float(page.locator("#milliseconds").inner_text().removesuffix(" ms"))
        times = []
        for _ in range(1 + RUNS):
            start = time.perf_counter()
            run_onnx(session, model.encode([example.codes])[0])
            times.append((time.perf_counter() - start) * 1e3)
        found.append((shown, statistics.median(times[1:])))
    return found


if __name__ == "__main__":
    sys.exit(main())
