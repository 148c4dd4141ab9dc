"""Torn and corrupt files of finished and interrupted runs: a sentence or what is left, never a traceback."""

from __future__ import annotations

import shutil
from pathlib import Path

from compressor_core.errors import CompressorError
from compressor_core.models.classifier import load
from compressor_core.runs import Run, RunStore, State, launch, resume
from tests.faults import killed_search
from tests.faults.damage import damage
from tests.faults.harness import Bench, Server, kill_worker, of_type, timeless, until
from tests.faults.killed_distillation import config_in
from tests.runs.lines import lines_of

FAULT = "torn and corrupt files"
PAGES = {"search": "search", "distill": "distill", "compare": "compare"}
FILES = ("events.jsonl", "status.json", "config.json")


def make(bench: Bench, times: int) -> None:
    runs = made(bench)
    whole = {run.id: lines_of(run)[0] for run in runs}
    sound = bench.store.root.parent / "sound"
    shutil.copytree(bench.store.root, sound)
    with bench.server() as server:
        for _ in range(times):
            run = bench.rng.choice(runs)
            what = damage(run.folder / bench.rng.choice(FILES), bench.rng)
            bench.tally.times += 1
            check_reading(bench, run, whole[run.id], what)
            check_pages(bench, server, run, what)
            restore(bench.store, sound)
        for _ in range(max(times // 3, 1)):
            bench.tally.times += 1
            check_resume(bench, runs[0])
            restore(bench.store, sound)
        model = next(run for run in runs if run.kind == "distill").folder / "model"
        for _ in range(times):
            bench.tally.times += 1
            check_model(bench, model)
            restore(bench.store, sound)
        for name in ("playground", "compare", "export"):
            bench.check_page(server, name)


def made(bench: Bench) -> list[Run]:
    """An interrupted search, a finished search, a student and its comparison."""
    config = config_in(bench.store.root.parent)
    stopped = launch(bench.store, "search", {**killed_search.CONFIG, "generations": 2000, "population": 30})
    until(lambda: len(of_type(stopped, "generation")) > 20)
    kill_worker(stopped)
    search = launch(bench.store, "search", {**killed_search.CONFIG, "generations": 20})
    student = launch(bench.store, "distill", config)
    data = {name: config[name] for name in ("teacher", "dataset", "data")}
    compared = launch(bench.store, "compare", {**data, "student": str(student.folder / "model"), "latency_examples": 2})
    for run in (search, student, compared):
        bench.check_over(run)
    return [stopped, search, student, compared]


def restore(store: RunStore, sound: Path) -> None:
    shutil.rmtree(store.root)
    shutil.copytree(sound, store.root)


def check_reading(bench: Bench, run: Run, whole: list[dict[str, object]], what: str) -> None:
    """Check the core: every other run is listed, and what is left of this one is what was recorded."""
    try:
        listed = {one.id for one in bench.store.list()}
        bench.tally.check(len(listed | {run.id}) == 4, "every other run is listed", (what, listed))
        state = bench.store.get(run.id).status().state
        bench.tally.check(state is not State.RUNNING, "no run hangs", (what, state))
        if not what.startswith("events.jsonl"):
            bench.tally.check(lines_of(run)[0] == whole, "no record is lost", what)
        elif what.endswith(("torn", "glued")):
            kept = lines_of(run)[0]
            bench.tally.check(kept[: len(whole)] == whole[: len(kept)], "what is left is what was recorded", what)
    except CompressorError as error:
        bench.tally.check("." in str(error), "a sentence", error)
    except Exception as error:
        bench.tally.check(False, "a sentence", f"{what}: {error!r}")


def check_pages(bench: Bench, server: Server, run: Run, what: str) -> None:
    for name, query in ((PAGES[run.kind], f"run={run.id}"), ("runs", f"run={run.id}")):
        page = server.visit(name, query)
        bench.tally.check(
            not page.exceptions, "the app answers", f"{what}: {name}?{query} {page.exceptions} {server.said()}"
        )


def check_resume(bench: Bench, run: Run) -> None:
    """Check that an interrupted search whose records were damaged goes on and has all generations in the end."""
    short = lines_of(bench.store.get(run.id))[0]
    what = damage(run.folder / "events.jsonl", bench.rng)
    kept = {timeless_key(record) for record in lines_of(run)[0]}
    bench.tally.check(len(short) >= 20, "it had been at work", len(short))
    resume(run)
    bench.check_over(run)
    numbers = {record["generation"] for record in of_type(run, "generation")}
    bench.tally.check(numbers == set(range(2001)), "every generation is there in the end", (what, len(numbers)))
    now = {timeless_key(record) for record in lines_of(run)[0]}
    bench.tally.check(kept <= now, "no record is lost", what)


def timeless_key(record: dict[str, object]) -> str:
    return repr(sorted(timeless(record).items(), key=str))


def check_model(bench: Bench, model: Path) -> None:
    """Check that a damaged model is refused in a sentence, or was not damaged in what is read."""
    path = model / bench.rng.choice(("model.safetensors", "model.safetensors", "compressor.json", "config.json"))
    what = damage(path, bench.rng)
    try:
        load(model)
        bench.tally.check(True, "a model is read or refused in a sentence")
    except CompressorError as error:
        bench.tally.check(str(model) in str(error), "a model is read or refused in a sentence", f"{what}: {error}")
    except Exception as error:
        bench.tally.check(False, "a model is read or refused in a sentence", f"{what}: {error!r}")
