"""How soon a visitor sees the first page: `python -m benchmarks.app [ROUNDS]`.

Each round starts a server anew and opens Home in a fresh Chromium profile; the time runs from the request to the
heading of the page. Needs Debian's chromium.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import time

from playwright.sync_api import sync_playwright

from benchmarks.screenshots import server


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    chromium = shutil.which("chromium")
    if chromium is None:
        print("error: chromium is not installed: apt-get install chromium", file=sys.stderr)
        return 2
    seconds = []
    with sync_playwright() as playwright:
        for _ in range(rounds):
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            with server() as address:
                page = browser.new_page()
                start = time.perf_counter()
                page.goto(address)
                page.wait_for_selector("h1")
                seconds.append(time.perf_counter() - start)
            browser.close()
    print(
        f"First content of Home on a fresh server, {rounds} rounds: "
        f"median {statistics.median(seconds):.2f} s, {min(seconds):.2f} to {max(seconds):.2f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
