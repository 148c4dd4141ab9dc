"""Two hundred runs in the list: each page answers, and the list is whole."""

from __future__ import annotations

import json
import shutil

from compressor_core.runs import launch
from tests.faults import killed_search
from tests.faults.harness import Bench

FAULT = "200 runs in the list"
RUNS = 200


def make(bench: Bench, times: int) -> None:
    first = launch(bench.store, "search", {**killed_search.CONFIG, "generations": 20})
    bench.check_over(first)
    content = json.loads((first.folder / "config.json").read_text())
    for number in range(1, RUNS):
        another = (int(first.id[-4:], 16) + number) % 0x10000
        folder = first.folder.with_name(f"{first.id[:-4]}{another:04x}")
        shutil.copytree(first.folder, folder)
        changed = {**content, "name": f"run {number}", "created": content["created"] - number}
        (folder / "config.json").write_text(json.dumps(changed))
    bench.tally.check(len(bench.store.list()) == RUNS, "every run is listed", len(bench.store.list()))
    with bench.server() as server:
        for _ in range(times):
            bench.tally.times += 1
            for name in ("", "teacher", "search", "tradeoffs", "sweeps", "latency", "distill", "study", "compare"):
                bench.check_page(server, name)
            for name in ("playground", "export", "runs", "paper"):
                bench.check_page(server, name)
            bench.check_page(server, "search", f"run={bench.rng.choice(bench.store.list()).id}")
            run = launch(bench.store, "search", {**killed_search.CONFIG, "generations": 5})
            bench.check_over(run)
