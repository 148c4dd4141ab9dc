"""The faults, how often each is made in full and in the reduced form, and the table of what came out."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from compressor_core.runs import RunStore
from tests.faults import (
    class_attacked,
    class_of_thirty,
    clock_jumps,
    copied_run,
    corrupt_files,
    deleted_cache,
    deleted_run,
    edited_config,
    full_disk,
    full_temporary,
    hanging_worker,
    killed_distillation,
    killed_search,
    killed_server,
    large_student,
    links,
    many_runs,
    odd_root,
    read_only,
    stopped,
    twenty_sessions,
    twice_resumed,
    two_servers,
)
from tests.faults.harness import Bench, Skipped, Tally, stop_all


@dataclass(frozen=True)
class Fault:
    """`share` is its part of all kills, for those that kill; else `times` is how often it is made in full.

    One that takes long is not made in the reduced form.
    """

    title: str
    make: Callable[[Bench, int], None]
    reduced: int
    times: int = 1
    share: float | None = None


FAULTS = (
    Fault(killed_search.FAULT, killed_search.make, 3, share=0.4),
    Fault(killed_distillation.FAULT, killed_distillation.make, 2, share=0.4),
    Fault(killed_server.FAULT, killed_server.make, 1, share=0.2),
    Fault(full_disk.FAULT, full_disk.make, 1, times=5),
    Fault(full_disk.QUOTA, full_disk.make_with_quota, 1, times=4),
    Fault(read_only.FAULT, read_only.make, 1),
    Fault(clock_jumps.FAULT, clock_jumps.make, 1, times=4),
    Fault(corrupt_files.FAULT, corrupt_files.make, 4, times=60),
    Fault(deleted_run.FAULT, deleted_run.make, 2, times=6),
    Fault(twenty_sessions.FAULT, twenty_sessions.make, 2, times=20),
    Fault(class_of_thirty.FAULT, class_of_thirty.make, 3, times=class_of_thirty.WHOLE),
    Fault(class_attacked.FAULT, class_attacked.make, 0, times=class_attacked.WHOLE),
    Fault(many_runs.FAULT, many_runs.make, 1),
    Fault(two_servers.FAULT, two_servers.make, 1, times=2),
    Fault(twice_resumed.FAULT, twice_resumed.make, 1, times=3),
    Fault(edited_config.FAULT, edited_config.make, 1, times=3),
    Fault(copied_run.FAULT, copied_run.make, 0, times=3),
    Fault(links.FAULT, links.make, 1, times=3),
    Fault(deleted_cache.FAULT, deleted_cache.make, 0, times=5),
    Fault(stopped.FAULT, stopped.make, 0, times=3),
    Fault(full_temporary.FAULT, full_temporary.make, 0, times=2),
    Fault(odd_root.FAULT, odd_root.make, 0),
    Fault(large_student.FAULT, large_student.make, 0),
    Fault(hanging_worker.FAULT, hanging_worker.make, 1, times=3),
)


def run(fault: Fault, times: int, seed: int, folder: Path | None = None) -> Tally:
    """Make a fault so often, in a new folder, and count."""
    place = Path(tempfile.mkdtemp(prefix="fault-", dir=folder))
    bench = Bench(RunStore(place / "runs"), random.Random(f"{fault.title}/{seed}"), Tally(fault.title))
    started = time.monotonic()
    try:
        fault.make(bench, times)
    except Skipped as reason:
        bench.tally.skipped = str(reason)
    except Exception:  # the other faults are made all the same
        bench.tally.failures.append(f"broke off: {traceback.format_exc(limit=-4)}")
    finally:
        stop_all(bench.store)
        shutil.rmtree(place, ignore_errors=True)
    bench.tally.seconds = time.monotonic() - started
    return bench.tally


def lines(tallies: list[Tally]) -> list[str]:
    """A table: fault, times, seconds, failures; below each what was checked, and how often."""
    rows = [f"{'fault':<52}{'times':>6}{'checks':>8}{'failures':>10}{'seconds':>9}"]
    for tally in tallies:
        if tally.skipped is not None:
            rows.append(f"{tally.fault:<52}{'skipped: ' + tally.skipped}")
            continue
        checks = sum(tally.checks.values())
        rows.append(f"{tally.fault:<52}{tally.times:>6}{checks:>8}{len(tally.failures):>10}{tally.seconds:>9.0f}")
        rows += [f"    {what}: {count}" for what, count in tally.checks.items()]
        rows += [f"    FAILED {failure}" for failure in tally.failures]
    total = sum(sum(tally.checks.values()) for tally in tallies)
    kills = sum(tally.times for tally in tallies if tally.fault.startswith("kill"))
    failures = sum(len(tally.failures) for tally in tallies)
    rows.append(f"{kills} kills, {total} checks, {failures} failures")
    return rows
