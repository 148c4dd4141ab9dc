"""What each kind of run does: generators of records, see `compressor_core.runs.worker.run_worker`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from compressor_core.runs.context import RunContext

Records = Iterator[dict[str, Any]]


def search(context: RunContext) -> Records:
    """A search as configured: the records of `search_records`, then the result of `search_summary`.

    A search is determined by its configuration and over in seconds, so a resumed one starts again and leaves
    out what is recorded already.
    """
    from compressor_core.search.genetic import SearchConfig, search_records, search_summary

    config = SearchConfig.from_dict(context.config)
    recorded = {_place(record) for record in context.run.events()[0]}
    latest: dict[str, dict[str, Any]] = {}
    stopped = False
    start = time.perf_counter()
    for record in search_records(config):
        latest[record["type"]] = record
        if _place(record) not in recorded:
            yield record
        if record["type"] == "generation":
            number = record["generation"]
            yield {
                "type": "progress",
                "fraction": number / config.generations,
                "message": f"Generation {number} of {config.generations}",
            }
            # Not before there is a generation: a result needs one.
            if number < config.generations and context.cancelled():
                stopped = True
                break
    summary = {**search_summary(latest.values()), "seconds": time.perf_counter() - start}
    yield {"type": "result", **summary, **({"cancelled": True} if stopped else {})}


def _place(record: dict[str, Any]) -> tuple[str, int | None]:
    """What tells a record of a search from the others of its run."""
    return record["type"], record.get("generation")


WORK: dict[str, Callable[[RunContext], Records]] = {
    "search": search,
}
"""The kinds of runs, by the name that a run's config.json gives."""
