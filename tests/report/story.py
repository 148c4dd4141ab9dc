"""A small real story for the tests of reports: every run is done by the program's own worker, in this process."""

from __future__ import annotations

import argparse
import ast
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compressor_core.runs import Run, RunStore, State
from compressor_core.runs.library import comparison_of, models_of
from compressor_core.runs.worker import run_worker

HOSTILE = "</script><script>alert('name')</script>"
HOSTILE_KIND = "<img src=x onerror=alert('kind')>"


@dataclass(frozen=True)
class Told:
    """A store with a story of four runs."""

    store: RunStore
    search: Run
    teacher: Run
    distill: Run
    compare: Run


def done(store: RunStore, kind: str, config: dict[str, Any], name: str | None = None) -> Run:
    """A run of the store that is finished."""
    run = store.create(kind, config, name)
    run_worker(run.folder)
    status = run.status()
    assert status.state is State.FINISHED, status.error
    return run


def functions() -> list[str]:
    """Functions of Python's own argument parser."""
    source = Path(argparse.__file__).read_text("utf-8")
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    return [ast.get_source_segment(source, node) or "" for node in nodes]


def tell(store: RunStore) -> Told:
    """A story on a file whose kinds, and whose last run's name, try to be markup; its label is whether it loops."""
    data = store.root.parent / "kinds & more.jsonl"
    rows = [{"func": code, "label": int("for " in code), "group": HOSTILE_KIND} for code in functions()]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    settings = {"dataset": "file", "data": str(data), "threads": 1}
    space = {"vocab_size": [1000], "hidden_size": [16, 32], "num_hidden_layers": [1], "num_attention_heads": [1, 2]}
    search = done(
        store,
        "search",
        {"budget_mb": 0.2, "population": 6, "generations": 5, "space": {**space, "intermediate_size": [32, 64]}},
    )
    teacher = done(
        store, "train-teacher", {**settings, "architecture": "400,16,1,2,16", "epochs": 1, "data_flow": False}
    )
    distill = done(
        store,
        "distill",
        {**settings, "teacher": str(teacher.folder / "model"), "search_run": search.id, "preset": "smoke"},
    )
    compare = done(store, "compare", {**comparison_of(store, models_of(distill)), "latency_examples": 5}, HOSTILE)
    return Told(store, search, teacher, distill, compare)
