"""The wall clock set by hours, forwards and back, under live runs, under the server, and between two launches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from unittest import mock

from compressor_core.files import write_text
from compressor_core.runs import Run, State, launch, resume
from tests.faults import killed_search
from tests.faults.clock import sitecustomize
from tests.faults.harness import Bench, Server, kill_worker, of_type, until
from tests.runs.lines import lines_of

FAULT = "the clock jumps by hours"
HOUR = 3600.0


def make(bench: Bench, times: int) -> None:
    with clock(bench.store.root.parent / "clock") as file, bench.server() as server:
        for _ in range(times):
            write_text(file, "0")
            one(bench, server, file)
            bench.tally.times += 3


@contextmanager
def clock(file: Path) -> Iterator[Path]:
    """A file that says by how many seconds the clock of this process, and of those it starts, was set."""
    hook = Path(sitecustomize.__file__).parent
    own = {"COMPRESSOR_TEST_CLOCK": str(file), "PYTHONPATH": f"{hook}:{os.environ.get('PYTHONPATH', '')}"}
    file.parent.mkdir(parents=True, exist_ok=True)
    with (
        mock.patch.dict(os.environ, own),
        mock.patch("time.time", lambda: sitecustomize._time() + sitecustomize.jump()),
    ):
        yield file


def one(bench: Bench, server: Server, file: Path) -> None:
    jumps = [bench.rng.uniform(1, 20) * HOUR * sign for sign in bench.rng.sample((-1, 1), 2)]
    config = {**killed_search.CONFIG, "generations": 600, "seed": bench.rng.randrange(1000)}
    run = launch(bench.store, "search", config)
    builder = None
    until(lambda: run.status().state is State.RUNNING and bool(lines_of(run)[0]))
    for jump in jumps:
        write_text(file, str(jump))
        seen = run.status()
        bench.tally.check(seen.state is not State.INTERRUPTED, "a live run stays live", (jump, seen))
        page = bench.check_page(server, "search", f"run={run.id}")
        bench.tally.check("interrupted" not in page.text, "the page shows no interruption", page.text)
        took = run.status().elapsed
        bench.tally.check(took is not None and took < HOUR, "the time at work is no jump", took)
        if builder is None:  # launched by a later clock, or by an earlier one, than the run that works
            builder = launch(bench.store, "search", {**config, "generations": 5})
            third = launch(bench.store, "search", {**config, "generations": 6})
    kill_worker(run)
    until(lambda: not run.status().live)
    write_text(file, str(jumps[0]))
    if run.status().state is not State.FINISHED:
        resume(run)
        bench.tally.check(run.status().state is not State.INTERRUPTED, "a resumed run is queued", run.status())
    bench.check_over(run)
    times = [record["time"] for record in lines_of(run)[0]]
    bench.tally.check(all(a <= b for a, b in pairwise(times)), "the times of records never go back", times)
    bench.tally.check(times[-1] < HOUR, "the times of records are no jumps", times[-1])
    numbers = [record["generation"] for record in of_type(run, "generation")]
    bench.tally.check(numbers == list(range(601)), "every generation is there, once", numbers)
    assert builder is not None
    for other in (builder, third):
        bench.check_over(other)
    ended = [ended_by(other) for other in (builder, third)]
    bench.tally.check(ended[0] < ended[1], "first in, first out", ended)


def ended_by(run: Run) -> float:
    """When the last word came, by the clock of the file system, which is not set here."""
    return (run.folder / "status.json").stat().st_mtime
