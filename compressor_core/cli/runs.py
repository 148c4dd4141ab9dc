"""Verbs for the runs of the app and for this machine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from compressor_core.cli.options import run_store
from compressor_core.errors import RunError

Record = dict[str, Any]


def list_runs(options: argparse.Namespace) -> Record:
    store = run_store()
    return {"root": str(store.root), "runs": [_describe_run(run) for run in store.list()]}


def show_run(options: argparse.Namespace) -> Record:
    run = run_store().get(options.id)
    records, _ = run.records()
    return {**_describe_run(run), "folder": str(run.folder), "config": run.config, "records": len(records)}


def cancel_run(options: argparse.Namespace) -> Record:
    from compressor_core.runs import cancel

    run = run_store().get(options.id)
    if not run.status().live:
        raise RunError(f"Run {run.id} is {run.status().state}: there is nothing to cancel.")
    cancel(run)
    return {"id": run.id, "cancelled": True}


def delete_run(options: argparse.Namespace) -> Record:
    run_store().delete(options.id)
    return {"id": options.id, "deleted": True}


def doctor(options: argparse.Namespace) -> Record:
    from compressor_core.doctor import diagnosis

    return diagnosis()


def report(options: argparse.Namespace) -> Record:
    from compressor_core.report import write_report

    out: Path = options.out
    return {"files": [str(out)], "size_mb": write_report(run_store(), options.run, out) / 1e6}


def _describe_run(run: Any) -> Record:
    status = run.status()
    return {
        "id": run.id,
        "kind": run.kind,
        "name": run.name,
        "state": status.state.value,
        "created": run.created,
        "elapsed": status.elapsed,
        "progress": status.progress,
        "message": status.error or status.message,
        "result": status.result,
    }
