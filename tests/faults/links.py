"""Symbolic links in the folder of runs: dangling, in a circle, to a file, to a folder; and a root that is one.

What must hold: no link is a run; pages answer; deleting and clearing remove links and follow none; a root that is a
link itself is as good as any other.
"""

from __future__ import annotations

import os
from pathlib import Path

from compressor_core.runs import RunStore, launch
from compressor_core.runs.uploads import FOLDER, clear
from tests.faults import killed_search
from tests.faults.harness import Bench

FAULT = "links in the folder of runs"
CONFIG = {**killed_search.CONFIG, "generations": 5}


def make(bench: Bench, times: int) -> None:
    elsewhere = bench.store.root.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious.csv").write_text("precious")
    bench.store.root.symlink_to(_made(bench.store.root.with_name("disk of runs")))
    run = launch(bench.store, "search", CONFIG)
    bench.check_over(run)
    for number in range(times):
        bench.tally.times += 1
        root = bench.store.root
        targets = (elsewhere, elsewhere / "precious.csv", root / "gone", root / _id(number, 3), root)
        for place, target in enumerate(targets):
            (root / _id(number, place)).symlink_to(target)
        uploads = _made(root / FOLDER)
        (uploads / f"rows{number}.csv").symlink_to(elsewhere / "precious.csv")
        (uploads / f"gone{number}.csv").symlink_to(root / "gone")
        for name, target in (("model", elsewhere), ("predictions", root / "gone"), ("student", run.folder)):
            (run.folder / name).symlink_to(target)
        listed = bench.store.list()
        bench.tally.check([one.id for one in listed] == [run.id], "no link is a run", listed)
        with bench.server() as server:
            for name in ("search", "runs", "export"):
                bench.check_page(server, name, f"run={run.id}")
            page = bench.check_page(server, "runs", f"run={_id(number, 0)}")
            bench.tally.check("may have been deleted" in page.text, "the page says that it is no run", page.text)
        clear(bench.store, older=0)
        bench.store.delete(run.id)
        kept = sorted(os.listdir(elsewhere)) == ["precious.csv"] and (elsewhere / "precious.csv").read_text()
        bench.tally.check(kept == "precious", "nothing elsewhere is touched", kept)
        run = launch(RunStore(root), "search", CONFIG)
        bench.check_over(run)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _id(number: int, place: int) -> str:
    return f"20240101-0000{number:02d}-search-abc{place:x}"
